"""What triage and repair make of who changed what: named, waited for, and left to a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replimend.domain.batch import TriageRequest
from replimend.domain.commands import ApprovePlan
from replimend.domain.diagnosis.history import (
    TOLD_WITHIN,
    Act,
    Author,
    ChangeEvent,
    Channel,
)
from replimend.domain.incident import FailureGroup, Sample, Status
from replimend.domain.repair.verdicts import Mode
from tests.facts import (
    DESTINATION_KEY,
    MEMBER,
    NOON,
    OBJECT_KEY,
    VERSION,
    administered_by,
    document,
    healthy_facts,
)
from tests.incidents import GROUP, LIMITS, a_failure
from tests.unit.usecases.world import World

PERSON = f"arn:aws:iam::{MEMBER}:user/anna"
REMOVAL = ChangeEvent(
    event_id="e1",
    act=Act.PUT_KEY_POLICY,
    at=NOON - timedelta(hours=1),
    author=Author(principal=PERSON, role_arn=None, channel=Channel.CONSOLE),
    subject=DESTINATION_KEY,
    document=document(administered_by(MEMBER)),
)


@pytest.fixture
def world() -> World:
    return World()


def test_the_stored_answer_names_who_broke_it(world: World) -> None:
    world.history.events.append(REMOVAL)

    world.tell(a_failure())

    assert PERSON in world.incidents.answer_of(world.incident.incident_id)


def test_in_repair_mode_a_removal_waits_for_an_approval_and_passes_with_one(world: World) -> None:
    world.history.events.append(REMOVAL)
    world.tell(a_failure())
    world.settle()
    waiting, written = world.incident, list(world.keys.written)

    world.repair.obey(
        ApprovePlan(incident_id=waiting.incident_id, plan_hash=waiting.plan_hash or "", by="berta")
    )
    world.settle()

    assert written == []
    assert [waiting.status, world.incident.status] == [
        Status.AWAITING_APPROVAL,
        Status.RESOLVED,
    ]
    assert world.incident.approved_by == "berta"


def test_a_removal_that_comes_to_light_before_the_write_stops_it(world: World) -> None:
    world.tell(a_failure())
    before = world.incident.status
    world.history.events.append(REMOVAL)

    world.settle()

    assert world.keys.written == []
    assert [before, world.incident.status] == [Status.APPROVED, Status.AWAITING_APPROVAL]
    assert PERSON in world.incident.summary


def test_an_unreadable_history_waits_for_a_person(world: World) -> None:
    world.history.unreadable.add(DESTINATION_KEY)

    world.tell(a_failure())

    assert world.incident.status is Status.AWAITING_APPROVAL


def test_while_cloudtrail_is_silent_the_plan_waits_and_the_group_is_looked_at_again(
    world: World,
) -> None:
    world.history.told_until = NOON - timedelta(minutes=5)
    world.tell(a_failure())
    before = world.incident.status

    assert world.outbox.sent == [TriageRequest(group=GROUP)]
    assert world.outbox.delays == [TOLD_WITHIN]

    world.clock.advance(TOLD_WITHIN)
    world.history.told_until = NOON + timedelta(minutes=5)
    world.settle()

    assert [before, world.incident.status] == [Status.DIAGNOSED, Status.RESOLVED]
    assert world.outbox.announced[0] is Status.APPROVED
    assert world.incident.approved_by is None


def test_what_stands_as_it_did_is_not_announced_again(world: World) -> None:
    world.history.told_until = NOON - timedelta(minutes=5)
    world.history.events.append(REMOVAL)
    world.tell(a_failure())

    world.history.told_until = NOON + timedelta(minutes=5)
    world.settle()

    assert world.outbox.announced == [Status.AWAITING_APPROVAL]


def test_a_request_to_look_again_that_comes_too_late_reopens_nothing(world: World) -> None:
    world.tell(a_failure())
    world.settle()
    before = world.incident
    assert before.status is Status.RESOLVED

    world.hand_over(TriageRequest(group=GROUP))

    assert world.incident == before


def test_history_is_asked_for_once_a_subject_and_never_where_nothing_is_wrong() -> None:
    healthy, broken = World(healthy_facts()), World()

    healthy.tell(a_failure())
    broken.tell(a_failure())

    assert healthy.history.asked == []
    assert [each.arn for each in broken.history.asked] == [DESTINATION_KEY]


def test_a_person_who_asks_long_after_does_not_make_an_old_removal_older(world: World) -> None:
    world.limits = replace(LIMITS, mode=Mode.REPAIR)
    world.history.events.append(REMOVAL)
    world.clock.advance(timedelta(days=30))
    asked = FailureGroup(
        bucket=GROUP.bucket,
        rule_id=GROUP.rule_id,
        destination_bucket=GROUP.destination_bucket,
        reason="ManualRequest",
    )

    world.triage.triage(asked, (Sample(key=OBJECT_KEY, version_id=VERSION),))

    assert world.incident.status is Status.AWAITING_APPROVAL
