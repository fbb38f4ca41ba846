"""Turns one by one, out of the grants of the pace that all invocations share."""

import threading
import time
from dataclasses import dataclass, field

from replimend.ports import Clock, Pace

AT_A_TIME = 50
"""Calls of one grant, which costs two calls to the table; what is left of the last one lapses."""


@dataclass(slots=True)
class _Grant:
    left: int = 0


@dataclass(frozen=True, slots=True)
class SharedTurns:
    """A turn for each call of any thread; whoever finds none left asks for more, for all."""

    pace: Pace
    clock: Clock
    _grant: _Grant = field(default_factory=_Grant)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self) -> None:
        """Return when one more call may be made: at once, or seconds later."""
        with self._lock:
            while not self._grant.left:
                self._grant.left, wait = self.pace.take(AT_A_TIME, self.clock.now())
                if not self._grant.left:
                    time.sleep(wait.total_seconds())
            self._grant.left -= 1

    def throttled(self) -> None:
        """Slow everybody down; what was granted before counts no more."""
        with self._lock:
            self._grant.left = 0
            self.pace.throttled(self.clock.now())
