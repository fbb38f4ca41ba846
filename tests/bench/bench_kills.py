"""A re-copy of 10,000 versions, killed in place of calls to AWS all over its course.

Run as `python -m tests.bench.bench_kills [DEATHS]`. Each run dies once, its message is delivered
again, and the ledger in the end is held against that of a run in which nobody died. AWS is the
tests' own fakes, so that a run takes seconds; `tests/unit/usecases/test_kills.py` takes every call
of a smaller re-copy in turn. Ends with status 1 where a version was lost or taken on twice.
"""

import sys
from time import perf_counter

from tests.unit.usecases.mortal import (
    Reaper,
    assert_nothing_is_lost,
    backlog,
    endings,
    lived_through,
    mortal_recopy,
)

OBJECTS = 10_000
DEATHS = 40
ROWS, PART_SIZE = 500, 64 * 1024


def run(kill_at: int | None) -> tuple[int, int, dict[str, object]]:
    """The calls of a whole re-copy, its deaths, and how every version ended."""
    world = backlog(OBJECTS)
    reaper = Reaper(kill_at=kill_at)
    deaths = lived_through(world, mortal_recopy(world, reaper, rows=ROWS, part_size=PART_SIZE))
    assert_nothing_is_lost(world, OBJECTS - 1)
    return reaper.calls, deaths, dict(endings(world))


def main(deaths: int) -> int:
    """Print what came of the deaths; 1 where one of them cost anything, else 0."""
    began = perf_counter()
    calls, _, unharmed = run(None)
    print(f"{OBJECTS:,} versions, {calls:,} calls to AWS, {perf_counter() - began:.1f} s unharmed")
    # Most calls look at objects; the few that write the ledger and start jobs surround them.
    indices = sorted({1 + (calls - 1) * each // (deaths - 1) for each in range(deaths)})
    harmed = 0
    for kill_at in indices:
        try:
            _, died, ended = run(kill_at)
            same = died == 1 and ended == unharmed
        except AssertionError as error:
            same = False
            print(f"  killed at call {kill_at:,}: {error}")
        harmed += not same
    print(f"  killed at {len(indices)} calls: {len(indices) - harmed} ended in the same ledger")
    return 1 if harmed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DEATHS))
