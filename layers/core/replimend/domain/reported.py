"""What an event alone says: a cause only where AWS's own words leave no other, else what to read.

No failure code says "KMS denied you", and a text that names a policy's kind does not say whether
the policy is silent or only its condition was not met (aws-facts 2, 4.2): both stay undetermined.
"""

from collections.abc import Mapping

from replimend.domain.causes import Cause, Confidence, Diagnosis, Evidence, Source
from replimend.domain.denials import Denial, DenialEffect, DenialLayer
from replimend.domain.failure_reasons import FailureReason, ReasonClass, ReasonCode, ReasonSide

CAUSES: Mapping[ReasonCode, Cause] = {
    ReasonCode.ASSUME_ROLE_NOT_PERMITTED: Cause.ROLE_NOT_ASSUMABLE,
    ReasonCode.DST_BUCKET_NOT_FOUND: Cause.DESTINATION_BUCKET_MISSING,
    ReasonCode.DST_BUCKET_OBJECT_LOCK_CONFIG_MISSING: Cause.DESTINATION_LACKS_OBJECT_LOCK,
    ReasonCode.DST_BUCKET_UNVERSIONED: Cause.DESTINATION_UNVERSIONED,
    ReasonCode.DST_KMS_KEY_INVALID_STATE: Cause.DESTINATION_KEY_UNUSABLE,
    ReasonCode.DST_KMS_KEY_NOT_FOUND: Cause.DESTINATION_KEY_MISSING,
    ReasonCode.SRC_BUCKET_REPLICATION_CONFIG_MISSING: Cause.REPLICATION_CONFIGURATION_MISSING,
    ReasonCode.SRC_KEY_NOT_FOUND: Cause.OBJECT_GONE,
    ReasonCode.SRC_KMS_KEY_INVALID_STATE: Cause.SOURCE_KEY_UNUSABLE,
    ReasonCode.SRC_OBJECT_NOT_FOUND: Cause.OBJECT_GONE,
    ReasonCode.SRC_REPLICATION_NOT_PENDING: Cause.ALREADY_REPLICATED,
    ReasonCode.SRC_VERSION_NOT_FOUND: Cause.OBJECT_GONE,
}
"""The codes that name their cause; of the rest, those of our own batch job do as well."""

NEXT_STEPS: Mapping[Cause, str] = {
    Cause.ROLE_NOT_ASSUMABLE: "Read the role (iam:GetRole): it must exist, and its trust policy "
    "let s3.amazonaws.com assume it.",
    Cause.DESTINATION_BUCKET_MISSING: "Create the destination bucket again, versioned, or point "
    "the rule at another.",
    Cause.DESTINATION_LACKS_OBJECT_LOCK: "Enable Object Lock on the destination bucket.",
    Cause.DESTINATION_UNVERSIONED: "Enable versioning on the destination bucket.",
    Cause.DESTINATION_KEY_UNUSABLE: "Read the state of the rule's replica key (kms:DescribeKey), "
    "and decide whether the key should be usable.",
    Cause.DESTINATION_KEY_MISSING: "Name an existing key of the destination's Region, by its full "
    "ARN, in the rule's ReplicaKmsKeyID.",
    Cause.REPLICATION_CONFIGURATION_MISSING: "Put the replication configuration back, or let the "
    "objects stay where they are.",
    Cause.OBJECT_GONE: "Nothing: a version that was deleted cannot be replicated.",
    Cause.SOURCE_KEY_UNUSABLE: "Read the state of the object's key (kms:DescribeKey), and decide "
    "whether the key should be usable.",
    Cause.ALREADY_REPLICATED: "Nothing: the version has been replicated.",
    Cause.OWN_SET_UP: "Check the batch job's role and Region: the re-copy itself was refused.",
    Cause.EXPLICIT_DENY: "Ask the owner of the policy that denies; no allow elsewhere lifts it.",
    Cause.PERMISSIONS_BOUNDARY: "Ask the owner of the role's permissions boundary to let it do "
    "that.",
    Cause.ORGANISATION_POLICY: "Show the owner of that policy the text of the denial: no change "
    "to keys or roles lifts it.",
}

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

WITHOUT_A_CAUSE: Mapping[ReasonCode, str] = {
    ReasonCode.ANNOTATION_LIMIT_EXCEEDED: "Remove annotations from the object until 1,000 are "
    "left, and re-copy it.",
    ReasonCode.DST_OBJECT_HARD_DELETED: "Copy the source's current version onto itself, if the "
    "replica should exist: S3 does not bring a version back that was deleted by its id.",
    ReasonCode.DST_VERSION_NOT_FOUND: "Re-copy the version: there is no replica whose metadata "
    "could change (s3:ListBucketVersions on the destination shows it).",
    ReasonCode.SRC_ANNOTATION_ENCRYPTION_UNSUPPORTED: "Read how the annotation is encrypted, and "
    "write it again in a way that S3 replicates.",
    ReasonCode.SRC_ANNOTATION_NOT_FOUND: "Nothing for the annotation, which is gone; re-copy the "
    "version if the rest of it is missing (s3:HeadObject on the destination).",
    ReasonCode.SRC_BUCKET_NOT_FOUND: "Look for the source bucket (s3:GetBucketLocation): nothing "
    "can be replicated without it.",
    ReasonCode.SRC_OBJECT_NOT_ELIGIBLE: "Read the version (s3:HeadObject) and the rule's filter "
    "(s3:GetReplicationConfiguration): storage class or tags are not what the rule replicates.",
}
"""What settles, or what a person does about, the codes for which there is no cause to name."""

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
            next=NEXT_STEPS[cause],
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
        next=NEXT_STEPS[cause] if cause else undetermined,
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
    if (known := WITHOUT_A_CAUSE.get(reason.documented)) is not None:
        return known
    *first, last = READS[reason.reason_class, reason.side]
    return f"Read {', '.join(first)} and {last}; replimend snapshot does, for --setup."


def _cause_of_denial(denial: Denial) -> Cause | None:
    if denial.layer in OTHERS:
        return Cause.ORGANISATION_POLICY
    if denial.layer is DenialLayer.TRUST:
        return Cause.ROLE_NOT_ASSUMABLE
    if denial.effect is DenialEffect.EXPLICIT:
        return Cause.EXPLICIT_DENY
    return Cause.PERMISSIONS_BOUNDARY if denial.layer is DenialLayer.BOUNDARY else None
