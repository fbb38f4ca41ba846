"""A re-copy that dies at a chosen call to AWS, and a queue that delivers its message again."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from replimend.domain.incident import Status
from replimend.domain.recopy.objects import JobPhase, OutcomeKind
from replimend.usecases.gathering import Gathering
from replimend.usecases.recopy import Recopy
from tests.facts import VERSION
from tests.incidents import GROUP, a_failure
from tests.unit.usecases.world import CONSISTENCY_WAIT, World

GONE = "gone.pdf"


class KilledError(BaseException):
    """The process was ended; nothing of ours catches that."""


@dataclass
class Reaper:
    """Counts calls to AWS, and ends the process in place of one of them."""

    kill_at: int | None = None
    calls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch[T](self, port: T) -> T:
        """The port, each of whose calls may be the last."""
        return cast("T", _Watched(port, self))

    def count(self) -> None:
        with self._lock:
            self.calls += 1
            is_last = self.calls == self.kill_at
        if is_last:
            raise KilledError


class _Watched:
    def __init__(self, port: object, reaper: Reaper) -> None:
        self._port = port
        self._reaper = reaper

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        return self._counted(value) if callable(value) else value

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._reaper.count()
            return method(*arguments, **named)

        return call


def backlog(objects: int) -> World:
    """A repaired incident with so many failed versions; one of them was deleted since."""
    world = World()
    keys = [f"{number:05d}.pdf" for number in range(objects - 1)]
    for key in keys:
        world.add_object(key=key)
    world.tell(*(a_failure(key=key) for key in [*keys, GONE]))
    world.deliver()
    return world


def mortal_recopy(world: World, reaper: Reaper, *, rows: int, part_size: int) -> Recopy:
    """The world's re-copy over watched ports, in steps of so many rows and such parts."""
    alive = world.recopy
    world.pace.most = 2 * rows
    held, jobs = reaper.watch(world.held), reaper.watch(world.jobs)
    verifier = replace(alive.checking.verifier, objects=reaper.watch(world.objects))
    engine = replace(alive.checking.methods.engine, copies=reaper.watch(world.copies))
    methods = replace(alive.checking.methods, engine=engine, verifier=verifier)
    return replace(
        alive,
        incidents=reaper.watch(world.incidents),
        held=held,
        waves=reaper.watch(world.waves),
        jobs=jobs,
        gathering=Gathering(
            held=held, manifests=reaper.watch(world.manifests), part_size=part_size
        ),
        checking=replace(
            alive.checking,
            held=held,
            jobs=jobs,
            signals=reaper.watch(world.signals),
            verifier=verifier,
            methods=methods,
        ),
        copied=replace(alive.copied, held=held, methods=methods),
        outbox=reaper.watch(world.outbox),
    )


def lived_through(world: World, recopy: Recopy) -> int:
    """Deliver until the incident has ended, once more whatever was not survived; the deaths."""
    deaths = 0
    for _ in range(500):
        if world.incident.status.has_ended:
            return deaths
        world.clock.advance(CONSISTENCY_WAIT)
        for message in world.outbox.take():
            while True:
                try:
                    recopy.advance(
                        world.incident.incident_id,
                        getattr(message, "poll", None),
                        world.deadline,
                    )
                except KilledError:
                    deaths += 1
                    continue
                break
        for job_id, job in world.jobs.jobs.items():
            if job.state.phase is JobPhase.RUNNING:
                world.finish(job_id)
    raise AssertionError("the re-copy does not end")


def endings(world: World) -> dict[str, OutcomeKind | None]:
    """How each version ended, by its key."""
    return {
        held.key: outcome.kind if outcome else None
        for held, outcome in world.held.outcomes((GROUP,))
    }


def assert_nothing_is_lost(world: World, replicated: int) -> None:
    """Every version but the gone one came over, and no job took on what another had."""
    assert world.incident.status is Status.RESOLVED
    kinds = Counter(endings(world).values())
    assert kinds == {OutcomeKind.REPLICATED: replicated, OutcomeKind.GONE: 1}
    asked = Counter(row.key for job in world.jobs.jobs.values() for row in job.objects)
    assert max(asked.values()) == 1
    assert (set(asked) | {GONE}) == set(endings(world))
    assert all(row.version_id == VERSION for job in world.jobs.jobs.values() for row in job.objects)
