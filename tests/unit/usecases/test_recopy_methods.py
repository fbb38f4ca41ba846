"""What no batch job brings over: copied or rewritten by consent, else proposed to a person."""

from dataclasses import replace

import pytest

from replimend.domain.incident import Status
from replimend.domain.recopy.methods import Consent
from replimend.domain.recopy.objects import Outcome, OutcomeKind
from replimend.domain.recopy.waves import progress_of
from replimend.domain.repair.verdicts import Limits, Mode
from replimend.usecases.checking import SETTLE
from tests.facts import DESTINATION_KEY, OBJECT_KEY
from tests.incidents import GROUP, LIMITS, a_failure
from tests.unit.usecases.mortal import GONE, Reaper, backlog, lived_through, mortal_recopy
from tests.unit.usecases.world import CONSISTENCY_WAIT, World

COPYING, REWRITING = Consent(copy=True), Consent(in_place=True)
OTHERS = ("b.pdf", "c.pdf")
REFUSED, HARD_DELETED = "DstPutObjectNotPermitted", "DstObjectHardDeleted"
NO_JOB = "CreateJob was denied to us"


def repaired(consent: Consent, *, approved: bool = False) -> World:
    """The flagship after its repair, with three failed versions."""
    world = World()
    world.consent = consent
    for key in OTHERS:
        world.add_object(key=key)
    world.tell(*(a_failure(key=key) for key in (OBJECT_KEY, *OTHERS)))
    world.deliver()
    world.clock.advance(CONSISTENCY_WAIT)
    if approved:
        known = world.incident
        world.incidents.incidents[known.incident_id] = replace(known, approved_by="operator")
    return world


def rest_sent(consent: Consent, *, approved: bool = False) -> World:
    world = repaired(consent, approved=approved)
    world.deliver()
    world.finish("job-1")
    world.deliver()
    assert world.incident.status is Status.RECOPYING
    return world


def refuse(world: World, job_id: str, code: str, *keys: str) -> None:
    """The job replicates what it was asked for, but for these keys."""
    world.finish(job_id, failing=frozenset(keys))
    rows = world.jobs.jobs[job_id].report
    world.jobs.complete(
        job_id, [row if row.succeeded else replace(row, error_code=code) for row in rows]
    )


def endings(world: World) -> dict[str, Outcome]:
    return {
        held.key: outcome for held, outcome in world.held.outcomes((GROUP,)) if outcome is not None
    }


def kinds(world: World) -> dict[str, OutcomeKind]:
    return {key: outcome.kind for key, outcome in endings(world).items()}


def until_it_ends(world: World) -> None:
    for _ in range(30):
        if world.incident.status.has_ended:
            return
        world.clock.advance(CONSISTENCY_WAIT)
        world.deliver()


# a task that was refused


def test_what_a_job_was_refused_is_copied_by_consent() -> None:
    world = rest_sent(COPYING)
    refuse(world, "job-2", REFUSED, "c.pdf")

    world.deliver()

    ended = endings(world)["c.pdf"]
    assert ended.kind is OutcomeKind.COPIED
    assert ended.says.startswith(
        f"{REFUSED}; method copy: the batch job was refused with {REFUSED}"
    )
    assert "copied as version copy-1, " in ended.says
    copy = world.objects.versions["orders-frankfurt", "c.pdf", "copy-1"]
    assert copy.kms_key_arn == DESTINATION_KEY
    assert (world.incident.status, world.incident.round) == (Status.RESOLVED, 1)
    assert world.incident.summary == "2 replicated, 1 copied"


def test_a_canary_is_never_saved_by_a_copy() -> None:
    world = repaired(COPYING)
    world.deliver()
    refuse(world, "job-1", REFUSED, OBJECT_KEY)

    world.deliver()

    assert world.copies.made == []
    assert world.incident.status is Status.OPEN


