"""The pace of our calls, kept in the table, so that concurrent invocations share one rate."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from replimend.domain.recopy.pacing import Bucket
from replimend.gateways.table import Item, Table

PK, SK = "CONTROL", "PACE"
TRIES = 5
CONTENDED = timedelta(seconds=1)
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPace:
    """One bucket in one item, changed by conditional writes only."""

    table: Table
    ceiling: int

    def take(self, most: int, now: datetime) -> tuple[int, timedelta]:
        """How many calls may be made now, or how long to wait where it is none."""
        for _ in range(TRIES):
            known = self.table.get(PK, SK)
            bucket, granted, wait = _bucket(known, self.ceiling, now).take(most, now)
            if self._write(known, bucket):
                return granted, wait
        return 0, CONTENDED

    def throttled(self, now: datetime) -> None:
        """AWS asked us to slow down: everybody does."""
        for _ in range(TRIES):
            known = self.table.get(PK, SK)
            if self._write(known, _bucket(known, self.ceiling, now).throttled(now)):
                return

    def _write(self, known: Item | None, bucket: Bucket) -> bool:
        revision = known["revision"] if known else 0
        return self.table.update(
            PK,
            SK,
            {
                "revision": revision + 1,
                # The table holds whole numbers: millionths of a call.
                "rate": round(bucket.rate * MICRO),
                "tokens": round(bucket.tokens * MICRO),
                "at": bucket.at.isoformat(),
                "changed_at": bucket.changed_at.isoformat(),
            },
            only_if="attribute_not_exists(#revision) OR #revision = :known",
            given={"known": revision},
        )


def _bucket(item: Item | None, ceiling: int, now: datetime) -> Bucket:
    if item is None:
        return Bucket.full(ceiling, now)
    return Bucket(
        rate=item["rate"] / MICRO,
        ceiling=ceiling,
        tokens=item["tokens"] / MICRO,
        at=datetime.fromisoformat(item["at"]),
        changed_at=datetime.fromisoformat(item["changed_at"]),
    ).under(ceiling)
