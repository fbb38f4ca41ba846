"""What an event alone says: a cause only where AWS's own words leave no other, else what to read.

No failure code says "KMS denied you", and a text that names a policy's kind does not say whether
the policy is silent or only its condition was not met (aws-facts 2, 4.2): both stay undetermined.
"""

from collections.abc import Mapping

from replimend.domain.denials import Denial, DenialEffect, DenialLayer
from replimend.domain.diagnosis.causes import (
    Cause,
    Confidence,
    Diagnosis,
    Evidence,
    Source,
)
from replimend.domain.diagnosis.next_steps import next_step
from replimend.domain.failure_reasons import FailureReason, ReasonClass, ReasonCode, ReasonSide

CAUSES: Mapping[ReasonCode, Cause] = {
    ReasonCode.ANNOTATION_LIMIT_EXCEEDED: Cause.TOO_MANY_ANNOTATIONS,
    ReasonCode.ASSUME_ROLE_NOT_PERMITTED: Cause.ROLE_NOT_ASSUMABLE,
    ReasonCode.DST_BUCKET_NOT_FOUND: Cause.DESTINATION_BUCKET_MISSING,
    ReasonCode.DST_BUCKET_OBJECT_LOCK_CONFIG_MISSING: Cause.DESTINATION_LACKS_OBJECT_LOCK,
    ReasonCode.DST_BUCKET_UNVERSIONED: Cause.DESTINATION_UNVERSIONED,
    ReasonCode.DST_KMS_KEY_INVALID_STATE: Cause.DESTINATION_KEY_UNUSABLE,
    ReasonCode.DST_KMS_KEY_NOT_FOUND: Cause.DESTINATION_KEY_MISSING,
    ReasonCode.DST_OBJECT_HARD_DELETED: Cause.REPLICA_HARD_DELETED,
    ReasonCode.DST_VERSION_NOT_FOUND: Cause.REPLICA_MISSING,
    ReasonCode.SRC_ANNOTATION_ENCRYPTION_UNSUPPORTED: Cause.ANNOTATION_ENCRYPTION_UNSUPPORTED,
    ReasonCode.SRC_ANNOTATION_NOT_FOUND: Cause.ANNOTATION_GONE,
    ReasonCode.SRC_BUCKET_NOT_FOUND: Cause.SOURCE_BUCKET_MISSING,
    ReasonCode.SRC_BUCKET_REPLICATION_CONFIG_MISSING: Cause.REPLICATION_CONFIGURATION_MISSING,
    ReasonCode.SRC_KEY_NOT_FOUND: Cause.OBJECT_GONE,
    ReasonCode.SRC_KMS_KEY_INVALID_STATE: Cause.SOURCE_KEY_UNUSABLE,
    ReasonCode.SRC_OBJECT_NOT_ELIGIBLE: Cause.OBJECT_NOT_ELIGIBLE,
    ReasonCode.SRC_OBJECT_NOT_FOUND: Cause.OBJECT_GONE,
    ReasonCode.SRC_REPLICATION_NOT_PENDING: Cause.ALREADY_REPLICATED,
    ReasonCode.SRC_VERSION_NOT_FOUND: Cause.OBJECT_GONE,
}
"""The codes that name their cause; of the rest, those of our own batch job do as well."""

ROLE = "the role's policies (iam:GetRolePolicy and the attached ones)"
SOURCE_KEY = "the policy and grants of the object's key (kms:GetKeyPolicy, kms:ListGrants)"
REPLICA_KEY = "the policy and grants of the rule's replica key (kms:GetKeyPolicy, kms:ListGrants)"
SOURCE_BUCKET = "the source bucket's policy (s3:GetBucketPolicy)"
DESTINATION_BUCKET = "the destination bucket's policy (s3:GetBucketPolicy)"

READS: Mapping[tuple[ReasonClass, ReasonSide], tuple[str, ...]] = {
    (ReasonClass.AMBIGUOUS, ReasonSide.SOURCE): (ROLE, SOURCE_BUCKET, SOURCE_KEY),
    (ReasonClass.AMBIGUOUS, ReasonSide.DESTINATION): (ROLE, DESTINATION_BUCKET, REPLICA_KEY),
    (ReasonClass.PERMISSION, ReasonSide.SOURCE): (ROLE, SOURCE_BUCKET),
    (ReasonClass.PERMISSION, ReasonSide.DESTINATION): (ROLE, DESTINATION_BUCKET),
}
"""What would settle a code that does not name its cause."""

