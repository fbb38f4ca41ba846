"""Following an incident: each change of status once, as it comes, until the end."""

from collections.abc import Callable, Iterator

import pytest

from cli.following import Follower, Patience
from replimend.domain.incident import Status
from tests.integration.cli.made_up import INCIDENT_ID, MadeUpStack


def follower(made_up: MadeUpStack, *happenings: Callable[[], None]) -> Follower:
    """Follows while one thing after the other happens, each during one sleep."""
    coming: Iterator[Callable[[], None]] = iter(happenings)

    def sleep(seconds: float) -> None:
        assert seconds > 0
        next(coming, lambda: pytest.fail("it was followed beyond its end"))()

    patience = Patience(wait=3_600, monotonic=lambda: 0.0, sleep=sleep)
    return Follower(ledger=made_up.stack.ledger, patience=patience)


def test_every_state_is_told_once_although_some_come_between_two_looks(
    made_up: MadeUpStack,
) -> None:
    made_up.open(Status.APPROVED)

    def two_at_once() -> None:
        made_up.move(Status.REPAIRED, "repaired")
        made_up.move(Status.CANARY, "canary")

    following = follower(
        made_up,
        lambda: None,
        two_at_once,
        lambda: None,
        lambda: made_up.move(Status.RESOLVED, "resolved"),
    )

    told = [step.became for step in following.follow(INCIDENT_ID, Status.APPROVED, 1)]

    assert told == [Status.APPROVED, Status.REPAIRED, Status.CANARY, Status.RESOLVED]


def test_an_end_is_told_although_its_line_of_history_is_not_written_yet(
    made_up: MadeUpStack,
) -> None:
    made_up.open(Status.APPROVED)
    table = made_up.stack.ledger.incidents.table
    table.update(
        f"INCIDENT#{INCIDENT_ID}",
        "META",
        {"status": "escalated", "summary": "no change was possible", "revision": 2},
    )

    following = follower(made_up)
    told = list(following.follow(INCIDENT_ID, Status.APPROVED, 1))

    assert [(step.became, step.summary) for step in told][1:] == [
        (Status.ESCALATED, "no change was possible")
    ]


def test_a_failed_canary_is_followed_into_the_next_round(made_up: MadeUpStack) -> None:
    made_up.open(Status.APPROVED)

    def canary_fails() -> None:
        made_up.move(Status.CANARY, "canary")
        made_up.move(Status.OPEN, "the canary failed")

    following = follower(
        made_up,
        canary_fails,
        lambda: made_up.move(Status.QUARANTINED, "enough"),
    )

    told = [step.summary for step in following.follow(INCIDENT_ID, Status.APPROVED, 1)]

    assert told[1:] == ["canary", "the canary failed", "enough"]
