"""Waves: one version, then a hundred, then the rest; how far each has come, and what it costs."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from replimend.domain.incident import Incident
from replimend.domain.recopy.objects import (
    LedgerCursor,
    Manifest,
    OutcomeKind,
    ReportPosition,
    job_token,
)

MOST_IN_A_JOB = 1_000_000
"""More than that goes in a further job: a wave that fails must not have cost a week."""

FAILURES_TOLERATED = 0.1
"""A larger share of failed tasks stops the wave: the cause was not the whole cause."""

DOLLARS_A_JOB, DOLLARS_A_MILLION = 0.25, 1.00
"""What S3 Batch Operations charges for a job, and for a million of its tasks (aws-facts 8.6)."""


class WaveKind(StrEnum):
    """What a wave takes on; each kind is begun only after the one before it succeeded."""

    COUNT = "count"
    """No job yet: how many versions wait, and how many bytes they keep from lifecycle rules."""
    CANARY = "canary"
    SAMPLE = "sample"
    REST = "rest"

    @property
    def limit(self) -> int | None:
        """How many versions such a wave takes; None where it takes all there are."""
        match self:
            case WaveKind.COUNT:
                return None
            case WaveKind.CANARY:
                return 1
            case WaveKind.SAMPLE:
                return 100
            case WaveKind.REST:
                return MOST_IN_A_JOB


class Stage(StrEnum):
    """Where a wave stands."""

    GATHERING = "gathering"
    """Its manifest is being written, part by part."""
    READY = "ready"
    """The manifest is complete; its job is started, under one token however often it is tried."""
    RUNNING = "running"
    """The job runs, or its report is being gone through."""
    COPYING = "copying"
    """S3 started no job: by consent, the versions are copied one by one."""
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A manifest in the making: its upload in parts, if it needs one, and what is in it so far."""

    object_key: str = ""
    upload_id: str = ""
    etags: tuple[str, ...] = ()
    digest: str = ""

    def with_part(self, part: bytes, etag: str) -> "Draft":
        """The draft after one more part; the digest chains, so that no part need be kept."""
        return replace(self, etags=(*self.etags, etag), digest=digest_after(self.digest, part))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One pass through the report: where it stands, and which stretch must be seen again."""

    number: int = 0
    at: ReportPosition = field(default_factory=ReportPosition)
    until: ReportPosition | None = None
    unsettled: int = 0
    first: ReportPosition | None = None
    last: ReportPosition | None = None

    def after(self, begins: ReportPosition, ends: ReportPosition, *, settled: bool) -> "Look":
        """The pass after one more row, which begins and ends there."""
        if settled:
            return replace(self, at=ends)
        first = self.first if self.first is not None else begins
        return replace(self, at=ends, unsettled=self.unsettled + 1, first=first, last=ends)

    def once_more(self) -> "Look":
        """The next pass, over the stretch in which a row was not settled."""
        return Look(number=self.number + 1, at=self.first or ReportPosition(), until=self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave of an incident's re-copy: all that is needed to go on with it from anywhere.

    `objects`, `size` (bytes, as far as they are known) and `oldest` (the earliest failure) are of
    what was gathered; `done_size` is of what was verified. `method` explains, where S3 started no
    job, by which other method the wave's versions are brought over; else it is empty.
    """

    incident_id: str
    number: int
    kind: WaveKind
    attempt: str
    stage: Stage
    began_at: datetime
    looked_at: datetime
    revision: int = 0
    cursor: LedgerCursor = field(default_factory=LedgerCursor)
    objects: int = 0
    size: int = 0
    oldest: datetime | None = None
    draft: Draft = field(default_factory=Draft)
    manifest: Manifest | None = None
    job_id: str | None = None
    method: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    paused_by: str | None = None
    look: Look = field(default_factory=Look)
    beforehand: Mapping[OutcomeKind, int] = field(default_factory=dict)
    counts: Mapping[OutcomeKind, int] = field(default_factory=dict)
    done_size: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The idempotency token of the wave's job."""
        return job_token(self.attempt, self.number, self.draft.digest)

    @property
    def seen_as(self) -> str:
        """Names the present pass through the report of this wave, in every outcome it records."""
        return f"{self.number}.{self.look.number}"

    @property
    def done(self) -> int:
        """How many versions of its job have an outcome."""
        return sum(self.counts.values())

    @property
    def room(self) -> int | None:
        """How many more versions the wave may take; None where there is no limit."""
        return None if self.kind.limit is None else self.kind.limit - self.objects

    @property
    def shows_the_way(self) -> bool:
        """Whether a canary came over, by a job or by the method that stands in for jobs."""
        wanted = OutcomeKind.COPIED if self.method else OutcomeKind.REPLICATED
        return bool(self.counts.get(wanted))

    @property
    def too_many_copies_failed(self) -> bool:
        """Whether copying, too, fails so often that no wider wave must follow."""
        failed = self.counts.get(OutcomeKind.FAILED, 0)
        return bool(self.method) and failed > self.objects * FAILURES_TOLERATED

    @property
    def is_stopped_by_failures(self) -> bool:
        """Whether so many tasks failed that the wave must not be followed by a wider one."""
        return sum(self.reasons.values()) > self.objects * FAILURES_TOLERATED


