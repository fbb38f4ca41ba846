"""What S3 calls as the replication role to copy one object version, and the code for each refusal.

This list is the lab's own, written from the facts (§2, §5.1 to §5.3). It never imports the
product's `requirements`: a mistake that both shared would show nowhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lab.behaviour import Behaviour
from lab.replication_rules import Rule

S3_SERVICE = "s3.amazonaws.com"
SESSION_NAME = "s3-replication"


class Encryption(StrEnum):
    """How an object version is encrypted at rest, in the words of the S3 header."""

    NONE = "none"
    SSE_S3 = "AES256"
    SSE_KMS = "aws:kms"
    DSSE_KMS = "aws:kms:dsse"
    SSE_C = "sse-c"

    @property
    def uses_kms(self) -> bool:
        """Whether KMS holds the key."""
        return self in {Encryption.SSE_KMS, Encryption.DSSE_KMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketDefault:
    """A bucket's default encryption with a KMS key."""

    key_arn: str
    bucket_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """Where a bucket is and what of its set-up changes the calls S3 makes."""

    name: str
    account: str
    region: str
    partition: str
    object_lock: bool = False
    owner_enforced: bool = True
    default_kms: BucketDefault | None = None

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.name}"

    @property
    def via_service(self) -> str:
        """What `kms:ViaService` says of a KMS call that S3 makes for this bucket."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"s3.{self.region}.{suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVersion:
    """What of one object version (or delete marker) decides which calls S3 makes."""

    key: str
    version_id: str
    encryption: Encryption
    kms_key_arn: str | None = None
    bucket_key: bool = False
    is_multipart: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    retained: bool = False
    legal_hold: bool = False
    delete_marker: bool = False
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Call:
    """One call S3 makes; `refused_as` is the failure reason when policies refuse it.

    `or_action` is a second action that would do as well; `context` holds what S3 or KMS adds.
    """

    action: str
    resource: str
    resource_account: str
    region: str
    refused_as: str
    or_action: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_kms(self) -> bool:
        """Whether the call goes to KMS, where a refusal leaves a CloudTrail record."""
        return self.action.startswith("kms:")

    @property
    def uses_bucket_key(self) -> bool:
        """Whether the encryption context is a bucket: one such call serves many objects."""
        return "/" not in self.context.get("kms:EncryptionContext:aws:s3:arn", "/")


def assume_call(role_arn: str, role_account: str, source: BucketPlace) -> S3Call:
    """S3 itself assumes the replication role, for this bucket."""
    return S3Call(
        action="sts:AssumeRole",
        resource=role_arn,
        resource_account=role_account,
        region=source.region,
        refused_as="AssumeRoleNotPermitted",
        context={"aws:SourceArn": source.arn, "aws:SourceAccount": source.account},
    )


def source_calls(
    version: SourceVersion, source: BucketPlace, behaviour: Behaviour
) -> Iterator[S3Call]:
    """What the role must be able to read, in the order in which S3 asks; KMS comes last."""
    reading = behaviour.source_read_refused_as
    # No code is documented for these two (the role "must" have them, §5.1), so the general one.
    yield _on_bucket(source, "s3:GetReplicationConfiguration", reading)
    if version.delete_marker:
        yield _on_bucket(source, "s3:ListBucket", reading)
        return
    # s3:GetObjectVersion would do, but not for what KMS encrypts (§5.1).
    lesser = None if version.encryption.uses_kms else "s3:GetObjectVersion"
    yield _on_object(source, version, "s3:GetObjectVersionForReplication", reading, lesser)
    yield _on_object(source, version, "s3:GetObjectVersionAcl", "SrcGetAclNotPermitted")
    if version.tags:
        yield _on_object(source, version, "s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted")
    if source.object_lock:
        yield _on_object(source, version, "s3:GetObjectRetention", "SrcGetRetentionNotPermitted")
        yield _on_object(source, version, "s3:GetObjectLegalHold", "SrcGetLegalHoldNotPermitted")
    if version.encryption.uses_kms and version.kms_key_arn:
        yield _on_key(
            version.kms_key_arn,
            "kms:Decrypt",
            behaviour.source_decrypt_refused_as,
            _encryption_context(source, version, bucket_key=version.bucket_key),
        )


def destination_calls(
    version: SourceVersion,
    rule: Rule,
    destination: BucketPlace,
    replica_key_arn: str | None,
    behaviour: Behaviour,
) -> Iterator[S3Call]:
    """What the role must be able to write, in the order in which S3 asks; KMS comes last.

    `replica_key_arn` is the key itself, any alias resolved; None where KMS plays no part.
    """
    if version.delete_marker:
        yield _on_object(destination, version, "s3:ReplicateDelete", "DstDelObjNotPermitted")
        return
    putting = "DstPutObjectNotPermitted"
    starting = "DstMultipartInitNotPermitted" if version.is_multipart else putting
    yield _on_object(destination, version, "s3:ReplicateObject", starting)
    if rule.changes_owner and not destination.owner_enforced:
        yield _on_object(destination, version, "s3:ObjectOwnerOverrideToBucketOwner", putting)
    if version.tags:
        yield _on_object(destination, version, "s3:ReplicateTags", "DstPutTaggingNotPermitted")
    if version.retained:
        yield _on_object(
            destination, version, "s3:PutObjectRetention", "DstPutRetentionNotPermitted"
        )
    if version.legal_hold:
        yield _on_object(
            destination, version, "s3:PutObjectLegalHold", "DstPutLegalHoldNotPermitted"
        )
    if replica_key_arn is not None:
        yield from _replica_key_calls(version, destination, replica_key_arn, behaviour)


def replica_uses_bucket_key(version: SourceVersion, destination: BucketPlace) -> bool:
    """Whether the replica uses an S3 Bucket Key.

    A replica keeps the setting of its source object; only a plaintext source takes that of the
    destination's default, and DSSE-KMS knows no Bucket Keys (§5.3, §5.4).
    """
    if version.encryption is Encryption.NONE:
        return destination.default_kms is not None and destination.default_kms.bucket_key
    return version.encryption is Encryption.SSE_KMS and version.bucket_key


def _replica_key_calls(
    version: SourceVersion, destination: BucketPlace, key_arn: str, behaviour: Behaviour
) -> Iterator[S3Call]:
    # A refusal by the destination key has the code of a put, for multipart objects too (§2).
    putting = "DstPutObjectNotPermitted"
    bucket_key = replica_uses_bucket_key(version, destination)
    context = _encryption_context(destination, version, bucket_key=bucket_key)
    if version.encryption.uses_kms:
        yield _on_key(key_arn, "kms:Encrypt", putting, context)
    if not version.encryption.uses_kms or behaviour.replicas_need_data_key:
        yield _on_key(key_arn, "kms:GenerateDataKey", putting, context)
    if bucket_key:
        # S3 verifies the integrity of a Bucket Key before it uses it (§5.2).
        yield _on_key(key_arn, "kms:Decrypt", putting, context)


def _encryption_context(
    bucket: BucketPlace, version: SourceVersion, *, bucket_key: bool
) -> dict[str, str]:
    arn = bucket.arn if bucket_key else f"{bucket.arn}/{version.key}"
    return {
        "kms:ViaService": bucket.via_service,
        "kms:EncryptionContext:aws:s3:arn": arn,
        "kms:EncryptionContextKeys": "aws:s3:arn",
    }


def _on_bucket(bucket: BucketPlace, action: str, refused_as: str) -> S3Call:
    return S3Call(
        action=action,
        resource=bucket.arn,
        resource_account=bucket.account,
        region=bucket.region,
        refused_as=refused_as,
    )


def _on_object(
    bucket: BucketPlace,
    version: SourceVersion,
    action: str,
    refused_as: str,
    or_action: str | None = None,
) -> S3Call:
    return S3Call(
        action=action,
        or_action=or_action,
        resource=f"{bucket.arn}/{version.key}",
        resource_account=bucket.account,
        region=bucket.region,
        refused_as=refused_as,
    )


def _on_key(key_arn: str, action: str, refused_as: str, context: Mapping[str, str]) -> S3Call:
    _, _, _, region, account, _ = key_arn.split(":", 5)
    return S3Call(
        action=action,
        resource=key_arn,
        resource_account=account,
        region=region,
        refused_as=refused_as,
        context=context,
    )
