"""Which diagnosis gets which plan, and no other: the table over every named case of the diagnosis.

A plan is told by the kinds of its changes, in their order; a refusal by a fragment of what it says.
"""

import pytest

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import BY_DEFAULT, ChangeKind, NoPlan
from tests.cause_cases import CASES
from tests.cause_cases.model import CauseCase
from tests.facts import configured

EVERY_KIND = frozenset(each.value for each in ChangeKind)
ROLE, KEY, BUCKET = "role_policy", "key_policy", "bucket_policy"
CONFIGURATION, STATE = "replication_configuration", "key_state"
REPLAY = ""
"""The plan without changes."""

PLANS = {
    Cause.ROLE_POLICY_LACKS_ACTION: ROLE,
    Cause.KEY_POLICY_LACKS_ROLE: KEY,
    Cause.CONDITION_MISMATCH: KEY,
    Cause.BUCKET_POLICY_LACKS_ROLE: BUCKET,
    Cause.REPLICA_KEY_IS_ALIAS: CONFIGURATION,
    Cause.NOT_OPTED_IN: CONFIGURATION,
    Cause.SOURCE_KEY_UNUSABLE: STATE,
    Cause.DESTINATION_KEY_UNUSABLE: STATE,
    Cause.MENDED: REPLAY,
    Cause.GRANT_PENDING: REPLAY,
    Cause.REPLICA_MISSING: REPLAY,
    Cause.ANNOTATION_GONE: REPLAY,
    Cause.OBJECT_GONE: REPLAY,
    Cause.ALREADY_REPLICATED: REPLAY,
}
"""The plan for a cause, with every kind allowed, unless the case is named below."""

BOTH_SIDES = {"kms": f"{ROLE} {KEY}", "s3": f"{ROLE} {BUCKET}"}
"""The plan where both sides lack the role, by the service that is called."""


def answer(case: CauseCase, kinds: frozenset[str]) -> str:
    """The kinds of the plan's changes, or the words of the refusal."""
    facts = configured(case.facts)
    reason = FailureReason.parse(case.reason) if case.reason else None
    plan = plan_for(diagnose(facts, reason), facts, kinds)
    if isinstance(plan, NoPlan):
        return f"no: {plan.reason}"
    return " ".join(each.kind for each in plan.changes)


LEFT = "no: {}: this is left to you"
HOLDS = LEFT.format("s3:PutObjectRetention, s3:PutObjectLegalHold")
ANNOTATIONS = LEFT.format("s3:GetObjectVersionAnnotationForReplication")
ANOTHER_ACCOUNT = "is not of 222222222222, the bucket's account"
SILENT = "no: kms:Encrypt is not known to be allowed, which has to come first"
STATES = {
    "PendingDeletion": f"{STATE} {STATE}",
    "PendingReplicaDeletion": "no: Cancel the deletion of",
    "PendingImport": "no: Import the key material of",
    "Creating": "no: Wait until",
    "Updating": "no: Wait until",
    "Unavailable": "no: Connect the custom key store of",
    "Haunted": "no: Look at",
}
IN_DESTINATION, IN_HOME, BARE = (
    "an alias in full, in the destination's account",
    "an alias in full, in the role's account",
    "an alias bare, across accounts",
)
OTHERWISE = {
    "'DstPutLegalHoldNotPermitted', and the set-up is well": HOLDS,
    "'DstPutRetentionNotPermitted', and the set-up is well": HOLDS,
    "'SrcGetLegalHoldNotPermitted', and the set-up is well": HOLDS,
    "'SrcGetRetentionNotPermitted', and the set-up is well": HOLDS,
    "'DstPutObjectAnnotationNotPermitted', and the set-up is well": ANNOTATIONS,
    "'SrcGetObjectAnnotationNotPermitted', and the set-up is well": ANNOTATIONS,
    "a retention may not be put": LEFT.format("s3:PutObjectRetention"),
    "a legal hold may not be put": LEFT.format("s3:PutObjectLegalHold"),
    "the code that names tags comes before a key that refuses as well": f"{ROLE} {KEY}",
    "of two faults the permission that the code names, though a key is disabled": f"{ROLE} {KEY}",
    "a code that names s3:ReplicateObject alone comes before the key": f"{KEY} {BUCKET}",
    "the role's own statement names S3 of another Region": ROLE,
    "the key's condition is not met, and the role lacks the action": f"{ROLE} {KEY}",
    "the bucket policy admits the role from a VPC only": BUCKET,
    "an organisation, which is not blamed where the role lacks the action in any case": (
        "no: kms:Encrypt would not be allowed for certain"
    ),
    **{f"the replica key is {state}": said for state, said in STATES.items()},
    **{f"the source key is {state}": said for state, said in STATES.items()},
    "the replica key is disabled, and S3 speaks of a permission": SILENT,
    "both keys are disabled, and the code speaks of the source": SILENT,
    "both keys are disabled, and the code speaks of the destination": SILENT,
    "an alias of a key that is disabled": SILENT,
    "the role is well, which S3 could not assume, and a key is disabled": SILENT,
    f"{IN_HOME}, and the key behind it is well": ANOTHER_ACCOUNT,
    f"{BARE}, and the key behind it is well": ANOTHER_ACCOUNT,
    f"{IN_DESTINATION}, and the key behind it lacks the role": SILENT,
    f"{IN_HOME}, and the key behind it lacks the role": ANOTHER_ACCOUNT,
    f"{BARE}, and the key behind it lacks the role": ANOTHER_ACCOUNT,
    f"{IN_DESTINATION} that names no key": "alias/orders names no key",
    f"{IN_HOME} that names no key": "alias/orders names no key",
    f"{BARE} that names no key": "alias/orders names no key",
    "an alias that cannot be looked up": "could not be read",
    "the rule selects objects under KMS, and names no key for replicas": "the rule does not say",
    "the bucket policy cannot be read, and the key refuses for certain": "not every policy could",
    "the source key's policy cannot be read, and the replica key refuses for certain": (
        "not every policy could"
    ),
}
"""The cases whose plan is another than their cause's, or that get none."""


def with_every_kind(case: CauseCase) -> str:
    """The plan, or a fragment of the refusal, that the case is to get with every kind allowed."""
    if case.name in OTHERWISE:
        return OTHERWISE[case.name]
    if case.cause is Cause.BOTH_SIDES_LACK_ROLE:
        return BOTH_SIDES[str(case.action).partition(":")[0]]
    return PLANS.get(case.cause, "no: ")


def with_the_usual_kinds(case: CauseCase) -> str:
    """The same, but that permissions of S3, rules and states are a person's."""
    base = PLANS.get(case.cause)
    is_of_s3 = base != REPLAY and str(case.action).startswith("s3:")
    is_opt_in = base in {BUCKET, CONFIGURATION, STATE}
    return "no: " if is_of_s3 or is_opt_in else with_every_kind(case)


def fits(answer: str, wanted: str) -> bool:
    """Whether the answer is the plan wanted, or a refusal that says as much."""
    return wanted in answer if answer.startswith("no: ") and wanted else answer == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_has_the_expected_plan_and_no_other(case: CauseCase) -> None:
    found = answer(case, EVERY_KIND)

    assert fits(found, with_every_kind(case)), found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_unless_a_stack_says_so_only_policies_of_keys_and_roles_are_planned(
    case: CauseCase,
) -> None:
    found = answer(case, BY_DEFAULT)

    assert fits(found, with_the_usual_kinds(case)), found


def test_every_case_that_is_named_exists() -> None:
    assert set(OTHERWISE) <= {case.name for case in CASES}
