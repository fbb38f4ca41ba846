"""Every file in events/ runs through the built function in a container, as `make local` does it."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.lab import Lab
from lab.local.engine import Engine, ask, find_engine
from lab.local.events import LocalEvent
from lab.local.ledger import Item, LedgerTable, Write
from lab.local.moments import replication_status
from lab.local.runs import Run, run
from tests.builders import (
    CHANGE_ID,
    DESTINATION_ACCOUNT,
    DESTINATION_KEY_ARN,
    DESTINATION_REGION,
    INCIDENT_ID,
    OBJECT_KEY,
    PLAN_HASH,
    ROLE_ARN,
    VERSION_ID,
    AwsJson,
)

CHECKOUT = Path(__file__).parents[2]
EVENTS = CHECKOUT / "events"
NOTHING_GIVEN_BACK: AwsJson = {"batchItemFailures": []}
THE_END = timedelta(hours=1)

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def engine() -> Engine:
    try:
        return find_engine(os.environ)
    except LabError as error:
        pytest.skip(f"`sam local` needs a container engine: {error}")


@contextmanager
def run_of(name: str, engine: Engine) -> Generator[Run]:
    """The run of that file in events/, in which the function stayed within its role."""
    with run(LocalEvent.load(EVENTS / f"{name}.json"), engine, lambda _: None) as done:
        assert done.answer.error is None, done.answer.logs
        assert [call for call in done.calls if not call.allowed] == []
        yield done


def written(done: Run, pk: str, sk: str = "") -> list[Write]:
    return [each for each in done.written if each.pk.startswith(pk) and each.sk.startswith(sk)]


def the_incident(lab: Lab) -> Item:
    (incident,) = LedgerTable.of(lab).incidents
    return incident


def the_destination_keys_policy(lab: Lab) -> str:
    kms = lab.client("kms", DESTINATION_ACCOUNT, DESTINATION_REGION)
    policy: str = kms.get_key_policy(KeyId=DESTINATION_KEY_ARN, PolicyName="default")["Policy"]
    return policy


def test_a_failure_opens_the_incident_that_all_the_others_join(engine: Engine) -> None:
    with run_of("s3-replication-failed-dst-put-not-permitted", engine) as done:
        opened = the_incident(done.lab)
        done.lab.run(THE_END)
        in_the_end = the_incident(done.lab)

    assert done.answer.payload == NOTHING_GIVEN_BACK
    assert (opened["incident_id"], opened["status"]) == (INCIDENT_ID, "observed")
    assert opened["sample_version"] == VERSION_ID
    assert (in_the_end["incident_id"], in_the_end["confidence"]) == (INCIDENT_ID, "proven")


def test_a_kms_denial_proves_what_was_only_evaluated(engine: Engine) -> None:
    with run_of("kms-encrypt-denied", engine) as done:
        (incident,) = written(done, "INCIDENT#", "META")

    assert done.answer.payload == NOTHING_GIVEN_BACK
    assert [each.after["key_arn"] for each in written(done, "ROLE#", "DENIAL#")] == [
        DESTINATION_KEY_ARN
    ]
    assert incident.before is not None
    assert (incident.before["confidence"], incident.after["confidence"]) == ("evaluated", "proven")


def test_a_question_about_an_object_is_answered_with_cause_plan_and_verdict(engine: Engine) -> None:
    with run_of("direct-object", engine) as done:
        answer = done.answer.payload

    assert isinstance(answer, dict)
    match answer:
        case {
            "diagnosis": {"cause": cause, "confidence": confidence},
            "verdict": {"verdict": verdict},
            "incident": {"incidentId": incident_id, "planHash": plan_hash},
        }:
            assert (cause, confidence) == ("key_policy_lacks_role", "proven")
            assert verdict == "refused"
            assert (incident_id, plan_hash) == (INCIDENT_ID, PLAN_HASH)
        case _:
            pytest.fail(f"the answer lacks something: {sorted(answer)}")


def test_s3s_test_event_is_counted_and_leaves_no_trace(engine: Engine) -> None:
    with run_of("s3-test-event", engine) as done:
        pass

    assert done.answer.payload == NOTHING_GIVEN_BACK
    # The log line, not the metric's: what is printed last may not leave a container that stops.
    assert any("signal ignored" in line and "test_event" in line for line in done.answer.logs)
    assert (done.written, done.sent, done.calls) == ((), {}, ())


def test_malformed_messages_are_buried_with_the_path_and_the_good_one_goes_on(
    engine: Engine,
) -> None:
    with run_of("malformed", engine) as done:
        sqs = done.lab.client("sqs")
        buried = sqs.receive_message(
            QueueUrl=done.lab.stack.resource("SignalDeadLetterQueue").physical.reference,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )["Messages"]
        incident = the_incident(done.lab)

    assert done.answer.payload == NOTHING_GIVEN_BACK
    # The good one failed just now: it is looked at again once CloudTrail has told of changes.
    assert done.sent == {"SignalDeadLetterQueue": 2, "SignalQueue": 1}
    assert {each["MessageAttributes"]["Path"]["StringValue"] for each in buried} == {
        "body",
        "body.detail.Records[0].s3.object.versionId",
    }
    assert (incident["sample_key"], incident["sample_version"]) == (OBJECT_KEY, VERSION_ID)


def test_an_approval_leads_to_the_repair_and_to_every_object_over_there(engine: Engine) -> None:
    with run_of("approve", engine) as done:
        before = the_destination_keys_policy(done.lab)
        done.lab.run(THE_END)
        after = the_destination_keys_policy(done.lab)
        incident = the_incident(done.lab)
        status = replication_status(done.lab, OBJECT_KEY, VERSION_ID)

    assert isinstance(done.answer.payload, dict)
    assert done.answer.payload["status"] == "approved"
    assert done.sent == {"RepairQueue": 1}
    assert (ROLE_ARN in before, ROLE_ARN in after) == (False, True)
    assert (incident["status"], incident["approved_by"]) == ("resolved", "anna")
    assert status == "COMPLETED"


def test_a_roll_back_puts_the_stored_policy_back_and_leaves_the_rest_to_a_person(
    engine: Engine,
) -> None:
    with run_of("roll-back", engine) as done:
        (change,) = written(done, f"CHANGE#{CHANGE_ID}")
        policy = the_destination_keys_policy(done.lab)
        incident = the_incident(done.lab)

    assert isinstance(done.answer.payload, dict)
    assert done.answer.payload["rolledBack"] is True
    assert json.loads(policy) == json.loads(change.after["before"])
    assert change.after["state"] == "rolled_back"
    assert incident["status"] == "escalated"


def test_one_object_is_brought_over_by_a_job_of_its_own(engine: Engine) -> None:
    with run_of("recopy-object", engine) as done:
        before = replication_status(done.lab, OBJECT_KEY, VERSION_ID)
        jobs = [each for each in done.calls if each.operation == "CreateJob"]
        done.lab.run(THE_END)
        after = replication_status(done.lab, OBJECT_KEY, VERSION_ID)

    assert isinstance(done.answer.payload, dict)
    assert done.answer.payload["outcome"] == "running"
    assert len(jobs) == 1
    assert (before, after) == ("FAILED", "COMPLETED")


def test_a_function_that_fails_is_told_in_one_line_and_nothing_is_left_running(
    engine: Engine, tmp_path: Path
) -> None:
    event = tmp_path / "approve-nothing.json"
    event.write_text('{"action": "approve", "by": "anna"}')
    containers = ask(engine.host, "/containers/json?all=true")

    done = subprocess.run(
        [sys.executable, "-m", "lab.local", event],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "local: RepairFunction failed: MalformedEventError: "
        "event has no usable 'incidentId': expected a string\n"
    )
    assert _ids(ask(engine.host, "/containers/json?all=true")) == _ids(containers)


def _ids(containers: bytes) -> set[str]:
    return {each["Id"] for each in json.loads(containers)}
