"""Replicas as S3 makes them: the same version, placed where no API call could put it."""

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, s3_backends

from lab import moto_world
from lab.object_notes import ObjectNotes, Status, Stored, VersionId, set_tags, tags_of
from lab.replication_rules import Rule
from lab.s3_calls import BucketPlace, Encryption, SourceVersion, replica_uses_bucket_key


def make_replica(
    stored: Stored,
    version: SourceVersion,
    target: BucketPlace,
    *,
    rule: Rule,
    key_arn: str | None,
    notes: ObjectNotes,
) -> None:
    """Put a copy of the version into the rule's destination.

    Same id, time, content, metadata, tags, parts and locks; storage class and key as the rule says.
    """
    bucket = moto_world.bucket_of(target.name)
    if bucket is None:
        raise KeyError(target.name)
    notes.statuses[VersionId(target.name, stored.name, stored.version_id)] = Status.REPLICA
    if isinstance(stored, FakeDeleteMarker):
        _insert(bucket, stored, _marker_like(stored))
        return
    replica = FakeKey(
        name=stored.name,
        bucket_name=bucket.name,
        value=stored.value,
        account_id=bucket.account_id,
        region_name=s3_backends[bucket.account_id][bucket.partition].region_name,
        storage=rule.storage_class or stored.storage_class,
        # With another kind of encryption the ETag is another one (facts §5.4).
        etag=None if version.encryption is Encryption.NONE else stored.etag.strip('"'),
        is_versioned=True,
        version_id=stored.version_id,
        multipart=stored.multipart,
        encryption=_encryption(version, key_arn),
        kms_key_id=key_arn,
        bucket_key_enabled=replica_uses_bucket_key(version, target) or None,
        lock_mode=stored.lock_mode,
        lock_legal_status=stored.lock_legal_status,
        lock_until=stored.lock_until,
        checksum_value=stored.checksum_value,
        checksum_type=getattr(stored, "checksum_type", None),
        checksum_parts=getattr(stored, "checksum_parts", None),
    )
    replica.set_metadata(dict(stored.metadata), replace=True)
    replica.checksum_algorithm = stored.checksum_algorithm
    replica.website_redirect_location = stored.website_redirect_location
    replica.last_modified = stored.last_modified
    replica.acl = stored.acl
    set_tags(replica, tags_of(stored))
    _insert(bucket, stored, replica)


def _encryption(version: SourceVersion, key_arn: str | None) -> str | None:
    if version.encryption is Encryption.SSE_C:
        return None
    if version.encryption is Encryption.NONE:
        return str(Encryption.SSE_KMS if key_arn else Encryption.SSE_S3)
    return str(version.encryption)


def _marker_like(stored: FakeDeleteMarker) -> FakeDeleteMarker:
    marker = FakeDeleteMarker(key=stored.key)
    marker.last_modified = stored.last_modified
    marker._version_id = stored.version_id  # noqa: SLF001 - moto gives markers ids of its own only
    return marker


def _insert(bucket: FakeBucket, stored: Stored, replica: Stored) -> None:
    """Place the replica among the versions there by its time, however late it arrives."""
    versions: list[Stored] = bucket.keys.getlist(stored.name, [])
    kept = [each for each in versions if each.version_id != replica.version_id]
    at = next(
        (i for i, each in enumerate(kept) if each.last_modified > replica.last_modified), len(kept)
    )
    kept.insert(at, replica)
    bucket.keys.setlist(stored.name, kept)
