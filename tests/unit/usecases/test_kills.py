"""A process that dies between any two calls to AWS is taken up where it last wrote."""

from dataclasses import dataclass

import pytest

from tests.unit.usecases.mortal import (
    Reaper,
    assert_nothing_is_lost,
    backlog,
    lived_through,
    mortal_recopy,
)
from tests.unit.usecases.mortal import endings as endings_of

OBJECTS = 120
"""More than a canary and a sample, so that every kind of wave dies once."""

ROWS, PART_SIZE, PAGE = 20, 300, 9
"""Small enough that each wave takes several steps, and the last several parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What must be the same in the end, whoever died on the way."""

    outcomes: dict[str, object]
    jobs: list[list[str]]
    round: int


def lived(kill_at: int | None) -> tuple[int, int, Ledger]:
    """The calls and the deaths of a whole re-copy, and what is in the ledger then."""
    world = backlog(OBJECTS)
    world.held.page = PAGE
    reaper = Reaper(kill_at=kill_at)
    deaths = lived_through(world, mortal_recopy(world, reaper, rows=ROWS, part_size=PART_SIZE))
    assert_nothing_is_lost(world, OBJECTS - 1)
    ledger = Ledger(
        outcomes=dict(endings_of(world)),
        jobs=[sorted(row.key for row in each.objects) for each in world.jobs.jobs.values()],
        round=world.incident.round,
    )
    return reaper.calls, deaths, ledger


CALLS, _, UNHARMED = lived(None)


def test_an_unharmed_run_goes_in_three_jobs() -> None:
    assert [len(keys) for keys in UNHARMED.jobs] == [1, 100, OBJECTS - 101]


@pytest.mark.parametrize("part", range(4))
def test_a_death_at_any_call_ends_in_the_same_ledger(part: int) -> None:
    for kill_at in range(1 + part, CALLS + 1, 4):
        _, deaths, ledger = lived(kill_at)

        assert deaths == 1, kill_at
        assert ledger == UNHARMED, kill_at
