"""The command: cases in, answers out, and an exit status that says how it went."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.evaluate import evaluate_command

REQUEST = {
    "principal": "arn:aws:iam::111111111111:user/ann",
    "principalAccount": "111111111111",
    "action": "s3:ListBucket",
    "resource": "arn:aws:s3:::b",
    "resourceAccount": "111111111111",
}
ALLOWED = {
    "request": REQUEST,
    "identityPolicies": [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}],
}
DENIED = {"request": REQUEST}
UNREAD = {"request": REQUEST, "identityPolicies": {"unavailable": "AccessDenied"}}


def written(path: Path, *cases: object) -> str:
    path.write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    return str(path)


def run(path: str) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    status = evaluate_command(path, out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_answers_come_one_a_line_in_the_order_of_the_cases(tmp_path: Path) -> None:
    cases = [{**DENIED, "id": "b"}, {**ALLOWED, "id": "a"}]

    status, answers = run(written(tmp_path / "cases.jsonl", *cases))

    assert status == 0
    assert [(answer["id"], answer["result"]) for answer in answers] == [
        ("b", "ImplicitlyDenied"),
        ("a", "Allowed"),
    ]


def test_an_undetermined_case_sets_status_3(tmp_path: Path) -> None:
    status, answers = run(written(tmp_path / "cases.jsonl", UNREAD, ALLOWED))

    assert status == 3
    assert [answer["result"] for answer in answers] == ["Unknown", "Allowed"]


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{json.dumps(ALLOWED)}\n\n"))

    status, answers = run("-")

    assert status == 0
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "cases.jsonl:2: not JSON"),
        ("[" * 100_000, "cases.jsonl:2: not JSON"),
        ("5", "cases.jsonl:2: the case: must be a JSON object"),
        ("{}", "cases.jsonl:2: request: must be a JSON object"),
        (
            json.dumps({"request": REQUEST, "resourcePolicy": {"Statement": [{}]}}),
            "cases.jsonl:2: resourcePolicy.Statement[0].Action: is missing",
        ),
    ],
)
def test_bad_input_ends_in_status_2_and_one_line_that_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, says: str
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f"{json.dumps(ALLOWED)}\n{bad}\n{json.dumps(DENIED)}\n")

    status, answers = run(str(path))

    assert status == 2
    assert len(answers) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"{tmp_path}/{says}")
    assert message.count("\n") == 1


def test_a_missing_file_and_one_that_is_not_text_are_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")

    assert evaluate_command(str(tmp_path / "none"), io.StringIO()) == 2
    assert capsys.readouterr().err == f"{tmp_path}/none: No such file or directory\n"
    assert evaluate_command(str(binary), io.StringIO()) == 2
    assert capsys.readouterr().err == f"{binary}: not UTF-8 text\n"
