"""How long an incident is followed."""

from cli.following import LOOK_EVERY, Patience


class Stopwatch:
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_patience_lasts_for_the_wait_and_no_longer() -> None:
    watch = Stopwatch()
    patience = Patience(wait=5, monotonic=lambda: watch.now, sleep=watch.sleep)

    looks = [patience.lasts() for _ in range(4)]

    assert looks == [True, True, True, False]
    assert watch.now == 1_005.0
    assert LOOK_EVERY == 2.0


def test_no_wait_means_one_look() -> None:
    watch = Stopwatch()

    assert not Patience(wait=0, monotonic=lambda: watch.now, sleep=watch.sleep).lasts()
    assert watch.now == 1_000.0
