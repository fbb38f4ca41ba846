"""Why S3 says that a replication failed: its documented codes, and whatever it may add.

Source: S3 User Guide, "Amazon S3 replication failure reasons" (aws-facts 2). The list grows, so a
code that is not on it is kept as it came. No code means "KMS denied you", and `SrcKeyNotFound`
speaks of an object's key, not of a KMS key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self


class ReasonClass(StrEnum):
    """What kind of trouble a code speaks of, which bounds what may be done about it."""

    KMS = "kms"
    """A KMS key's state or existence; no permission can mend it."""
    PERMISSION = "permission"
    """One S3 or IAM permission, which the code names."""
    AMBIGUOUS = "ambiguous"
    """An S3 permission or a KMS denial: evidence has to tell which."""
    CONFIG = "config"
    """How a bucket, a rule or an object is set up."""
    GONE = "gone"
    """Something that replication needs no longer exists."""
    BENIGN = "benign"
    """There is nothing left to do."""
    OUR_SETUP = "our_setup"
    """The batch job that we made, not the customer's replication."""
    UNKNOWN = "unknown"
    """Not a documented code: for a person to read."""


class ReasonSide(StrEnum):
    """Which end of the replication a code points at."""

    SOURCE = "source"
    DESTINATION = "destination"
    NONE = "none"
    """Neither, or the code does not say."""


