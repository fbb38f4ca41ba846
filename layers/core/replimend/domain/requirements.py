"""What S3 must be allowed to do, as the replication role, to replicate one object version.

AWS's own pages disagree about the KMS part (aws-facts 5.2). The reading kept here: `kms:Decrypt`
on the source key; `kms:Encrypt` on the destination key; `kms:Decrypt` there too where a Bucket
Key is in play, because S3 verifies it before use; `kms:GenerateDataKey` only for objects that were
not encrypted with KMS at the source and become so at the destination. Whether S3 also calls
`GenerateDataKey` between two SSE-KMS objects is an open question (aws-facts 10, question 3): a
denial that names it is evidence of its own and adds the action to the plan.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from replimend.domain.arn import Arn
from replimend.domain.facts import (
    Absent,
    Bucket,
    Encryption,
    Key,
    ObjectVersion,
    ReplicationRule,
)
from replimend.domain.unavailable import Unavailable

CONTEXT_KEY = "kms:EncryptionContext:aws:s3:arn"
VIA_SERVICE = "kms:ViaService"


class Side(StrEnum):
    """Which end of the pair a call is made to."""

    SOURCE = "source"
    DESTINATION = "destination"


class Needed(StrEnum):
    """Why S3 makes a call at all."""

    ALWAYS = "always"
    BUCKET_KEY = "bucket-key"
    OWNER_OVERRIDE = "owner-override"
    TAGS = "tags"
    DELETES = "deletes"
    OBJECT_LOCK = "object-lock"
    PLAINTEXT_SOURCE = "plaintext-source"
    ANNOTATIONS = "annotations"
    REPLICA_MODIFICATIONS = "replica-modifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One call that S3 must be allowed to make; the context is what S3 sends with it."""

    action: str
    side: Side
    resource: str
    resource_account: str
    needed: Needed = Needed.ALWAYS
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_kms(self) -> bool:
        """Whether the call goes to KMS, so that a key policy and grants decide it too."""
        return self.action.startswith("kms:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two ends of one replication, as far as they are needed to name S3's calls.

    `shown` are reasons for calls that the failure itself shows to be there, whatever could be read
    of the version: a code about tags says that it has some.
    """

    partition: str
    rule: ReplicationRule
    object: ObjectVersion
    source: Bucket
    destination: Bucket
    source_key: Key | Absent | Unavailable
    destination_key: Key | Absent | Unavailable
    shown: frozenset[Needed] = frozenset()

    @property
    def tags(self) -> Needed | None:
        """Why S3 reads and writes tags here; None where it does not.

        Replica modification sync brings changes of tags over, also of a version without any.
        """
        if self.object.tag_count or Needed.TAGS in self.shown:
            return Needed.TAGS
        return Needed.REPLICA_MODIFICATIONS if self.rule.replica_modifications else None

    @property
    def is_locked(self) -> bool:
        """Whether the version has a retention or a legal hold, which the replica gets too."""
        return self.object.object_lock or Needed.OBJECT_LOCK in self.shown


def requirements(pair: Pair) -> tuple[Requirement, ...]:
    """Every call S3 makes as the replication role for this version and rule, in S3's order."""
    return (
        *_reads_of_the_source(pair),
        *_source_key_calls(pair),
        *_destination_key_calls(pair),
        *_writes_to_the_destination(pair),
    )


def encryption_context(bucket_arn: str, key: str, *, bucket_key: bool) -> str:
    """The `aws:s3:arn` that S3 sends: the bucket's ARN under a Bucket Key, else the object's."""
    return bucket_arn if bucket_key else f"{bucket_arn}/{key}"


def via_s3(region: str, partition: str) -> str:
    """The `kms:ViaService` value of S3 in a key's own Region."""
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"s3.{region}.{suffix}"


def _reads_of_the_source(pair: Pair) -> Iterator[Requirement]:
    bucket = str(Arn.of_bucket(pair.source.name, partition=pair.partition))
    version = f"{bucket}/{pair.object.key}"

    def read(action: str, resource: str = version, needed: Needed = Needed.ALWAYS) -> Requirement:
        return Requirement(
            action=action,
            side=Side.SOURCE,
            resource=resource,
            resource_account=pair.source.account,
            needed=needed,
        )

    yield read("s3:GetReplicationConfiguration", bucket)
    if pair.rule.delete_markers:
        # S3 needs to list only to replicate delete markers (aws-facts 5.1).
        yield read("s3:ListBucket", bucket, Needed.DELETES)
    yield read("s3:GetObjectVersionForReplication")
    yield read("s3:GetObjectVersionAcl")
    if pair.tags is not None:
        yield read("s3:GetObjectVersionTagging", needed=pair.tags)
    if Needed.ANNOTATIONS in pair.shown:
        # HeadObject tells of no annotations: only a code shows that there are some (aws-facts 2).
        yield read("s3:GetObjectVersionAnnotationForReplication", needed=Needed.ANNOTATIONS)
    if pair.is_locked:
        yield read("s3:GetObjectRetention", needed=Needed.OBJECT_LOCK)
        yield read("s3:GetObjectLegalHold", needed=Needed.OBJECT_LOCK)


def _source_key_calls(pair: Pair) -> Iterator[Requirement]:
    if not pair.object.encryption.uses_kms or pair.object.kms_key_arn is None:
        return
    yield _key_call("kms:Decrypt", Side.SOURCE, pair.object.kms_key_arn, pair)


def _destination_key_calls(pair: Pair) -> Iterator[Requirement]:
    if not isinstance(pair.destination_key, Key):
        return
    arn = pair.destination_key.arn
    match pair.object.encryption:
        case Encryption.SSE_KMS | Encryption.DSSE_KMS:
            yield _key_call("kms:Encrypt", Side.DESTINATION, arn, pair)
            if _uses_bucket_key(pair.object):
                yield _key_call("kms:Decrypt", Side.DESTINATION, arn, pair, Needed.BUCKET_KEY)
        case Encryption.NONE:
            yield _key_call(
                "kms:GenerateDataKey", Side.DESTINATION, arn, pair, Needed.PLAINTEXT_SOURCE
            )
        case Encryption.SSE_S3 | Encryption.SSE_C:
            return


def _key_call(
    action: str, side: Side, key_arn: str, pair: Pair, needed: Needed = Needed.ALWAYS
) -> Requirement:
    key = Arn.parse(key_arn)
    bucket = pair.source if side is Side.SOURCE else pair.destination
    return Requirement(
        action=action,
        side=side,
        resource=key_arn,
        resource_account=key.account,
        needed=needed,
        context={
            VIA_SERVICE: via_s3(key.region, pair.partition),
            CONTEXT_KEY: encryption_context(
                str(Arn.of_bucket(bucket.name, partition=pair.partition)),
                pair.object.key,
                bucket_key=_uses_bucket_key(pair.object),
            ),
        },
    )


def _uses_bucket_key(version: ObjectVersion) -> bool:
    """Whether a Bucket Key is in play at either end.

    A replica keeps the setting of its source version, so that the version alone decides it
    (aws-facts 5.3); DSSE-KMS never uses Bucket Keys.
    """
    return version.bucket_key and version.encryption is Encryption.SSE_KMS


def _writes_to_the_destination(pair: Pair) -> Iterator[Requirement]:
    version = f"{Arn.of_bucket(pair.destination.name, partition=pair.partition)}/{pair.object.key}"

    def write(action: str, needed: Needed = Needed.ALWAYS) -> Requirement:
        return Requirement(
            action=action,
            side=Side.DESTINATION,
            resource=version,
            resource_account=pair.destination.account,
            needed=needed,
        )

    yield write("s3:ReplicateObject")
    if pair.rule.delete_markers:
        yield write("s3:ReplicateDelete", Needed.DELETES)
    if pair.tags is not None:
        yield write("s3:ReplicateTags", pair.tags)
    if pair.rule.owner_override:
        yield write("s3:ObjectOwnerOverrideToBucketOwner", Needed.OWNER_OVERRIDE)
    if pair.is_locked:
        yield write("s3:PutObjectRetention", Needed.OBJECT_LOCK)
        yield write("s3:PutObjectLegalHold", Needed.OBJECT_LOCK)
