"""What holds for every diagnosis, whatever was read: no crash, and no cause without its facts."""

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from replimend.domain.diagnosis.causes import Cause, Confidence
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.diagnosis.settled_causes import OF_THE_EVENT
from replimend.domain.facts import Absent, Facts, ObjectVersion
from replimend.domain.failure_reasons import OLDER_SPELLINGS, FailureReason, ReasonCode
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import NoPlan, Plan
from tests.cause_cases import CASES
from tests.cause_cases.model import UNREAD
from tests.facts import healthy_facts

PARTS = (
    "setup",
    "object",
    "source",
    "destination",
    "role",
    "source_key",
    "destination_key",
    "denials",
)
READ = PARTS[:-1]
TOLD_BY_THE_CODE = {Cause.OWN_SET_UP, Cause.REPLICA_HARD_DELETED, *OF_THE_EVENT.values()}
"""Causes for which the code itself is the deciding fact."""

codes = st.sampled_from([*ReasonCode, *OLDER_SPELLINGS, "DstVersionNotFound ", "New", None])
reasons = codes.map(lambda code: None if code is None else FailureReason.parse(str(code)))


@st.composite
def mixed_facts(draw: st.DrawFn) -> Facts:
    """Facts put together from the cases of the table, some of them absent or not read."""
    facts = healthy_facts()
    for part in PARTS:
        one_of_the_table: Any = getattr(draw(st.sampled_from(CASES)).facts, part)
        kept: Any = getattr(facts, part)
        choices = [kept, one_of_the_table]
        if part in READ:
            choices += [UNREAD, Absent(what=f"the {part}")]
        facts = replace(facts, **{part: draw(st.sampled_from(choices))})
    return facts


@given(facts=mixed_facts(), reason=reasons)
@settings(max_examples=600, deadline=None)
def test_any_facts_have_one_diagnosis_with_evidence_and_a_next_step(
    facts: Facts, reason: FailureReason | None
) -> None:
    diagnosis = diagnose(facts, reason)

    assert diagnosis.evidence
    assert diagnosis.next
    assert (diagnosis.cause is Cause.UNDETERMINED) is (
        diagnosis.confidence is Confidence.UNDETERMINED
    )
    assert isinstance(plan_for(diagnosis, facts), Plan | NoPlan)


@given(case=st.sampled_from(CASES), reason=reasons, part=st.sampled_from(READ))
@settings(max_examples=600, deadline=None)
def test_what_was_not_read_is_never_taken_for_well(
    case: Any, reason: FailureReason | None, part: str
) -> None:
    version = case.facts.object
    is_under_kms = isinstance(version, ObjectVersion) and version.encryption.needs_replica_key
    assume(is_under_kms or not part.endswith("_key"))
    facts = replace(case.facts, **{part: UNREAD})

    diagnosis = diagnose(facts, reason)

    assert diagnosis.cause not in {Cause.MENDED, Cause.REPLICA_MISSING, Cause.REPLICATION_PENDING}


@given(facts=mixed_facts(), reason=reasons, part=st.sampled_from(["setup", "object"]))
@settings(max_examples=600, deadline=None)
def test_without_the_configuration_or_the_version_only_what_is_gone_is_named(
    facts: Facts, reason: FailureReason | None, part: str
) -> None:
    diagnosis = diagnose(replace(facts, **{part: UNREAD}), reason)  # type: ignore[arg-type]  # one part

    before_the_version = {
        Cause.SOURCE_BUCKET_MISSING,
        Cause.REPLICATION_CONFIGURATION_MISSING,
        Cause.RULE_MISSING,
        Cause.RULE_DISABLED,
        Cause.RULE_CHANGED,
    }
    assert diagnosis.cause in {Cause.UNDETERMINED, *TOLD_BY_THE_CODE, *before_the_version}
