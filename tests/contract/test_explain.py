"""`replimend explain`: every event in every envelope, with and without a set-up, in one shape."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.answers import explanation_answer
from cli.main import main
from replimend.domain.denials import DenialEffect, DenialLayer
from replimend.domain.diagnosis.causes import Cause, Confidence
from replimend.domain.setups.explanation import Subject, explain
from replimend.errors import MalformedEventError
from replimend.inbound.messages import parse_record, records_of
from tests.builders import (
    DESTINATION_KEY_ARN,
    ROLE_ARN,
    SESSION_ARN,
    AwsJson,
    cloudtrail_event,
    key_access_denied,
    pipe_event,
    replication_failed,
    s3_test_event,
    sns_envelope,
    sqs_event,
)
from tests.denial_cases import CASES, DenialCase
from tests.setups import FOLDER, OBJECT, RULE, having, healthy, snapshot_named, without

EVENTS = Path(__file__).parents[2] / "events"
BROKEN = FOLDER / "key-policy-lacks-role.json"
SHAPE = {
    "signal",
    "reason",
    "action",
    "principal",
    "resource",
    "denial",
    "cause",
    "confidence",
    "requirements",
    "evidence",
    "plan",
    "next",
}
REQUIREMENT = {"action", "side", "resource", "needed", "context", "result", "layer", "effect"}
CHANGE = {"kind", "subject", "policyName", "before", "after", "statement", "reverses"}

type Told = pytest.CaptureFixture[str]
type Answers = list[dict[str, Any]]


@pytest.fixture
def asked(tmp_path: Path, capsys: Told) -> Callable[..., tuple[int, Answers, str]]:
    """Explain this event, against this snapshot if there is one: status, answers, complaints."""

    def ask(event: object, snapshot: object = None) -> tuple[int, Answers, str]:
        (tmp_path / "event.json").write_text(json.dumps(event))
        (tmp_path / "setup.json").write_text(json.dumps(snapshot))
        setup = [] if snapshot is None else ["--setup", str(tmp_path / "setup.json")]
        status = main(["explain", str(tmp_path / "event.json"), "--json", *setup])
        told = capsys.readouterr()
        return status, [json.loads(line) for line in told.out.splitlines()], told.err

    return ask


def assert_in_shape(answer: dict[str, Any]) -> None:
    assert set(answer) == SHAPE
    assert answer["signal"] in set(Subject)
    assert answer["denial"].keys() == {"layer", "effect", "policy"}
    assert answer["denial"]["layer"] in set(DenialLayer)
    assert answer["denial"]["effect"] in set(DenialEffect)
    assert answer["cause"] is None or answer["cause"] in set(Cause)
    assert answer["confidence"] in set(Confidence)
    assert all(set(each) == REQUIREMENT for each in answer["requirements"])
    assert all(set(each) == CHANGE for each in answer["plan"])
    assert all(set(each) == {"source", "says"} for each in answer["evidence"])
    assert answer["next"]


@pytest.mark.parametrize(
    ("name", "signal", "status"),
    [
        ("direct-object", "manual_request", 3),
        ("kms-encrypt-denied", "key_access_denied", 3),
        ("s3-replication-failed-dst-put-not-permitted", "replication_failed", 3),
        ("s3-test-event", "ignored", 0),
    ],
)
def test_every_event_for_triage_is_explained(
    name: str, signal: str, status: int, capsys: Told
) -> None:
    assert main(["explain", str(EVENTS / f"{name}.json"), "--json"]) == status

    answer = json.loads(capsys.readouterr().out)
    assert_in_shape(answer)
    assert answer["signal"] == signal


@pytest.mark.parametrize("name", ["approve", "recopy-object", "roll-back"])
def test_a_command_is_no_event_to_explain(name: str, capsys: Told) -> None:
    file = EVENTS / f"{name}.json"

    assert main(["explain", str(file), "--json"]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert str(file) in told.err
    assert told.err.count("\n") == 1


def test_every_file_in_events_has_its_test_here() -> None:
    commands = {"approve", "recopy-object", "roll-back"}
    events = {"direct-object", "kms-encrypt-denied", "malformed", "s3-test-event"}
    failures = {"s3-replication-failed-dst-put-not-permitted"}

    assert {path.stem for path in EVENTS.glob("*.json")} == commands | events | failures


def test_a_bad_record_is_named_and_loses_no_good_one(capsys: Told) -> None:
    file = EVENTS / "malformed.json"

    assert main(["explain", str(file), "--json"]) == 2

    told = capsys.readouterr()
    (answer,) = told.out.splitlines()
    assert json.loads(answer)["signal"] == "replication_failed"
    assert f"{file}: Records[0].body: expected JSON" in told.err
    assert told.err.count("\n") == 1


WITH_A_TEXT = [case for case in CASES if case.message]
FAILED, DENIED = replication_failed(), key_access_denied()


@pytest.mark.parametrize(
    "event",
    [
        FAILED,
        FAILED["Records"][0],
        FAILED["Records"],
        pipe_event(FAILED),
        sqs_event(FAILED),
        sqs_event(pipe_event(FAILED)),
        sqs_event(sns_envelope(FAILED)),
        sns_envelope(FAILED),
        {"MessageId": "m", "Body": json.dumps(FAILED)},
        {"Records": [{"EventSource": "aws:sns", "Sns": sns_envelope(FAILED)}]},
        json.dumps(FAILED),
    ],
)
def test_a_failure_is_the_same_in_every_envelope(
    event: object, asked: Callable[..., tuple[int, Answers, str]]
) -> None:
    assert asked(event) == asked(FAILED)


@pytest.mark.parametrize(
    "event",
    [
        DENIED,
        [DENIED],
        {"Records": [DENIED]},
        cloudtrail_event(DENIED),
        [cloudtrail_event(DENIED)],
        sqs_event(cloudtrail_event(DENIED)),
    ],
)
def test_a_denial_is_the_same_in_every_envelope(
    event: object, asked: Callable[..., tuple[int, Answers, str]]
) -> None:
    assert asked(event) == asked(DENIED)


def test_a_list_gives_one_answer_a_signal_in_order(
    asked: Callable[..., tuple[int, Answers, str]],
) -> None:
    status, answers, _ = asked([FAILED, cloudtrail_event(DENIED), s3_test_event()])

    assert status == 3
    assert [each["signal"] for each in answers] == [
        "replication_failed",
        "key_access_denied",
        "ignored",
    ]


def test_a_denial_alone_says_who_what_and_which_layer_and_leaves_the_cause_open(
    asked: Callable[..., tuple[int, Answers, str]],
) -> None:
    status, (answer,), _ = asked(DENIED)

    assert status == 3
    assert answer["principal"] == SESSION_ARN
    assert (answer["action"], answer["resource"]) == ("kms:Encrypt", DESTINATION_KEY_ARN)
    assert answer["denial"] == {"layer": "resource", "effect": "implicit", "policy": None}
    assert (answer["cause"], answer["confidence"]) == ("undetermined", "undetermined")
    assert "kms:GetKeyPolicy" in answer["next"]


@pytest.mark.parametrize("event", [FAILED, DENIED, {"bucket": "orders-ireland", "key": "a"}])
def test_with_a_set_up_the_diagnosis_is_full(
    event: AwsJson, asked: Callable[..., tuple[int, Answers, str]]
) -> None:
    status, (answer,), _ = asked(event, snapshot_named("key-policy-lacks-role"))

    assert_in_shape(answer)
    assert status == 0
    assert answer["cause"] == "key_policy_lacks_role"
    assert (answer["action"], answer["resource"]) == ("kms:Encrypt", DESTINATION_KEY_ARN)
    assert answer["denial"] == {"layer": "resource", "effect": "implicit", "policy": None}
    (change,) = answer["plan"]
    assert change["subject"] == DESTINATION_KEY_ARN
    assert change["after"]["Statement"][-1] == change["statement"]
    refused = [each for each in answer["requirements"] if each["result"] != "Allowed"]
    assert {(each["layer"], each["effect"]) for each in refused} == {("resource", "implicit")}
    assert any(each["source"] == "ruled_out" for each in answer["evidence"])


def test_the_object_of_the_data_files_is_the_one_of_the_events() -> None:
    assert snapshot_named("key-policy-lacks-role")["object"] == {**OBJECT, "BucketKeyEnabled": True}


def test_a_denial_that_agrees_with_the_set_up_proves_it(
    asked: Callable[..., tuple[int, Answers, str]],
) -> None:
    snapshot = snapshot_named("key-policy-lacks-role")

    _, (alone,), _ = asked(FAILED, snapshot)
    _, (proven,), _ = asked(FAILED, {**snapshot, "denials": [DENIED]})

    assert (alone["confidence"], proven["confidence"]) == ("evaluated", "proven")
    assert proven["principal"] == ROLE_ARN


def test_an_explicit_deny_is_named_with_its_policy(
    asked: Callable[..., tuple[int, Answers, str]],
) -> None:
    deny = {"Sid": "Never", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}
    policy = {"name": "guard", "document": {"Version": "2012-10-17", "Statement": [deny]}}
    healthy_role = healthy()["role"]
    role = {**healthy_role, "identityPolicies": [*healthy_role["identityPolicies"], policy]}

    status, (answer,), _ = asked(FAILED, healthy(object=OBJECT, role=role))

    assert status == 0
    assert answer["cause"] == "explicit_deny"
    assert answer["denial"] == {"layer": "identity", "effect": "explicit", "policy": "guard"}
    assert answer["plan"] == []


@pytest.mark.parametrize("case", WITH_A_TEXT, ids=lambda case: case.name)
def test_a_pasted_message_says_what_its_text_says(case: DenialCase, capsys: Told) -> None:
    status = main(["explain", "--message", case.message, "--json"])

    answer = json.loads(capsys.readouterr().out)
    assert_in_shape(answer)
    assert status == (3 if answer["confidence"] == "undetermined" else 0)
    assert answer["signal"] == "message"
    assert answer["principal"] == case.says.principal
    assert (answer["action"], answer["resource"]) == (case.says.action, case.says.resource)
    assert answer["denial"] == {
        "layer": case.says.layer,
        "effect": case.says.effect,
        "policy": case.says.policy_arn,
    }


def test_messages_are_answered_line_by_line(tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(json.dumps(case.message) for case in CASES) + "\n\n")

    status = main(["explain", "--messages", str(file), "--json-lines"])

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 3
    assert [each["denial"]["layer"] for each in answers] == [each.says.layer for each in CASES]


def test_a_line_separator_within_a_message_ends_no_line(tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text('"one\u2028line"\n', encoding="utf-8")

    assert main(["explain", "--messages", str(file), "--json-lines"]) == 3
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_standard_input_serves_as_a_file(monkeypatch: pytest.MonkeyPatch, capsys: Told) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(DENIED)))

    assert main(["explain", "-", "--setup", str(BROKEN), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confidence"] == "proven"


def test_people_are_shown_the_policy_with_the_deciding_line_marked(
    tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "event.json").write_text(json.dumps(FAILED))

    setup = FOLDER / "object-context-under-bucket-key.json"
    status = main(["explain", str(tmp_path / "event.json"), "--setup", str(setup)])

    told = capsys.readouterr().out
    marked = [line.strip() for line in told.splitlines() if "▶" in line]
    assert status == 0
    assert "condition_mismatch (evaluated)" in told
    assert marked == [
        '▶           "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orders-frankfurt/*"'
    ]
    assert "+       " in told


@pytest.mark.parametrize(
    ("event", "setup", "complaint"),
    [
        ("{", None, "event.json: not JSON: "),
        ("[" * 100_000, None, "event.json: not JSON: nested too deeply"),
        ("[]", None, "event.json: expected at least one record"),
        ("{}", None, "event.json: expected an S3 notification"),
        (json.dumps({"Records": [7]}), None, "event.json: Records[0]: expected an object"),
        (
            json.dumps(without(FAILED, "Records", 0, "s3", "object", "versionId")),
            None,
            "event.json: Records[0].s3.object.versionId: expected a string",
        ),
        (json.dumps(FAILED), "[]", "setup.json: expected an object with source"),
        (json.dumps(FAILED), "{}", "setup.json: source: expected an object"),
        (
            json.dumps(FAILED),
            json.dumps(having(healthy(), 7, "keys", 0, "policy")),
            "setup.json: keys[0].policy: expected a policy document, found a number",
        ),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it_and_the_field(
    event: str, setup: str | None, complaint: str, tmp_path: Path, capsys: Told
) -> None:
    (tmp_path / "event.json").write_text(event)
    (tmp_path / "setup.json").write_text(setup or "")
    option = [] if setup is None else ["--setup", str(tmp_path / "setup.json")]

    status = main(["explain", str(tmp_path / "event.json"), *option])

    told = capsys.readouterr()
    assert (status, told.out) == (2, "")
    assert complaint in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "give one of EVENT, --message and --messages"),
        (["a.json", "--message", "x"], "give one of"),
        (["--message", ""], "'--message'"),
        (["--message", "x", "--setup", "s.json"], "--setup goes with EVENT"),
        (["-", "--setup", "-"], "standard input"),
        (["no-such-file.json"], "no-such-file.json: No such file or directory"),
        (["."], ".: Is a directory"),
        (["--messages", str(EVENTS / "approve.json")], "approve.json:1: not JSON"),
    ],
)
def test_bad_arguments_are_one_line(arguments: list[str], names: str, capsys: Told) -> None:
    assert main(["explain", *arguments]) == 2

    told = capsys.readouterr()
    assert names in told.err
    assert told.err.count("\n") == 1


def test_a_file_that_is_no_text_is_named(tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(b"\xff\xfe{}")

    assert main(["explain", str(file)]) == 2
    assert f"{file}: not UTF-8 text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("snapshot", "replicates", "status"),
    [
        (healthy(), True, 0),
        (snapshot_named("silent"), False, 0),
        (without(healthy(), "role"), None, 3),
    ],
)
def test_preflight_answers_in_its_shape(
    snapshot: AwsJson,
    replicates: object,
    status: int,
    tmp_path: Path,
    capsys: Told,
) -> None:
    file = tmp_path / "setup.json"
    file.write_text(json.dumps(snapshot))

    assert main(["preflight", "--setup", str(file), "--json"]) == status

    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"replicates", "requirements", "findings", "plan"}
    assert answer["replicates"] is replicates
    assert all(set(each) == REQUIREMENT for each in answer["requirements"])
    assert all(set(each) == CHANGE for each in answer["plan"])
    finding = {"id", "severity", "predicts", "subject", "says", "fix"}
    assert all(set(each) == finding for each in answer["findings"])


def test_a_call_for_modified_replicas_is_told_in_the_words_of_the_format(
    tmp_path: Path, capsys: Told
) -> None:
    file = tmp_path / "setup.json"
    enabled = {"Status": "Enabled"}
    rule = having(healthy(), enabled, *RULE, "SourceSelectionCriteria", "ReplicaModifications")
    file.write_text(json.dumps(rule))

    main(["preflight", "--setup", str(file), "--json"])

    needed = {each["needed"] for each in json.loads(capsys.readouterr().out)["requirements"]}
    assert needed == {"always", "bucket-key", "tags"}


def test_preflight_tells_people_the_verdict_the_findings_and_the_plan(capsys: Told) -> None:
    assert main(["preflight", "--setup", str(BROKEN)]) == 0

    told = capsys.readouterr().out
    for part in ("Replicates", "no", "key-policy-lacks-role", "DstPutObjectNotPermitted", "Undo"):
        assert part in told


def test_an_arn_stays_in_one_piece_where_no_terminal_limits_the_line(capsys: Told) -> None:
    main(["preflight", "--setup", str(BROKEN)])

    assert f"Change       key_policy of {DESTINATION_KEY_ARN}" in capsys.readouterr().out


def test_preflight_names_the_file_and_the_field_that_is_wrong(tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "setup.json"
    file.write_text(json.dumps(having(healthy(), 7, "role", "arn")))

    assert main(["preflight", "--setup", str(file)]) == 2
    assert f"{file}: role.arn: expected a string, found a number" in capsys.readouterr().err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(
    JSON
    | st.sampled_from(["Records", "body", "detail"]).flatmap(
        lambda name: st.fixed_dictionaries({name: JSON})
    )
)
def test_any_json_is_explained_or_is_one_clear_error(content: object) -> None:
    for record in records_of(content):
        with contextlib.suppress(MalformedEventError):
            assert_in_shape(explanation_answer(explain(parse_record(record))))
