"""How the command ends when it cannot go on: one line, and a status that says of what kind."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from cli.errors import CommandError
from cli.main import main
from cli.stack import Stack
from replimend.errors import ThrottledError


def unreachable(name: str, region: str | None) -> Stack:
    raise AssertionError(f"nothing may be asked of {name} in {region}")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["remediate"], "'s3://BUCKET/KEY'"),
        (["remediate", "orders-ireland/a"], "'s3://BUCKET/KEY'"),
        (["remediate", "S3://orders-ireland/a"], "'s3://BUCKET/KEY'"),
        (["remediate", "s3://orders-ireland"], "'s3://BUCKET/KEY'"),
        (["remediate", "s3://orders-ireland/"], "'s3://BUCKET/KEY': key"),
        (["remediate", "s3:///a"], "'s3://BUCKET/KEY': bucket"),
        (["remediate", "s3://orders ireland/a"], "'s3://BUCKET/KEY': bucket"),
        (["remediate", f"s3://orders-ireland/{'ü' * 513}"], "'s3://BUCKET/KEY': key"),
        (["remediate", "s3://orders-ireland/\udcff"], "'s3://BUCKET/KEY': key"),
        (["remediate", "s3://orders-ireland/a", "--version-id", ""], "'--version-id'"),
        (["remediate", "s3://orders-ireland/a", "--wait", "-1"], "'--wait'"),
        (["remediate", "s3://orders-ireland/a", "--stack", ""], "'--stack'"),
        (["recopy", "s3://orders-ireland/a"], "'--version-id'"),
        (["incidents", "--status", "broken"], "'--status'"),
        (["incident", ""], "'INCIDENT_ID'"),
        (["approve", "i"], "'PLAN_HASH'"),
        (["reject", "i", "--reason", ""], "'--reason'"),
        (["roll-back"], "'CHANGE_ID'"),
        (["evaluate"], "'--json-lines'"),
        (["mend"], "'mend'"),
    ],
)
def test_bad_input_is_one_line_that_names_the_argument(
    arguments: list[str], names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(arguments, unreachable)

    told = capsys.readouterr()
    assert status == 2
    assert names in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CommandError("there is no stack 'replimend' in eu-west-1"), "there is no stack"),
        (NoCredentialsError(), "no AWS credentials found"),
        (NoRegionError(), "no AWS Region: give --region"),
        (ProfileNotFound(profile="prod"), "The config profile (prod) could not be found"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), "http://127.0.0.1:9"),
        (ThrottledError("Query: ThrottlingException"), "Query: ThrottlingException"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "No.\nNever."}}, "Invoke"),
            "AccessDenied",
        ),
    ],
)
def test_what_aws_or_the_network_refuses_is_one_line_without_a_traceback(
    error: BotoCoreError | ClientError | CommandError | ThrottledError,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(name: str, region: str | None) -> Stack:  # noqa: ARG001
        raise error

    status = main(["incidents"], refused)

    told = capsys.readouterr().err
    assert status == 1
    assert says in told
    assert told.count("\n") == 1


def test_an_interruption_is_told_with_the_shell_s_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(name: str, region: str | None) -> Stack:  # noqa: ARG001
        raise KeyboardInterrupt

    status = main(["incidents"], interrupted)

    assert status == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "environment", "asked"),
    [
        ([], {}, ("replimend", None)),
        ([], {"REPLIMEND_STACK": "mine", "AWS_REGION": "eu-west-1"}, ("mine", "eu-west-1")),
        (
            ["--stack", "ours", "--region", "us-east-1"],
            {"REPLIMEND_STACK": "mine", "AWS_REGION": "eu-west-1"},
            ("ours", "us-east-1"),
        ),
    ],
)
def test_the_stack_is_the_one_of_the_options_or_of_the_environment(
    options: list[str],
    environment: dict[str, str],
    asked: tuple[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("REPLIMEND_STACK", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stacks = []

    def remembered(name: str, region: str | None) -> Stack:
        stacks.append((name, region))
        raise CommandError("enough is known")

    main(["incidents", *options], remembered)

    assert stacks == [asked]


def test_without_arguments_the_help_is_shown_as_bad_input(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main([], unreachable)

    assert status == 2
    assert "Exit status:" in capsys.readouterr().err


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["remediate", "--help"], unreachable)

    assert status == 0
    assert "--wait" in capsys.readouterr().out


def test_evaluate_needs_no_stack(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["evaluate", "--json-lines", f"{tmp_path}/none"], unreachable)

    assert status == 2
    assert "No such file" in capsys.readouterr().err