class ReasonCode(StrEnum):
    """The documented codes, each once, spelt as S3 spells it today, with what it speaks of."""

    reason_class: ReasonClass
    meaning: str

    def __new__(cls, code: str, reason_class: ReasonClass, meaning: str) -> Self:
        """The member as the string S3 sends, with what it speaks of beside it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.reason_class = reason_class
        member.meaning = meaning
        return member

    ANNOTATION_LIMIT_EXCEEDED = (
        "AnnotationLimitExceeded",
        ReasonClass.CONFIG,
        "The object has more annotations than S3 replicates, which is 1,000.",
    )
    ASSUME_ROLE_NOT_PERMITTED = (
        "AssumeRoleNotPermitted",
        ReasonClass.PERMISSION,
        "S3 may not assume the role of the replication configuration or of the batch job.",
    )
    DST_BUCKET_INVALID_REGION = (
        "DstBucketInvalidRegion",
        ReasonClass.OUR_SETUP,
        "The batch job names another Region than the destination bucket's.",
    )
    DST_BUCKET_NOT_FOUND = (
        "DstBucketNotFound",
        ReasonClass.CONFIG,
        "The destination bucket that the rule names does not exist.",
    )
    DST_BUCKET_OBJECT_LOCK_CONFIG_MISSING = (
        "DstBucketObjectLockConfigMissing",
        ReasonClass.CONFIG,
        "The source bucket has Object Lock and the destination bucket seems to lack it.",
    )
    DST_BUCKET_UNVERSIONED = (
        "DstBucketUnversioned",
        ReasonClass.CONFIG,
        "The destination bucket is not versioned.",
    )
    DST_DEL_OBJ_NOT_PERMITTED = (
        "DstDelObjNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not write delete markers; s3:ReplicateDelete is likely missing.",
    )
    DST_KMS_KEY_INVALID_STATE = (
        "DstKmsKeyInvalidState",
        ReasonClass.KMS,
        "The replica's KMS key is in a state in which it cannot be used.",
    )
    DST_KMS_KEY_NOT_FOUND = (
        "DstKmsKeyNotFound",
        ReasonClass.KMS,
        "The KMS key that the rule names for replicas does not exist.",
    )
    DST_MULTIPART_COMPLETE_NOT_PERMITTED = (
        "DstMultipartCompleteNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not finish a multipart upload: s3:ReplicateObject, or use of the key.",
    )
    DST_MULTIPART_INIT_NOT_PERMITTED = (
        "DstMultipartInitNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not begin a multipart upload: s3:ReplicateObject, or use of the key.",
    )
    DST_MULTIPART_UPLOAD_NOT_PERMITTED = (
        "DstMultipartUploadNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not upload a part: s3:ReplicateObject, or use of the key.",
    )
    DST_OBJECT_HARD_DELETED = (
        "DstObjectHardDeleted",
        ReasonClass.CONFIG,
        "The replica was deleted by its version id, and a batch job cannot bring that back.",
    )
    DST_PUT_ACL_NOT_PERMITTED = (
        "DstPutAclNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not write the replica's ACL; s3:ReplicateObject is likely missing.",
    )
    DST_PUT_LEGAL_HOLD_NOT_PERMITTED = (
        "DstPutLegalHoldNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not put a legal hold; s3:PutObjectLegalHold is likely missing.",
    )
    DST_PUT_OBJECT_ANNOTATION_NOT_PERMITTED = (
        "DstPutObjectAnnotationNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not write an annotation: s3:ReplicateObject, or use of the key.",
    )
    DST_PUT_OBJECT_NOT_PERMITTED = (
        "DstPutObjectNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not write the replica: s3:ReplicateObject, owner override, or the key's use.",
    )
    DST_PUT_RETENTION_NOT_PERMITTED = (
        "DstPutRetentionNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not set a retention; s3:PutObjectRetention is likely missing.",
    )
    DST_PUT_TAGGING_NOT_PERMITTED = (
        "DstPutTaggingNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not tag the replica; s3:ReplicateTags or s3:ReplicateObject is missing.",
    )
    DST_VERSION_NOT_FOUND = (
        "DstVersionNotFound",
        ReasonClass.GONE,
        "A change of metadata found no replica of its version to change.",
    )
    INITIATE_REPLICATION_NOT_PERMITTED = (
        "InitiateReplicationNotPermitted",
        ReasonClass.OUR_SETUP,
        "The batch job's role lacks s3:InitiateReplication.",
    )
    SRC_ANNOTATION_ENCRYPTION_UNSUPPORTED = (
        "SrcAnnotationEncryptionUnsupported",
        ReasonClass.CONFIG,
        "The annotation is encrypted in a way that S3 does not replicate.",
    )
    SRC_ANNOTATION_NOT_FOUND = (
        "SrcAnnotationNotFound",
        ReasonClass.GONE,
        "The annotation no longer exists at the source.",
    )
    SRC_BUCKET_INVALID_REGION = (
        "SrcBucketInvalidRegion",
        ReasonClass.OUR_SETUP,
        "The batch job names another Region than the source bucket's.",
    )
    SRC_BUCKET_NOT_FOUND = (
        "SrcBucketNotFound",
        ReasonClass.CONFIG,
        "The source bucket does not exist.",
    )
    SRC_BUCKET_REPLICATION_CONFIG_MISSING = (
        "SrcBucketReplicationConfigMissing",
        ReasonClass.CONFIG,
        "The source bucket has no replication configuration.",
    )
    SRC_GET_ACL_NOT_PERMITTED = (
        "SrcGetAclNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not read the ACL: s3:GetObjectVersionAcl, or the object's owner is another.",
    )
    SRC_GET_LEGAL_HOLD_NOT_PERMITTED = (
        "SrcGetLegalHoldNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not read the legal hold; s3:GetObjectLegalHold is likely missing.",
    )
    SRC_GET_OBJECT_ANNOTATION_NOT_PERMITTED = (
        "SrcGetObjectAnnotationNotPermitted",
        ReasonClass.PERMISSION,
        "The role lacks s3:GetObjectVersionAnnotationForReplication.",
    )
    # Nothing documents the code of a source key's denial; these two are where it likely shows
    # (aws-facts 2 and 10.1), so both stay open until evidence decides.
    SRC_GET_OBJECT_NOT_PERMITTED = (
        "SrcGetObjectNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not read the object: s3:GetObjectVersionForReplication, or kms:Decrypt.",
    )
    SRC_GET_RETENTION_NOT_PERMITTED = (
        "SrcGetRetentionNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not read the retention; s3:GetObjectRetention is likely missing.",
    )
    SRC_GET_TAGGING_NOT_PERMITTED = (
        "SrcGetTaggingNotPermitted",
        ReasonClass.PERMISSION,
        "The role may not read the tags; s3:GetObjectVersionTagging is likely missing.",
    )
    SRC_HEAD_OBJECT_NOT_PERMITTED = (
        "SrcHeadObjectNotPermitted",
        ReasonClass.AMBIGUOUS,
        "The role may not read its metadata: s3:GetObjectVersionForReplication, or kms:Decrypt.",
    )
    SRC_KEY_NOT_FOUND = (
        "SrcKeyNotFound",
        ReasonClass.GONE,
        "No object has this key at the source; it may have been deleted meanwhile.",
    )
    SRC_KMS_KEY_INVALID_STATE = (
        "SrcKmsKeyInvalidState",
        ReasonClass.KMS,
        "The source object's KMS key is in a state in which it cannot be used.",
    )
    SRC_OBJECT_NOT_ELIGIBLE = (
        "SrcObjectNotEligible",
        ReasonClass.CONFIG,
        "The object's storage class or tags are not among those that the rule replicates.",
    )
    SRC_OBJECT_NOT_FOUND = (
        "SrcObjectNotFound",
        ReasonClass.GONE,
        "The source object does not exist.",
    )
    SRC_REPLICATION_NOT_PENDING = (
        "SrcReplicationNotPending",
        ReasonClass.BENIGN,
        "S3 has replicated the object already.",
    )
    SRC_VERSION_NOT_FOUND = (
        "SrcVersionNotFound",
        ReasonClass.GONE,
        "The source version does not exist; it may have been deleted meanwhile.",
    )

    @property
    def side(self) -> ReasonSide:
        """The end it points at, which S3 puts first in the code."""
        if self.startswith("Src"):
            return ReasonSide.SOURCE
        return ReasonSide.DESTINATION if self.startswith("Dst") else ReasonSide.NONE

    @property
    def actions(self) -> tuple[str, ...]:
        """The calls it speaks of, the likeliest first; none where it is about no permission."""
        return _ACTIONS.get(self, ())

    @property
    def batch_only(self) -> bool:
        """Whether only S3 Batch Replication gives it, live replication never."""
        return self in {
            ReasonCode.DST_BUCKET_INVALID_REGION,
            ReasonCode.DST_OBJECT_HARD_DELETED,
            ReasonCode.INITIATE_REPLICATION_NOT_PERMITTED,
            ReasonCode.SRC_BUCKET_INVALID_REGION,
        }


_WRITES: Final = (
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:Decrypt",
    "s3:ReplicateObject",
    "s3:ObjectOwnerOverrideToBucketOwner",
)
# Which code a denial by the source key gives is not documented (aws-facts 10, question 1): it may
# be either of the two that speak of reading the object. Under either, both calls are looked at.
_READS: Final = ("s3:GetObjectVersionForReplication", "kms:Decrypt")
_ACTIONS: Final[Mapping[ReasonCode, tuple[str, ...]]] = {
    ReasonCode.DST_DEL_OBJ_NOT_PERMITTED: ("s3:ReplicateDelete",),
    ReasonCode.DST_MULTIPART_COMPLETE_NOT_PERMITTED: _WRITES,
    ReasonCode.DST_MULTIPART_INIT_NOT_PERMITTED: _WRITES,
    ReasonCode.DST_MULTIPART_UPLOAD_NOT_PERMITTED: _WRITES,
    ReasonCode.DST_PUT_ACL_NOT_PERMITTED: (
        "s3:ReplicateObject",
        "s3:ObjectOwnerOverrideToBucketOwner",
    ),
    ReasonCode.DST_PUT_LEGAL_HOLD_NOT_PERMITTED: ("s3:PutObjectLegalHold",),
    ReasonCode.DST_PUT_OBJECT_ANNOTATION_NOT_PERMITTED: _WRITES,
    ReasonCode.DST_PUT_OBJECT_NOT_PERMITTED: _WRITES,
    ReasonCode.DST_PUT_RETENTION_NOT_PERMITTED: ("s3:PutObjectRetention",),
    ReasonCode.DST_PUT_TAGGING_NOT_PERMITTED: ("s3:ReplicateTags", "s3:ReplicateObject"),
    ReasonCode.SRC_GET_ACL_NOT_PERMITTED: ("s3:GetObjectVersionAcl",),
    ReasonCode.SRC_GET_LEGAL_HOLD_NOT_PERMITTED: ("s3:GetObjectLegalHold",),
    ReasonCode.SRC_GET_OBJECT_ANNOTATION_NOT_PERMITTED: (
        "s3:GetObjectVersionAnnotationForReplication",
    ),
    ReasonCode.SRC_GET_OBJECT_NOT_PERMITTED: _READS,
    ReasonCode.SRC_GET_RETENTION_NOT_PERMITTED: ("s3:GetObjectRetention",),
    ReasonCode.SRC_GET_TAGGING_NOT_PERMITTED: ("s3:GetObjectVersionTagging",),
    ReasonCode.SRC_HEAD_OBJECT_NOT_PERMITTED: _READS,
}
"""The calls that a code's text names (aws-facts 2): it orders what is refused, no more."""

