"""Turns for single calls, taken out of grants that all invocations share."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from replimend.gateways.turns import AT_A_TIME, SharedTurns
from tests.fakes import FakePace, FrozenClock


class CountedPace(FakePace):
    """Counts how often it was asked, and for how many calls."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def take(self, most: int, now: datetime) -> tuple[int, timedelta]:
        self.asked.append(most)
        return super().take(most, now)


def turns(pace: FakePace) -> SharedTurns:
    return SharedTurns(pace, FrozenClock())


def test_one_grant_is_good_for_many_turns() -> None:
    pace = CountedPace()
    taken = turns(pace)

    for _ in range(AT_A_TIME + 1):
        taken.acquire()

    assert pace.asked == [AT_A_TIME, AT_A_TIME]


def test_a_small_grant_gives_no_turn_too_many() -> None:
    pace = CountedPace()
    pace.most = 2
    taken = turns(pace)

    for _ in range(5):
        taken.acquire()

    assert len(pace.asked) == 3


def test_where_none_is_granted_the_turn_is_waited_for() -> None:
    pace = CountedPace()
    pace.waits = [timedelta(milliseconds=1)]

    turns(pace).acquire()

    assert len(pace.asked) == 2


def test_threads_share_the_grants() -> None:
    pace = CountedPace()
    taken = turns(pace)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: taken.acquire(), range(2 * AT_A_TIME)))

    assert len(pace.asked) == 2


def test_throttling_slows_everybody_down_and_ends_the_grant() -> None:
    pace = CountedPace()
    taken = turns(pace)
    taken.acquire()

    taken.throttled()
    taken.acquire()

    assert pace.throttlings == 1
    assert len(pace.asked) == 2
