"""One canary, then the rest; complete is not success; old messages do nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from replimend.domain.batch import TriageRequest
from replimend.domain.commands import ApprovePlan
from replimend.domain.diagnosis.history import TOLD_WITHIN
from replimend.domain.facts import Absent, ReplicationSetup
from replimend.domain.incident import Incident, Status
from replimend.domain.recopy.objects import (
    JobPhase,
    Outcome,
    OutcomeKind,
    TaskResult,
    manifest_row,
)
from replimend.domain.recopy.waves import progress_of
from replimend.domain.repair.verdicts import Mode
from replimend.domain.work import AdvanceRecopy, RollBackRound
from replimend.usecases.checking import SETTLE
from replimend.usecases.recopy import (
    BUSY,
    CHAIN_IS_DEAD_AFTER,
    PAUSED,
    POLL,
    STRAGGLERS_WAIT,
)
from tests.facts import DESTINATION_KEY, HOME, NOON, OBJECT_KEY, VERSION, a_key, healthy_facts
from tests.incidents import GROUP, LIMITS, a_failure, a_held_object
from tests.unit.usecases.world import CONSISTENCY_WAIT, World

OTHERS = ("b.pdf", "c.pdf")
MINUTE = timedelta(minutes=1)


def repaired(*others: str) -> World:
    """The flagship after its repair, with a failed object and these; its canary is due."""
    world = World()
    for key in others:
        world.add_object(key=key)
    world.tell(*(a_failure(key=key) for key in (OBJECT_KEY, *others)))
    world.deliver()
    world.clock.advance(CONSISTENCY_WAIT)
    return world


def canary_sent(*others: str) -> World:
    world = repaired(*others)
    world.deliver()
    assert world.incident.status is Status.CANARY
    return world


def rest_sent(*others: str) -> World:
    world = canary_sent(*(others or OTHERS))
    world.finish("job-1")
    world.deliver()
    assert world.incident.status is Status.RECOPYING
    return world


def advance(world: World, poll: str | None) -> None:
    world.advance(world.incident.incident_id, poll)


def keys_of(world: World, job_id: str) -> list[str]:
    return sorted(each.key for each in world.jobs.jobs[job_id].objects)


def outcomes(world: World) -> dict[str, OutcomeKind | None]:
    return {
        held.key: outcome.kind if outcome else None
        for held, outcome in world.held.outcomes((GROUP,))
    }


# the canary


def test_the_repair_is_given_time_to_take_effect() -> None:
    world = repaired(*OTHERS)
    world.clock.advance(-CONSISTENCY_WAIT / 2)

    world.deliver()

    assert world.jobs.jobs == {}
    assert world.outbox.sent == [
        AdvanceRecopy(incident_id=world.incident.incident_id, poll=world.incident.poll)
    ]
    assert world.outbox.delays == [CONSISTENCY_WAIT / 2]


def test_one_version_goes_ahead() -> None:
    world = canary_sent(*OTHERS)

    assert keys_of(world, "job-1") == [OBJECT_KEY]
    assert world.incident.job_id == "job-1"


def test_the_rest_follows_in_one_job_once_the_canary_is_verified() -> None:
    world = rest_sent()

    assert keys_of(world, "job-2") == ["b.pdf", "c.pdf"]
    assert outcomes(world)[OBJECT_KEY] is OutcomeKind.REPLICATED


def test_a_running_canary_is_looked_at_again() -> None:
    world = canary_sent()
    (message,) = world.deliver()

    assert world.outbox.sent == [message]
    assert world.outbox.delays == [POLL]


def test_a_failed_canary_is_rolled_back_and_keeps_waiting() -> None:
    world = canary_sent(*OTHERS)
    world.finish("job-1", failing=frozenset({OBJECT_KEY}))

    world.deliver()

    incident = world.incident
    assert incident.status is Status.OPEN
    assert world.outbox.sent == [RollBackRound(incident_id=incident.incident_id, round=1)]
    assert set(outcomes(world).values()) == {None}


def test_a_plan_whose_canary_failed_waits_for_cloudtrail_and_then_for_a_person() -> None:
    world = World()
    world.tell(a_failure())
    let_canaries_fail(world, until=Status.DIAGNOSED)
    waiting, delays = world.incident, list(world.outbox.delays)

    world.clock.advance(delays[-1])
    world.deliver()

    assert "for CloudTrail" in waiting.summary
    assert delays[-1] == TOLD_WITHIN - CONSISTENCY_WAIT
    assert len(world.outbox.asked) == 1
    assert (world.incident.status, world.incident.round) == (Status.AWAITING_APPROVAL, 2)
    assert world.statements_of() == ["Administer", "Delegate"]
    assert len(world.jobs.jobs) == 1


def test_a_canary_that_fails_round_after_round_ends_in_quarantine_with_nothing_changed() -> None:
    world = World(limits=replace(LIMITS, changes_per_incident=9, changes_per_hour=9))
    world.tell(a_failure())
    let_canaries_fail(world, until=Status.AWAITING_APPROVAL)
    told = ApprovePlan(
        incident_id=world.incident.incident_id, plan_hash=world.incident.plan_hash or "", by="anna"
    )

    world.repair.obey(told)
    let_canaries_fail(world, until=Status.QUARANTINED)

    assert (world.incident.status, world.incident.round) == (Status.QUARANTINED, 4)
    assert world.statements_of() == ["Administer", "Delegate"]
    assert len(world.jobs.jobs) == 3
    assert world.outbox.sent == []


def let_canaries_fail(world: World, until: Status) -> None:
    for _ in range(40):
        is_at_rest = all(delay > CONSISTENCY_WAIT for delay in world.outbox.delays)
        if world.incident.status is until and is_at_rest:
            return
        world.clock.advance(CONSISTENCY_WAIT)
        world.deliver()
        for job_id, job in world.jobs.jobs.items():
            if job.state.phase is JobPhase.RUNNING:
                world.finish(job_id, failing=frozenset({OBJECT_KEY}))


def test_a_canary_that_was_deleted_proves_nothing_and_another_is_sent() -> None:
    world = canary_sent(*OTHERS)
    world.objects.delete("orders-ireland", OBJECT_KEY, VERSION)
    world.finish("job-1")

    world.deliver()

    assert world.incident.status is Status.CANARY
    assert keys_of(world, "job-2") == ["b.pdf"]
    assert outcomes(world)[OBJECT_KEY] is OutcomeKind.GONE


def test_a_version_that_was_deleted_before_is_no_canary() -> None:
    world = repaired(*OTHERS)
    world.objects.delete("orders-ireland", OBJECT_KEY, VERSION)

    world.deliver()

    assert keys_of(world, "job-1") == ["b.pdf"]
    assert outcomes(world)[OBJECT_KEY] is OutcomeKind.GONE


def test_where_nothing_is_left_to_copy_the_incident_is_resolved() -> None:
    world = repaired()
    world.replicate(OBJECT_KEY, VERSION)

    world.deliver()

    assert world.jobs.jobs == {}
    assert (world.incident.status, world.incident.summary) == (Status.RESOLVED, "1 replicated")
    assert world.outbox.sent == []


# the rest


def test_all_versions_verified_resolve_the_incident() -> None:
    world = rest_sent()
    world.finish("job-2")

    world.deliver()

    assert world.incident.status is Status.RESOLVED
    assert world.incident.resolved_at == world.clock.now()
    assert set(outcomes(world).values()) == {OutcomeKind.REPLICATED}
    assert world.outbox.announced[-1] is Status.RESOLVED


def test_complete_is_not_success() -> None:
    world = rest_sent()
    world.finish("job-2", failing=frozenset({"c.pdf"}))

    world.deliver()

    assert outcomes(world)["c.pdf"] is OutcomeKind.FAILED
    assert (world.incident.status, world.incident.round) == (Status.DIAGNOSED, 2)
    assert TriageRequest(group=GROUP) in world.outbox.sent


def test_a_success_that_nobody_sees_yet_is_waited_for() -> None:
    world = rest_sent()
    world.finish("job-2")
    world.objects.delete("orders-frankfurt", "c.pdf", VERSION)

    world.deliver()

    assert world.incident.status is Status.RECOPYING
    assert outcomes(world) == {
        OBJECT_KEY: OutcomeKind.REPLICATED,
        "b.pdf": OutcomeKind.REPLICATED,
        "c.pdf": None,
    }
    assert world.outbox.delays == [POLL]


def test_a_success_that_nobody_sees_for_an_hour_is_a_failure() -> None:
    world = rest_sent()
    world.finish("job-2")
    world.objects.delete("orders-frankfurt", "c.pdf", VERSION)
    world.deliver()
    world.clock.advance(SETTLE + POLL)

    world.deliver()

    assert world.incident.status is Status.ESCALATED
    assert outcomes(world)["c.pdf"] is OutcomeKind.FAILED


def test_a_version_that_failed_once_more_after_its_task_is_a_failure_at_once() -> None:
    world = rest_sent()
    world.finish("job-2")
    source = world.objects.versions["orders-ireland", "c.pdf", VERSION]
    world.objects.put(replace(source, replication_status="FAILED"))

    world.deliver()

    assert world.incident.status is Status.ESCALATED
    assert outcomes(world)["c.pdf"] is OutcomeKind.FAILED


def test_a_replica_that_differs_is_a_failure_in_the_end() -> None:
    world = rest_sent()
    world.finish("job-2")
    replica = world.objects.versions["orders-frankfurt", "c.pdf", VERSION]
    world.objects.put(replace(replica, size=1))
    world.deliver()
    world.clock.advance(SETTLE + POLL)

    world.deliver()

    ended = {held.key: outcome for held, outcome in world.held.outcomes((GROUP,))}
    failed = ended["c.pdf"]
    assert failed is not None
    assert "size 1 instead of" in failed.says


def test_what_failed_meanwhile_goes_in_another_job() -> None:
    world = rest_sent()
    world.add_object(key="late.pdf", replication_status="FAILED")
    world.tell(a_failure(key="late.pdf", event_time=world.clock.now()))
    world.finish("job-2")

    world.deliver()

    assert world.incident.status is Status.RECOPYING
    assert keys_of(world, "job-3") == ["late.pdf"]


def test_a_job_that_reported_nothing_is_a_persons_business() -> None:
    world = rest_sent()
    world.jobs.complete("job-2", [])

    world.deliver()

    assert world.incident.status is Status.ESCALATED
    assert "reported nothing" in world.incident.summary


def test_a_rule_that_was_removed_meanwhile_is_a_persons_business() -> None:
    world = rest_sent()
    world.buckets.setups["orders-ireland"] = Absent(what="replication")
    world.finish("job-2")

    world.deliver()

    assert world.incident.status is Status.ESCALATED
    assert "to-frankfurt" in world.incident.summary


# jobs


def test_a_stopped_canary_job_is_a_failed_canary() -> None:
    world = canary_sent()
    world.jobs.stop("job-1", "ReadingManifest")

    world.deliver()

    assert world.incident.status is Status.OPEN


def test_a_stopped_job_of_the_rest_is_escalated_with_its_reason() -> None:
    world = rest_sent()
    world.jobs.stop("job-2", "more than half of the tasks failed")

    world.deliver()

    assert world.incident.status is Status.ESCALATED
    assert world.incident.summary == "job job-2 Failed: more than half of the tasks failed"


def test_where_six_jobs_are_active_the_job_is_started_later() -> None:
    world = repaired()
    manifest = world.manifests.put("another", manifest_row(a_held_object()), 1)
    for number in range(6):
        world.jobs.start("another", manifest, f"token-{number}")

    messages = world.deliver()

    assert world.incident.status is Status.REPAIRED
    assert world.outbox.sent == messages
    assert world.outbox.delays == [BUSY]

    world.jobs.stop("job-1", "cancelled")
    world.deliver()
    assert keys_of(world, "job-7") == [OBJECT_KEY]


def test_an_invocation_that_died_after_starting_the_job_starts_no_second_one() -> None:
    world = repaired()
    before = world.incident
    (message,) = world.deliver()
    world.incidents.incidents[before.incident_id] = before

    world.hand_over(message)

    assert list(world.jobs.jobs) == ["job-1"]
    assert world.incident.job_id == "job-1"


def test_a_second_repair_in_the_same_round_starts_a_job_of_its_own() -> None:
    world = canary_sent()
    world.jobs.complete("job-1", [])
    world.deliver()
    assert world.incident.status is Status.ESCALATED

    world.hand_over(TriageRequest(group=GROUP))
    world.settle()

    assert (world.incident.status, world.incident.round) == (Status.RESOLVED, 1)
    assert list(world.jobs.jobs) == ["job-1", "job-2"]


def test_an_invocation_that_died_before_the_incident_showed_its_job_is_taken_up() -> None:
    world = repaired()
    before = world.incident
    (message,) = world.deliver()
    world.incidents.incidents[before.incident_id] = before
    world.outbox.take()

    world.hand_over(message)

    assert list(world.jobs.jobs) == ["job-1"]
    assert (world.incident.status, world.incident.job_id) == (Status.CANARY, "job-1")
    assert world.outbox.sent


# messages that come twice, late or by event


def test_an_old_message_does_nothing() -> None:
    world = rest_sent()
    before = world.incident
    world.finish("job-2")
    world.outbox.take()

    for poll in ("1-0", "1-1", "9-9"):
        advance(world, poll)

    assert world.incident == before
    assert world.outbox.sent == []


def test_a_whole_recopy_delivered_twice_ends_the_same() -> None:
    world = repaired(*OTHERS)
    delivered = []
    for job_id in ("job-1", "job-2", None):
        delivered += world.deliver()
        if job_id:
            world.finish(job_id)
    before = world.incident

    for message in delivered:
        world.hand_over(message)

    assert before.status is Status.RESOLVED
    assert world.incident == before
    assert len(world.jobs.jobs) == 2
    assert world.outbox.sent == []


def test_a_jobs_event_advances_its_incident_at_once() -> None:
    world = canary_sent(*OTHERS)
    world.finish("job-1")

    world.recopy.job_changed("job-1", world.deadline)

    assert world.incident.status is Status.RECOPYING


def test_a_running_jobs_events_begin_no_second_chain_of_messages() -> None:
    world = canary_sent()
    before = list(world.outbox.sent)

    for _ in range(5):
        world.recopy.job_changed("job-1", world.deadline)

    assert world.outbox.sent == before


def test_a_job_that_is_not_ours_is_not_looked_at() -> None:
    world = canary_sent()
    before = world.incident

    world.recopy.job_changed("somebody-elses", world.deadline)

    assert world.incident == before


@pytest.mark.parametrize(
    "status",
    [each for each in Status if each not in {Status.REPAIRED, Status.CANARY, Status.RECOPYING}],
)
def test_nothing_is_recopied_in_any_other_status(status: Status) -> None:
    world = repaired()
    incident: Incident = replace(world.incident, status=status)
    world.incidents.incidents[incident.incident_id] = incident

    advance(world, None)
    world.deliver()

    assert world.incident == incident
    assert world.jobs.jobs == {}


def test_an_unknown_incident_is_passed_over() -> None:
    World().advance("no-such", None)


# the whole way


def test_a_replay_needs_no_change_and_ends_the_same() -> None:
    world = World(healthy_facts())
    world.tell(a_failure())

    world.settle()

    assert world.incident.status is Status.RESOLVED
    assert world.keys.written == []


def test_a_person_approves_and_the_rest_goes_by_itself() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.APPROVE))
    world.tell(a_failure())
    incident = world.incident
    world.incidents.move(incident, Status.APPROVED, world.clock.now())
    world.limits = LIMITS
    world.outbox.request_repair(incident.incident_id, incident.plan_hash or "")

    world.settle()

    assert world.incident.status is Status.RESOLVED


def test_an_object_with_an_earlier_outcome_is_not_copied_again() -> None:
    world = repaired("b.pdf")
    done = Outcome(kind=OutcomeKind.REPLICATED, at=world.clock.now(), says="by hand")
    world.held.record_outcomes([(a_held_object(key="b.pdf"), done)])

    world.settle()

    assert "b.pdf" not in [key for job in world.jobs.jobs for key in keys_of(world, job)]
    assert world.objects.version("orders-frankfurt", HOME, "b.pdf", VERSION) == Absent(
        what="version"
    )
    assert world.keys.keys[DESTINATION_KEY] != a_key()


# waves


def many(count: int) -> list[str]:
    return [f"{number:04d}.pdf" for number in range(count)]


def sizes(world: World) -> list[int]:
    return [len(job.objects) for job in world.jobs.jobs.values()]


def test_one_goes_ahead_then_a_hundred_then_the_rest() -> None:
    world = repaired(*many(150))

    world.settle()

    assert world.incident.status is Status.RESOLVED
    assert sizes(world) == [1, 100, 50]


def test_the_canary_is_the_oldest_version_of_its_key() -> None:
    world = World()
    world.add_object(version_id="older")
    newer = a_failure(request_time=NOON + MINUTE)
    world.tell(newer, a_failure(version_id="older"))
    world.deliver()
    world.clock.advance(CONSISTENCY_WAIT)

    world.deliver()

    assert [row.version_id for row in world.jobs.jobs["job-1"].objects] == ["older"]


def test_too_many_failures_stop_the_wave_and_begin_a_round_with_what_failed() -> None:
    world = canary_sent(*many(150))
    world.finish("job-1")
    world.deliver()
    world.finish("job-2", failing=frozenset(many(60)))

    world.deliver()

    assert sizes(world) == [1, 100], "nothing wider is sent"
    assert (world.incident.status, world.incident.round) == (Status.DIAGNOSED, 2)
    assert "DstPutObjectNotPermitted" in world.incident.summary


def test_what_was_refused_comes_over_in_the_next_round() -> None:
    world = rest_sent()
    world.finish("job-2", failing=frozenset({"c.pdf"}))

    world.settle()

    assert (world.incident.status, world.incident.round) == (Status.RESOLVED, 2)
    assert set(outcomes(world).values()) == {OutcomeKind.REPLICATED}


def test_a_version_that_fails_round_after_round_ends_in_quarantine() -> None:
    world = World(healthy_facts())
    world.add_object(key="b.pdf")
    world.tell(a_failure(), a_failure(key="b.pdf"))
    for _ in range(60):
        world.clock.advance(CONSISTENCY_WAIT)
        world.deliver()
        for job_id, job in world.jobs.jobs.items():
            if job.state.phase is JobPhase.RUNNING:
                world.finish(job_id, failing=frozenset({"b.pdf"}))

    assert world.incident.status is Status.QUARANTINED
    assert outcomes(world)["b.pdf"] in {OutcomeKind.FAILED, None}
    assert world.outbox.sent == []


def test_failures_while_the_rest_runs_share_the_next_job() -> None:
    world = rest_sent(*many(150))
    world.finish("job-2")
    world.deliver()
    assert sizes(world) == [1, 100, 50]
    for key in ("late.pdf", "later.pdf"):
        world.add_object(key=key, replication_status="FAILED")
        world.tell(a_failure(key=key, event_time=world.clock.now() + MINUTE))
    world.finish("job-3")

    world.deliver()
    assert sizes(world) == [1, 100, 50]
    assert world.outbox.delays == [STRAGGLERS_WAIT]

    world.clock.advance(STRAGGLERS_WAIT)
    world.deliver()
    assert keys_of(world, "job-4") == ["late.pdf", "later.pdf"]


def test_a_pause_cancels_the_job_and_resume_takes_up_what_it_left() -> None:
    world = rest_sent()
    world.incidents.freeze("anna", world.clock.now())
    world.deliver()
    assert world.jobs.jobs["job-2"].cancelled == "paused by anna"
    assert world.outbox.delays == [PAUSED]

    world.replicate("b.pdf", VERSION)
    world.jobs.jobs["job-2"].report = (
        TaskResult(
            bucket="orders-ireland",
            key="b.pdf",
            version_id=VERSION,
            succeeded=True,
            error_code="",
            message="",
        ),
    )
    world.incidents.unfreeze(world.clock.now())
    world.settle()

    assert keys_of(world, "job-3") == ["c.pdf"]
    assert world.incident.status is Status.RESOLVED
    assert set(outcomes(world).values()) == {OutcomeKind.REPLICATED}


def test_nothing_is_started_while_changes_are_paused() -> None:
    world = repaired(*OTHERS)
    world.incidents.freeze("anna", world.clock.now())

    world.deliver()

    assert world.jobs.jobs == {}
    assert world.outbox.delays == [PAUSED]


def test_a_sweep_takes_up_a_chain_that_fell_silent_and_no_other() -> None:
    world = canary_sent()
    world.outbox.take()
    advance(world, None)
    assert world.outbox.sent == [], "the chain is alive as far as anybody can tell"

    world.clock.advance(CHAIN_IS_DEAD_AFTER)
    advance(world, None)
    world.finish("job-1")
    world.settle()

    assert world.incident.status is Status.RESOLVED


# the report


def test_a_throttled_run_finishes_later_and_loses_nothing() -> None:
    world = rest_sent(*many(30))
    world.finish("job-2")
    world.objects.throttled = 3

    world.settle()

    assert world.pace.throttlings == 3
    assert world.incident.status is Status.RESOLVED
    assert set(outcomes(world).values()) == {OutcomeKind.REPLICATED}


def test_a_run_that_must_wait_for_its_turn_goes_on_where_it_stopped() -> None:
    world = rest_sent(*many(30))
    world.finish("job-2")
    world.pace.most, world.pace.waits = 8, [MINUTE]

    world.settle()

    assert world.waves.of_incident(world.incident.incident_id)[2].done == 30
    assert set(outcomes(world).values()) == {OutcomeKind.REPLICATED}


def test_only_the_stretch_with_unsettled_rows_is_looked_at_again() -> None:
    world = rest_sent(*many(9))
    world.finish("job-2")
    world.objects.delete("orders-frankfurt", "0004.pdf", VERSION)
    world.deliver()
    world.objects.asked.clear()
    world.replicate("0004.pdf", VERSION)

    world.clock.advance(MINUTE)
    world.deliver()

    assert {key for _, key, _ in world.objects.asked} == {"0004.pdf"}
    assert world.incident.status is Status.RESOLVED


def test_what_was_deleted_for_good_over_there_is_proposed_for_a_copy_in_place() -> None:
    world = rest_sent()
    world.jobs.complete(
        "job-2",
        [
            TaskResult(
                bucket="orders-ireland",
                key=key,
                version_id=VERSION,
                succeeded=False,
                error_code="DstObjectHardDeleted",
                message="",
            )
            for key in OTHERS
        ],
    )

    world.deliver()

    ended = {held.key: outcome for held, outcome in world.held.outcomes((GROUP,))}
    refused = ended["b.pdf"]
    assert refused is not None
    assert refused.kind is OutcomeKind.FAILED
    assert "in_place would do it, by your consent" in refused.says


def test_a_version_that_no_rule_covers_any_more_is_not_eligible() -> None:
    world = rest_sent()
    world.finish("job-2")
    source = world.objects.versions["orders-ireland", "c.pdf", VERSION]
    world.objects.delete("orders-frankfurt", "c.pdf", VERSION)
    world.objects.put(replace(source, replication_status=None))

    world.deliver()

    assert outcomes(world)["c.pdf"] is OutcomeKind.NOT_ELIGIBLE
    assert world.incident.status is Status.RESOLVED


def test_with_several_destinations_the_replica_here_decides() -> None:
    world = World()
    setup = world.buckets.setups["orders-ireland"]
    assert isinstance(setup, ReplicationSetup)
    paris = replace(setup.rules[0], rule_id="to-paris", destination_bucket="orders-paris")
    world.buckets.setups["orders-ireland"] = replace(setup, rules=(*setup.rules, paris))
    for key in OTHERS:
        world.add_object(key=key)
    world.tell(*(a_failure(key=key) for key in (OBJECT_KEY, *OTHERS)))
    world.deliver()
    world.clock.advance(CONSISTENCY_WAIT)
    world.deliver()
    assert "S3 tries all 2 rules of the bucket" in world.incident.summary
    for job_id in ("job-1", "job-2"):
        world.finish(job_id)
        for key in (OBJECT_KEY, *OTHERS):
            source = world.objects.versions["orders-ireland", key, VERSION]
            world.objects.put(replace(source, replication_status="FAILED"))
        world.deliver()

    assert world.incident.status is Status.RESOLVED
    assert set(outcomes(world).values()) == {OutcomeKind.REPLICATED}


def test_progress_is_told_by_the_waves_alone() -> None:
    world = rest_sent(*many(9))
    world.clock.advance(MINUTE)
    world.finish("job-2")
    halfway = progress_of(world.waves.of_incident(world.incident.incident_id))
    world.deliver()
    done = progress_of(world.waves.of_incident(world.incident.incident_id))

    assert (halfway.total, halfway.done, halfway.remaining) == (10, 1, 9)
    assert halfway.held_size == 9 * 1_024
    assert (done.done, done.remaining, done.jobs) == (10, 0, 2)
    assert done.cost == pytest.approx(0.50, abs=0.001)


def test_what_only_the_owner_of_its_key_can_look_at_ends_at_once_with_the_reason() -> None:
    """As under SSE-C: S3's word that the task succeeded is not taken for a replica."""
    world = rest_sent()
    world.finish("job-2")
    world.objects.sealed.add("c.pdf")

    world.deliver()

    ended = {held.key: outcome for held, outcome in world.held.outcomes((GROUP,))}
    sealed = ended["c.pdf"]
    assert sealed is not None
    assert sealed.kind is OutcomeKind.NOT_ELIGIBLE
    assert "only its owner has (SSE-C)" in sealed.says
    assert world.incident.status is Status.RESOLVED
