"""From a group of failures to a verdict, under each mode and limit."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.diagnosis.history import TOLD_WITHIN
from replimend.domain.facts import Absent, Fact, Key, ReplicationSetup
from replimend.domain.incident import FailureGroup, Incident, Sample, Status
from replimend.domain.repair.verdicts import Approval, Mode
from replimend.domain.work import ApplyPlan
from replimend.errors import ThrottledError
from replimend.usecases.triage import DIAGNOSIS_LEASE, SOON
from tests.facts import (
    DESTINATION_KEY,
    OBJECT_KEY,
    ROLE_ARN,
    VERSION,
    a_key,
    a_rule,
    flagship_facts,
    healthy_facts,
)
from tests.fakes import FakeIncidents, FakeKeys
from tests.incidents import GROUP, LIMITS
from tests.unit.usecases.world import World

SAMPLES = (Sample(key=OBJECT_KEY, version_id=VERSION),)


def triaged(world: World, group: FailureGroup = GROUP) -> dict[str, Any]:
    answer = world.triage.triage(group, SAMPLES)
    assert answer is not None
    return dict(answer)


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (Mode.OBSERVE, Status.OBSERVED),
        (Mode.APPROVE, Status.AWAITING_APPROVAL),
        (Mode.REPAIR, Status.APPROVED),
    ],
)
def test_the_mode_decides_how_far_a_listed_plan_goes(mode: Mode, status: Status) -> None:
    world = World(limits=replace(LIMITS, mode=mode))

    triaged(world)

    assert world.incident.status is status
    assert world.outbox.announced == [status]
    assert bool(world.outbox.sent) is (status is Status.APPROVED)


def test_a_plan_beyond_the_limits_is_refused_with_every_objection() -> None:
    world = World(limits=replace(LIMITS, repairable_keys=frozenset(), accounts=frozenset()))

    answer = triaged(world)

    assert world.incident.status is Status.REFUSED
    assert len(answer["verdict"]["objections"]) == 2


def test_what_cannot_be_mended_by_us_is_escalated_with_what_to_do() -> None:
    world = World(healthy_facts(destination_key=a_key(state="Disabled")))

    answer = triaged(world)

    assert world.incident.status is Status.ESCALATED
    assert world.incident.plan_hash is None
    assert world.incident.next_step
    assert answer["verdict"]["verdict"] == "no_plan"


def test_an_approved_plan_goes_to_repair_by_its_hash() -> None:
    world = World()

    answer = triaged(world)

    (message,) = world.outbox.sent
    assert message == ApplyPlan(
        incident_id=world.incident.incident_id, plan_hash=answer["plan"]["hash"]
    )


def test_the_answer_is_kept_with_the_incident() -> None:
    world = World()

    answer = triaged(world)

    kept = json.loads(world.incidents.answer_of(world.incident.incident_id))
    assert kept == {name: answer[name] for name in ("diagnosis", "plan", "verdict")}
    assert answer["incident"]["incidentId"] == world.incident.incident_id


def test_a_pause_refuses_what_would_else_be_repaired() -> None:
    world = World()
    world.incidents.freeze("anna", world.clock.now())

    triaged(world)

    assert world.incident.status is Status.REFUSED


def test_an_earlier_approval_of_the_same_plan_still_counts() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.APPROVE))
    plan_hash = triaged(world)["plan"]["hash"]
    expires = world.clock.now() + timedelta(hours=1)
    world.incidents.approve(
        world.incident.incident_id, Approval(plan_hash=plan_hash, by="anna", expires=expires)
    )

    triaged(world)

    assert world.incident.status is Status.APPROVED


def test_while_one_diagnoses_a_group_another_leaves_it_alone() -> None:
    world = World()
    now = world.clock.now()
    world.signals.claim_diagnosis(GROUP, now, now + DIAGNOSIS_LEASE)

    assert world.triage.triage(GROUP, SAMPLES) is None
    assert world.incidents.incidents == {}


class BusyKeys(FakeKeys):
    def describe(self, key: str, account: str, region: str) -> Fact[Key]:
        raise ThrottledError(f"{key} in {account} and {region}")


def test_a_diagnosis_that_failed_leaves_the_group_to_the_next() -> None:
    world = World()
    well, world.keys = world.keys, BusyKeys({})
    with pytest.raises(ThrottledError):
        world.triage.triage(GROUP, SAMPLES)

    world.keys = well

    assert triaged(world)["incident"]["status"] == Status.APPROVED


@pytest.mark.parametrize("status", [each for each in Status if each.is_mending])
def test_what_is_being_mended_keeps_its_state(status: Status) -> None:
    world = World()
    triaged(world)
    mending = replace(world.incident, status=status)
    world.incidents.incidents[mending.incident_id] = mending
    world.outbox.take()

    answer = triaged(world, replace(GROUP, reason="DstMultipartInitNotPermitted"))

    assert world.incident == mending
    assert answer["incident"]["status"] == status
    assert world.outbox.sent == []


def test_a_group_whose_cause_turns_out_to_be_another_leaves_its_incident_closed() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.OBSERVE))
    first = triaged(world)["incident"]["incidentId"]
    world.keys.keys[DESTINATION_KEY] = a_key(state="Disabled")

    second = triaged(world)["incident"]["incidentId"]

    assert first != second
    superseded = world.incidents.find(first)
    assert superseded is not None
    assert superseded.status is Status.RESOLVED
    assert second in superseded.summary


def test_an_incident_with_other_groups_stays_when_one_leaves_it() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.OBSERVE))
    other = replace(GROUP, rule_id="to-paris")
    rules = (a_rule(), a_rule(rule_id="to-paris"))
    world.buckets.setups["orders-ireland"] = ReplicationSetup(role_arn=ROLE_ARN, rules=rules)
    shared = triaged(world)["incident"]["incidentId"]
    assert triaged(world, other)["incident"]["incidentId"] == shared
    world.buckets.setups["orders-ireland"] = ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(),))

    triaged(world, other)

    kept = world.incidents.find(shared)
    assert kept is not None
    assert kept.status is Status.OBSERVED
    assert world.incidents.groups_of(shared) == (GROUP,)


def test_what_somebody_else_mended_stays_with_its_incident_and_is_only_replayed() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.OBSERVE))
    incident_id = triaged(world)["incident"]["incidentId"]
    mended = healthy_facts().destination_key
    world.keys.keys[DESTINATION_KEY] = mended
    world.limits = LIMITS
    world.clock.advance(TOLD_WITHIN)

    answer = triaged(world)

    assert answer["incident"]["incidentId"] == incident_id
    assert answer["plan"]["replayOnly"]
    assert (world.incident.status, world.incident.cause) == (Status.APPROVED, Cause.MENDED)


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(), Status.DIAGNOSED),
        (TOLD_WITHIN - SOON, Status.DIAGNOSED),
        (TOLD_WITHIN, Status.APPROVED),
    ],
    ids=["at once", "just before", "after"],
)
def test_a_refusal_that_nothing_in_sight_explains_waits_for_its_denial(
    age: timedelta, status: Status
) -> None:
    world = World(healthy_facts())
    world.clock.advance(age)

    triaged(world)

    assert (world.incident.status, world.incident.cause) == (status, Cause.MENDED)
    waits = status is Status.DIAGNOSED
    assert world.outbox.announced == ([] if waits else [Status.APPROVED])
    assert world.outbox.delays == [TOLD_WITHIN - age]
    assert ("waits until 12:10 UTC for CloudTrail" in world.incident.summary) is waits


def test_without_a_configuration_no_role_is_named() -> None:
    world = World(flagship_facts(setup=Absent(what="replication")))

    triaged(world)

    assert (world.incident.role_arn, world.incident.status) == ("", Status.ESCALATED)


class RacedIncidents(FakeIncidents):
    """Somebody else moves every incident right after it was read."""

    def find(self, incident_id: str) -> Incident | None:
        found = super().find(incident_id)
        if found is not None:
            self.move(found, Status.RESOLVED, found.updated_at)
        return found


def test_a_diagnosis_that_lost_the_race_to_be_kept_hands_nothing_on() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.OBSERVE))
    triaged(world)
    raced = RacedIncidents()
    vars(raced).update(vars(world.incidents))
    world.incidents = raced
    world.limits = LIMITS

    triaged(world)

    assert world.incident.status is Status.RESOLVED
    assert world.outbox.sent == []
