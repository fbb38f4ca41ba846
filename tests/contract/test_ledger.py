"""What the use cases may expect of the ledger: the fakes and the table keep the same promises."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from replimend.domain.batch import Unusable
from replimend.domain.incident import Incident, Status
from replimend.domain.recopy.objects import (
    BatchJob,
    HeldObject,
    LedgerCursor,
    Manifest,
    Outcome,
    OutcomeKind,
    ReportPosition,
)
from replimend.domain.recopy.waves import Draft, Look, Stage, Wave, WaveKind
from replimend.domain.repair.changes import ChangeState
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion
from replimend.domain.repair.verdicts import Approval
from replimend.gateways.change_notes import ChangeNotebook
from replimend.gateways.changes import ChangeLedger
from replimend.gateways.held_objects import HeldObjectLedger
from replimend.gateways.incidents import IncidentLedger
from replimend.gateways.pace import SharedPace
from replimend.gateways.signals import SignalLedger
from replimend.gateways.table import Table
from replimend.gateways.waves import WaveLedger
from replimend.ports import ChangeNotes, Changes, HeldObjects, Incidents, Signals, Waves
from tests.facts import DESTINATION_KEY, NOON, ROLE_ARN
from tests.fakes import (
    FakeChangeNotes,
    FakeChanges,
    FakeHeldObjects,
    FakeIncidents,
    FakeSignals,
    FakeWaves,
)
from tests.incidents import (
    DENIED,
    GROUP,
    a_change,
    a_denial,
    a_failure,
    a_held_object,
    an_incident,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
OTHER_GROUP = replace(GROUP, reason="DstMultipartInitNotPermitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    incidents: Incidents
    signals: Signals
    held: HeldObjects
    waves: Waves
    changes: Changes
    notes: ChangeNotes


def in_memory() -> Ledger:
    incidents = FakeIncidents()
    signals = FakeSignals(incidents)
    changes = FakeChanges()
    return Ledger(
        incidents=incidents,
        signals=signals,
        held=FakeHeldObjects(signals),
        waves=FakeWaves(),
        changes=changes,
        notes=FakeChangeNotes(changes),
    )


def over(table: Table) -> Ledger:
    incidents, changes = IncidentLedger(table), ChangeLedger(table)
    return Ledger(
        incidents=incidents,
        signals=SignalLedger(table, incidents),
        held=HeldObjectLedger(table),
        waves=WaveLedger(table),
        changes=changes,
        notes=ChangeNotebook(table, changes),
    )


@pytest.fixture(scope="module")
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="eu-west-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> Table:
    """An empty table with the keys and the index of the template's."""
    name = f"incidents-{uuid4()}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("pk", "sk", "status", "updated_at")
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_status",
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "updated_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return Table(client=dynamodb, name=name)


