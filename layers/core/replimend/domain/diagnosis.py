"""Find the one cause behind a replication failure: the first explanation that holds decides.

The event alone never decides (no failure code says "KMS denied you"): the code, the live set-up and
any CloudTrail denial are joined here, in the order of aws-facts 9. What could not be read ends in
`undetermined`, and says which read would settle it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from replimend.domain import configuration_causes as configuration
from replimend.domain import key_causes as keys
from replimend.domain import resource_causes as resources
from replimend.domain.alternatives import alternatives
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment, assess, is_of_call
from replimend.domain.cases import Case, Explanation, undetermined
from replimend.domain.causes import Cause, Confidence, Diagnosis, Evidence, Source
from replimend.domain.denials import DenialLayer
from replimend.domain.facts import (
    Absent,
    Bucket,
    Encryption,
    Facts,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
    Role,
)
from replimend.domain.failure_reasons import FailureReason, ReasonClass, ReasonCode
from replimend.domain.next_steps import next_step
from replimend.domain.refusals import ASIDE, NAMED, ON_ITS_SIDE, explain_refusal, nearness
from replimend.domain.reported import CAUSES
from replimend.domain.requirements import Needed, Pair, Requirement, Side, requirements
from replimend.domain.settled_causes import annotations, settled
from replimend.domain.unread import settling_reads, unread_facts, unread_layers

OUT_OF_SIGHT = frozenset({DenialLayer.SCP, DenialLayer.RCP, DenialLayer.VPC_ENDPOINT})
"""The layers whose policies belong to others: only the text of a denial tells of them."""


def diagnose(facts: Facts, reason: FailureReason | None) -> Diagnosis:
    """The one cause of a failure of this object version, with evidence; never a guess.

    Without a reason, as when a person asks about an object, the live set-up alone is looked at.
    """
    calls = assessments_of(facts, reason)
    concerned = tuple(each for each in calls if _concerns(each, reason))
    case = Case(facts=facts, reason=reason, assessments=concerned)
    found = (explanation(case) for explanation in EXPLANATIONS)
    diagnosis = next((each for each in found if each is not None), None) or _unexplained(case)
    if not diagnosis.ruled_out:
        ruled_out = tuple(alternatives(diagnosis.cause, concerned, facts))
        diagnosis = replace(diagnosis, ruled_out=ruled_out)
    return diagnosis


def _unexplained(case: Case) -> Diagnosis:
    return undetermined(
        "nothing that could be read explains the failure",
        "Read the next denial of the role in CloudTrail (cloudtrail:LookupEvents): every call that "
        f"S3 makes for {case.facts.source_bucket} is allowed by what could be read.",
    )


def _concerns(assessment: Assessment, reason: FailureReason | None) -> bool:
    """Whether S3 makes the call for what failed, as far as the code tells.

    Delete markers need their own calls and no others; what only a later change of a replica needs
    counts where the code names it.
    """
    requirement = assessment.requirement
    code = reason.documented if reason else None
    if code is ReasonCode.DST_DEL_OBJ_NOT_PERMITTED:
        is_of_bucket = requirement.action == "s3:GetReplicationConfiguration"
        return requirement.needed is Needed.DELETES or is_of_bucket
    if requirement.needed is Needed.REPLICA_MODIFICATIONS:
        return reason is not None and requirement.action in reason.actions
    return requirement.needed is not Needed.DELETES


def assessments_of(facts: Facts, reason: FailureReason | None = None) -> tuple[Assessment, ...]:
    """Every call that S3 makes, with its decision; none where too little is known to name them.

    A denial shows a call that S3 may make without its being documented (aws-facts 10, question 3).
    """
    pair = _pair_of(facts, reason)
    if pair is None or not isinstance(facts.role, Role):
        return ()
    known = assess(requirements(pair), facts, facts.role)
    return (*known, *assess(_shown_by_denials(known, facts), facts, facts.role))


SHOWN: dict[ReasonCode, Needed] = {
    ReasonCode.DST_DEL_OBJ_NOT_PERMITTED: Needed.DELETES,
    ReasonCode.DST_PUT_LEGAL_HOLD_NOT_PERMITTED: Needed.OBJECT_LOCK,
    ReasonCode.DST_PUT_OBJECT_ANNOTATION_NOT_PERMITTED: Needed.ANNOTATIONS,
    ReasonCode.DST_PUT_RETENTION_NOT_PERMITTED: Needed.OBJECT_LOCK,
    ReasonCode.DST_PUT_TAGGING_NOT_PERMITTED: Needed.TAGS,
    ReasonCode.SRC_GET_LEGAL_HOLD_NOT_PERMITTED: Needed.OBJECT_LOCK,
    ReasonCode.SRC_GET_OBJECT_ANNOTATION_NOT_PERMITTED: Needed.ANNOTATIONS,
    ReasonCode.SRC_GET_RETENTION_NOT_PERMITTED: Needed.OBJECT_LOCK,
    ReasonCode.SRC_GET_TAGGING_NOT_PERMITTED: Needed.TAGS,
}
"""What a code shows the version to have had, whatever HeadObject says of it now."""


def _pair_of(facts: Facts, reason: FailureReason | None) -> Pair | None:
    code = reason.documented if reason else None
    match facts.setup, facts.rule, _version_of(facts, code), facts.source, facts.destination:
        case (
            ReplicationSetup() as setup,
            ReplicationRule() as rule,
            ObjectVersion() as version,
            Bucket() as source,
            Bucket() as destination,
        ):
            return Pair(
                partition=Arn.parse(setup.role_arn).partition,
                rule=rule,
                object=version,
                source=source,
                destination=destination,
                source_key=facts.source_key,
                destination_key=facts.destination_key,
                shown=frozenset({SHOWN[code]}) if code in SHOWN else frozenset(),
            )
        case _:
            return None


def _version_of(facts: Facts, code: ReasonCode | None) -> object:
    """The version, or a stand-in for a delete marker, which HeadObject does not show."""
    is_marker = code is ReasonCode.DST_DEL_OBJ_NOT_PERMITTED and isinstance(facts.object, Absent)
    if not is_marker or facts.rule is None:
        return facts.object
    return ObjectVersion(
        bucket=facts.source_bucket,
        key=f"{facts.rule.prefix}*",
        version_id="null",
        size=0,
        etag="",
        last_modified=datetime.fromtimestamp(0, tz=UTC),
        encryption=Encryption.SSE_S3,
    )


DATA_KEY = "kms:GenerateDataKey"


def _shown_by_denials(known: tuple[Assessment, ...], facts: Facts) -> Iterator[Requirement]:
    """`kms:GenerateDataKey` for a replica, where a denial is the evidence that S3 calls it."""
    if any(each.requirement.action == DATA_KEY for each in known):
        return
    encrypt = (each.requirement for each in known if each.requirement.action == "kms:Encrypt")
    for each in encrypt:
        requirement = replace(each, action=DATA_KEY)
        if any(is_of_call(denial, requirement) for denial in facts.denials):
            yield requirement


def _first_in_sight(case: Case) -> Diagnosis | None:
    """Of what is wrong for certain, that which the code is nearest to; a state before a refusal.

    The code only orders: a state or a refusal that is certain is a cause whatever S3 reported.
    """
    found = [each for each in (look(case) for look in CERTAIN) if each is not None]
    return min(found, key=lambda each: _distance(each, case)) if found else None


def _distance(diagnosis: Diagnosis, case: Case) -> int:
    code, reason = case.code, case.reason
    if code is None or reason is None:
        return ON_ITS_SIDE
    named = CAUSES.get(code)
    if diagnosis.cause is named or diagnosis.cause in KIN.get(code, ()):
        return NAMED
    if diagnosis.cause is Cause.UNDETERMINED:
        return NAMED  # it is of what the code names, and could not be read
    if diagnosis.requirement is None:
        sides = {None, reason.side.value}
        return ON_ITS_SIDE if _side_of(diagnosis.cause) in sides else ASIDE
    nearest, _ = nearness(diagnosis.requirement, reason)
    is_exact = nearest == NAMED and reason.reason_class is ReasonClass.PERMISSION
    return NAMED if is_exact else max(nearest, ON_ITS_SIDE)


KIN: dict[ReasonCode, frozenset[Cause]] = {
    ReasonCode.ASSUME_ROLE_NOT_PERMITTED: frozenset({Cause.ROLE_MISSING}),
    ReasonCode.DST_KMS_KEY_INVALID_STATE: frozenset(
        {Cause.DESTINATION_KEY_OF_WRONG_KIND, Cause.REPLICA_KEY_IS_ALIAS}
    ),
    ReasonCode.DST_KMS_KEY_NOT_FOUND: frozenset(
        {
            Cause.KEY_IN_WRONG_REGION,
            Cause.REPLICA_KEY_IS_ALIAS,
            Cause.DESTINATION_KEY_OF_WRONG_KIND,
            Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS,
        }
    ),
}
"""Causes that S3 may report by a code which names another first."""


def _side_of(cause: Cause) -> str | None:
    if cause in {Cause.ROLE_MISSING, Cause.ROLE_NOT_ASSUMABLE, Cause.ORGANISATION_POLICY}:
        return None
    is_source = cause in {Cause.SOURCE_KEY_UNUSABLE, Cause.SOURCE_KEY_MISSING}
    return (Side.SOURCE if is_source else Side.DESTINATION).value


def _layer_we_cannot_read(case: Case) -> Diagnosis | None:
    """A layer whose policies are others', as the newest denial of some call names it."""
    for each in case.assessments:
        of_call = [it for it in case.facts.denials if is_of_call(it, each.requirement)]
        if not of_call or of_call[-1].denial.layer not in OUT_OF_SIGHT:
            continue
        denial = of_call[-1]
        arn = denial.denial.policy_arn
        layer = denial.denial.layer
        return Diagnosis(
            cause=Cause.ORGANISATION_POLICY,
            confidence=Confidence.REPORTED,
            next=next_step(
                Cause.ORGANISATION_POLICY, policy=arn or f"the {layer.value} policies in force"
            ),
            subject=arn,
            requirement=each.requirement,
            layer=layer.value,
            effect=denial.denial.effect.value,
            evidence=(Evidence(source=Source.DENIAL, says=denial.message),),
        )
    return None


