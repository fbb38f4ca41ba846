"""The lab's clocks."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from lab.clock import Clock, RealClock

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_time_stands_still_until_it_is_let_run() -> None:
    with Clock(START) as clock:
        moments = {datetime.now(UTC), datetime.fromtimestamp(time.time(), UTC), clock.now()}

    assert moments == {START}


def test_what_is_due_runs_in_the_order_of_time_at_its_own_time() -> None:
    seen: list[tuple[str, datetime]] = []
    with Clock(START) as clock:
        clock.after(5 * MINUTE, "later", lambda: seen.append(("later", datetime.now(UTC))))
        clock.after(MINUTE, "sooner", lambda: seen.append(("sooner", datetime.now(UTC))))

        passed = clock.run(HOUR)

    assert seen == [("sooner", START + MINUTE), ("later", START + 5 * MINUTE)]
    assert passed == 5 * MINUTE


def test_equal_times_keep_the_order_of_asking() -> None:
    seen: list[int] = []
    with Clock(START) as clock:
        for number in range(5):
            clock.after(MINUTE, "", lambda each=number: seen.append(each))  # type: ignore[misc]  # a default binds the loop's value

        clock.run(HOUR)

    assert seen == [0, 1, 2, 3, 4]


def test_an_action_may_ask_for_more() -> None:
    with Clock(START) as clock:
        clock.after(MINUTE, "first", lambda: clock.after(MINUTE, "second", lambda: None))

        passed = clock.run(HOUR)

    assert passed == 2 * MINUTE


def test_a_run_ends_at_its_limit_and_leaves_the_rest_for_the_next() -> None:
    seen: list[str] = []
    with Clock(START) as clock:
        clock.after(2 * HOUR, "far", lambda: seen.append("far"))

        passed = clock.run(HOUR)
        waiting = [due.label for due in clock.pending()]
        clock.run(HOUR)

    assert passed == HOUR
    assert waiting == ["far"]
    assert seen == ["far"]


def test_what_recurs_does_not_keep_a_run_going() -> None:
    ticks: list[datetime] = []
    with Clock(START) as clock:
        clock.every(MINUTE, "tick", lambda: ticks.append(clock.now()))
        clock.after(3 * MINUTE, "work", lambda: None)

        passed = clock.run(HOUR)

    assert passed == 3 * MINUTE
    assert len(ticks) in {2, 3}


def test_advancing_lets_what_recurs_run_for_exactly_that_long() -> None:
    ticks: list[datetime] = []
    with Clock(START) as clock:
        clock.every(MINUTE, "tick", lambda: ticks.append(clock.now()))

        clock.advance(timedelta(minutes=3, seconds=30))

        assert clock.now() == START + timedelta(minutes=3, seconds=30)
    assert ticks == [START + MINUTE, START + 2 * MINUTE, START + 3 * MINUTE]


def test_sleeping_costs_lab_time_and_no_other() -> None:
    began = time.monotonic()
    with Clock(START) as clock:
        time.sleep(3600)

        assert clock.now() == START + HOUR
    assert time.monotonic() - began < 5


def test_time_never_goes_back_when_a_sleep_has_passed_what_was_due() -> None:
    seen: list[datetime] = []
    with Clock(START) as clock:
        clock.after(MINUTE, "sleeps", lambda: time.sleep(600))
        clock.after(2 * MINUTE, "was due", lambda: seen.append(clock.now()))

        clock.run(HOUR)

    assert seen == [START + 11 * MINUTE]


def test_an_error_in_an_action_reaches_whoever_runs_the_clock() -> None:
    with Clock(START) as clock:
        clock.after(MINUTE, "fails", lambda: 1 / 0)  # type: ignore[arg-type]  # what it returns is not looked at

        with pytest.raises(ZeroDivisionError):
            clock.run(HOUR)


def test_the_real_time_is_back_afterwards() -> None:
    with Clock(START):
        pass

    assert datetime.now(UTC) != START


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Clock(datetime(2026, 1, 15, 10))  # noqa: DTZ001 - the point


def test_the_real_clock_does_what_is_due_by_itself() -> None:
    seen: list[str] = []
    with RealClock() as clock:
        clock.after(timedelta(milliseconds=50), "second", lambda: seen.append("second"))
        clock.after(timedelta(0), "first", lambda: seen.append("first"))

        clock.run(timedelta(seconds=5))

    assert seen == ["first", "second"]


def test_an_error_does_not_stop_the_real_clock(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    with RealClock() as clock:
        clock.after(timedelta(0), "fails", lambda: 1 / 0)  # type: ignore[arg-type]  # what it returns is not looked at
        clock.after(timedelta(milliseconds=20), "next", lambda: seen.append("next"))

        clock.run(timedelta(seconds=5))

    assert seen == ["next"]
    assert "could not do what was due" in caplog.text
