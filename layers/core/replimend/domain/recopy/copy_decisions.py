"""Which copies may be made, as both ends stand.

Only the version that is current at the source is ever made current at the destination, and
nothing newer than it is overwritten there. Every refusal is a result with its reason.
"""

from typing import assert_never

from replimend.domain.facts import Absent, Encryption, ObjectVersion
from replimend.domain.recopy.copying import (
    OBJECT_LIMIT,
    CopyKind,
    CopyResult,
    CopyTask,
    CustomerKeyed,
    DeleteMarker,
    Guard,
    NothingThere,
    Original,
    StillThere,
    TargetEncryption,
    Top,
)
from replimend.domain.unavailable import Unavailable


def eligible(task: CopyTask, top: Top) -> Original | CopyResult:
    """The version on top at the source if a copy may be made of such a one, or why not.

    It may be another than the task's: whether that still exists takes another look
    (`superseded_or_gone`).
    """
    match top:
        case Absent():
            return CopyResult(kind=CopyKind.GONE, says="the source has no version of this key")
        case Unavailable(reason=reason):
            return CopyResult(kind=CopyKind.FAILED, says=f"source unread: {reason}")
        case CustomerKeyed():
            return _not_eligible("encrypted with a key that only its owner has")
        case DeleteMarker():
            return CopyResult(
                kind=CopyKind.SUPERSEDED, says="a delete marker is on top at the source"
            )
        case Original():
            is_tasks = top.version.version_id == task.version_id
            return (_version_refusal(top) if is_tasks else None) or top
        case unreachable:
            assert_never(unreachable)


def superseded_or_gone(wanted: Top, newer: Original) -> CopyResult:
    """The result for a version that is not current: it is never made current by a copy."""
    if isinstance(wanted, Absent):
        return CopyResult(kind=CopyKind.GONE, says="the version was deleted at the source")
    return CopyResult(
        kind=CopyKind.SUPERSEDED,
        says=f"version {newer.version.version_id} is current at the source",
    )


def _version_refusal(original: Original) -> CopyResult | None:
    version = original.version
    if version.archived:
        return _not_eligible(f"archived as {version.storage_class}: restore it first")
    if version.encryption is Encryption.SSE_C:
        return _not_eligible("encrypted with a key that only its owner has")
    if version.size > OBJECT_LIMIT:
        return _not_eligible(f"{version.size} bytes are more than S3 holds in one object")
    return None


def destination_refusal(task: CopyTask, original: Original) -> CopyResult | None:
    """Why the version cannot be encrypted as the rule says, or None.

    An alias or a bare id would be resolved in our own account (aws-facts 6.4).
    """
    if original.version.encryption.uses_kms and not _is_key_arn(task.replica_key):
        return _not_eligible(f"the rule's key must be a full key ARN, not {task.replica_key!r}")
    return None


def sending_refusal(original: Original) -> CopyResult | None:
    """Why a copy that S3 does not describe by itself would lose something, or None."""
    if original.unreadable:
        return _not_eligible(f"a copy would lose {original.unreadable}")
    return None


def _not_eligible(says: str) -> CopyResult:
    return CopyResult(kind=CopyKind.NOT_ELIGIBLE, says=says)


def _is_key_arn(key: str | None) -> bool:
    """Whether this is the full ARN of a KMS key, neither an alias nor a bare id."""
    return key is not None and key.startswith("arn:") and ":key/" in key


def destination_guard(task: CopyTask, original: Original, top: Top) -> Guard | CopyResult:
    """Under which condition the copy may be written, or how the task ends as it stands."""
    source = original.version
    match top:
        case Absent():
            return NothingThere()
        case DeleteMarker(since=since):
            # S3 lets If-None-Match through where a delete marker is on top, so we look ourselves.
            if since is not None and since < source.last_modified:
                return NothingThere()
            return CopyResult(
                kind=CopyKind.SUPERSEDED, says="a newer delete marker is on top at the destination"
            )
        case CustomerKeyed():
            return CopyResult(
                kind=CopyKind.FAILED, says="the destination holds an object of a customer's key"
            )
        case Unavailable(reason=reason):
            return CopyResult(kind=CopyKind.FAILED, says=f"destination unread: {reason}")
        case Original(version=there):
            return _guard_over(original, top, there, target_encryption(task, original))
        case unreachable:
            assert_never(unreachable)