OLDER_SPELLINGS: Final = {
    "DstMultipartPartUploadNotPermitted": ReasonCode.DST_MULTIPART_UPLOAD_NOT_PERMITTED,
}
"""Codes as older copies of the documentation spell them; the 40th documented name is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReason:
    """One `failureReason`: the code S3 sent, and what is known about it.

    `documented` is the closed set to match on; it is None for a code that the documentation did
    not have when this was written, and `code` then says all that is known.
    """

    code: str
    documented: ReasonCode | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reason that S3's text names; any text at all is one.

        White space around it is dropped: the documentation itself has a code with a trailing blank.
        Case counts, as in every S3 code. An older spelling gives the reason of today's spelling.
        """
        code = text.strip()
        documented = OLDER_SPELLINGS.get(code) or _BY_CODE.get(code)
        return cls(code=documented.value if documented else code, documented=documented)

    @property
    def is_documented(self) -> bool:
        """Whether the S3 User Guide lists this code."""
        return self.documented is not None

    @property
    def reason_class(self) -> ReasonClass:
        """What kind of trouble it speaks of; UNKNOWN for a code that is not documented."""
        return self.documented.reason_class if self.documented else ReasonClass.UNKNOWN

    @property
    def side(self) -> ReasonSide:
        """The end it points at; NONE for a code that is not documented."""
        return self.documented.side if self.documented else ReasonSide.NONE

    @property
    def batch_only(self) -> bool:
        """Whether only S3 Batch Replication is documented to give it."""
        return self.documented is not None and self.documented.batch_only

    @property
    def actions(self) -> tuple[str, ...]:
        """The calls it speaks of, the likeliest first; none for a code that is not documented."""
        return self.documented.actions if self.documented else ()

    @property
    def meaning(self) -> str:
        """What the code means, in a sentence for people."""
        if self.documented is None:
            return "S3 gave a reason that its documentation did not list."
        return self.documented.meaning


_BY_CODE: Final = {code.value: code for code in ReasonCode}