def attempt_of(incident: Incident) -> str:
    """Names one repair of the incident: what failed after another may be tried again after this."""
    named = f"{incident.incident_id} {incident.round} {incident.repaired_at}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def next_kind(wave: Wave) -> WaveKind:
    """What follows a wave; one that was paused, or a canary that proved nothing, is sent again."""
    if wave.paused_by is not None:
        return wave.kind
    match wave.kind:
        case WaveKind.COUNT:
            return WaveKind.CANARY
        case WaveKind.CANARY if not wave.shows_the_way:
            return WaveKind.CANARY
        case WaveKind.CANARY:
            return WaveKind.SAMPLE
        case WaveKind.SAMPLE | WaveKind.REST:
            return WaveKind.REST


def digest_after(digest: str, part: bytes) -> str:
    """The digest of a manifest after one more part."""
    return hashlib.sha256(digest.encode() + part).hexdigest()


def job_cost(objects: int) -> float:
    """What a job over so many versions costs, in dollars, besides the replication itself."""
    return DOLLARS_A_JOB + DOLLARS_A_MILLION * objects / 1_000_000


def counts_of(waves: Sequence[Wave]) -> Mapping[OutcomeKind, int]:
    """How many versions ended how in these waves, by their jobs or before them."""
    counts: Counter[OutcomeKind] = Counter()
    for wave in waves:
        counts.update(wave.beforehand)
        counts.update(wave.counts)
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an incident's re-copy has come; sizes in bytes, costs in dollars.

    `total` is what waited when it was counted; `remaining` and what follows from it are None until
    then. `oldest` is the earliest failure of the wave under way. `methods` says how versions are
    brought over that S3 started no job for.
    """

    total: int | None
    done: int
    remaining: int | None
    held_size: int | None
    per_second: float
    ready_in: timedelta | None
    oldest: datetime | None
    jobs: int
    cost: float
    counts: Mapping[OutcomeKind, int]
    methods: tuple[str, ...]


def progress_of(waves: Sequence[Wave]) -> Progress:
    """The progress of the newest attempt when it was last looked at; of one wave at least.

    It comes from the waves alone, oldest first: nobody reads the objects for it.
    """
    now = waves[-1].looked_at
    present = [each for each in waves if each.attempt == waves[-1].attempt]
    counted = next((each for each in present if each.kind is WaveKind.COUNT), None)
    total = counted.objects if counted and counted.stage is Stage.DONE else None
    counts = counts_of(present)
    done = sum(counts.values())
    remaining = None if total is None else max(total - done, 0)
    jobs = [each for each in present if each.job_id is not None]
    began = min((each.started_at for each in present if each.started_at), default=now)
    seconds = (now - began).total_seconds()
    per_second = done / seconds if seconds > 0 else 0.0
    moving = remaining is not None and per_second > 0
    done_size = sum(each.done_size for each in present)
    return Progress(
        total=total,
        done=done,
        remaining=remaining,
        held_size=None if counted is None or total is None else max(counted.size - done_size, 0),
        per_second=per_second,
        ready_in=timedelta(seconds=round((remaining or 0) / per_second)) if moving else None,
        oldest=present[-1].oldest if present and remaining != 0 else None,
        jobs=len(jobs),
        cost=sum(job_cost(each.objects) for each in jobs),
        counts=counts,
        methods=tuple(dict.fromkeys(each.method for each in present if each.method)),
    )
