"""The held objects in the ledger: which wait, how each ended, and which job works for whom."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby

from replimend.domain.incident import FailureGroup
from replimend.domain.recopy.objects import (
    BatchJob,
    HeldObject,
    LedgerCursor,
    Outcome,
    OutcomeKind,
    Page,
)
from replimend.domain.signals import ReplicationFailed
from replimend.gateways.signals import SHARDS
from replimend.gateways.table import BATCH_GET, Item, Names, Table

OUTCOMES_KEPT = timedelta(days=400)

PAGE, LEAST_PAGE = 1_000, 50
"""Failures that are read at once, over all groups and of each group."""

FIRST, BEHIND_KEY = " ", "$"
"""A sort key before every other, and what ends one behind all of a key's: `#` precedes `$`."""


@dataclass(frozen=True, slots=True)
class HeldObjectLedger:
    """Joins failures with outcomes: a version waits if it failed after its outcome, or has none.

    Nothing is held but the present page, however many versions wait.
    """

    table: Table

    def waiting(self, groups: Iterable[FailureGroup], attempt: str = "") -> Iterator[HeldObject]:
        """The versions that wait, each once; those that failed in this attempt do not."""
        for page in self.pages(groups, LedgerCursor(), attempt, size=BATCH_GET):
            yield from page.objects

    def pages(
        self,
        groups: Iterable[FailureGroup],
        after: LedgerCursor,
        attempt: str,
        size: int = PAGE,
    ) -> Iterator[Page]:
        """The waiting versions behind this place, page by page, each version once.

        A page may be empty; the last one has no next.
        """
        for joined, cursor in self._joined(tuple(groups), after, size):
            objects = (
                held
                for held, outcome in joined
                if outcome is None or outcome.leaves_waiting(held.failed_at, attempt)
            )
            yield Page(objects=tuple(objects), next=cursor)

    def waits(self, group: FailureGroup, failures: Sequence[ReplicationFailed]) -> bool:
        """Whether any of these has no outcome since it failed."""
        keys = [
            _outcome_key(each.bucket, group.destination_bucket, each.key, each.version_id)
            for each in failures
        ]
        found = self.table.get_all(list(dict.fromkeys(keys)))
        return any(
            key not in found or _moment(found[key]["at"]) < each.event_time
            for key, each in zip(keys, failures, strict=True)
        )

    def outcomes(
        self, groups: Iterable[FailureGroup]
    ) -> Iterator[tuple[HeldObject, Outcome | None]]:
        """Every version of the groups once, with its outcome, if it has one."""
        for joined, _ in self._joined(tuple(groups), LedgerCursor(), BATCH_GET):
            yield from joined

    def outcomes_of(self, objects: Sequence[HeldObject]) -> Sequence[Outcome | None]:
        """The outcome of each of these, if it has one."""
        keys = [_key_of(held) for held in objects]
        found = self.table.get_all(keys)
        return [_outcome(found.get(key)) for key in keys]

    def _joined(
        self, groups: Sequence[FailureGroup], after: LedgerCursor, size: int
    ) -> Iterator[tuple[list[tuple[HeldObject, Outcome | None]], LedgerCursor | None]]:
        """Pages of versions with their outcomes, each with the place behind it."""
        page: list[HeldObject] = []
        for shard in range(after.shard, SHARDS):
            begins = after.after if shard == after.shard else ""
            for key_hash, versions in self._by_key(groups, shard, begins, size):
                page += versions
                if len(page) >= size:
                    cursor = LedgerCursor(shard=shard, after=f"{key_hash}{BEHIND_KEY}")
                    yield self._with_outcomes(page), cursor
                    page = []
        yield self._with_outcomes(page), None

    def _with_outcomes(self, page: Sequence[HeldObject]) -> list[tuple[HeldObject, Outcome | None]]:
        return list(zip(page, self.outcomes_of(page), strict=True))

    def _by_key(
        self, groups: Sequence[FailureGroup], shard: int, after: str, size: int
    ) -> Iterator[tuple[str, list[HeldObject]]]:
        """The versions of each key over all groups, oldest first, at their newest failure.

        Every group's partition has the same order, so that merging them needs no memory.
        """
        # A page of each group is in memory at once.
        each_page = max(size // max(len(groups), 1), LEAST_PAGE)
        merged = merge(
            *(self._failures(group, shard, after, each_page) for group in groups),
            key=lambda failure: failure[0],
        )
        for key_hash, failures in groupby(merged, key=lambda failure: failure[0][0]):
            versions: dict[tuple[str, str], HeldObject] = {}
            for _, held in failures:
                known = versions.get((held.key, held.version_id))
                versions[held.key, held.version_id] = _newer(known, held) if known else held
            yield key_hash, sorted(versions.values(), key=_by_age)

    def _failures(
        self, group: FailureGroup, shard: int, after: str, page: int
    ) -> Iterator[tuple[tuple[str, str], HeldObject]]:
        """One group's failures in one shard, each under the hash of its key and its version."""
        pk = f"GROUP#{group.group_id}#{shard}"
        for item in self.table.query_after(pk, after or FIRST, page):
            held = _held(group, item)
            yield (item["sk"].partition("#")[0], held.version_id), held

    def record_outcomes(self, outcomes: Iterable[tuple[HeldObject, Outcome]]) -> None:
        """Note how each version ended."""
        self.table.put_all(_outcome_item(held, outcome) for held, outcome in outcomes)

    def record_job(self, job: BatchJob) -> None:
        """Note which incident a job works for."""
        self.table.put(
            {
                "pk": f"JOB#{job.job_id}",
                "sk": "JOB",
                "incident_id": job.incident_id,
                "round": job.round,
                "wave": job.wave,
                "objects": job.objects,
                "started_at": job.started_at.isoformat(),
            }
        )

    def job(self, job_id: str) -> BatchJob | None:
        """The job, if it is ours."""
        item = self.table.get(f"JOB#{job_id}", "JOB")
        if item is None:
            return None
        return BatchJob(
            job_id=job_id,
            incident_id=item["incident_id"],
            round=item["round"],
            wave=item["wave"],
            objects=item["objects"],
            started_at=_moment(item["started_at"]),
        )


def _by_age(held: HeldObject) -> tuple[str, datetime]:
    return held.key, held.requested_at


def _newer(one: HeldObject, other: HeldObject) -> HeldObject:
    """The newer failure of a version, asked for when it first was."""
    newer = max(one, other, key=lambda held: held.failed_at)
    size = newer.size if newer.size is not None else one.size or other.size
    return replace(newer, size=size, requested_at=min(one.requested_at, other.requested_at))


def _held(group: FailureGroup, item: Item) -> HeldObject:
    _, version_id, failed_at = item["sk"].split("#")
    key, size, requested_at = json.loads(item["told"])
    return HeldObject(
        bucket=group.bucket,
        destination_bucket=group.destination_bucket,
        key=key,
        version_id=version_id,
        size=size,
        requested_at=_moment(requested_at),
        failed_at=_moment(failed_at),
    )


def _key_of(held: HeldObject) -> Names:
    return _outcome_key(held.bucket, held.destination_bucket, held.key, held.version_id)


def _outcome_key(bucket: str, destination: str, key: str, version_id: str) -> Names:
    named = f"{bucket}\n{destination}\n{version_id}\n{key}"
    return f"OUTCOME#{hashlib.sha256(named.encode()).hexdigest()[:32]}", "OUTCOME"


def _outcome_item(held: HeldObject, outcome: Outcome) -> Item:
    pk, sk = _key_of(held)
    return {
        "pk": pk,
        "sk": sk,
        "kind": outcome.kind.value,
        "at": outcome.at.isoformat(),
        "says": outcome.says,
        "attempt": outcome.attempt,
        "look": outcome.look,
        "bucket": held.bucket,
        "key": held.key,
        "version_id": held.version_id,
        "expires_at": int((outcome.at + OUTCOMES_KEPT).timestamp()),
    }


def _outcome(item: Item | None) -> Outcome | None:
    if item is None:
        return None
    return Outcome(
        kind=OutcomeKind(item["kind"]),
        at=_moment(item["at"]),
        says=item["says"],
        attempt=item.get("attempt", ""),
        look=item.get("look", ""),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
