"""`replimend incidents` and `replimend incident`, over a ledger that the gateways filled."""

import json

import pytest

from cli.main import main
from replimend.domain.incident import Status
from replimend.domain.recopy.objects import OutcomeKind
from replimend.domain.repair.changes import ChangeRecord, ChangeState, record_of
from replimend.domain.repair.patches import PatchFormat, patch_of
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion
from tests.facts import DESTINATION_KEY, NOON
from tests.integration.cli.made_up import INCIDENT_ID, PLAN, MadeUpStack

OTHER_ID = "ba9876543210"


def run(made_up: MadeUpStack, *arguments: str) -> int:
    return main(arguments, lambda *_: made_up.stack)


def change(made_up: MadeUpStack) -> ChangeRecord:
    """The plan's one change, made."""
    record = record_of(
        PLAN.changes[0],
        incident_id=INCIDENT_ID,
        round_=1,
        plan_hash=PLAN.hash,
        approved_by="arn:aws:iam::111111111111:user/anna",
        why="the key policy lacks the role",
        at=NOON,
    )
    made_up.stack.ledger.changes.record(record)
    made_up.stack.ledger.changes.mark(record.change_id, ChangeState.APPLIED, NOON)
    return record


def test_the_incident_that_changed_last_is_listed_first(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.open(Status.APPROVED)
    made_up.open(Status.REFUSED, OTHER_ID)
    made_up.move(Status.RESOLVED, "3 replicated")

    status = run(made_up, "incidents", "--json")

    listed = json.loads(capsys.readouterr().out)["incidents"]
    assert status == 0
    assert [(each["incidentId"], each["status"]) for each in listed] == [
        (INCIDENT_ID, "resolved"),
        (OTHER_ID, "refused"),
    ]
    assert listed[0]["summary"] == "3 replicated"


def test_only_the_incidents_of_a_status_are_listed_when_one_is_named(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.open(Status.RESOLVED)
    made_up.open(Status.REFUSED, OTHER_ID)

    run(made_up, "incidents", "--status", "refused")

    told = capsys.readouterr().out
    assert OTHER_ID in told
    assert INCIDENT_ID not in told


def test_an_empty_ledger_has_no_incidents(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(made_up, "incidents") == 0
    assert capsys.readouterr().out == "no incidents\n"


def test_an_incident_is_shown_with_all_that_belongs_to_it(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, *_ = made_up.hold("a", "b")
    made_up.open(Status.APPROVED)
    made_up.move(Status.REPAIRED, "1 change(s) made")
    made_up.settle(OutcomeKind.GONE, gone)
    made = change(made_up)

    status = run(made_up, "incident", INCIDENT_ID)

    told = capsys.readouterr().out
    assert status == 0
    for part in (
        f"Incident     {INCIDENT_ID}",
        "repaired, round 1",
        "orders-ireland → orders-frankfurt",
        "key_policy_lacks_role (evaluated)",
        PLAN.hash,
        "1 change(s) made",
        f"{made.change_id}, applied",
        f"replimend roll-back {made.change_id}",
        "2 object version(s)",
        "1 gone",
        "1 waiting",
    ):
        assert part in told
    assert told.count('+       "Effect": "Allow"') == 2  # in the plan, and in the change made


def test_the_whole_record_is_one_json_document(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.hold("a")
    made_up.open(Status.REPAIRED)
    made = change(made_up)

    run(made_up, "incident", INCIDENT_ID, "--json")

    record = json.loads(capsys.readouterr().out)
    assert record["incident"]["status"] == "repaired"
    assert record["plan"]["hash"] == PLAN.hash
    assert record["verdict"]["verdict"] == "approved"
    assert [each["destinationBucket"] for each in record["groups"]] == ["orders-frankfurt"]
    assert [(each["changeId"], each["state"]) for each in record["changes"]] == [
        (made.change_id, "applied")
    ]
    assert record["changes"][0]["subject"] == DESTINATION_KEY
    assert [each["outcome"] for each in record["objects"]] == ["waiting"]


def test_an_outcome_older_than_the_newest_failure_is_no_outcome(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    [held] = made_up.hold("a")
    made_up.now = NOON.replace(hour=10)
    made_up.settle(OutcomeKind.REPLICATED, held)
    made_up.now = NOON
    made_up.open(Status.APPROVED)

    run(made_up, "incident", INCIDENT_ID, "--json")

    [entry] = json.loads(capsys.readouterr().out)["objects"]
    assert (entry["outcome"], entry["says"]) == ("waiting", None)


def test_an_unknown_incident_is_bad_input(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(made_up, "incident", OTHER_ID)

    assert status == 2
    told = capsys.readouterr().err
    assert told == f"replimend: Invalid value for 'INCIDENT_ID': there is no incident {OTHER_ID}\n"


# patches, and what is noted beside a change


def test_a_change_is_written_as_a_patch_and_nothing_else(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made = change(made_up)

    status = run(made_up, "patch", made.change_id)

    told = capsys.readouterr().out
    assert status == 0
    assert told.rstrip() == patch_of(made, PatchFormat.TERRAFORM).rstrip()


@pytest.mark.parametrize("form", PatchFormat)
def test_a_program_is_given_the_patch_in_every_format(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str], form: PatchFormat
) -> None:
    made = change(made_up)

    run(made_up, "patch", made.change_id, "--format", form.value, "--json")

    assert json.loads(capsys.readouterr().out) == {
        "changeId": made.change_id,
        "format": form.value,
        "patch": patch_of(made, form),
    }


def test_a_patch_of_an_unknown_change_is_bad_input(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(made_up, "patch", "none")

    assert status == 2
    assert "there is no change none" in capsys.readouterr().err


def test_the_record_has_the_second_opinion_and_whether_the_code_has_the_change(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.open(Status.REPAIRED)
    made = change(made_up)
    denied = Check(name="ValidatePolicy", result=CheckResult.NOT_AVAILABLE, says="denied")
    notes = made_up.stack.ledger.notes
    notes.note_opinion(made.change_id, SecondOpinion(checks=(denied,)))
    notes.note_adopted(made.change_id, "anna says so", NOON)

    run(made_up, "incident", INCIDENT_ID, "--json")
    (entry,) = json.loads(capsys.readouterr().out)["changes"]
    run(made_up, "incident", INCIDENT_ID)
    told = capsys.readouterr().out

    assert entry["secondOpinion"] == [
        {"name": "ValidatePolicy", "result": "not_available", "says": "denied"}
    ]
    assert entry["adopted"] == "anna says so"
    assert "ValidatePolicy not_available: denied" in told
    assert "anna says so" in told
