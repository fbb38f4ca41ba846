"""What got stuck is woken by the message that leads on; what is under way is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replimend.domain.batch import TriageRequest
from replimend.domain.incident import Incident, Status
from replimend.domain.recopy import JobPhase
from replimend.domain.verdicts import Mode
from replimend.domain.work import AdvanceRecopy, ApplyPlan, RollBackRound
from replimend.usecases.sweep import ASK_AGAIN_AFTER, STUCK_AFTER
from tests.facts import NOON, OBJECT_KEY
from tests.fakes import Message
from tests.incidents import GROUP, LIMITS, a_failure, an_incident
from tests.unit.usecases.world import World

MOMENT = timedelta(seconds=1)


def world_with(status: Status, age: timedelta) -> World:
    world = World()
    world.incidents.save_diagnosis(an_incident(status=status), None, GROUP, "{}")
    world.clock.moment = NOON + age
    return world


LEADS_ON: dict[Status, Message] = {
    Status.OPEN: RollBackRound(incident_id="0123456789ab", round=1),
    Status.DIAGNOSED: TriageRequest(group=GROUP),
    Status.APPROVED: ApplyPlan(incident_id="0123456789ab", plan_hash="0" * 32),
    Status.REPAIRED: AdvanceRecopy(incident_id="0123456789ab", poll=None),
    Status.CANARY: AdvanceRecopy(incident_id="0123456789ab", poll=None),
    Status.RECOPYING: AdvanceRecopy(incident_id="0123456789ab", poll=None),
}


@pytest.mark.parametrize(("status", "message"), LEADS_ON.items(), ids=LEADS_ON)
def test_a_stuck_incident_is_sent_its_message_again(status: Status, message: Message) -> None:
    world = world_with(status, STUCK_AFTER + MOMENT)

    assert world.sweep.sweep() == 1
    assert world.outbox.sent == [message]
    assert world.tally.counts[f"woken {status}"] == 1


@pytest.mark.parametrize("status", LEADS_ON)
def test_what_moved_a_while_ago_is_not_stuck(status: Status) -> None:
    world = world_with(status, STUCK_AFTER)

    assert world.sweep.sweep() == 0
    assert world.outbox.sent == []


@pytest.mark.parametrize("status", [Status.OBSERVED, Status.REFUSED])
@pytest.mark.parametrize(
    ("mode", "age", "asked"),
    [
        (Mode.REPAIR, ASK_AGAIN_AFTER + MOMENT, 1),
        (Mode.APPROVE, ASK_AGAIN_AFTER + MOMENT, 1),
        (Mode.REPAIR, ASK_AGAIN_AFTER, 0),
        (Mode.OBSERVE, ASK_AGAIN_AFTER + MOMENT, 0),
    ],
)
def test_what_other_limits_might_free_is_looked_at_again_now_and_then(
    status: Status, mode: Mode, age: timedelta, asked: int
) -> None:
    world = world_with(status, age)
    world.limits = replace(LIMITS, mode=mode)

    assert world.sweep.sweep() == asked
    assert world.outbox.sent == [TriageRequest(group=GROUP)] * asked


@pytest.mark.parametrize(
    "status",
    [Status.ESCALATED, Status.AWAITING_APPROVAL, Status.RESOLVED, Status.QUARANTINED],
)
def test_what_waits_for_a_person_is_left_to_one(status: Status) -> None:
    world = world_with(status, timedelta(days=30))

    assert world.sweep.sweep() == 0


def test_a_sweep_changes_nothing_itself() -> None:
    world = world_with(Status.CANARY, STUCK_AFTER + MOMENT)
    before = world.incident

    world.sweep.sweep()

    assert world.incident == before


def lost_after(deliveries: int) -> tuple[World, Incident]:
    """The flagship, whose next message is lost after so many were delivered."""
    world = World()
    world.tell(a_failure())
    for _ in range(deliveries):
        world.clock.advance(timedelta(minutes=2))
        world.deliver()
        for job_id, job in world.jobs.jobs.items():
            if job.state.phase is JobPhase.RUNNING:
                world.finish(job_id)
    world.outbox.take()
    return world, world.incident


@pytest.mark.parametrize("deliveries", [0, 1, 2])
def test_an_incident_whose_message_was_lost_is_mended_all_the_same(deliveries: int) -> None:
    world, stuck = lost_after(deliveries)
    assert not stuck.status.has_ended
    world.clock.advance(STUCK_AFTER + MOMENT)

    world.sweep.sweep()
    world.settle()

    assert world.incident.status is Status.RESOLVED


def test_a_lost_roll_back_is_asked_for_again() -> None:
    world = World()
    world.tell(a_failure())
    world.deliver()
    world.clock.advance(timedelta(minutes=2))
    world.deliver()
    world.finish("job-1", failing=frozenset({OBJECT_KEY}))
    world.deliver()
    world.outbox.take()
    world.clock.advance(STUCK_AFTER + MOMENT)

    world.sweep.sweep()
    world.deliver()

    assert world.statements_of() == ["Administer", "Delegate"]
    assert world.incident.round == 2


def test_a_job_that_runs_for_hours_gathers_no_chains_of_messages() -> None:
    world = World()
    world.tell(a_failure())
    world.deliver()
    world.clock.advance(timedelta(minutes=2))
    world.deliver()
    for _ in range(10):
        world.clock.advance(STUCK_AFTER)
        world.sweep.sweep()
        world.deliver()

    assert len(world.outbox.sent) == 1
