"""What got stuck is woken by the message that leads on; what is under way is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replimend.domain.batch import TriageRequest
from replimend.domain.commands import AdoptChange, ApprovePlan, ResumeRepairs, RollBackChange
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Key
from replimend.domain.incident import Incident, Status
from replimend.domain.recopy.objects import JobPhase
from replimend.domain.repair.hours import Hours
from replimend.domain.repair.notices import NoticeKind
from replimend.domain.repair.verdicts import Mode
from replimend.domain.signals import ManualRequest
from replimend.domain.unavailable import Unavailable
from replimend.domain.work import AdvanceRecopy, ApplyPlan, RollBackRound
from replimend.usecases.sweep import ASK_AGAIN_AFTER, STUCK_AFTER
from tests.facts import DESTINATION_KEY, NOON, OBJECT_KEY
from tests.fakes import Message
from tests.incidents import GROUP, LIMITS, a_failure, an_incident
from tests.unit.usecases.world import APPROVAL_VALID, World

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
    [Status.ESCALATED, Status.RESOLVED, Status.QUARANTINED],
)
def test_what_waits_for_a_person_is_left_to_one(status: Status) -> None:
    world = world_with(status, timedelta(days=30))

    assert world.sweep.sweep() == 0


@pytest.mark.parametrize(
    ("looked_at_for", "since", "asked"),
    [
        (timedelta(), STUCK_AFTER, 0),
        (timedelta(), STUCK_AFTER + MOMENT, 1),
        (timedelta(hours=2), timedelta(hours=2) - MOMENT, 0),
        (timedelta(hours=2), timedelta(hours=2), 1),
        (timedelta(days=9), ASK_AGAIN_AFTER, 1),
    ],
)
def test_what_may_settle_by_itself_is_looked_at_again_less_and_less_often(
    looked_at_for: timedelta, since: timedelta, asked: int
) -> None:
    world = World()
    last = NOON + looked_at_for
    waiting = an_incident(
        status=Status.ESCALATED, cause="destination_key_unusable", updated_at=last
    )
    world.incidents.save_diagnosis(waiting, None, GROUP, "{}")
    world.clock.moment = last + since

    assert world.sweep.sweep() == asked
    assert world.outbox.sent == [TriageRequest(group=GROUP)] * asked


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


# what nobody answered, what was out of hours, what is to be reminded of


APPROVING = replace(LIMITS, mode=Mode.APPROVE)


def asking_world() -> World:
    """The flagship in the mode approve: a person has been asked."""
    world = World(limits=APPROVING)
    world.tell(a_failure())
    assert world.incident.status is Status.AWAITING_APPROVAL
    return world


def test_what_nobody_answers_is_refused_after_a_time_and_once() -> None:
    world = asking_world()
    world.clock.advance(APPROVAL_VALID + MOMENT)

    world.sweep.sweep()
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert "nobody answered since 2026-06-01 12:00 UTC" in world.incident.summary
    assert world.outbox.announced.count(Status.REFUSED) == 1
    world.clock.advance(timedelta(days=3))
    world.sweep.sweep()
    assert world.outbox.sent == []
    assert len(world.outbox.asked) == 1


def test_a_question_is_open_until_its_time_is_over() -> None:
    world = asking_world()
    world.clock.advance(APPROVAL_VALID)

    world.sweep.sweep()

    assert world.outbox.sent == []


def test_an_answer_that_came_just_before_stands() -> None:
    world = asking_world()
    world.clock.advance(APPROVAL_VALID + MOMENT)
    world.sweep.sweep()
    plan_hash = world.incident.plan_hash or ""
    world.repair.obey(
        ApprovePlan(incident_id=world.incident.incident_id, plan_hash=plan_hash, by="anna")
    )

    world.settle()

    assert world.incident.status is Status.RESOLVED


def test_whoever_asks_later_is_asked_anew() -> None:
    world = asking_world()
    world.clock.advance(APPROVAL_VALID + MOMENT)
    world.sweep.sweep()
    world.settle()

    world.inquiry.answer(ManualRequest(bucket="orders-ireland", key=OBJECT_KEY, version_id=None))

    assert world.incident.status is Status.AWAITING_APPROVAL
    assert len(world.outbox.asked) == 2


def statuses(world: World) -> list[Status]:
    return [each.status for each in world.incidents.incidents.values()]


def test_what_was_refused_out_of_hours_is_looked_at_again_once_the_window_opens() -> None:
    world = World(limits=replace(LIMITS, hours=Hours.parse("Mon-Fri 14:00-15:00 UTC")))
    world.tell(a_failure())
    assert statuses(world) == [Status.REFUSED]
    assert "outside ChangeHours" in world.incidents.answer_of(world.incident.incident_id)
    world.sweep.sweep()
    assert world.outbox.sent == []

    world.clock.moment = NOON.replace(hour=14, minute=1)
    world.sweep.sweep()
    world.settle()

    assert world.incident.status is Status.RESOLVED


def test_what_was_refused_in_a_pause_is_looked_at_again_after_it() -> None:
    world = World()
    world.incidents.freeze("anna", NOON)
    world.tell(a_failure())
    assert statuses(world) == [Status.REFUSED]
    world.clock.advance(timedelta(minutes=5))
    world.repair.obey(ResumeRepairs(by="anna"))

    world.sweep.sweep()
    world.settle()

    assert world.incident.status is Status.RESOLVED


def mended_world() -> World:
    world = World()
    world.tell(a_failure())
    world.settle()
    assert world.incident.status is Status.RESOLVED
    return world


def test_a_change_that_the_users_code_lacks_is_told_of_once_a_week() -> None:
    world = mended_world()
    (change,) = world.changes.records.values()

    told = []
    for _ in range(15):
        world.clock.advance(timedelta(days=1))
        world.sweep.sweep()
        world.deliver()
        told.append(len(world.outbox.notices))

    assert told == [1] * 7 + [2] * 7 + [3]
    notice = world.outbox.notices[0]
    assert notice.kind is NoticeKind.CHANGES_NOT_ADOPTED
    assert notice.about == (change.change_id,)
    assert f"{change.change_id} (key_policy of {DESTINATION_KEY})" in notice.says


def test_nobody_is_reminded_of_what_was_changed_a_moment_ago() -> None:
    world = mended_world()
    world.clock.advance(timedelta(hours=23))

    world.sweep.sweep()

    assert world.outbox.sent == []


def test_an_adopted_change_is_told_of_no_more() -> None:
    world = mended_world()
    (change,) = world.changes.records.values()
    (ours,) = change.after.added_to(change.before)
    theirs = {**ours, "Sid": "FromTheirOwnCode"}
    content = change.after.content
    statements = [*content["Statement"], theirs]
    world.keys.edit(DESTINATION_KEY, PolicyDocument.of({**content, "Statement": statements}))
    world.clock.advance(timedelta(days=2))

    world.sweep.sweep()
    world.deliver()

    assert world.outbox.notices == []
    assert "without what we added" in world.notes.adopted_by[change.change_id]


def test_a_person_can_say_that_a_change_is_adopted() -> None:
    world = mended_world()
    (change,) = world.changes.records.values()

    answer = world.repair.obey(AdoptChange(change_id=change.change_id, by="anna"))
    world.clock.advance(timedelta(days=2))
    world.sweep.sweep()
    world.deliver()

    assert answer == {"changeId": change.change_id, "adopted": True, "says": "anna says so"}
    assert world.outbox.notices == []
    assert "error" in world.repair.obey(AdoptChange(change_id="none", by="anna"))


def test_a_change_that_was_rolled_back_is_no_longer_in_force() -> None:
    world = mended_world()
    (change,) = world.changes.records.values()
    world.repair.obey(RollBackChange(change_id=change.change_id, by="anna"))
    world.clock.advance(timedelta(days=2))

    world.sweep.sweep()
    world.deliver()

    assert world.outbox.notices == []


@pytest.mark.parametrize(
    "policy", [Unavailable(reason="denied"), PolicyDocument(text='{"Statement": [{"Effect": 1}]}')]
)
def test_a_change_whose_policy_cannot_be_judged_is_told_of(
    policy: PolicyDocument | Unavailable,
) -> None:
    world = mended_world()
    (change,) = world.changes.records.values()
    key = world.keys.keys[DESTINATION_KEY]
    assert isinstance(key, Key)
    if isinstance(policy, PolicyDocument):
        ours = list(change.after.added_to(change.before))
        broken = [*policy.statements, *ours]
        policy = PolicyDocument.of({"Version": "2012-10-17", "Statement": broken})
    world.keys.keys[DESTINATION_KEY] = replace(key, policy=policy)
    world.clock.advance(timedelta(days=2))

    world.sweep.sweep()
    world.deliver()

    assert [each.about for each in world.outbox.notices] == [(change.change_id,)]


# what expires


def expiring_world() -> World:
    """A mended flagship whose change lives for a day only."""
    world = mended_world()
    (change,) = world.changes.records.values()
    expires = NOON + timedelta(days=1)
    world.changes.records[change.change_id] = replace(change, expires=expires)
    world.notes.note_expiry(change.change_id, expires)
    return world


def test_a_change_whose_time_is_over_is_undone_once_and_told() -> None:
    world = expiring_world()
    world.clock.moment = NOON + timedelta(days=1)

    for _ in range(2):
        world.sweep.sweep()
        world.settle()

    assert world.statements_of() == ["Administer", "Delegate"]
    (notice,) = (each for each in world.outbox.notices if each.kind is NoticeKind.CHANGE_EXPIRED)
    assert "expired and was rolled back: what was stored was put back" in notice.says


def test_before_its_time_nothing_is_undone() -> None:
    world = expiring_world()
    (change,) = world.changes.records.values()
    world.clock.moment = NOON + timedelta(days=1) - MOMENT

    world.sweep.sweep()
    assert world.outbox.sent == []
    world.repair.roll_back_expired(change.change_id)

    assert world.statements_of() == ["Administer", "Delegate", "Ours"]


def test_a_change_that_cannot_be_undone_in_its_time_is_told_once() -> None:
    world = expiring_world()
    key = world.keys.keys[DESTINATION_KEY]
    assert isinstance(key, Key)
    world.keys.keys[DESTINATION_KEY] = replace(key, policy=Unavailable(reason="denied"))
    world.clock.moment = NOON + timedelta(days=1)

    for _ in range(2):
        world.sweep.sweep()
        world.settle()

    (notice,) = (each for each in world.outbox.notices if each.kind is NoticeKind.CHANGE_EXPIRED)
    assert "could not be rolled back" in notice.says