SAME_TEXT: Mapping[tuple[DenialLayer, DenialEffect], str] = {
    (DenialLayer.IDENTITY, DenialEffect.IMPLICIT): f"Read {ROLE}: either none allows the call, or "
    "one does but for a condition; the text is the same.",
    (DenialLayer.RESOURCE, DenialEffect.IMPLICIT): "Read the key's policy and grants "
    "(kms:GetKeyPolicy, kms:ListGrants): they do not admit the role, or only under a condition "
    "that the call does not meet, or by the id of a role that was deleted; the text is the same.",
    (DenialLayer.RESOURCE, DenialEffect.AMBIGUOUS): "Read the key in its own account "
    "(kms:DescribeKey, kms:GetKeyPolicy, kms:ListGrants): it does not exist in this Region, or "
    "does not admit the role, or denies it; the text is the same for all three.",
}
"""What to read where one text stands for several causes."""

ANY_LAYER = (
    f"Read {ROLE}, and the key's policy and grants (kms:GetKeyPolicy, kms:ListGrants): the text "
    "does not say which policy refused."
)
OTHERS = frozenset({DenialLayer.SCP, DenialLayer.RCP, DenialLayer.VPC_ENDPOINT})


def reported_failure(reason: FailureReason) -> Diagnosis:
    """What S3's code says by itself."""
    cause = _cause_of_code(reason)
    evidence = Evidence(source=Source.EVENT, says=f"S3 reported {reason.code}: {reason.meaning}")
    if cause is not None:
        return Diagnosis(
            cause=cause,
            confidence=Confidence.REPORTED,
            next=next_step(cause),
            evidence=(evidence,),
        )
    return Diagnosis(
        cause=Cause.UNDETERMINED,
        confidence=Confidence.UNDETERMINED,
        next=_reads(reason),
        evidence=(evidence,),
    )


def reported_denial(denial: Denial, message: str) -> Diagnosis:
    """What the text of a denial says by itself."""
    cause = _cause_of_denial(denial)
    undetermined = SAME_TEXT.get((denial.layer, denial.effect), ANY_LAYER)
    return Diagnosis(
        cause=cause or Cause.UNDETERMINED,
        confidence=Confidence.REPORTED if cause else Confidence.UNDETERMINED,
        next=_step(cause, denial) if cause else undetermined,
        subject=denial.policy_arn,
        layer=denial.layer.value,
        effect=denial.effect.value,
        evidence=(Evidence(source=Source.DENIAL, says=message or "the record has no text"),),
    )


def _cause_of_code(reason: FailureReason) -> Cause | None:
    if reason.reason_class is ReasonClass.OUR_SETUP:
        return Cause.OWN_SET_UP
    return CAUSES.get(reason.documented) if reason.documented else None


def _reads(reason: FailureReason) -> str:
    if reason.documented is None:
        return f"Look {reason.code} up in the S3 User Guide, which did not list it."
    *first, last = READS[reason.reason_class, reason.side]
    return f"Read {', '.join(first)} and {last}; replimend snapshot does, for --setup."


def _step(cause: Cause, denial: Denial) -> str:
    """The next step, with the policy where the text names it and the action where it names that."""
    told = {"action": denial.action, "policy": denial.policy_arn, "denier": denial.policy_arn}
    return next_step(cause, **{name: value for name, value in told.items() if value})


def _cause_of_denial(denial: Denial) -> Cause | None:
    if denial.layer in OTHERS:
        return Cause.ORGANISATION_POLICY
    if denial.layer is DenialLayer.TRUST:
        return Cause.ROLE_NOT_ASSUMABLE
    if denial.effect is DenialEffect.EXPLICIT:
        return Cause.EXPLICIT_DENY
    return Cause.PERMISSIONS_BOUNDARY if denial.layer is DenialLayer.BOUNDARY else None
