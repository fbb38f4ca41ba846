"""Bringing the held objects over: what is waiting, how each ended, and how that is told."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote


class OutcomeKind(StrEnum):
    """How one object version ended."""

    REPLICATED = "replicated"
    COPIED = "copied"
    """Brought over by a copy: the same content under another version id, not a replica."""
    GONE = "gone"
    SUPERSEDED = "superseded"
    """Only a copy could have brought it over, and a newer version is current."""
    NOT_ELIGIBLE = "not_eligible"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one version ended, when, and what showed it.

    `attempt` names the repair it followed, and `look` the pass through a wave's report that saw it.
    """

    kind: OutcomeKind
    at: datetime
    says: str
    attempt: str = ""
    look: str = ""

    def leaves_waiting(self, failed_at: datetime, attempt: str) -> bool:
        """Whether a version with this outcome waits: it failed since, or in another attempt."""
        failed_before = self.kind is OutcomeKind.FAILED and self.attempt not in {"", attempt}
        return self.at < failed_at or failed_before


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
class Page:
    """Some waiting versions, a key's oldest first, and where the next page begins; None: nowhere.

    All versions of a key are on one page.
    """

    objects: tuple[HeldObject, ...]
    next: "LedgerCursor | None"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LedgerCursor:
    """A place in the ledger's order of waiting versions; the default is its beginning."""

    shard: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A stored manifest, as a job names it."""

    object_key: str
    etag: str
    objects: int


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


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ReportPosition:
    """A place between two rows of a completion report; the default is its beginning.

    `offset` counts the bytes of one of the report's files.
    """

    file: int = 0
    offset: int = 0


def manifest_row(held: HeldObject) -> bytes:
    """One line of a job's CSV manifest: bucket, URL-encoded key, version (aws-facts 6.3).

    Every field is quoted; none can hold a quotation mark, since the key's is encoded.
    """
    return f'"{held.bucket}","{quote(held.key, safe="/")}","{held.version_id}"\n'.encode()


def job_token(attempt: str, wave: int, digest: str) -> str:
    """The idempotency token of a job: what is asked for twice in one attempt is one job."""
    named = f"{attempt} {wave} {digest}"
    return hashlib.sha256(named.encode()).hexdigest()[:48]
