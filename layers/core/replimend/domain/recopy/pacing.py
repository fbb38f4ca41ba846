"""How fast we call AWS: a token bucket whose rate halves when throttled and creeps up again."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

BURST = timedelta(seconds=10)
"""How long a rest may be saved up for."""

SLOWER, FASTER = 0.5, 1.1
LEAST_A_SECOND = 1.0
LEAST_GRANT = 10
"""Calls; asking for fewer at a time would cost more than the calls."""

RECOVERS_EVERY = timedelta(seconds=10)
"""A rate grows once in this time at most, however many grants there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Tokens that all invocations share; `rate` in calls a second, at most the ceiling."""

    rate: float
    ceiling: float
    tokens: float
    at: datetime
    changed_at: datetime

    @classmethod
    def full(cls, ceiling: float, now: datetime) -> "Bucket":
        """A bucket at its ceiling that has rested."""
        return cls(
            rate=ceiling,
            ceiling=ceiling,
            tokens=ceiling * BURST.total_seconds(),
            at=now,
            changed_at=now,
        )

    def under(self, ceiling: float) -> "Bucket":
        """The bucket under this ceiling, which a parameter may have changed."""
        return replace(self, ceiling=ceiling, rate=min(self.rate, ceiling))

    def take(self, most: int, now: datetime) -> tuple["Bucket", int, timedelta]:
        """The bucket after a grant, how many calls it is for, and how long to wait if for none.

        A grant is never for more than the rate allows at once, so that whoever was throttled goes
        on in smaller steps.
        """
        rate = self._recovered(now)
        passed = max((now - self.at).total_seconds(), 0.0)
        tokens = min(self.tokens + passed * rate, rate * BURST.total_seconds())
        changed_at = now if rate != self.rate else self.changed_at
        bucket = replace(self, rate=rate, tokens=tokens, at=now, changed_at=changed_at)
        wanted = min(most, LEAST_GRANT)
        if tokens < wanted:
            return bucket, 0, timedelta(seconds=(wanted - tokens) / rate)
        granted = min(most, int(tokens))
        return replace(bucket, tokens=tokens - granted), granted, timedelta()

    def throttled(self, now: datetime) -> "Bucket":
        """The bucket after AWS asked us to slow down: half the rate, and nothing saved up."""
        return replace(
            self,
            rate=max(self.rate * SLOWER, LEAST_A_SECOND),
            tokens=0.0,
            at=now,
            changed_at=now,
        )

    def _recovered(self, now: datetime) -> float:
        if now - self.changed_at < RECOVERS_EVERY:
            return self.rate
        return min(self.rate * FASTER, self.ceiling)


def jittered(most: timedelta) -> timedelta:
    """Any time up to this one: full jitter, so that those who were throttled come back apart."""
    return most * random.random()  # noqa: S311 - spreads load, guards nothing
