"""Many versions copied at once, within a deadline."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from queue import SimpleQueue
from typing import Self

from replimend.domain.facts import Absent
from replimend.domain.recopy.copy_decisions import out_of_time
from replimend.domain.recopy.copying import (
    Blueprint,
    CopyKind,
    CopyResult,
    CopyTask,
    DeleteMarker,
    Place,
)
from replimend.errors import TransientError
from replimend.usecases.copying import CopyEngine

TRIES = 3
"""How often a throttled object is taken up in one run; the next run takes it up again."""
BATCH, IN_HAND = 1_000, 4
"""Tasks taken together, and tasks in the pools at a time, in widths."""


@dataclass(frozen=True, slots=True)
class CopyRun:
    """Copies as many versions at a time as the engine's measures say, its look-ups beside."""

    engine: CopyEngine

    def over(
        self, tasks: Iterable[CopyTask], deadline: datetime
    ) -> Iterator[tuple[CopyTask, CopyResult]]:
        """Every task once with its result, in no particular order; what is late is `unfinished`.

        Tasks are taken in batches of a thousand: order them by key, and the look at what the
        destination has costs a call or two a batch.
        """
        with _Pools(self.engine.measures.width) as pools:
            yield from _Pass(self.engine, pools, deadline).over(tasks)


class _Pools:
    """Threads for look-ups, copies and parts: three pools, since each waits for the next."""

    def __init__(self, width: int) -> None:
        self.readers = ThreadPoolExecutor(width, "look")
        self.writers = ThreadPoolExecutor(width, "copy")
        self.parts = ThreadPoolExecutor(width, "part")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self.readers, self.writers, self.parts):
            pool.shutdown(cancel_futures=True)


type _Answer = tuple[CopyTask, CopyResult] | BaseException


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over many tasks: looked at by the readers, then made by the writers."""

    engine: CopyEngine
    pools: _Pools
    deadline: datetime
    answers: SimpleQueue[_Answer] = field(default_factory=SimpleQueue)

    def over(self, tasks: Iterable[CopyTask]) -> Iterator[tuple[CopyTask, CopyResult]]:
        """Every task once with its result."""
        window, out = IN_HAND * self.engine.measures.width, 0
        for batch in batched(tasks, BATCH, strict=False):
            standing = self._standing(batch)
            for task in batch:
                known = standing.get((task.destination, task.key))
                self.pools.readers.submit(self._guarded, self._look, task, 1, known)
                out += 1
                if out >= window:
                    yield self._next()
                    out -= 1
        for _ in range(out):
            yield self._next()

    def _standing(
        self, tasks: Iterable[CopyTask]
    ) -> Mapping[tuple[Place, str], Absent | DeleteMarker]:
        """What the destinations have no object of, seen for the whole batch at once.

        Should an object be written there meanwhile, the copy's own guard stops it.
        """
        keys = defaultdict(set)
        if self.engine.clock.now() < self.deadline:
            for task in tasks:
                keys[task.destination].add(task.key)
        found: dict[tuple[Place, str], Absent | DeleteMarker] = {}
        for place, wanted in keys.items():
            try:
                seen = self.engine.copies.without_current(place, wanted)
            except TransientError:
                continue
            found |= {(place, key): standing for key, standing in seen.items()}
        return found

    def _next(self) -> tuple[CopyTask, CopyResult]:
        answer = self.answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _look(self, task: CopyTask, turn: int, known: Absent | DeleteMarker | None) -> None:
        if self.engine.clock.now() >= self.deadline:
            self.answers.put((task, out_of_time()))
            return
        looked = self.engine.look(task, known)
        self.pools.writers.submit(self._guarded, self._make, task, turn, looked)

    def _make(self, task: CopyTask, _: int, looked: Blueprint | CopyResult) -> None:
        result = self.engine.make(task, looked, self.deadline, self.pools.parts)
        self.answers.put((task, result))

    def _guarded[T](
        self, step: Callable[[CopyTask, int, T], None], task: CopyTask, turn: int, given: T
    ) -> None:
        """One step; passing trouble sends the task to the back of the queue, or to the next run."""
        try:
            step(task, turn, given)
        except TransientError as error:
            if turn < TRIES:
                self.pools.readers.submit(self._guarded, self._look, task, turn + 1, None)
            else:
                result = CopyResult(kind=CopyKind.UNFINISHED, says=str(error))
                self.answers.put((task, result))
        except BaseException as error:  # noqa: BLE001 - handed to whoever iterates, who raises it
            self.answers.put(error)
