"""What moto does not remember of object versions, and how they look to replication."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, s3_backends

from lab.key_store import find_key
from lab.s3_calls import BucketDefault, BucketPlace, Encryption, SourceVersion

type Stored = FakeKey | FakeDeleteMarker


ENFORCED = "BucketOwnerEnforced"


class Status(StrEnum):
    """The replication status that S3 shows of an object version."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REPLICA = "REPLICA"


class VersionId(NamedTuple):
    """One version of one object."""

    bucket: str
    key: str
    version_id: str


@dataclass(slots=True, kw_only=True)
class ObjectNotes:
    """Replication statuses and the like, by version; all of it may outlive the version itself.

    Objects put into `plaintext_buckets` are stored unencrypted, as S3 did until 2023.
    """

    statuses: dict[VersionId, Status] = field(default_factory=dict)
    customer_keys: set[VersionId] = field(default_factory=set)
    deleted_for_good: set[VersionId] = field(default_factory=set)
    bucket_key_uploads: set[str] = field(default_factory=set)
    plaintext_buckets: set[str] = field(default_factory=set)

    def describe(self, stored: Stored) -> SourceVersion:
        """The version as S3 sees it when it is about to replicate it."""
        if isinstance(stored, FakeDeleteMarker):
            return SourceVersion(
                key=stored.name,
                version_id=stored.version_id,
                encryption=Encryption.NONE,
                delete_marker=True,
            )
        return SourceVersion(
            key=stored.name,
            version_id=stored.version_id,
            encryption=self._encryption(stored),
            kms_key_arn=stored.kms_key_id,
            bucket_key=str(stored.bucket_key_enabled).lower() == "true",
            # The ETag tells an object that was uploaded in parts, as it does in S3.
            is_multipart="-" in stored.etag,
            tags=tags_of(stored),
            retained=stored.lock_mode is not None,
            legal_hold=stored.lock_legal_status == "ON",
            storage_class=stored.storage_class or "STANDARD",
        )

    def _encryption(self, stored: FakeKey) -> Encryption:
        if identity(stored) in self.customer_keys:
            return Encryption.SSE_C
        return Encryption(stored.encryption) if stored.encryption else Encryption.NONE


def identity(stored: FakeKey) -> VersionId:
    """The name under which notes are kept."""
    return VersionId(stored.bucket_name or "", stored.name, stored.version_id)


def find_version(bucket: FakeBucket, key: str, version_id: str | None) -> Stored | None:
    """That version (the current one without an id), be it a delete marker; None if it is gone."""
    versions: list[Stored] = bucket.keys.getlist(key, [])
    if version_id is None:
        return versions[-1] if versions else None
    return next((each for each in versions if each.version_id == version_id), None)


def place_of(bucket: FakeBucket) -> BucketPlace:
    """Where the bucket is, and its settings that matter to replication."""
    rule = (bucket.encryption or {}).get("Rule", {})
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    return BucketPlace(
        name=bucket.name,
        account=bucket.account_id,
        region=bucket.region_name,
        partition=bucket.partition,
        object_lock=bucket.object_lock_enabled,
        # New buckets enforce the bucket owner since 2023; moto keeps the setting as a word.
        owner_enforced=str(bucket.ownership_rule or ENFORCED) == ENFORCED,
        default_kms=_default_kms(bucket, rule, default),
    )


def _default_kms(
    bucket: FakeBucket, rule: Mapping[str, str], default: Mapping[str, str]
) -> BucketDefault | None:
    if not str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
        return None
    name = default.get("KMSMasterKeyID") or "alias/aws/s3"
    key = find_key(name, bucket.account_id, bucket.region_name)
    is_bucket_key = str(rule.get("BucketKeyEnabled", "false")).lower() == "true"
    # A key that is gone is still the default; what uses it fails.
    gone = name if name.startswith("arn:") else _key_arn(bucket, name)
    return BucketDefault(key_arn=key.arn if key else gone, bucket_key=is_bucket_key)


def _key_arn(bucket: FakeBucket, key_id: str) -> str:
    return f"arn:{bucket.partition}:kms:{bucket.region_name}:{bucket.account_id}:key/{key_id}"


def tags_of(stored: FakeKey) -> dict[str, str]:
    """The object version's tags."""
    tagger = s3_backends[stored.account_id][stored.partition].tagger
    tags: dict[str, str] = tagger.get_tag_dict_for_resource(stored.arn)
    return tags


def set_tags(stored: FakeKey, tags: Mapping[str, str]) -> None:
    """Replace the object version's tags, without the notification that a caller would cause."""
    tagger = s3_backends[stored.account_id][stored.partition].tagger
    tagger.delete_all_tags_for_resource(stored.arn)
    tagger.tag_resource(stored.arn, tagger.convert_dict_to_tags_input(dict(tags)))
