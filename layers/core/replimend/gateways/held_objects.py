"""The held objects in the ledger: which wait, how each ended, and which job works for whom."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from replimend.domain.incident import FailureGroup
from replimend.domain.recopy import BatchJob, HeldObject, Outcome, OutcomeKind
from replimend.domain.signals import ReplicationFailed
from replimend.gateways.signals import SHARDS
from replimend.gateways.table import BATCH_GET, Item, Names, Table

OUTCOMES_KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class HeldObjectLedger:
    """Joins failures with outcomes: a version waits if it failed after its outcome, or has none."""

    table: Table

    def waiting(self, groups: Iterable[FailureGroup]) -> Iterator[HeldObject]:
        """The versions without an outcome since their newest failure, each once."""
        unfinished = (
            (held, outcome)
            for held, outcome in self._joined(groups)
            if outcome is None or outcome.at < held.failed_at
        )
        for held, _ in _once_each(unfinished):
            yield held

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
        return _once_each(self._joined(groups))

    def _joined(
        self, groups: Iterable[FailureGroup]
    ) -> Iterator[tuple[HeldObject, Outcome | None]]:
        """Every version of each group at its newest failure there; groups may share versions."""
        for group in groups:
            for page in batched(self._of_group(group), BATCH_GET, strict=False):
                keys = [_key_of(held) for held in page]
                found = self.table.get_all(keys)
                for held, key in zip(page, keys, strict=True):
                    yield held, _outcome(found.get(key))

    def _of_group(self, group: FailureGroup) -> Iterator[HeldObject]:
        """The group's versions; of several failures of one, the newest, which stands last."""
        for shard in range(SHARDS):
            last: HeldObject | None = None
            for item in self.table.query(f"GROUP#{group.group_id}#{shard}"):
                held = _held(group, item)
                if last is not None and (last.key, last.version_id) != (held.key, held.version_id):
                    yield last
                last = held
            if last is not None:
                yield last

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


def _once_each(
    joined: Iterable[tuple[HeldObject, Outcome | None]],
) -> Iterator[tuple[HeldObject, Outcome | None]]:
    seen: set[tuple[str, str]] = set()
    for held, outcome in joined:
        if (held.key, held.version_id) not in seen:
            seen.add((held.key, held.version_id))
            yield held, outcome


def _held(group: FailureGroup, item: Item) -> HeldObject:
    return HeldObject(
        bucket=item["bucket"],
        destination_bucket=group.destination_bucket,
        key=item["key"],
        version_id=item["version_id"],
        size=item.get("size"),
        requested_at=_moment(item["requested_at"]),
        failed_at=_moment(item["failed_at"]),
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
        "bucket": held.bucket,
        "key": held.key,
        "version_id": held.version_id,
        "expires_at": int((outcome.at + OUTCOMES_KEPT).timestamp()),
    }


def _outcome(item: Item | None) -> Outcome | None:
    if item is None:
        return None
    return Outcome(kind=OutcomeKind(item["kind"]), at=_moment(item["at"]), says=item["says"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
