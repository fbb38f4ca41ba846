"""The breaker opens once, tells once, and is closed by a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replimend.domain.commands import ResumeRepairs
from replimend.domain.incident import Status
from replimend.domain.repair.notices import NoticeKind
from replimend.domain.repair.verdicts import Mode
from tests.incidents import LIMITS, a_change, a_failure
from tests.unit.usecases.world import World

HOUR = timedelta(hours=1)


def spent_world(mode: Mode = Mode.REPAIR) -> World:
    """The hour's changes have been made, for other incidents."""
    world = World(limits=replace(LIMITS, mode=mode, changes_per_hour=2))
    for name in ("one", "two"):
        world.changes.record(a_change(change_id=name, incident_id=name))
    return world


def test_the_first_change_too_many_pauses_all_changes_and_tells() -> None:
    world = spent_world()

    world.tell(a_failure())

    assert world.incident.status is Status.REFUSED
    assert world.incidents.frozen == "the breaker (ChangesPerHour)"
    (notice,) = world.outbox.notices
    assert notice.kind is NoticeKind.BREAKER_OPENED
    assert "2 made, 2 allowed" in notice.says
    assert "replimend resume" in notice.says


def test_it_is_told_once_and_not_for_every_plan() -> None:
    world = spent_world()

    world.tell(a_failure())
    world.tell(a_failure(rule_id="another"))

    assert len(world.outbox.notices) == 1


def test_time_alone_does_not_close_it() -> None:
    world = spent_world()
    world.tell(a_failure())

    world.clock.advance(24 * HOUR)
    world.sweep.sweep()
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert world.keys.written == []


def test_whoever_resumes_starts_the_hour_anew() -> None:
    world = spent_world()
    world.tell(a_failure())
    world.clock.advance(timedelta(minutes=10))

    world.repair.obey(ResumeRepairs(by="anna"))
    world.sweep.sweep()
    world.settle()

    assert world.incident.status is Status.RESOLVED
    assert len(world.outbox.notices) == 1


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.APPROVE])
def test_what_would_not_be_changed_anyway_opens_nothing(mode: Mode) -> None:
    world = spent_world(mode)

    world.tell(a_failure())

    assert world.incidents.frozen is None
    assert world.outbox.notices == []


def test_a_limit_of_zero_has_no_breaker_to_open() -> None:
    world = World(limits=replace(LIMITS, changes_per_hour=0))

    world.tell(a_failure())

    assert world.incident.status is Status.REFUSED
    assert world.incidents.frozen is None


def test_a_pause_of_a_persons_stays_the_persons() -> None:
    world = spent_world()
    world.incidents.freeze("anna", world.clock.now())

    world.tell(a_failure())

    assert world.incidents.frozen == "anna"
    assert world.outbox.notices == []
