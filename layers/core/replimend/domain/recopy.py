"""Bringing the held objects over: what is waiting, how each ended, and how that is told."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from replimend.domain.facts import Absent, Encryption, Fact, ObjectVersion
from replimend.domain.unavailable import Unavailable


class OutcomeKind(StrEnum):
    """How one object version ended."""

    REPLICATED = "replicated"
    GONE = "gone"
    NOT_ELIGIBLE = "not_eligible"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one version ended, when, and what showed it."""

    kind: OutcomeKind
    at: datetime
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldObject:
    """One object version that failed to replicate; `failed_at` is its newest failure."""

    bucket: str
    destination_bucket: str
    key: str
    version_id: str
    size: int | None
    requested_at: datetime
    failed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """An S3 Batch Replication job of ours."""

    job_id: str
    incident_id: str
    round: int
    wave: int
    objects: int
    started_at: datetime


class JobPhase(StrEnum):
    """Where a job stands, as far as it matters to us."""

    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job's phase with S3's own word for it and its counts of tasks."""

    phase: JobPhase
    status: str
    succeeded: int
    failed: int
    total: int
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """One row of a completion report."""

    bucket: str
    key: str
    version_id: str
    succeeded: bool
    error_code: str
    message: str


def manifest_of(objects: Iterable[HeldObject]) -> str:
    """The CSV manifest of a job: bucket, URL-encoded key, version; no header (aws-facts 6.3).

    Rows are ordered by key and then by the age of the version, oldest first.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for each in sorted(objects, key=lambda held: (held.key, held.requested_at)):
        writer.writerow((each.bucket, quote(each.key, safe="/"), each.version_id))
    return text.getvalue()


def job_token(attempt: str, wave: int, manifest: str) -> str:
    """The idempotency token of a job: what is asked for twice in one attempt is one job."""
    named = f"{attempt} {wave} {manifest}"
    return hashlib.sha256(named.encode()).hexdigest()[:48]


class Verification(StrEnum):
    """What looking at both sides says of one version."""

    REPLICATED = "replicated"
    PENDING = "pending"
    GONE = "gone"
    DIFFERS = "differs"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verification with the sentence that goes into the ledger."""

    verification: Verification
    says: str


def verify(
    source: Fact[ObjectVersion], replica: Fact[ObjectVersion], replica_key: str | None
) -> Verified:
    """Compare a source version with the version of the same id at the destination.

    A version counts as replicated only if both sides agree: the source no longer failed, and the
    replica with its size, key, tags and metadata (aws-facts 6.6).
    """
    match source, replica:
        case Absent(), _:
            return Verified(
                verification=Verification.GONE, says="the version was deleted at the source"
            )
        case Unavailable(reason=reason), _:
            return Verified(verification=Verification.PENDING, says=f"source unread: {reason}")
        case ObjectVersion(replication_status="FAILED"), _:
            return Verified(verification=Verification.FAILED, says="the source says FAILED")
        case ObjectVersion(), Absent():
            return Verified(verification=Verification.PENDING, says="no replica yet")
        case ObjectVersion(), Unavailable(reason=reason):
            return Verified(verification=Verification.PENDING, says=f"replica unread: {reason}")
        case ObjectVersion() as original, ObjectVersion() as copy:
            return _compare(original, copy, replica_key)


def _compare(source: ObjectVersion, replica: ObjectVersion, replica_key: str | None) -> Verified:
    differences = tuple(_differences(source, replica, replica_key))
    if differences:
        return Verified(
            verification=Verification.DIFFERS, says=f"the replica differs: {', '.join(differences)}"
        )
    if source.replication_status not in {"COMPLETED", "COMPLETE"}:
        return Verified(
            verification=Verification.PENDING,
            says=f"the source says {source.replication_status}",
        )
    return Verified(
        verification=Verification.REPLICATED,
        says=f"same version, {replica.size} bytes, {replica.tag_count} tags, {_key(replica)}",
    )


def _key(replica: ObjectVersion) -> str:
    return f"key …{replica.kms_key_arn[-8:]}" if replica.kms_key_arn else replica.encryption.value


def _differences(
    source: ObjectVersion, replica: ObjectVersion, replica_key: str | None
) -> Iterable[str]:
    pairs: Sequence[tuple[str, object, object]] = (
        ("version", source.version_id, replica.version_id),
        ("size", source.size, replica.size),
        ("tags", source.tag_count, replica.tag_count),
        ("metadata", dict(source.metadata), dict(replica.metadata)),
        ("content type", source.content_type, replica.content_type),
        ("replication status", "REPLICA", replica.replication_status),
    )
    for name, wanted, found in pairs:
        if wanted != found:
            yield f"{name} {found!r} instead of {wanted!r}"
    # The destination's own default encrypts the replica of a plaintext version (aws-facts 5.4).
    if source.encryption not in {Encryption.NONE, replica.encryption}:
        yield f"encryption {replica.encryption} instead of {source.encryption}"
    if source.encryption.uses_kms and replica_key and not _may_be(replica.kms_key_arn, replica_key):
        yield f"key {replica.kms_key_arn} instead of {replica_key}"


def _may_be(key_arn: str | None, named: str) -> bool:
    """Whether this may be the key that a rule names by ARN or id; an alias tells neither."""
    return "alias/" in named or (key_arn or "").endswith(named)