@pytest.fixture(params=["fakes", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fakes":
        return in_memory()
    return over(request.getfixturevalue("table"))


def saved(ledger: Ledger, incident: Incident) -> Incident:
    """The incident as the ledger has it after its first diagnosis."""
    assert ledger.incidents.save_diagnosis(incident, None, incident.group, "{}")
    found = ledger.incidents.find(incident.incident_id)
    assert found is not None
    return found


# incidents


def test_an_incident_comes_back_as_it_was_saved(ledger: Ledger) -> None:
    incident = an_incident(
        status=Status.REPAIRED,
        repaired_at=NOON,
        approved_by="anna",
        job_id="job-1",
        wave=2,
        poll="1-2",
        next_step="Let the key policy admit the role.",
    )

    assert saved(ledger, incident) == replace(incident, revision=1)


@pytest.mark.parametrize("failed_at", [None, NOON])
def test_an_incident_keeps_when_its_sample_failed(
    ledger: Ledger, failed_at: datetime | None
) -> None:
    sample = replace(an_incident().sample, failed_at=failed_at)

    assert saved(ledger, an_incident(sample=sample)).sample.failed_at == failed_at


def test_an_unknown_incident_is_not_found(ledger: Ledger) -> None:
    assert ledger.incidents.find("no-such") is None
    assert ledger.incidents.answer_of("no-such") == "{}"
    assert ledger.incidents.groups_of("no-such") == ()


def test_of_two_first_diagnoses_one_is_kept(ledger: Ledger) -> None:
    first, second = an_incident(summary="first"), an_incident(summary="second")

    won = [ledger.incidents.save_diagnosis(each, None, GROUP, "{}") for each in (first, second)]

    assert won == [True, False]
    assert saved_summary(ledger) == "first"


def saved_summary(ledger: Ledger) -> str:
    incident = ledger.incidents.find(an_incident().incident_id)
    assert incident is not None
    return incident.summary


def test_of_two_later_diagnoses_one_is_kept(ledger: Ledger) -> None:
    known = saved(ledger, an_incident())
    first, second = replace(known, summary="first"), replace(known, summary="second")

    won = [ledger.incidents.save_diagnosis(each, known, GROUP, "{}") for each in (first, second)]

    assert won == [True, False]
    assert saved_summary(ledger) == "first"


def test_a_later_diagnosis_brings_its_answer(ledger: Ledger) -> None:
    known = saved(ledger, an_incident())

    ledger.incidents.save_diagnosis(known, known, GROUP, '{"verdict": "refused"}')

    assert ledger.incidents.answer_of(known.incident_id) == '{"verdict": "refused"}'


@pytest.mark.parametrize("status", [each for each in Status if each.is_mending])
def test_no_diagnosis_disturbs_an_incident_that_is_being_mended(
    ledger: Ledger, status: Status
) -> None:
    known = saved(ledger, an_incident(status=status))

    is_kept = ledger.incidents.save_diagnosis(
        replace(known, status=Status.REFUSED), known, OTHER_GROUP, "{}"
    )

    assert not is_kept
    assert ledger.incidents.find(known.incident_id) == known
    assert set(ledger.incidents.groups_of(known.incident_id)) == {GROUP, OTHER_GROUP}


def test_of_two_moves_from_one_state_one_wins(ledger: Ledger) -> None:
    known = saved(ledger, an_incident())

    first = ledger.incidents.move(known, Status.APPROVED, NOON + MINUTE, approved_by="anna")
    second = ledger.incidents.move(known, Status.REFUSED, NOON + MINUTE)

    assert first == replace(
        known, status=Status.APPROVED, approved_by="anna", updated_at=NOON + MINUTE, revision=2
    )
    assert second is None
    assert ledger.incidents.find(known.incident_id) == first


def test_a_move_can_take_details_away(ledger: Ledger) -> None:
    known = saved(ledger, an_incident(poll="1-0", job_id="job-1"))

    ledger.incidents.move(known, Status.RESOLVED, NOON, poll=None, job_id=None, resolved_at=NOON)

    found = ledger.incidents.find(known.incident_id)
    assert found is not None
    assert (found.poll, found.job_id, found.resolved_at) == (None, None, NOON)


def test_a_group_belongs_to_the_incident_of_its_newest_diagnosis(ledger: Ledger) -> None:
    before = saved(ledger, an_incident())
    after = saved(ledger, an_incident(incident_id="fedcba987654"))

    assert ledger.signals.incident_of(GROUP) == after
    assert ledger.incidents.groups_of(before.incident_id) == ()
    assert ledger.incidents.groups_of(after.incident_id) == (GROUP,)


def test_a_group_can_return_to_its_first_incident(ledger: Ledger) -> None:
    first = saved(ledger, an_incident())
    saved(ledger, an_incident(incident_id="fedcba987654"))

    ledger.incidents.save_diagnosis(first, first, GROUP, "{}")

    assert ledger.incidents.groups_of(first.incident_id) == (GROUP,)
    assert ledger.incidents.groups_of("fedcba987654") == ()


def test_a_group_that_nobody_diagnosed_has_no_incident(ledger: Ledger) -> None:
    ledger.signals.claim_diagnosis(GROUP, NOON, NOON + MINUTE)

    assert ledger.signals.incident_of(GROUP) is None


def test_incidents_are_found_by_their_role(ledger: Ledger) -> None:
    incident = saved(ledger, an_incident())
    saved(ledger, an_incident(incident_id="fedcba987654", role_arn="", group=OTHER_GROUP))

    assert ledger.incidents.of_role(ROLE_ARN) == (incident,)
    assert ledger.incidents.of_role("arn:aws:iam::111111111111:role/other") == ()


def test_incidents_of_a_status_come_longest_unchanged_first(ledger: Ledger) -> None:
    for name, after in (("newer", HOUR), ("oldest", timedelta()), ("newest", 2 * HOUR)):
        saved(ledger, an_incident(incident_id=name, updated_at=NOON + after))
    saved(ledger, an_incident(incident_id="another", status=Status.RESOLVED))

    found = ledger.incidents.in_status(Status.AWAITING_APPROVAL)

    assert [each.incident_id for each in found] == ["oldest", "newer", "newest"]


def test_a_moved_incident_is_found_in_its_new_status_only(ledger: Ledger) -> None:
    known = saved(ledger, an_incident())
    moved = ledger.incidents.move(known, Status.CANARY, NOON + MINUTE)

    assert list(ledger.incidents.in_status(Status.CANARY)) == [moved]
    assert list(ledger.incidents.in_status(known.status)) == []


def test_the_newest_approval_counts_and_outlives_a_diagnosis(ledger: Ledger) -> None:
    known = saved(ledger, an_incident())
    first = Approval(plan_hash="1" * 32, by="anna", expires=NOON + HOUR)
    second = replace(first, by="berta")

    ledger.incidents.approve(known.incident_id, first)
    ledger.incidents.approve(known.incident_id, second)
    ledger.incidents.save_diagnosis(known, known, GROUP, "{}")

    assert ledger.incidents.approval_of(known.incident_id) == second


def test_an_incident_that_nobody_approved_has_no_approval(ledger: Ledger) -> None:
    assert ledger.incidents.approval_of(saved(ledger, an_incident()).incident_id) is None
    assert ledger.incidents.approval_of("no-such") is None


def test_a_pause_names_who_asked_for_it_until_it_ends(ledger: Ledger) -> None:
    assert ledger.incidents.frozen_by() is None

    ledger.incidents.freeze("anna", NOON)
    assert ledger.incidents.frozen_by() == "anna"

    ledger.incidents.unfreeze(NOON)
    assert ledger.incidents.frozen_by() is None


def test_the_first_pause_stands_until_it_ends(ledger: Ledger) -> None:
    assert ledger.incidents.freeze("the breaker", NOON)
    assert not ledger.incidents.freeze("anna", NOON)
    assert ledger.incidents.frozen_by() == "the breaker"

    ledger.incidents.unfreeze(NOON + HOUR)
    assert ledger.incidents.freeze("anna", NOON + HOUR)
    assert ledger.incidents.frozen_by() == "anna"


def test_a_resumption_is_remembered_through_the_next_pause(ledger: Ledger) -> None:
    assert ledger.incidents.resumed_at() is None
    ledger.incidents.freeze("anna", NOON)
    assert ledger.incidents.resumed_at() is None

    ledger.incidents.unfreeze(NOON + HOUR)
    ledger.incidents.freeze("anna", NOON + HOUR)

    assert ledger.incidents.resumed_at() == NOON + HOUR


def test_that_nobody_answered_is_kept_and_forgotten_with_the_next_diagnosis(
    ledger: Ledger,
) -> None:
    known = saved(ledger, an_incident())
    lapsed = ledger.incidents.move(known, Status.REFUSED, NOON, unanswered=True)
    assert lapsed is not None
    assert ledger.incidents.find(known.incident_id) == lapsed

    ledger.incidents.save_diagnosis(an_incident(), lapsed, GROUP, "{}")

    again = ledger.incidents.find(known.incident_id)
    assert again is not None
    assert not again.unanswered


# notes on changes


def test_only_what_is_in_force_and_not_adopted_is_to_be_reminded_of(ledger: Ledger) -> None:
    for minutes, name in enumerate(("one", "two", "three", "four")):
        ledger.changes.record(a_change(change_id=name, at=NOON + minutes * MINUTE))
    for name in ("one", "two", "three"):
        ledger.changes.mark(name, ChangeState.APPLIED, NOON)
    ledger.changes.mark("three", ChangeState.ROLLED_BACK, NOON)
    ledger.notes.note_adopted("one", "anna says so", NOON)

    assert [each.change_id for each in ledger.notes.applied()] == ["two"]
    assert ledger.notes.oldest() == NOON


def test_a_ledger_without_changes_has_nothing_to_remind_of(ledger: Ledger) -> None:
    assert list(ledger.notes.applied()) == []
    assert ledger.notes.oldest() is None
    assert ledger.notes.reminded_at() is None


def test_the_last_reminder_is_remembered(ledger: Ledger) -> None:
    ledger.notes.note_reminded(NOON)
    ledger.notes.note_reminded(NOON + HOUR)

    assert ledger.notes.reminded_at() == NOON + HOUR


def test_what_expired_is_told_until_it_is_seen_to(ledger: Ledger) -> None:
    ledger.notes.note_expiry("late", NOON + HOUR)
    ledger.notes.note_expiry("early", NOON)
    assert list(ledger.notes.expired(NOON)) == [("early", NOON)]
    assert list(ledger.notes.expired(NOON + HOUR)) == [("early", NOON), ("late", NOON + HOUR)]

    ledger.notes.note_expired("early", NOON)
    ledger.notes.note_expiry("early", NOON)

    assert list(ledger.notes.expired(NOON + HOUR)) == [("late", NOON + HOUR)]


def test_a_second_opinion_is_kept_beside_the_change(table: Table) -> None:
    notes = ChangeNotebook(table, ChangeLedger(table))
    first = SecondOpinion(checks=(Check(name="all", result=CheckResult.NOT_AVAILABLE, says="no"),))
    second = SecondOpinion(checks=(Check(name="ValidatePolicy", result=CheckResult.PASSED),))

    assert notes.opinion_of("one") is None
    notes.note_opinion("one", first)
    notes.note_opinion("one", second)

    assert notes.opinion_of("one") == second
    assert notes.adopted("one") is None


# signals


def test_of_two_who_want_to_diagnose_a_group_one_may(ledger: Ledger) -> None:
    claims = [ledger.signals.claim_diagnosis(GROUP, NOON, NOON + MINUTE) for _ in range(2)]

    assert claims == [True, False]


def test_a_claim_ends_when_it_is_given_back_or_runs_out(ledger: Ledger) -> None:
    ledger.signals.claim_diagnosis(GROUP, NOON, NOON + MINUTE)
    ledger.signals.release_diagnosis(GROUP)

    assert ledger.signals.claim_diagnosis(GROUP, NOON, NOON + MINUTE)
    assert ledger.signals.claim_diagnosis(GROUP, NOON + MINUTE + SECOND, NOON + HOUR)


def test_a_claim_leaves_the_groups_incident_alone(ledger: Ledger) -> None:
    incident = saved(ledger, an_incident())

    ledger.signals.claim_diagnosis(GROUP, NOON, NOON + MINUTE)
    ledger.signals.release_diagnosis(GROUP)

    assert ledger.signals.incident_of(GROUP) == incident


def test_a_denial_is_news_once_for_its_kind_and_hour(ledger: Ledger) -> None:
    later = [timedelta(), MINUTE, HOUR + SECOND]

    news = [ledger.signals.record_denial(a_denial(event_time=NOON + each)) for each in later]

    assert news == [True, False, True]


def test_an_old_denial_that_arrives_late_is_no_news(ledger: Ledger) -> None:
    ledger.signals.record_denial(a_denial())

    assert not ledger.signals.record_denial(a_denial(event_time=NOON - 2 * HOUR))


def test_denials_of_a_role_come_oldest_first(ledger: Ledger) -> None:
    newer = a_denial(action="kms:Decrypt", event_time=NOON + MINUTE)
    older = a_denial()
    for denial in (newer, older, a_denial(role_arn="arn:aws:iam::111111111111:role/other")):
        ledger.signals.record_denial(denial)

    assert ledger.signals.denials_of(ROLE_ARN) == (older, newer)


def test_a_kept_denial_says_what_it_said(ledger: Ledger) -> None:
    ledger.signals.record_denial(a_denial(key_arn=None, session_name=None, principal_arn=None))

    (kept,) = ledger.signals.denials_of(ROLE_ARN)

    assert (kept.key_arn, kept.message) == (None, DENIED)
    assert kept.denial == a_denial().denial


def test_an_unusable_message_is_known_once_it_is_kept(ledger: Ledger) -> None:
    unusable = Unusable(message_id="m1", body="{", path="", problem="is not JSON")
    other = replace(unusable, path="Records[1].s3")

    ledger.signals.record_unusable(unusable, NOON)

    assert ledger.signals.knows_unusable(unusable)
    assert not ledger.signals.knows_unusable(other)


# held objects


def held_keys(held: Iterator[HeldObject]) -> list[str]:
    return sorted(each.key for each in held)


def test_a_failed_version_waits_once_however_often_it_is_told(ledger: Ledger) -> None:
    again = a_failure(event_time=NOON + MINUTE)
    ledger.signals.record_failures([(GROUP, a_failure()), (GROUP, a_failure())])
    ledger.signals.record_failures([(GROUP, a_failure()), (GROUP, again)])

    waiting = list(ledger.held.waiting((GROUP,)))

    assert waiting == [a_held_object(failed_at=NOON + MINUTE)]


def test_more_versions_wait_than_one_page_or_shard_holds(ledger: Ledger) -> None:
    keys = [f"orders/{number:03d}.pdf" for number in range(120)]
    ledger.signals.record_failures([(GROUP, a_failure(key=each)) for each in keys])

    assert held_keys(ledger.held.waiting((GROUP,))) == keys


def test_two_versions_of_a_key_wait_side_by_side(ledger: Ledger) -> None:
    failures = [a_failure(version_id=version) for version in ("v1", "v2")]
    ledger.signals.record_failures([(GROUP, each) for each in failures])

    assert {each.version_id for each in ledger.held.waiting((GROUP,))} == {"v1", "v2"}


@pytest.mark.parametrize(
    ("ended_after", "waits"),
    [(None, True), (SECOND, False), (timedelta(), False), (-SECOND, True)],
    ids=["no outcome", "outcome since", "outcome at once", "failed again since"],
)
def test_a_version_waits_until_it_has_an_outcome_since_it_failed(
    ledger: Ledger, ended_after: timedelta | None, *, waits: bool
) -> None:
    ledger.signals.record_failures([(GROUP, a_failure())])
    if ended_after is not None:
        outcome = Outcome(kind=OutcomeKind.FAILED, at=NOON + ended_after, says="AccessDenied")
        ledger.held.record_outcomes([(a_held_object(), outcome)])

    assert bool(list(ledger.held.waiting((GROUP,)))) is waits
    assert ledger.held.waits(GROUP, [a_failure()]) is waits


def test_any_failure_without_an_outcome_waits(ledger: Ledger) -> None:
    failures = [a_failure(), a_failure(), a_failure(key="other.pdf")]
    outcome = Outcome(kind=OutcomeKind.REPLICATED, at=NOON + HOUR, says="same version")
    ledger.held.record_outcomes([(a_held_object(), outcome)])

    assert ledger.held.waits(GROUP, failures)
    assert not ledger.held.waits(GROUP, failures[:2])


def test_a_version_that_failed_anew_for_another_reason_waits(ledger: Ledger) -> None:
    outcome = Outcome(kind=OutcomeKind.FAILED, at=NOON + MINUTE, says="AccessDenied")
    again = a_failure(event_time=NOON + HOUR)
    ledger.signals.record_failures([(GROUP, a_failure()), (OTHER_GROUP, again)])
    ledger.held.record_outcomes([(a_held_object(), outcome)])

    waiting = list(ledger.held.waiting((GROUP, OTHER_GROUP)))

    assert waiting == [a_held_object(failed_at=NOON + HOUR)]


def test_a_version_of_two_groups_counts_once(ledger: Ledger) -> None:
    ledger.signals.record_failures([(GROUP, a_failure()), (OTHER_GROUP, a_failure())])

    assert len(list(ledger.held.waiting((GROUP, OTHER_GROUP)))) == 1
    assert len(list(ledger.held.outcomes((GROUP, OTHER_GROUP)))) == 1


def test_outcomes_are_told_of_every_version(ledger: Ledger) -> None:
    done = Outcome(kind=OutcomeKind.REPLICATED, at=NOON + MINUTE, says="same version")
    ledger.signals.record_failures([(GROUP, a_failure()), (GROUP, a_failure(key="other.pdf"))])
    ledger.held.record_outcomes([(a_held_object(), done)])

    found = {held.key: outcome for held, outcome in ledger.held.outcomes((GROUP,))}

    assert found == {a_held_object().key: done, "other.pdf": None}


def test_an_outcome_is_of_one_destination_only(ledger: Ledger) -> None:
    done = Outcome(kind=OutcomeKind.REPLICATED, at=NOON + MINUTE, says="same version")
    ledger.signals.record_failures([(GROUP, a_failure())])
    ledger.held.record_outcomes([(a_held_object(destination_bucket="orders-paris"), done)])

    assert len(list(ledger.held.waiting((GROUP,)))) == 1


def test_a_job_of_ours_is_known_and_no_other(ledger: Ledger) -> None:
    job = BatchJob(
        job_id="job-1",
        incident_id="0123456789ab",
        round=1,
        wave=1,
        objects=24,
        started_at=NOON,
    )
    ledger.held.record_job(job)

    assert ledger.held.job("job-1") == job
    assert ledger.held.job("job-2") is None


def test_pages_go_on_behind_any_place_and_each_version_comes_once(ledger: Ledger) -> None:
    keys = [f"orders/{number:03d}.pdf" for number in range(60)]
    ledger.signals.record_failures([(GROUP, a_failure(key=each)) for each in keys])
    ledger.signals.record_failures([(OTHER_GROUP, a_failure(key=each)) for each in keys[::2]])

    found: list[str] = []
    cursor: LedgerCursor | None = LedgerCursor()
    while cursor is not None:
        page = next(iter(ledger.held.pages((GROUP, OTHER_GROUP), cursor, "")))
        found += [held.key for held in page.objects]
        cursor = page.next

    assert sorted(found) == keys


def test_versions_of_a_key_come_oldest_first_whatever_their_ids(ledger: Ledger) -> None:
    newer = a_failure(version_id="a", request_time=NOON + SECOND)
    older = a_failure(version_id="b")
    ledger.signals.record_failures([(GROUP, newer), (OTHER_GROUP, older)])

    found = [held.version_id for held in ledger.held.waiting((GROUP, OTHER_GROUP))]

    assert found == ["b", "a"]


@pytest.mark.parametrize(("attempt", "waits"), [("first", False), ("second", True)])
def test_what_failed_in_an_attempt_waits_for_the_next(
    ledger: Ledger, attempt: str, *, waits: bool
) -> None:
    ledger.signals.record_failures([(GROUP, a_failure())])
    refused = Outcome(
        kind=OutcomeKind.FAILED, at=NOON + SECOND, says="refused", attempt="first", look="2.0"
    )
    ledger.held.record_outcomes([(a_held_object(), refused)])

    assert bool(list(ledger.held.waiting((GROUP,), attempt))) is waits
    assert ledger.held.outcomes_of([a_held_object()]) == [refused]


# waves


def a_wave(**changes: Any) -> Wave:
    wave = Wave(
        incident_id="0123456789ab",
        number=1,
        kind=WaveKind.REST,
        attempt="attempt",
        stage=Stage.RUNNING,
        began_at=NOON,
        looked_at=NOON + MINUTE,
    )
    return replace(wave, **changes)


def test_a_wave_comes_back_as_it_was_begun(ledger: Ledger) -> None:
    wave = a_wave(
        cursor=LedgerCursor(shard=3, after="0a$"),
        objects=24,
        size=4_096,
        oldest=NOON - HOUR,
        draft=Draft(object_key="a.csv", upload_id="u", etags=("e1", "e2"), digest="d"),
        manifest=Manifest(object_key="manifests/a.csv", etag="e", objects=24),
        job_id="job-1",
        started_at=NOON,
        ended_at=NOON + HOUR,
        paused_by="anna",
        look=Look(
            number=1,
            at=ReportPosition(file=1, offset=7),
            until=ReportPosition(file=2, offset=9),
            unsettled=1,
            first=ReportPosition(),
            last=ReportPosition(offset=3),
        ),
        beforehand={OutcomeKind.GONE: 1},
        counts={OutcomeKind.REPLICATED: 20, OutcomeKind.FAILED: 3},
        done_size=2_048,
        reasons={"AccessDenied": 3},
    )

    assert ledger.waves.begin(wave)
    assert ledger.waves.newest(wave.incident_id) == wave


def test_of_two_who_begin_a_wave_one_does(ledger: Ledger) -> None:
    assert ledger.waves.begin(a_wave())
    assert not ledger.waves.begin(a_wave(kind=WaveKind.SAMPLE))
    assert ledger.waves.newest("0123456789ab") == a_wave()


def test_of_two_who_go_on_with_a_wave_one_does(ledger: Ledger) -> None:
    ledger.waves.begin(a_wave())

    first = ledger.waves.save(a_wave(objects=1))
    second = ledger.waves.save(a_wave(objects=2))

    assert (first, second) == (a_wave(objects=1, revision=1), None)
    assert ledger.waves.newest("0123456789ab") == first


def test_waves_come_oldest_first(ledger: Ledger) -> None:
    for number in (2, 10, 1):
        ledger.waves.begin(a_wave(number=number))

    assert [each.number for each in ledger.waves.of_incident("0123456789ab")] == [1, 2, 10]
    newest = ledger.waves.newest("0123456789ab")
    assert newest is not None
    assert newest.number == 10


# the pace


def test_invocations_share_one_rate(table: Table) -> None:
    one, other = (SharedPace(table=table, ceiling=10) for _ in range(2))

    assert one.take(80, NOON) == (80, timedelta())
    assert other.take(80, NOON) == (20, timedelta()), "ten seconds' worth may be saved up"
    assert one.take(80, NOON) == (0, SECOND)


def test_whoever_is_throttled_slows_everybody_down(table: Table) -> None:
    one, other = (SharedPace(table=table, ceiling=100) for _ in range(2))

    one.throttled(NOON)

    assert other.take(1_000, NOON + SECOND) == (50, timedelta())


# changes


def test_a_change_is_kept_as_it_was_first_recorded(ledger: Ledger) -> None:
    change = a_change(before=None, policy_name="replimend", approved_by="anna")
    ledger.changes.record(change)
    ledger.changes.record(replace(change, at=NOON + HOUR, why="another reason"))

    assert ledger.changes.find(change.change_id) == change
    assert ledger.changes.of_incident(change.incident_id) == (change,)


def test_a_change_tells_what_became_of_it(ledger: Ledger) -> None:
    ledger.changes.record(a_change())
    ledger.changes.mark(a_change().change_id, ChangeState.APPLIED, NOON + SECOND)

    found = ledger.changes.find(a_change().change_id)

    assert found == a_change(state=ChangeState.APPLIED, state_since=NOON + SECOND)


def test_changes_of_an_incident_come_oldest_first(ledger: Ledger) -> None:
    newer = a_change(change_id="newer", at=NOON + HOUR)
    older = a_change(change_id="older")
    for change in (newer, older, a_change(change_id="other", incident_id="fedcba987654")):
        ledger.changes.record(change)

    assert ledger.changes.of_incident("0123456789ab") == (older, newer)


def test_changes_are_counted_over_all_incidents_since_a_moment(ledger: Ledger) -> None:
    for name, after in (("a", -SECOND), ("b", timedelta()), ("c", SECOND)):
        ledger.changes.record(a_change(change_id=name, incident_id=name, at=NOON + after))

    assert ledger.changes.count_since(NOON) == 2


def test_a_change_recorded_twice_counts_once(ledger: Ledger) -> None:
    ledger.changes.record(a_change())
    ledger.changes.record(a_change(at=NOON + MINUTE))

    assert ledger.changes.count_since(NOON) == 1


def leased(ledger: Ledger, owner: str, after: timedelta = timedelta()) -> bool:
    now = NOON + after
    return ledger.changes.lease(DESTINATION_KEY, owner, now, now + MINUTE)


def test_a_lease_has_one_holder_who_may_renew_it(ledger: Ledger) -> None:
    assert leased(ledger, "first")
    assert not leased(ledger, "second")
    assert leased(ledger, "first")


def test_a_lease_ends_when_it_is_released_or_runs_out(ledger: Ledger) -> None:
    leased(ledger, "first")
    ledger.changes.release(DESTINATION_KEY, "first")

    assert leased(ledger, "second")
    assert leased(ledger, "third", after=MINUTE + SECOND)


def test_nobody_releases_anothers_lease(ledger: Ledger) -> None:
    leased(ledger, "first")
    ledger.changes.release(DESTINATION_KEY, "second")

    assert not leased(ledger, "second")


# what only a table can suffer


class CutOffTable(Table):
    """A table whose writer dies after the first conditional write."""

    def put(self, item: object) -> None:  # noqa: ARG002 - the table's
        raise ConnectionError


def test_a_change_whose_recording_was_cut_off_is_found_after_the_next_try(table: Table) -> None:
    with pytest.raises(ConnectionError):
        ChangeLedger(CutOffTable(client=table.client, name=table.name)).record(a_change())

    ledger = ChangeLedger(table)
    ledger.record(a_change(at=NOON + MINUTE))

    assert ledger.of_incident(a_change().incident_id) == (a_change(),)
    assert ledger.count_since(NOON) == 1


def test_every_state_of_an_incident_leaves_a_line_of_history(table: Table) -> None:
    ledger = IncidentLedger(table)
    known = saved(over(table), an_incident())

    ledger.move(known, Status.APPROVED, NOON + MINUTE, summary="approved by anna")
    ledger.move(known, Status.REFUSED, NOON + MINUTE, summary="too late")

    history = ledger.history_of(known.incident_id)
    assert [(line["became"], line["summary"]) for line in history] == [
        ("awaiting_approval", "the key policy does not admit the role"),
        ("approved", "approved by anna"),
    ]
