"""Time in the lab: it stands still, and jumps to the next thing that is due."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from unittest.mock import patch

import time_machine

logger = logging.getLogger(__name__)

type Action = Callable[[], None]

_real_sleep = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Due:
    """One action and the lab time at which it is due; equal times keep the order of asking."""

    at: datetime
    turn: int
    label: str = field(compare=False)
    action: Action = field(compare=False, repr=False)
    interval: timedelta | None = field(compare=False, default=None)


class Clock:
    """Virtual time: it moves only while `run` or `advance` is under way, so waits cost nothing.

    Inside the context every clock of this process except the monotonic ones shows it. `time.sleep`
    in the thread that entered the context moves lab time by that much without running anything;
    other threads really sleep.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            message = "a lab clock needs a start with a time zone"
            raise ValueError(message)
        self._now = start.astimezone(UTC)
        self._agenda: list[Due] = []
        self._turns = itertools.count()
        self._lock = threading.RLock()
        self._owner = threading.get_ident()
        self._traveller = time_machine.travel(self._now, tick=False)
        self._coordinates: time_machine.Traveller | None = None
        self._sleep_patch = patch.object(time, "sleep", self._sleep)

    def __enter__(self) -> Self:
        self._owner = threading.get_ident()
        self._coordinates = self._traveller.start()
        self._sleep_patch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sleep_patch.stop()
        self._traveller.stop()
        self._coordinates = None

    def now(self) -> datetime:
        """The lab's time, in UTC."""
        return self._now

    def after(self, delay: timedelta, label: str, action: Action) -> None:
        """Have `action` run once, `delay` from now; until it has run, `run` does not stop."""
        self._put(self.now() + max(delay, timedelta(0)), label, action)

    def every(self, interval: timedelta, label: str, action: Action) -> None:
        """Have `action` run each `interval` from now on; that alone does not keep `run` going."""
        self._put(self.now() + interval, label, action, interval)

    def pending(self) -> tuple[Due, ...]:
        """What is still to run, soonest first."""
        with self._lock:
            return tuple(sorted(self._agenda))

    def run(self, limit: timedelta) -> timedelta:
        """Run what is due, in time order, and answer how much lab time that took.

        Ends when nothing but recurring actions is left, or `limit` has passed; an action's
        exception ends it too.
        """
        began = self.now()
        while self._has_work() and (due := self._pop(began + limit)):
            self._perform(due)
        if self._has_work():
            self._move_to(began + limit)
        return self.now() - began

    def advance(self, duration: timedelta) -> None:
        """Let exactly `duration` pass (more if an action sleeps), recurring actions included."""
        end = self.now() + duration
        while due := self._pop(end):
            self._perform(due)
        self._move_to(end)

    def _put(
        self, at: datetime, label: str, action: Action, interval: timedelta | None = None
    ) -> None:
        with self._lock:
            due = Due(at=at, turn=next(self._turns), label=label, action=action, interval=interval)
            heapq.heappush(self._agenda, due)

    def _has_work(self) -> bool:
        with self._lock:
            return any(due.interval is None for due in self._agenda)

    def _pop(self, end: datetime) -> Due | None:
        with self._lock:
            if self._agenda and self._agenda[0].at <= end:
                return heapq.heappop(self._agenda)
            return None

    def _perform(self, due: Due) -> None:
        self._move_to(due.at)
        if due.interval is not None:
            self._put(due.at + due.interval, due.label, due.action, due.interval)
        due.action()

    def _move_to(self, moment: datetime) -> None:
        with self._lock:
            # An action that slept may already have carried time past this moment: never go back.
            self._now = max(self._now, moment)
            if self._coordinates is not None:
                self._coordinates.move_to(self._now)

    def _sleep(self, seconds: float) -> None:
        if threading.get_ident() == self._owner:
            self._move_to(self._now + timedelta(seconds=seconds))
        else:
            _real_sleep(seconds)


class RealClock(Clock):
    """The same interface over the wall clock, for a lab that people talk to over HTTP.

    A daemon thread runs what is due; an action's exception is logged and the next one runs.
    """

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="lab-clock", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def now(self) -> datetime:
        """The wall's time, in UTC."""
        return datetime.now(UTC)

    def run(self, limit: timedelta) -> timedelta:
        """Wait until nothing but recurring actions is left, or `limit` has really passed."""
        began = self.now()
        while self._is_working() and self.now() - began < limit:
            _real_sleep(0.02)
        return self.now() - began

    def advance(self, duration: timedelta) -> None:
        """Wait for `duration`; the daemon thread does the rest."""
        _real_sleep(duration.total_seconds())

    def _put(
        self, at: datetime, label: str, action: Action, interval: timedelta | None = None
    ) -> None:
        super()._put(at, label, action, interval)
        self._wake.set()

    def _is_working(self) -> bool:
        return self._has_work() or self._busy.locked()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            with self._busy:
                while due := self._pop(self.now()):
                    self._attempt(due)
            self._wake.wait(self._seconds_to_next())

    def _attempt(self, due: Due) -> None:
        try:
            self._perform(due)
        # The one place where nothing may escape: an error here would stop time for everybody.
        except Exception:
            logger.exception("the lab could not do what was due", extra={"label": due.label})

    def _move_to(self, moment: datetime) -> None:
        """The wall clock moves by itself."""

    def _seconds_to_next(self) -> float | None:
        with self._lock:
            if not self._agenda:
                return None
            return max(0.0, (self._agenda[0].at - self.now()).total_seconds())
