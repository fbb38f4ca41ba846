"""Object versions as HeadObject shows them."""

from datetime import datetime

from replimend.domain.facts import Encryption, ObjectVersion
from replimend.errors import MalformedEventError
from replimend.inbound.fields import (
    JsonObject,
    arn,
    moment,
    optional_count,
    optional_fields,
    optional_flag,
    optional_text,
    path_to,
    text,
    wrong,
)

_ARCHIVES = frozenset({"DEEP_ARCHIVE", "GLACIER"})


def object_version_of(head: JsonObject, at: str, *, bucket: str, key: str) -> ObjectVersion:
    """The version that a HeadObject answer describes; the answer names neither bucket nor key."""
    storage_class = optional_text(head, "StorageClass", at) or "STANDARD"
    return ObjectVersion(
        bucket=bucket,
        key=key,
        version_id=optional_text(head, "VersionId", at) or "null",
        size=_size(head, at),
        etag=text(head, "ETag", at),
        last_modified=_modified(head, at),
        encryption=_encryption(head, at),
        kms_key_arn=str(arn(head, "SSEKMSKeyId", at)) if head.get("SSEKMSKeyId") else None,
        bucket_key=optional_flag(head, "BucketKeyEnabled", at) or False,
        storage_class=storage_class,
        replication_status=optional_text(head, "ReplicationStatus", at),
        tag_count=optional_count(head, "TagCount", at) or 0,
        metadata={
            name: str(value) for name, value in optional_fields(head, "Metadata", at).items()
        },
        content_type=optional_text(head, "ContentType", at),
        object_lock=bool(head.get("ObjectLockMode") or head.get("ObjectLockLegalHoldStatus")),
        archived=_is_archived(head, at, storage_class),
    )


def _size(head: JsonObject, at: str) -> int:
    size = optional_count(head, "ContentLength", at)
    if size is None:
        raise wrong(size, "a whole number", path_to(at, "ContentLength"))
    return size


def _modified(head: JsonObject, at: str) -> datetime:
    """The time as boto3 decodes it, or as text."""
    value = head.get("LastModified")
    return value if isinstance(value, datetime) else moment(head, "LastModified", at)


def _encryption(head: JsonObject, at: str) -> Encryption:
    if head.get("SSECustomerAlgorithm"):
        return Encryption.SSE_C
    said = optional_text(head, "ServerSideEncryption", at) or Encryption.NONE
    try:
        return Encryption(said)
    except ValueError:
        raise MalformedEventError(
            path_to(at, "ServerSideEncryption"), "expected an encryption that S3 replicates"
        ) from None


def _is_archived(head: JsonObject, at: str, storage_class: str) -> bool:
    """Archived, and not restored: `ongoing-request="false"` marks a restored copy."""
    restored = 'ongoing-request="false"' in (optional_text(head, "Restore", at) or "")
    return (storage_class in _ARCHIVES and not restored) or bool(head.get("ArchiveStatus"))
