"""`replimend remediate`: what a person sees, and what a script may rely on."""

import json

import pytest

from cli.main import main
from replimend.domain.answers import diagnosis_answer, plan_answer, verdict_answer
from replimend.domain.diagnosis.causes import Cause, Confidence, Diagnosis
from replimend.domain.incident import FailureGroup, Incident, Status
from replimend.domain.recopy.objects import OutcomeKind
from replimend.domain.repair.plan import NoPlan
from replimend.domain.repair.verdicts import Objection, Refused
from tests.integration.cli.made_up import (
    DIAGNOSIS,
    INCIDENT_ID,
    PLAN,
    TRIAGE,
    MadeUpStack,
    triage_answer,
)

KEY = "reports/2026 Q1 ü+%20#?.pdf"
URL = f"s3://orders-ireland/{KEY}"
REQUEST = {"bucket": "orders-ireland", "key": KEY}


def run(made_up: MadeUpStack, *options: str) -> int:
    return main(["remediate", URL, *options], lambda *_: made_up.stack)


def resolve_meanwhile(made_up: MadeUpStack) -> Incident:
    """An incident that was mended between triage's answer and the first look at the ledger."""
    first, second, third = made_up.hold("a", "b", "c")
    approved = made_up.open(Status.APPROVED)
    made_up.move(Status.REPAIRED, "1 change(s) made; the canary is next")
    made_up.move(Status.CANARY, "job j1 re-copies 1 version(s)")
    made_up.move(Status.RECOPYING, "job j2 re-copies 2 version(s)")
    made_up.settle(OutcomeKind.REPLICATED, first, second)
    made_up.settle(OutcomeKind.GONE, third)
    made_up.move(Status.RESOLVED, "2 replicated, 1 gone")
    return approved


