"""What a person invokes a function with becomes the command that it is."""

import json
from pathlib import Path

import pytest

from replimend.domain.commands import (
    ApprovePlan,
    PauseRepairs,
    RecopyObject,
    RejectPlan,
    ResumeRepairs,
    RollBackChange,
)
from replimend.errors import MalformedEventError
from replimend.inbound.commands import command_of
from tests.builders import (
    CHANGE_ID,
    INCIDENT_ID,
    OBJECT_KEY,
    PLAN_HASH,
    SOURCE_BUCKET,
    VERSION_ID,
    AwsJson,
)

EVENTS = Path(__file__).parents[2] / "events"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "approve",
            ApprovePlan(incident_id=INCIDENT_ID, plan_hash=PLAN_HASH, by="anna"),
        ),
        ("roll-back", RollBackChange(change_id=CHANGE_ID, by="anna")),
        (
            "recopy-object",
            RecopyObject(bucket=SOURCE_BUCKET, key=OBJECT_KEY, version_id=VERSION_ID),
        ),
    ],
)
def test_a_command_of_events_is_understood(name: str, command: object) -> None:
    assert command_of(json.loads((EVENTS / f"{name}.json").read_text())) == command


@pytest.mark.parametrize(
    ("payload", "command"),
    [
        (
            {"action": "reject", "incidentId": "i", "by": "anna", "reason": "ours"},
            RejectPlan(incident_id="i", by="anna", reason="ours"),
        ),
        (
            {"action": "reject", "incidentId": "i", "by": "anna"},
            RejectPlan(incident_id="i", by="anna", reason=None),
        ),
        ({"action": "pause", "by": "anna"}, PauseRepairs(by="anna")),
        ({"action": "resume", "by": "anna"}, ResumeRepairs(by="anna")),
    ],
)
def test_any_other_command_is_understood(payload: AwsJson, command: object) -> None:
    assert command_of(payload) == command


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ([], ""),
        ("approve", ""),
        ({}, "action"),
        ({"action": "delete", "by": "anna"}, "action"),
        ({"action": ["approve"]}, "action"),
        ({"action": "approve", "incidentId": "i", "by": "anna"}, "planHash"),
        ({"action": "approve", "incidentId": 1, "planHash": "h", "by": "anna"}, "incidentId"),
        ({"action": "approve", "incidentId": "i", "planHash": "h", "by": ""}, "by"),
        ({"action": "reject", "incidentId": "i", "by": "anna", "reasn": "ours"}, "reasn"),
        ({"action": "recopy", "bucket": SOURCE_BUCKET, "key": "a"}, "versionId"),
        ({"action": "recopy", "bucket": "a/b", "key": "a", "versionId": "v"}, "bucket"),
    ],
)
def test_a_bad_command_is_refused_with_its_field(payload: object, path: str) -> None:
    with pytest.raises(MalformedEventError) as raised:
        command_of(payload)

    assert raised.value.path == path
