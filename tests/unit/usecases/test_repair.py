"""Only an approved plan that still fits the live set-up is applied, and people command it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from replimend.domain.batch import Batch, Heard, TriageRequest
from replimend.domain.commands import (
    ApprovePlan,
    PauseRepairs,
    RejectPlan,
    RepairCommand,
    ResumeRepairs,
    RollBackChange,
)
from replimend.domain.diagnosis.history import TOLD_WITHIN
from replimend.domain.documents import PolicyDocument
from replimend.domain.incident import Status
from replimend.domain.repair.changes import ChangeRecord, ChangeState
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion
from replimend.domain.repair.verdicts import Mode
from replimend.domain.unavailable import Unavailable
from replimend.domain.work import AdvanceRecopy, RollBackRound
from replimend.errors import PolicyChangedError, PolicyRefusedError
from tests.facts import (
    DESTINATION_KEY,
    MEMBER,
    NOON,
    a_key,
    administered_by,
    delegated_to,
    document,
    healthy_facts,
)
from tests.fakes import FakeKeys
from tests.incidents import GROUP, LIMITS, a_failure
from tests.unit.usecases.world import APPROVAL_VALID, CONSISTENCY_WAIT, World

ADMINISTERED = document(administered_by(MEMBER))


def diagnosed(mode: Mode = Mode.REPAIR, **limits: Any) -> World:
    """The flagship after triage; its messages are still on their way."""
    world = World(limits=replace(LIMITS, mode=mode, **limits))
    world.tell(a_failure())
    return world


def applied() -> World:
    world = diagnosed()
    world.deliver()
    return world


def apply(world: World, plan_hash: str | None = None) -> None:
    incident = world.incident
    world.repair.apply(incident.incident_id, plan_hash or incident.plan_hash or "")


def only_change(world: World) -> ChangeRecord:
    (change,) = world.changes.records.values()
    return change


# applying


def test_the_approved_plan_adds_its_one_statement_and_sends_the_canary_later() -> None:
    world = applied()

    incident = world.incident
    assert world.statements_of() == ["Administer", "Delegate", "Ours"]
    assert incident.status is Status.REPAIRED
    assert world.outbox.sent == [AdvanceRecopy(incident_id=incident.incident_id, poll="1-0")]
    assert world.outbox.delays == [CONSISTENCY_WAIT]


def test_the_change_is_kept_with_its_reason_and_its_inverse() -> None:
    world = applied()

    change = only_change(world)
    assert change.state is ChangeState.APPLIED
    assert change.before == a_key().policy
    assert (change.incident_id, change.round) == (world.incident.incident_id, 1)
    assert change.plan_hash == world.incident.plan_hash
    assert "kms:Encrypt" in change.why


def test_applying_twice_writes_once_and_asks_for_the_canary_again() -> None:
    world = applied()
    first = world.outbox.take()

    apply(world)

    assert len(world.keys.written) == 1
    assert world.outbox.sent == first


@pytest.mark.parametrize(
    "status", [each for each in Status if each not in {Status.APPROVED, Status.REPAIRED}]
)
def test_nothing_is_applied_in_any_other_status(status: Status) -> None:
    world = diagnosed()
    incident = world.incident
    world.incidents.incidents[incident.incident_id] = replace(incident, status=status)

    apply(world)

    assert world.keys.written == []
    assert world.incident.status is status


def test_an_unknown_incident_or_another_plan_is_not_applied() -> None:
    world = diagnosed()

    world.repair.apply("no-such", world.incident.plan_hash or "")
    apply(world, plan_hash="f" * 32)

    assert world.keys.written == []
    assert world.incident.status is Status.APPROVED


def test_a_plan_that_no_longer_fits_goes_back_to_triage() -> None:
    world = diagnosed()
    world.keys.edit(DESTINATION_KEY, ADMINISTERED)

    world.deliver()

    assert world.keys.written == []
    assert world.incident.status is Status.DIAGNOSED
    assert world.outbox.sent == [TriageRequest(group=GROUP)]


def test_a_plan_that_was_made_anew_is_applied_if_it_may_be() -> None:
    world = diagnosed()
    approved = world.incident.plan_hash
    world.keys.edit(DESTINATION_KEY, ADMINISTERED)

    world.settle()

    assert world.incident.plan_hash != approved
    assert world.incident.status is Status.RESOLVED
    assert world.statements_of() == ["Administer", "Ours"]


def test_what_became_unreadable_is_not_repaired() -> None:
    world = diagnosed()
    world.keys.keys[DESTINATION_KEY] = a_key(policy=Unavailable(reason="denied to us"))

    world.deliver()
    world.deliver()

    assert world.keys.written == []
    assert world.signals.incident_of(GROUP) is not None
    statuses = {each.status for each in world.incidents.incidents.values()}
    assert statuses == {Status.ESCALATED, Status.RESOLVED}, "the one superseded by the other"


@pytest.mark.parametrize(
    "limits",
    [
        {"mode": Mode.OBSERVE},
        {"repairable_keys": frozenset()},
        {"changes_per_hour": 0},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_limits_that_were_narrowed_since_are_kept(limits: dict[str, Any]) -> None:
    world = diagnosed()
    world.limits = replace(LIMITS, **limits)

    world.deliver()

    assert world.keys.written == []
    assert world.incident.status is Status.REFUSED


def test_a_pause_that_came_meanwhile_is_kept() -> None:
    world = diagnosed()
    world.repair.obey(PauseRepairs(by="anna"))

    world.deliver()

    assert world.keys.written == []
    assert "paused by anna" in world.incident.summary


def test_an_incident_of_replayed_events_is_not_repaired_even_if_it_was_approved() -> None:
    world = diagnosed()
    incident = world.incident
    world.incidents.incidents[incident.incident_id] = replace(incident, replayed=True)

    world.deliver()

    assert world.keys.written == []
    assert world.incident.status is Status.REFUSED


class RefusingKeys(FakeKeys):
    def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
        raise PolicyRefusedError(f"PutKeyPolicy {key_arn}: {document.size} bytes are too many")


def test_a_policy_that_aws_does_not_take_is_a_persons_business() -> None:
    world = diagnosed()
    world.keys = RefusingKeys(world.keys.keys)

    world.deliver()

    assert world.incident.status is Status.ESCALATED
    assert "too many" in world.incident.summary


class ContestedKeys(FakeKeys):
    """Somebody else writes right after us."""

    def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
        super().put_policy(key_arn, document)
        self.edit(key_arn, ADMINISTERED)


def test_somebody_elses_edit_survives_and_the_next_try_starts_from_it() -> None:
    world = diagnosed()
    world.keys = ContestedKeys(world.keys.keys)
    with pytest.raises(PolicyChangedError):
        world.deliver()

    world.keys = FakeKeys(world.keys.keys)
    apply(world)
    world.settle()

    assert world.incident.status is Status.RESOLVED
    assert world.statements_of() == ["Administer", "Ours"]


# the second opinion and the tags


FINDING = Check(name="CheckNoNewAccess", result=CheckResult.FAILED, says="admits more")


def test_what_access_analyzer_finds_keeps_the_plan_from_being_applied() -> None:
    world = diagnosed()
    world.analyst.check = FINDING

    world.deliver()

    assert world.incident.status is Status.REFUSED
    assert world.incident.summary == "IAM Access Analyzer, CheckNoNewAccess: admits more"
    assert world.keys.written == []
    assert world.changes.records == {}


@pytest.mark.parametrize("result", [CheckResult.PASSED, CheckResult.NOT_AVAILABLE])
def test_without_a_finding_the_built_in_proof_decides(result: CheckResult) -> None:
    world = diagnosed()
    world.analyst.check = replace(FINDING, result=result)

    world.deliver()

    assert world.incident.status is Status.REPAIRED


def test_the_second_opinion_is_kept_with_the_change() -> None:
    world = applied()

    assert world.notes.opinions == {
        only_change(world).change_id: SecondOpinion(checks=(world.analyst.check,))
    }


def test_access_analyzer_is_given_the_ceiling_over_what_is_there() -> None:
    world = applied()

    (ceiling,) = world.analyst.ceilings
    assert ceiling is not None
    assert [each["Sid"] for each in ceiling.statements] == [
        "Administer",
        "Delegate",
        "CeilingDestination",
    ]


def test_a_key_that_opts_out_between_plan_and_write_is_left_alone() -> None:
    world = diagnosed()
    world.tags.tags[DESTINATION_KEY] = {"replimend": "never"}

    world.deliver()

    assert world.incident.status is Status.REFUSED
    assert world.keys.written == []


def test_tags_that_cannot_be_read_keep_the_plan_from_being_applied() -> None:
    world = diagnosed()
    world.tags.tags[DESTINATION_KEY] = Unavailable(reason="ListResourceTags was denied to us")

    world.deliver()

    assert world.incident.status is Status.REFUSED
    assert "ListResourceTags was denied to us" in world.incident.summary
    assert world.keys.written == []


def test_what_only_lacks_replaying_goes_on_without_a_change() -> None:
    world = World(healthy_facts())
    world.clock.advance(TOLD_WITHIN)
    world.tell(a_failure())

    world.deliver()

    assert world.changes.records == {}
    assert world.incident.status is Status.REPAIRED


# commands


def awaiting() -> World:
    return diagnosed(Mode.APPROVE)


def obeyed(world: World, command: RepairCommand) -> Mapping[str, Any]:
    return world.repair.obey(command)


def approve(world: World, **changes: str) -> Mapping[str, Any]:
    incident = world.incident
    named = {"incident_id": incident.incident_id, "plan_hash": incident.plan_hash or "", **changes}
    return obeyed(world, ApprovePlan(**named, by="anna"))


def test_an_approved_plan_is_applied_under_the_name_of_who_approved_it() -> None:
    world = awaiting()

    answer = approve(world)
    world.deliver()

    assert answer["status"] == Status.APPROVED
    assert world.incident.status is Status.REPAIRED
    assert only_change(world).approved_by == "anna"


def test_people_are_asked_once_about_a_plan_with_its_hash_and_its_commands() -> None:
    world = awaiting()
    world.intake.receive(Batch.of([Heard(message_id="again", signal=TriageRequest(group=GROUP))]))

    (asked,) = world.outbox.asked
    assert asked.plan_hash == world.incident.plan_hash
    assert f"replimend approve {world.incident.incident_id} {asked.plan_hash}" in asked.text
    assert asked.expires == NOON + APPROVAL_VALID


def test_people_are_asked_again_once_the_plan_is_another() -> None:
    world = awaiting()
    world.keys.edit(DESTINATION_KEY, ADMINISTERED)

    world.intake.receive(Batch.of([Heard(message_id="again", signal=TriageRequest(group=GROUP))]))

    assert len({each.plan_hash for each in world.outbox.asked}) == 2


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.REPAIR])
def test_nobody_is_asked_where_no_approval_is_needed(mode: Mode) -> None:
    assert diagnosed(mode).outbox.asked == []


def test_approving_twice_is_approving_once() -> None:
    world = awaiting()
    approve(world)

    answer = approve(world)

    assert "not awaiting approval" in answer["error"]
    assert len(world.outbox.sent) == 1


def test_an_approval_of_another_plan_is_not_taken() -> None:
    world = awaiting()

    answer = approve(world, plan_hash="f" * 32)

    assert "look at it again" in answer["error"]
    assert world.incident.status is Status.AWAITING_APPROVAL
    assert world.incidents.approval_of(world.incident.incident_id) is None


def test_an_approval_counts_for_a_day() -> None:
    world = awaiting()
    approve(world)
    world.clock.advance(timedelta(hours=25))

    world.deliver()

    assert world.keys.written == []
    assert world.incident.status is Status.REFUSED


def test_an_approved_plan_that_no_longer_fits_waits_for_another_approval() -> None:
    world = awaiting()
    approve(world)
    world.keys.edit(DESTINATION_KEY, ADMINISTERED)

    world.deliver()
    world.deliver()

    assert world.keys.written == []
    assert world.incident.status is Status.AWAITING_APPROVAL


def test_a_rejected_plan_is_refused_with_who_and_why() -> None:
    world = awaiting()
    incident_id = world.incident.incident_id

    answer = obeyed(world, RejectPlan(incident_id=incident_id, by="anna", reason="ours to do"))

    assert answer["status"] == Status.REFUSED
    assert world.incident.summary == "rejected by anna: ours to do"
    assert "not awaiting approval" in approve(world)["error"]


def test_a_rejected_plan_is_not_carried_out_even_where_repairs_need_no_approval() -> None:
    world = awaiting()
    obeyed(
        world, RejectPlan(incident_id=world.incident.incident_id, by="anna", reason="ours to do")
    )

    world.limits = replace(world.limits, mode=Mode.REPAIR)
    world.hand_over(TriageRequest(group=GROUP))
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert world.changes.of_incident(world.incident.incident_id) == ()


def test_what_a_person_rolled_back_is_not_made_again() -> None:
    world = applied()
    obeyed(world, RollBackChange(change_id=only_change(world).change_id, by="anna"))

    world.hand_over(TriageRequest(group=GROUP))
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert world.statements_of() == ["Administer", "Delegate"]


def test_a_pause_holds_until_repairs_are_resumed() -> None:
    world = World()
    assert obeyed(world, PauseRepairs(by="anna")) == {"paused": True, "by": "anna"}
    world.tell(a_failure())
    paused = world.incident.status

    assert obeyed(world, ResumeRepairs(by="berta")) == {"paused": False, "by": "berta"}
    world.hand_over(TriageRequest(group=GROUP))

    assert (paused, world.incident.status) == (Status.REFUSED, Status.APPROVED)


@pytest.mark.parametrize(
    "command",
    [
        ApprovePlan(incident_id="no-such", plan_hash="f" * 32, by="anna"),
        RejectPlan(incident_id="no-such", by="anna", reason=None),
        RollBackChange(change_id="no-such", by="anna"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_is_not_there_is_said_so(command: RepairCommand) -> None:
    assert "no-such" in obeyed(World(), command)["error"]


def test_a_person_rolls_a_change_back() -> None:
    world = applied()

    answer = obeyed(world, RollBackChange(change_id=only_change(world).change_id, by="anna"))

    assert answer["rolledBack"]
    assert world.statements_of() == ["Administer", "Delegate"]
    assert (world.incident.status, world.incident.summary) == (
        Status.ESCALATED,
        f"change {only_change(world).change_id} was rolled back by anna",
    )


def test_a_roll_back_that_is_not_safe_shows_why_and_changes_nothing() -> None:
    world = applied()
    change = only_change(world)
    ours = change.after.statements[-1]
    edited = document(administered_by(MEMBER), {**ours, "Action": "kms:Decrypt"})
    world.keys.edit(DESTINATION_KEY, edited)

    answer = obeyed(world, RollBackChange(change_id=change.change_id, by="anna"))

    assert not answer["rolledBack"]
    assert "Others changed" in answer["says"]
    assert world.keys.policy_of(DESTINATION_KEY) == edited
    assert world.incident.status is Status.REPAIRED


# a round that failed


def failed_canary() -> World:
    """The canary of the first round has just failed."""
    world = applied()
    incident = world.incident
    world.incidents.move(incident, Status.OPEN, world.clock.now())
    world.outbox.take()
    return world


def roll_back(world: World, round_: int = 1) -> None:
    world.hand_over(RollBackRound(incident_id=world.incident.incident_id, round=round_))


def test_a_failed_round_is_undone_and_the_cause_looked_for_again() -> None:
    world = failed_canary()

    roll_back(world)

    assert world.statements_of() == ["Administer", "Delegate"]
    assert (world.incident.status, world.incident.round) == (Status.DIAGNOSED, 2)
    assert world.outbox.sent == [TriageRequest(group=GROUP)]


def test_a_round_is_undone_once() -> None:
    world = failed_canary()
    roll_back(world)
    before = (world.incident, world.statements_of())
    world.outbox.take()

    roll_back(world)

    assert (world.incident, world.statements_of()) == before
    assert world.outbox.sent == []


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.OPEN])
def test_only_a_round_whose_canary_failed_is_undone(status: Status) -> None:
    world = applied()
    incident = replace(world.incident, status=status)
    world.incidents.incidents[incident.incident_id] = incident

    roll_back(world)

    assert world.statements_of() == ["Administer", "Delegate", "Ours"]
    assert world.incident == incident


def test_another_rounds_failure_undoes_nothing() -> None:
    world = failed_canary()

    roll_back(world, round_=2)

    assert world.statements_of() == ["Administer", "Delegate", "Ours"]


def test_a_round_that_cannot_be_undone_is_escalated() -> None:
    world = failed_canary()
    ours = only_change(world).after.statements[-1]
    world.keys.edit(DESTINATION_KEY, document({**ours, "Action": "kms:Decrypt"}))

    roll_back(world)

    assert world.incident.status is Status.ESCALATED
    assert "Others changed" in world.incident.summary
    assert world.outbox.sent == []


def test_a_round_whose_key_became_unreadable_is_escalated() -> None:
    world = failed_canary()
    world.keys.keys[DESTINATION_KEY] = a_key(policy=Unavailable(reason="denied to us"))

    roll_back(world)

    assert world.incident.status is Status.ESCALATED
    assert "denied to us" in world.incident.summary


def test_a_round_without_changes_is_only_looked_at_again() -> None:
    world = World(healthy_facts())
    world.tell(a_failure())
    world.deliver()
    world.incidents.move(world.incident, Status.OPEN, world.clock.now())
    world.outbox.take()

    roll_back(world)

    assert (world.incident.status, world.incident.round) == (Status.DIAGNOSED, 2)


def test_after_an_undone_round_an_edit_by_others_is_kept() -> None:
    world = failed_canary()
    theirs = {**delegated_to(MEMBER), "Sid": "Theirs"}
    key_policy = world.keys.policy_of(DESTINATION_KEY)
    assert isinstance(key_policy, PolicyDocument)
    world.keys.edit(DESTINATION_KEY, key_policy.with_statement(theirs))

    roll_back(world)

    assert world.statements_of() == ["Administer", "Delegate", "Theirs"]