def test_a_version_that_is_not_current_is_never_copied() -> None:
    world = rest_sent(COPYING)
    world.add_object(key="c.pdf", version_id="newer", replication_status="COMPLETED")
    refuse(world, "job-2", REFUSED, "c.pdf")

    world.deliver()

    assert world.copies.made == []
    assert kinds(world)["c.pdf"] is OutcomeKind.FAILED
    assert "copy would make it so" in endings(world)["c.pdf"].says


def test_a_copy_that_s3_refuses_too_is_diagnosed_again() -> None:
    world = rest_sent(COPYING)
    world.copies.refused.add("c.pdf")
    refuse(world, "job-2", REFUSED, "c.pdf")

    world.deliver()

    assert "CopyObject: AccessDenied" in endings(world)["c.pdf"].says
    assert (world.incident.status, world.incident.round) == (Status.DIAGNOSED, 2)


def test_a_copy_for_which_there_was_no_time_is_made_by_the_next_invocation() -> None:
    world = rest_sent(COPYING)
    world.copies.throttled.add("c.pdf")
    refuse(world, "job-2", REFUSED, "c.pdf")
    world.deliver()
    assert "c.pdf" not in endings(world)
    world.copies.throttled.clear()

    until_it_ends(world)

    assert kinds(world)["c.pdf"] is OutcomeKind.COPIED
    assert world.incident.status is Status.RESOLVED


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (replace(LIMITS, mode=Mode.OBSERVE), "the mode is observe"),
        (replace(LIMITS, source_buckets=frozenset()), "SourceBucketArns"),
        (replace(LIMITS, destination_buckets=frozenset()), "DestinationBucketArns"),
    ],
)
def test_nothing_is_copied_but_between_listed_buckets(limits: Limits, says: str) -> None:
    world = rest_sent(COPYING)
    refuse(world, "job-2", REFUSED, "c.pdf")
    world.limits = limits

    world.deliver()

    assert world.copies.made == []
    assert says in endings(world)["c.pdf"].says


# a replica that was deleted for good


def test_what_was_deleted_for_good_over_there_is_rewritten_in_an_approved_incident() -> None:
    world = rest_sent(REWRITING, approved=True)
    refuse(world, "job-2", HARD_DELETED, "c.pdf")
    world.deliver()
    assert "c.pdf" not in endings(world), "S3 has not replicated the new version yet"

    world.replicate("c.pdf", "copy-1")
    until_it_ends(world)

    ended = endings(world)["c.pdf"]
    assert ended.kind is OutcomeKind.COPIED
    assert "method in_place" in ended.says
    assert "rewritten as version copy-1: same version" in ended.says
    assert world.copies.made == ["c.pdf"]
    assert world.incident.status is Status.RESOLVED


@pytest.mark.parametrize(
    ("consent", "approved"), [(REWRITING, False), (Consent(), True), (COPYING, True)]
)
def test_without_consent_and_approval_a_rewrite_is_proposed(
    consent: Consent, *, approved: bool
) -> None:
    world = rest_sent(consent, approved=approved)
    refuse(world, "job-2", HARD_DELETED, "c.pdf")

    world.deliver()

    assert world.copies.made == []
    assert kinds(world)["c.pdf"] is OutcomeKind.FAILED
    assert (
        "in_place would do it, by your consent (RecopyMethods) in an approved incident"
        in endings(world)["c.pdf"].says
    )


def test_a_rewrite_that_s3_does_not_replicate_within_the_hour_has_failed() -> None:
    world = rest_sent(REWRITING, approved=True)
    refuse(world, "job-2", HARD_DELETED, "c.pdf")
    world.deliver()
    world.clock.advance(SETTLE + CONSISTENCY_WAIT)

    world.deliver()

    assert kinds(world)["c.pdf"] is OutcomeKind.FAILED
    assert "rewritten as version copy-1: no replica yet" in endings(world)["c.pdf"].says