def _refusal(case: Case) -> Diagnosis | None:
    """A refused call, unless one that the code is nearer to could not be decided."""
    diagnosis = explain_refusal(case.assessments, case.facts, case.reason)
    if diagnosis is None or diagnosis.requirement is None:
        return None
    unknown = (each.requirement for each in case.assessments if each.is_unknown)
    is_aside = nearness(diagnosis.requirement, case.reason)[0] == ASIDE
    is_open = any(nearness(each, case.reason)[0] != ASIDE for each in unknown)
    return None if is_aside and is_open else diagnosis


def _unreadable(case: Case) -> Diagnosis | None:
    unknown = [each for each in case.assessments if each.is_unknown]
    because = (*unread_facts(case.facts), *unread_layers(unknown))
    if not because:
        return None
    return undetermined("; ".join(because), settling_reads(case.facts, unknown))


CERTAIN: tuple[Explanation, ...] = (
    resources.role,
    resources.destination_bucket,
    keys.source_key,
    keys.destination_key,
    _layer_we_cannot_read,
    _refusal,
)
"""What can be seen to stand in the way; several may at once."""

EXPLANATIONS: tuple[Explanation, ...] = (
    configuration.own_set_up,
    configuration.source_bucket,
    configuration.replication_configuration,
    configuration.rule,
    configuration.hard_deletion,
    configuration.object_version,
    configuration.selection,
    configuration.opt_in,
    _first_in_sight,
    keys.alias,
    annotations,
    _unreadable,
    settled,
)
"""Considered in this order; the first that explains the failure is the diagnosis."""
