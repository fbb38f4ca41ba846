"""The calls that S3 makes for one version, each with what the policies say of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment, assess
from replimend.domain.diagnosis.agreement import is_of_call
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
from replimend.domain.failure_reasons import FailureReason, ReasonCode
from replimend.domain.requirements import Needed, Pair, Requirement, requirements


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


def concerns(assessment: Assessment, reason: FailureReason | None) -> bool:
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