def test_a_newer_version_of_somebody_else_supersedes_what_would_be_rewritten() -> None:
    world = rest_sent(REWRITING, approved=True)
    world.add_object(key="c.pdf", version_id="newer", size=1, replication_status="COMPLETED")
    refuse(world, "job-2", HARD_DELETED, "c.pdf")

    world.deliver()

    assert world.copies.made == []
    assert kinds(world)["c.pdf"] is OutcomeKind.SUPERSEDED


# no job at all


def test_where_s3_starts_no_job_the_versions_are_copied_by_consent() -> None:
    world = repaired(COPYING)
    world.jobs.refused = NO_JOB

    until_it_ends(world)

    assert set(kinds(world).values()) == {OutcomeKind.COPIED}
    assert world.incident.status is Status.RESOLVED
    waves = world.waves.of_incident(world.incident.incident_id)
    assert [wave.done for wave in waves if wave.method] == [1, 2]
    assert progress_of(waves).methods == (
        f"method copy: S3 started no job: {NO_JOB}; no replica proves the repair",
    )


def test_without_consent_the_copies_are_proposed_to_a_person() -> None:
    world = repaired(Consent())
    world.jobs.refused = NO_JOB

    until_it_ends(world)

    assert world.incident.status is Status.ESCALATED
    assert world.incident.summary == (
        f"method none: S3 started no job: {NO_JOB}; copy would do it, by your consent "
        "(RecopyMethods)"
    )


def test_a_first_copy_that_fails_is_followed_by_no_other() -> None:
    world = repaired(COPYING)
    world.jobs.refused = NO_JOB
    world.copies.refused.update({OBJECT_KEY, *OTHERS})

    until_it_ends(world)

    assert len(endings(world)) == 1
    assert world.incident.status is Status.ESCALATED
    assert world.incident.summary.startswith("1 of 1 copies failed")


def test_a_pause_stops_the_copies_and_resume_takes_them_up() -> None:
    world = repaired(COPYING)
    world.jobs.refused = NO_JOB
    world.incidents.freeze("operator", world.clock.now())
    for _ in range(3):
        world.clock.advance(CONSISTENCY_WAIT)
        world.deliver()
    assert world.copies.made == []

    world.incidents.unfreeze(world.clock.now())
    until_it_ends(world)

    assert set(kinds(world).values()) == {OutcomeKind.COPIED}


OBJECTS, PAGE = 12, 4


def lived(kill_at: int | None) -> tuple[int, int, dict[str, OutcomeKind], dict[str, int]]:
    """The calls and deaths of a re-copy by copies alone, how each version ended, and the counts."""
    world = backlog(OBJECTS)
    world.consent = COPYING
    world.jobs.refused = NO_JOB
    world.held.page = PAGE
    reaper = Reaper(kill_at=kill_at)
    deaths = lived_through(world, mortal_recopy(world, reaper, rows=20, part_size=300))
    waves = world.waves.of_incident(world.incident.incident_id)
    assert world.incident.status is Status.RESOLVED
    assert len(world.copies.made) == OBJECTS - 1, "each is copied once, whoever died"
    progress = progress_of(waves)
    assert progress.done == OBJECTS
    return reaper.calls, deaths, kinds(world), {str(k): v for k, v in progress.counts.items()}


CALLS, _, UNHARMED, COUNTS = lived(None)


def test_a_copied_backlog_ends_with_an_outcome_each() -> None:
    assert UNHARMED.pop(GONE) is OutcomeKind.GONE
    assert set(UNHARMED.values()) == {OutcomeKind.COPIED}
    assert COUNTS == {"copied": OBJECTS - 1, "gone": 1}


def test_a_death_at_any_call_of_the_copies_ends_in_the_same_ledger() -> None:
    for kill_at in range(1, CALLS + 1):
        _, _, ended, counts = lived(kill_at)

        assert ended.pop(GONE) is OutcomeKind.GONE
        assert len(ended) == OBJECTS - 1, kill_at
        assert set(ended.values()) == {OutcomeKind.COPIED}, kill_at
        assert counts == COUNTS, kill_at
