"""Every code that S3 documents, with a set-up that is well, and by itself (aws-facts 2).

Forty spellings, an older one among them; S3's own page has a blank after one more.
"""

from collections.abc import Mapping

from replimend.domain.diagnosis.causes import Cause
from tests.cause_cases.model import CauseCase, mended, refused, seen, told, undecided
from tests.facts import healthy_facts

WELL = healthy_facts()
AGAIN = "S3 never retries"
READ_ANNOTATION = "s3:GetObjectVersionAnnotationForReplication"
LOCKS = Cause.DESTINATION_LACKS_OBJECT_LOCK
ROLE, BOTH = Cause.ROLE_POLICY_LACKS_ACTION, Cause.BOTH_SIDES_LACK_ROLE
GONE, OURS = Cause.OBJECT_GONE, Cause.OWN_SET_UP


def _told(code: str, cause: Cause, step: str) -> CauseCase:
    return told(_name(code), WELL, cause, code, next=step)


def _mended(code: str, step: str = AGAIN) -> CauseCase:
    """A permission, a state or a set-up that is well by now: people can change each of them."""
    return mended(_name(code), WELL, code, next=step)


def _lacking(code: str, cause: Cause, layer: str, action: str) -> CauseCase:
    """The code shows that the version has what HeadObject does not show of it."""
    return refused(_name(code), WELL, cause, layer, action, code, next=action)


def _contradicted(code: str) -> CauseCase:
    """What is gone does not come back, and here it is."""
    return undecided(_name(code), WELL, code, next="Re-copy this one version")


def _name(code: str) -> str:
    return f"{code!r}, and the set-up is well"


WITH_A_SOUND_SET_UP: tuple[CauseCase, ...] = (
    _told("AnnotationLimitExceeded", Cause.TOO_MANY_ANNOTATIONS, "until 1,000 are left"),
    _mended("AssumeRoleNotPermitted", "the batch job's"),
    _told("DstBucketInvalidRegion", OURS, "the batch job"),
    _mended("DstBucketNotFound"),
    seen(
        _name("DstBucketObjectLockConfigMissing"),
        WELL,
        LOCKS,
        "DstBucketObjectLockConfigMissing",
        next="Enable Object Lock on orders-frankfurt",
    ),
    _mended("DstBucketUnversioned"),
    _mended("DstDelObjNotPermitted"),
    _mended("DstKmsKeyInvalidState"),
    _mended("DstKmsKeyNotFound", "PutBucketReplication in CloudTrail"),
    _mended("DstMultipartCompleteNotPermitted"),
    _mended("DstMultipartInitNotPermitted"),
    _mended("DstMultipartPartUploadNotPermitted"),
    _mended("DstMultipartUploadNotPermitted"),
    _told("DstObjectHardDeleted", Cause.REPLICA_HARD_DELETED, "onto itself"),
    _mended("DstPutAclNotPermitted"),
    _lacking("DstPutLegalHoldNotPermitted", BOTH, "resource", "s3:PutObjectLegalHold"),
    _lacking("DstPutObjectAnnotationNotPermitted", ROLE, "identity", READ_ANNOTATION),
    _mended("DstPutObjectNotPermitted"),
    _lacking("DstPutRetentionNotPermitted", BOTH, "resource", "s3:PutObjectRetention"),
    _mended("DstPutTaggingNotPermitted"),
    _told("DstVersionNotFound", Cause.REPLICA_MISSING, "Re-copy the version"),
    _told("DstVersionNotFound ", Cause.REPLICA_MISSING, "s3:ListBucketVersions"),
    _told("InitiateReplicationNotPermitted", OURS, "the batch job"),
    _told(
        "SrcAnnotationEncryptionUnsupported",
        Cause.ANNOTATION_ENCRYPTION_UNSUPPORTED,
        "how the annotation is encrypted",
    ),
    _told("SrcAnnotationNotFound", Cause.ANNOTATION_GONE, "Nothing for the annotation"),
    _told("SrcBucketInvalidRegion", OURS, "the batch job"),
    _contradicted("SrcBucketNotFound"),
    _mended("SrcBucketReplicationConfigMissing"),
    _mended("SrcGetAclNotPermitted", "s3:PutObjectAcl"),
    _lacking("SrcGetLegalHoldNotPermitted", ROLE, "identity", "s3:GetObjectLegalHold"),
    _lacking("SrcGetObjectAnnotationNotPermitted", ROLE, "identity", READ_ANNOTATION),
    _mended("SrcGetObjectNotPermitted"),
    _lacking("SrcGetRetentionNotPermitted", ROLE, "identity", "s3:GetObjectRetention"),
    _mended("SrcGetTaggingNotPermitted"),
    _mended("SrcHeadObjectNotPermitted"),
    _contradicted("SrcKeyNotFound"),
    _mended("SrcKmsKeyInvalidState"),
    _mended("SrcObjectNotEligible", "the rule's filter"),
    _contradicted("SrcObjectNotFound"),
    _told("SrcReplicationNotPending", Cause.ALREADY_REPLICATED, "has been replicated"),
    _contradicted("SrcVersionNotFound"),
)

