"""Follow an incident through the ledger until nothing more happens by itself."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cli.ledger import Ledger, Step
from replimend.domain.incident import Status

LOOK_EVERY = 2.0
"""Seconds between two looks: three small reads each."""


@dataclass(kw_only=True)
class Patience:
    """How long to wait altogether, in seconds from the first question on."""

    wait: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _until: float | None = field(default=None, init=False)

    def lasts(self) -> bool:
        """Whether to look once more; returns when it is time to."""
        now = self.monotonic()
        if self._until is None:
            self._until = now + self.wait
        if now >= self._until:
            return False
        self.sleep(min(LOOK_EVERY, self._until - now))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Reads the ledger as long as its patience lasts, which all that it follows share."""

    ledger: Ledger
    patience: Patience

    def follow(self, incident_id: str, begun: Status, round_: int) -> Iterator[Step]:
        """Every state from the newest `begun` of this round on, each once and as it comes.

        Ends when nothing more happens unless somebody acts, or when patience does.
        """
        last: int | None = None
        while True:
            incident = self.ledger.incident(incident_id)
            steps = self.ledger.steps_of(incident_id)
            if last is None:
                last = _revision_before(steps, begun, round_)
            for step in steps:
                if step.revision > last:
                    last = step.revision
                    yield step
            if incident.status.has_ended:
                if incident.revision > last:
                    # The state is written before its line of history, which may still be missing.
                    yield Step.into(incident)
                return
            if not self.patience.lasts():
                return


def _revision_before(steps: Sequence[Step], begun: Status, round_: int) -> int:
    for step in reversed(steps):
        if step.became is begun and step.round == round_:
            return step.revision - 1
    return steps[-1].revision - 1 if steps else 0
