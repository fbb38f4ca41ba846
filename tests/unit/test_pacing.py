"""A rate that halves when AWS asks for it, creeps up again, and never passes its ceiling."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.recopy.pacing import BURST, LEAST_A_SECOND, Bucket, jittered
from tests.facts import NOON

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def test_a_rested_bucket_grants_ten_seconds_worth_and_then_its_rate() -> None:
    bucket, granted, _ = Bucket.full(10, NOON).take(1_000, NOON)
    empty, none, wait = bucket.take(1_000, NOON)
    _, again, _ = empty.take(1_000, NOON + SECOND)

    assert (granted, none, again) == (100, 0, 10)
    assert wait == SECOND


def test_throttling_halves_the_rate_and_takes_the_savings() -> None:
    bucket, granted, wait = Bucket.full(100, NOON).throttled(NOON).take(10, NOON)

    assert bucket.rate == 50
    assert granted == 0
    assert wait == SECOND / 5


def test_a_rate_never_falls_to_nothing_and_recovers_with_time() -> None:
    bucket = Bucket.full(100, NOON)
    for _ in range(20):
        bucket = bucket.throttled(NOON)
    assert bucket.rate == LEAST_A_SECOND

    for minute in range(1, 120):
        bucket, _, _ = bucket.take(1, NOON + timedelta(minutes=minute))

    assert bucket.rate == 100


def test_a_lower_ceiling_takes_effect_at_once() -> None:
    assert Bucket.full(100, NOON).under(5).rate == 5


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 5)), max_size=40))
def test_no_more_is_granted_than_the_ceiling_allows(asked: list[tuple[int, int]]) -> None:
    bucket, now, total = Bucket.full(20, NOON), NOON, 0
    for most, seconds in asked:
        now += timedelta(seconds=seconds)
        bucket, granted, wait = bucket.take(most, now)
        assert (granted > 0) != (wait > timedelta())
        total += granted

    assert total <= 20 * ((now - NOON).total_seconds() + BURST.total_seconds())


def test_jitter_is_full() -> None:
    waits = {jittered(HOUR) for _ in range(50)}

    assert len(waits) == 50
    assert all(timedelta() <= wait <= HOUR for wait in waits)