def _guard_over(
    original: Original, top: Original, there: ObjectVersion, wanted: TargetEncryption
) -> Guard | CopyResult:
    is_replica = there.replication_status == "REPLICA"
    if is_replica and there.version_id == original.version.version_id:
        return CopyResult(
            kind=CopyKind.REPLICATED,
            says="S3 replicated the version itself",
            version_id=there.version_id,
        )
    if is_copy(original, top, wanted):
        return CopyResult(
            kind=CopyKind.COPIED,
            says=f"there already: {_alike(original, top)}",
            version_id=there.version_id,
        )
    # A replica keeps its source's creation time; times have whole seconds only, and a replica of
    # another version than the current one is older (aws-facts 6.2).
    moments = there.last_modified, original.version.last_modified
    if moments[0] < moments[1] or (moments[0] == moments[1] and is_replica):
        return StillThere(etag=there.etag)
    return CopyResult(
        kind=CopyKind.SUPERSEDED,
        says=f"the destination's version {there.version_id} is newer than the source's",
    )


def target_encryption(task: CopyTask, original: Original) -> TargetEncryption:
    """As the source's own: with the rule's key, and its Bucket Key setting (aws-facts 5.3, 5.4)."""
    source = original.version
    return TargetEncryption(
        encryption=source.encryption,
        key_arn=task.replica_key if source.encryption.uses_kms else None,
        bucket_key=source.bucket_key and source.encryption is Encryption.SSE_KMS,
    )


def own_encryption(original: Original) -> TargetEncryption:
    """Exactly as the version is encrypted now: for a copy onto itself."""
    source = original.version
    return TargetEncryption(
        encryption=source.encryption,
        key_arn=source.kms_key_arn if source.encryption.uses_kms else None,
        bucket_key=source.bucket_key and source.encryption is Encryption.SSE_KMS,
    )


def is_copy(original: Original, other: Original, wanted: TargetEncryption) -> bool:
    """Whether the other may pass for a copy made of the original: nothing that shows differs.

    Content is held against a checksum that both have, or against ETags where these are of the
    content; where neither can be compared, size, time and everything kept have to do.
    """
    one, two = original.version, other.version
    alike = (
        one.size == two.size
        and two.last_modified >= one.last_modified
        and dict(one.metadata) == dict(two.metadata)
        and one.content_type == two.content_type
        and dict(original.headers) == dict(other.headers)
        and original.expires == other.expires
        and original.redirect == other.redirect
        and one.tag_count == two.tag_count
        and one.storage_class == two.storage_class
    )
    encrypted = wanted.encryption is Encryption.NONE or (
        two.encryption is wanted.encryption and two.kms_key_arn == wanted.key_arn
    )
    return alike and encrypted and _same_content(original, other) is not False


def _same_content(original: Original, other: Original) -> bool | None:
    """Whether a comparison says so, or None where nothing can be compared."""
    if original.version.etag == other.version.etag:
        return True
    # A checksum of parts depends on where they were cut.
    if "COMPOSITE" not in {original.checksum_type, other.checksum_type}:
        shared = original.checksums.keys() & other.checksums.keys()
        if shared:
            return all(original.checksums[name] == other.checksums[name] for name in shared)
    if _etag_is_digest(original.version) and _etag_is_digest(other.version):
        return False
    return None


def _etag_is_digest(version: ObjectVersion) -> bool:
    return not version.encryption.uses_kms and "-" not in version.etag


def _alike(original: Original, other: Original) -> str:
    version = other.version
    content = "same content" if _same_content(original, other) else "content not comparable"
    return f"{content}, {version.size} bytes, {version.tag_count} tags, {version.storage_class}"


def out_of_time() -> CopyResult:
    """The result for a version that the deadline left where it was."""
    return CopyResult(kind=CopyKind.UNFINISHED, says="the deadline came first")