def test_the_whole_story_is_told_in_order(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.answers(TRIAGE, REQUEST, triage_answer(resolve_meanwhile(made_up)))

    status = run(made_up)

    told = capsys.readouterr().out
    parts = [
        DIAGNOSIS.cause.value,
        PLAN.hash,
        '+       "Effect": "Allow"',
        "approved",
        f"incident {INCIDENT_ID}",
        "approved ",
        "repaired ",
        "canary ",
        "recopying ",
        "resolved ",
        "version of b",
        "3 object version(s): 2 replicated, 1 gone",
        "resolved",
    ]
    positions = [told.find(part) for part in parts]
    assert status == 0
    assert -1 not in positions
    assert positions[:3] == sorted(positions[:3])
    assert positions[4:-1] == sorted(positions[4:-1])
    assert told.count("the canary is next") == 1


def test_json_is_one_document_with_the_answer_and_the_whole_record(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = triage_answer(resolve_meanwhile(made_up))
    made_up.answers(TRIAGE, REQUEST, answer)

    status = run(made_up, "--json")

    document = json.loads(capsys.readouterr().out)
    [record] = document["incidents"]
    assert status == 0
    assert document["result"] == "resolved"
    assert {name: document[name] for name in answer} == answer
    assert [step["became"] for step in record["history"]] == [
        "approved",
        "repaired",
        "canary",
        "recopying",
        "resolved",
    ]
    assert [(each["key"], each["outcome"]) for each in record["objects"]] == [
        ("a", "replicated"),
        ("b", "replicated"),
        ("c", "gone"),
    ]


def test_a_version_is_named_to_triage_as_it_was_given(made_up: MadeUpStack) -> None:
    answer = triage_answer(made_up.open(Status.OBSERVED))
    made_up.answers(TRIAGE, {**REQUEST, "versionId": "null"}, answer)

    assert run(made_up, "--version-id", "null") == 0


@pytest.mark.parametrize(
    ("ended", "exit_status", "says"),
    [
        (Status.OBSERVED, 0, "observed, as the stack is configured: nothing was changed"),
        (Status.REFUSED, 3, "refused: the objections say what forbids it"),
        (Status.ESCALATED, 3, "escalated: a person has to act"),
        (Status.QUARANTINED, 3, "quarantined"),
        (Status.AWAITING_APPROVAL, 3, f"replimend approve {INCIDENT_ID} {PLAN.hash}"),
    ],
)
def test_how_it_ended_is_told_and_is_the_exit_status(
    made_up: MadeUpStack,
    ended: Status,
    exit_status: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made_up.answers(TRIAGE, REQUEST, triage_answer(made_up.open(ended)))

    status = run(made_up)

    assert status == exit_status
    assert says in capsys.readouterr().out


def test_every_objection_is_shown(made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]) -> None:
    objections = (Objection(says="the key is not listed"), Objection(says="nor is the role"))
    refused = verdict_answer(Refused(plan_hash=PLAN.hash, objections=objections))
    incident = made_up.open(Status.REFUSED)
    made_up.answers(TRIAGE, REQUEST, triage_answer(incident, verdict=refused))

    run(made_up)

    told = capsys.readouterr().out
    assert "the key is not listed" in told
    assert "nor is the role" in told


def test_what_happened_before_this_diagnosis_is_not_told_again(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.open(Status.OBSERVED, summary="an observation of yesterday")
    incident = made_up.open(Status.REFUSED, summary="a refusal of today")
    made_up.answers(TRIAGE, REQUEST, triage_answer(incident))

    run(made_up)

    told = capsys.readouterr().out
    assert "a refusal of today" in told
    assert "an observation of yesterday" not in told


def test_an_incident_that_outlasts_the_wait_goes_on_without_the_command(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.answers(TRIAGE, REQUEST, triage_answer(made_up.open(Status.APPROVED)))

    status = run(made_up, "--wait", "0")

    assert status == 3
    assert "not at its end yet: it goes on by itself" in capsys.readouterr().out


def test_failures_diagnosed_anew_are_followed_to_their_new_incident(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    approved = made_up.open(Status.APPROVED)
    made_up.open(Status.ESCALATED, "ba9876543210", summary="the new cause")
    made_up.move(Status.RESOLVED, "diagnosed again: see incident ba9876543210")
    made_up.answers(TRIAGE, REQUEST, triage_answer(approved))

    status = run(made_up)

    told = capsys.readouterr().out
    assert status == 3
    assert "incident ba9876543210" in told
    assert "the new cause" in told
    assert "escalated: a person has to act" in told


def test_each_rule_that_selects_the_object_has_its_own_answer(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    paris = FailureGroup(
        bucket="orders-ireland",
        rule_id="to-paris",
        destination_bucket="orders-paris",
        reason="ManualRequest",
    )
    resolved = made_up.open(Status.RESOLVED)
    refused = made_up.open(Status.REFUSED, "ba9876543210", group=paris)
    others = [triage_answer(refused)]
    made_up.answers(TRIAGE, REQUEST, triage_answer(resolved, others=others))

    status = run(made_up, "--json")

    document = json.loads(capsys.readouterr().out)
    assert status == 3
    assert document["result"] == "refused"
    assert [each["incident"]["incidentId"] for each in document["incidents"]] == [
        INCIDENT_ID,
        "ba9876543210",
    ]


@pytest.mark.parametrize(
    ("cause", "result", "exit_status"),
    [
        (Cause.ALREADY_REPLICATED, "nothing_to_do", 0),
        (Cause.UNDETERMINED, "undetermined", 3),
        (Cause.KEY_POLICY_LACKS_ROLE, "not_opened", 3),
    ],
)
def test_without_an_incident_there_is_nothing_to_follow(
    made_up: MadeUpStack,
    cause: Cause,
    result: str,
    exit_status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    diagnosis = Diagnosis(cause=cause, confidence=Confidence.EVALUATED, next="Look.")
    answer = triage_answer(
        None,
        diagnosis=diagnosis_answer(diagnosis),
        plan=plan_answer(NoPlan(reason="none")),
        verdict=verdict_answer(None),
    )
    made_up.answers(TRIAGE, REQUEST, answer)

    status = run(made_up, "--json")

    document = json.loads(capsys.readouterr().out)
    assert status == exit_status
    assert document["result"] == result
    assert document["incidents"] == []


def test_a_function_that_fails_is_one_line_with_its_words(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"errorType": "AccessLostError", "errorMessage": "the table\nwas denied"}
    made_up.fails(TRIAGE, REQUEST, error)

    status = run(made_up)

    told = capsys.readouterr()
    assert status == 1
    assert told.err == "replimend: TriageFunction failed: AccessLostError: the table was denied\n"


@pytest.mark.parametrize("answer", [None, [], "done"])
def test_a_function_of_somebody_else_s_is_told_as_such(
    made_up: MadeUpStack, answer: object, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.answers(TRIAGE, REQUEST, answer)

    status = run(made_up)

    assert status == 1
    assert "is it one of Replimend's functions?" in capsys.readouterr().err