READ_TO_PUT = "the destination bucket's policy (s3:GetBucketPolicy)"
READ_REPLICA_KEY = "the rule's replica key (kms:GetKeyPolicy"
READ_TO_GET = "the source bucket's policy (s3:GetBucketPolicy)"
READ_SOURCE_KEY = "the object's key (kms:GetKeyPolicy"

BY_ITSELF: Mapping[str, tuple[Cause, str]] = {
    "AnnotationLimitExceeded": (Cause.TOO_MANY_ANNOTATIONS, "until 1,000 are left"),
    "AssumeRoleNotPermitted": (Cause.ROLE_NOT_ASSUMABLE, "iam:GetRole"),
    "DstBucketInvalidRegion": (OURS, "the batch job"),
    "DstBucketNotFound": (Cause.DESTINATION_BUCKET_MISSING, "Create the destination bucket again"),
    "DstBucketObjectLockConfigMissing": (LOCKS, "Object Lock on the destination bucket"),
    "DstBucketUnversioned": (Cause.DESTINATION_UNVERSIONED, "versioning on the destination"),
    "DstDelObjNotPermitted": (Cause.UNDETERMINED, READ_TO_PUT),
    "DstKmsKeyInvalidState": (Cause.DESTINATION_KEY_UNUSABLE, "kms:DescribeKey"),
    "DstKmsKeyNotFound": (Cause.DESTINATION_KEY_MISSING, "ReplicaKmsKeyID"),
    "DstMultipartCompleteNotPermitted": (Cause.UNDETERMINED, READ_REPLICA_KEY),
    "DstMultipartInitNotPermitted": (Cause.UNDETERMINED, READ_REPLICA_KEY),
    "DstMultipartPartUploadNotPermitted": (Cause.UNDETERMINED, READ_REPLICA_KEY),
    "DstMultipartUploadNotPermitted": (Cause.UNDETERMINED, READ_REPLICA_KEY),
    "DstObjectHardDeleted": (Cause.REPLICA_HARD_DELETED, "onto itself"),
    "DstPutAclNotPermitted": (Cause.UNDETERMINED, READ_TO_PUT),
    "DstPutLegalHoldNotPermitted": (Cause.UNDETERMINED, READ_TO_PUT),
    "DstPutObjectAnnotationNotPermitted": (Cause.UNDETERMINED, READ_REPLICA_KEY),
    "DstPutObjectNotPermitted": (Cause.UNDETERMINED, READ_REPLICA_KEY),
    "DstPutRetentionNotPermitted": (Cause.UNDETERMINED, READ_TO_PUT),
    "DstPutTaggingNotPermitted": (Cause.UNDETERMINED, READ_TO_PUT),
    "DstVersionNotFound": (Cause.REPLICA_MISSING, "Re-copy the version"),
    "DstVersionNotFound ": (Cause.REPLICA_MISSING, "s3:ListBucketVersions"),
    "InitiateReplicationNotPermitted": (OURS, "the batch job"),
    "SrcAnnotationEncryptionUnsupported": (
        Cause.ANNOTATION_ENCRYPTION_UNSUPPORTED,
        "how the annotation is encrypted",
    ),
    "SrcAnnotationNotFound": (Cause.ANNOTATION_GONE, "Nothing for the annotation"),
    "SrcBucketInvalidRegion": (OURS, "the batch job"),
    "SrcBucketNotFound": (Cause.SOURCE_BUCKET_MISSING, "s3:GetBucketLocation"),
    "SrcBucketReplicationConfigMissing": (
        Cause.REPLICATION_CONFIGURATION_MISSING,
        "Put the replication configuration of the source bucket back",
    ),
    "SrcGetAclNotPermitted": (Cause.UNDETERMINED, READ_TO_GET),
    "SrcGetLegalHoldNotPermitted": (Cause.UNDETERMINED, READ_TO_GET),
    "SrcGetObjectAnnotationNotPermitted": (Cause.UNDETERMINED, READ_TO_GET),
    "SrcGetObjectNotPermitted": (Cause.UNDETERMINED, READ_SOURCE_KEY),
    "SrcGetRetentionNotPermitted": (Cause.UNDETERMINED, READ_TO_GET),
    "SrcGetTaggingNotPermitted": (Cause.UNDETERMINED, READ_TO_GET),
    "SrcHeadObjectNotPermitted": (Cause.UNDETERMINED, READ_SOURCE_KEY),
    "SrcKeyNotFound": (GONE, "Nothing"),
    "SrcKmsKeyInvalidState": (Cause.SOURCE_KEY_UNUSABLE, "kms:DescribeKey"),
    "SrcObjectNotEligible": (Cause.OBJECT_NOT_ELIGIBLE, "s3:GetObjectVersionTagging"),
    "SrcObjectNotFound": (GONE, "Nothing"),
    "SrcReplicationNotPending": (Cause.ALREADY_REPLICATED, "has been replicated"),
    "SrcVersionNotFound": (GONE, "Nothing"),
}
"""The cause that the code names, or, where it names none, what to read."""
