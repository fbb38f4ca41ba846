"""Finding the stack, over HTTP as against the lab: AWS_ENDPOINT_URL and the rest are honoured."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest

from cli.main import main
from cli.stack import connect

OUTPUTS = {
    "IncidentsTableName": "replimend-IncidentsTable",
    "TriageFunctionName": "replimend-TriageFunction",
    "RepairFunctionName": "replimend-RepairFunction",
    "RecopyFunctionName": "replimend-RecopyFunction",
}
STACKS = {"replimend": OUTPUTS, "shop": {"ShopUrl": "https://example.com"}, "bare": {}}
"""What CloudFormation knows, by the stack's name."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A CloudFormation of our own, at the endpoint that the environment names."""
    with HTTPServer(("127.0.0.1", 0), _CloudFormation) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        yield endpoint
        server.shutdown()
        thread.join()


class _CloudFormation(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name = parse_qs(body)["StackName"][0]
        if name in STACKS:
            self._answer(200, _described(name))
        else:
            self._answer(400, _unknown(name))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
        """Stay silent."""


def _described(name: str) -> str:
    outputs = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
        for key, value in STACKS[name].items()
    )
    stack = (
        f"<StackName>{name}</StackName><CreationTime>2026-01-15T10:00:00Z</CreationTime>"
        f"<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>"
    )
    return (
        '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
        f"<DescribeStacksResult><Stacks><member>{stack}</member></Stacks></DescribeStacksResult>"
        "</DescribeStacksResponse>"
    )


def _unknown(name: str) -> str:
    return (
        '<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error>'
        "<Type>Sender</Type><Code>ValidationError</Code>"
        f"<Message>Stack with id {escape(name)} does not exist</Message>"
        "</Error></ErrorResponse>"
    )


def test_the_parts_are_those_that_the_stack_s_outputs_name(aws: str) -> None:
    stack = connect("replimend", "eu-west-1")

    assert stack.triage == "replimend-TriageFunction"
    assert stack.repair == "replimend-RepairFunction"
    assert stack.recopy == "replimend-RecopyFunction"
    assert stack.ledger.incidents.table.name == "replimend-IncidentsTable"
    assert stack.functions.meta.endpoint_url == aws
    assert stack.functions.meta.region_name == "eu-west-1"


@pytest.mark.usefixtures("aws")
def test_an_invocation_waits_longer_than_any_function_runs_and_is_not_repeated() -> None:
    config: Any = connect("replimend", "eu-west-1").functions.meta.config

    assert config.read_timeout > 300
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--stack", "none"], "there is no stack 'none' in eu-west-1"),
        (["--stack", "shop"], "the stack 'shop' has no output IncidentsTableName"),
        (["--stack", "bare"], "the stack 'bare' has no output IncidentsTableName"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_stack_that_is_none_of_ours_is_one_clear_line(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["incidents", "--region", "eu-west-1", *options])

    told = capsys.readouterr().err
    assert status == 1
    assert says in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_REGION": ""}, "no AWS Region: give --region, or set AWS_REGION"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no AWS credentials found"),
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
        ({"AWS_ENDPOINT_URL": "somewhere"}, "Invalid endpoint: somewhere"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "Could not connect to the endpoint URL"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_whatever_is_missing_to_reach_aws_is_one_clear_line(
    environment: dict[str, str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    status = main(["incidents"])

    told = capsys.readouterr().err
    assert status == 1
    assert says in told
    assert told.count("\n") == 1
