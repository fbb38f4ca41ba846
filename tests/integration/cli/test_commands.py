"""What a person commands reaches its function in the form that inbound understands."""

import json
from typing import Any

import pytest

from cli.main import main
from tests.integration.cli.made_up import INCIDENT_ID, PLAN, RECOPY, REPAIR, MadeUpStack

KEY = "reports/2026 Q1 ü+%20#?.pdf"
URL = f"s3://orders-ireland/{KEY}"
CHANGE_ID = "fedcba987654"
RECOPIED = {"action": "recopy", "bucket": "orders-ireland", "key": KEY, "versionId": "v"}
INCIDENT = {
    "incidentId": INCIDENT_ID,
    "status": "approved",
    "round": 1,
    "cause": "key_policy_lacks_role",
    "confidence": "evaluated",
    "planHash": PLAN.hash,
}


def run(made_up: MadeUpStack, *arguments: str) -> int:
    return main(arguments, lambda *_: made_up.stack)


@pytest.mark.parametrize(
    ("arguments", "command", "answer"),
    [
        (
            ("approve", INCIDENT_ID, "h"),
            {"action": "approve", "incidentId": INCIDENT_ID, "planHash": "h"},
            INCIDENT,
        ),
        (
            ("reject", INCIDENT_ID),
            {"action": "reject", "incidentId": INCIDENT_ID},
            {**INCIDENT, "status": "refused"},
        ),
        (
            ("reject", INCIDENT_ID, "--reason", "ours"),
            {"action": "reject", "incidentId": INCIDENT_ID, "reason": "ours"},
            {**INCIDENT, "status": "refused"},
        ),
        (
            ("roll-back", CHANGE_ID),
            {"action": "roll_back", "changeId": CHANGE_ID},
            {"changeId": CHANGE_ID, "rolledBack": True, "says": "the stored policy was put back"},
        ),
        (
            ("adopted", CHANGE_ID),
            {"action": "adopt", "changeId": CHANGE_ID},
            {"changeId": CHANGE_ID, "adopted": True, "says": "anna says so"},
        ),
        (("pause",), {"action": "pause"}, {"paused": True, "by": "anna"}),
        (("resume",), {"action": "resume"}, {"paused": False, "by": "anna"}),
    ],
)
def test_repair_is_told_what_and_by_whom(
    made_up: MadeUpStack,
    arguments: tuple[str, ...],
    command: dict[str, str],
    answer: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    made_up.answers(REPAIR, {**command, "by": made_up.stack.caller()}, answer)

    status = run(made_up, *arguments, "--json")

    assert status == 0
    assert json.loads(capsys.readouterr().out) == answer


def test_a_plan_that_is_another_by_now_is_not_approved(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    command = {"action": "approve", "incidentId": INCIDENT_ID, "planHash": "h"}
    answer = {**INCIDENT, "error": "the plan is another now: look at it again"}
    made_up.answers(REPAIR, {**command, "by": made_up.stack.caller()}, answer)

    status = run(made_up, "approve", INCIDENT_ID, "h")

    assert status == 3
    assert capsys.readouterr().out == "not done: the plan is another now: look at it again\n"


@pytest.mark.parametrize(
    ("outcome", "exit_status"),
    [("replicated", 0), ("gone", 0), ("running", 3), ("failed", 3), ("refused", 3)],
)
def test_one_object_is_recopied_by_its_literal_key(
    made_up: MadeUpStack,
    outcome: str,
    exit_status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made_up.answers(RECOPY, RECOPIED, {"outcome": outcome, "says": "so it is"})

    status = run(made_up, "recopy", URL, "--version-id", "v")

    assert status == exit_status
    assert capsys.readouterr().out == f"{outcome}: so it is\n"


@pytest.mark.parametrize(
    ("arguments", "command", "kind"),
    [
        (
            ("approve", "none", "h"),
            {"action": "approve", "incidentId": "none", "planHash": "h"},
            "incident",
        ),
        (("reject", "none"), {"action": "reject", "incidentId": "none"}, "incident"),
        (("roll-back", "none"), {"action": "roll_back", "changeId": "none"}, "change"),
    ],
)
def test_what_names_nothing_is_bad_input(
    made_up: MadeUpStack,
    arguments: tuple[str, ...],
    command: dict[str, str],
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = f"there is no {kind} none"
    made_up.answers(REPAIR, {**command, "by": made_up.stack.caller()}, {"error": error})

    status = run(made_up, *arguments)

    told = capsys.readouterr().err
    assert status == 2
    assert told == f"replimend: Invalid value for '{kind.upper()}_ID': {error}\n"


def test_why_a_change_is_not_undone_is_shown_line_by_line(
    made_up: MadeUpStack, capsys: pytest.CaptureFixture[str]
) -> None:
    command = {"action": "roll_back", "changeId": CHANGE_ID, "by": made_up.stack.caller()}
    says = "others changed our statement since.\n- ours\n+ theirs"
    made_up.answers(REPAIR, command, {"changeId": CHANGE_ID, "rolledBack": False, "says": says})

    status = run(made_up, "roll-back", CHANGE_ID)

    lines = capsys.readouterr().out.splitlines()
    assert status == 3
    assert lines[0].startswith(f"change {CHANGE_ID} is not rolled back: others changed")
    assert lines[-2:] == ["- ours", "+ theirs"]
