"""Functions, their event sources and schedules, as Lambda runs them."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.event_sources import failed_items
from lab.invocations import Invocation
from lab.trace import Passage
from tests.integration.lab.small_stack import (
    FOLDER,
    HOUR,
    START,
    SmallStack,
    deployed,
    template,
)

ROLE_SESSION = (
    "arn:aws:sts::111111111111:assumed-role/replimend-EchoFunctionRole/replimend-EchoFunction"
)


@pytest.fixture
def stack() -> Iterator[SmallStack]:
    with deployed() as found:
        yield found


def test_a_function_sees_its_own_environment_and_nothing_of_the_process(
    stack: SmallStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")

    seen = stack.invoke("EchoFunction", {"ask": "environment"})

    assert seen["GREETING"] == "hello"
    assert seen["QUEUE"] == stack.url("WorkQueue")
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "replimend-EchoFunction"
    assert seen["AWS_REGION"] == "eu-west-1"
    assert "AWS_PROFILE" not in seen
    assert os.environ["AWS_PROFILE"] == "somebody"
    assert "GREETING" not in os.environ


def test_a_function_is_a_session_of_its_own_role(stack: SmallStack) -> None:
    before = boto3.DEFAULT_SESSION

    assert stack.invoke("EchoFunction", {"ask": "who"}) == {"arn": ROLE_SESSION}
    assert stack.invoke("TickFunction", {"ask": "who"}) == {
        "arn": ROLE_SESSION.replace("Echo", "Tick")
    }
    assert boto3.DEFAULT_SESSION is before


def test_a_function_may_do_what_its_role_in_the_template_allows_and_no_more() -> None:
    with deployed(MaySend="yes") as stack:
        stack.invoke("EchoFunction", {"ask": "send"})
        assert len(stack.bodies("WorkQueue")) == 1

        stack.redeploy(MaySend="no")
        invocation = stack.services.functions.invoke(stack.arn("EchoFunction"), {"ask": "send"})

        assert invocation.error is not None
        assert "sqs:SendMessage" in str(invocation.error["errorMessage"])


def test_a_module_is_loaded_once_until_its_function_is_deployed_again(stack: SmallStack) -> None:
    first = stack.invoke("EchoFunction", {"ask": "count"})
    second = stack.invoke("EchoFunction", {"ask": "count"})
    other = stack.invoke("TickFunction", {"ask": "count"})
    stack.redeploy(Greeting="ahoy")
    again = stack.invoke("EchoFunction", {"ask": "count"})

    assert first == {"invocations": 1, "greeting": "hello"}
    assert second == {"invocations": 2, "greeting": "hello"}
    assert other == {"invocations": 1, "greeting": "hello"}
    assert again == {"invocations": 1, "greeting": "ahoy"}


def test_an_environment_does_not_outlive_its_credentials(stack: SmallStack) -> None:
    stack.invoke("EchoFunction", {"ask": "who"})
    stack.clock.advance(2 * HOUR)

    assert stack.invoke("EchoFunction", {"ask": "who"}) == {"arn": ROLE_SESSION}


def test_what_one_function_keeps_in_a_module_of_the_layer_another_never_sees(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text(
        "import replimend\n"
        "def lambda_handler(event, context):\n"
        "    replimend.seen = getattr(replimend, 'seen', 0) + 1\n"
        "    return {'seen': replimend.seen}\n"
    )
    content = template()
    with deployed(content, code=tmp_path) as stack:
        mine = sys.modules["replimend"]

        answers = [
            stack.invoke(function, {})["seen"]
            for function in ("EchoFunction", "EchoFunction", "TickFunction")
        ]

        assert answers == [1, 2, 1]
        assert sys.modules["replimend"] is mine
        assert not hasattr(mine, "seen")


def test_nothing_is_written_beside_the_built_code(stack: SmallStack) -> None:
    stack.invoke("EchoFunction", {"ask": "count"})

    assert [path.name for path in (FOLDER / "functions/echo").iterdir()] == ["app.py"]


def test_what_a_function_prints_is_kept_and_not_shown(
    stack: SmallStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.invoke("EchoFunction", {"ask": "print"})

    assert stack.services.functions.invocations[-1].printed == ("said", "complained")
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_time_left_is_lab_time_and_a_function_that_takes_longer_times_out(
    stack: SmallStack,
) -> None:
    left = stack.invoke("EchoFunction", {"ask": "left"})
    slow = stack.services.functions.invoke(
        stack.arn("EchoFunction"), {"ask": "sleep", "seconds": 11}
    )

    assert left == {"left": 10_000}
    assert slow.error is not None
    assert "Task timed out after 10.00 seconds" in str(slow.error["errorMessage"])
    assert stack.clock.now() == START + timedelta(seconds=11)


def test_invoke_answers_the_result_and_the_log(stack: SmallStack) -> None:
    answer = stack.client("lambda").invoke(
        FunctionName="replimend-EchoFunction", Payload=b'{"ask": "count"}', LogType="Tail"
    )

    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"invocations": 1, "greeting": "hello"}
    assert answer["LogResult"] == ""


def test_invoke_shows_an_error_in_lambdas_shape(stack: SmallStack) -> None:
    answer = stack.client("lambda").invoke(
        FunctionName=stack.arn("EchoFunction"), Payload=b'{"ask": "raise"}'
    )

    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")
    assert "app.py" in "".join(error["stackTrace"])


@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [
        ("nobody", b"{}", "ResourceNotFoundException"),
        ("replimend-EchoFunction", b"{", "InvalidRequestContentException"),
    ],
)
def test_invoke_refuses_what_lambda_refuses(
    stack: SmallStack, name: str, payload: bytes, code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        stack.client("lambda").invoke(FunctionName=name, Payload=payload)

    assert caught.value.response["Error"]["Code"] == code


def test_an_asynchronous_invocation_is_retried_then_told_of(stack: SmallStack) -> None:
    answer = stack.client("lambda").invoke(
        FunctionName="replimend-TickFunction",
        InvocationType="Event",
        Payload=b'{"ask": "raise", "n": 1}',
    )
    stack.clock.run(HOUR)

    assert answer["StatusCode"] == 202
    runs = [each.at - START for each in stack.services.functions.invocations]
    assert runs == [timedelta(0), timedelta(minutes=1)]
    (record,) = map(json.loads, stack.bodies("TickDeadLetterQueue"))
    assert record["requestPayload"] == {"ask": "raise", "n": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorMessage"] == "as asked"


def test_a_schedule_fires_on_the_clock_with_its_input(stack: SmallStack) -> None:
    stack.clock.advance(timedelta(minutes=32))

    firsts = [
        (each.at - START, each.event)
        for each in stack.services.functions.invocations
        if each.at.minute % 15 == 0
    ]
    asked: Json = {"ask": "raise"}
    assert firsts == [(timedelta(minutes=15), asked), (timedelta(minutes=30), asked)]


def test_a_schedule_whose_rule_is_disabled_does_not_fire(stack: SmallStack) -> None:
    stack.client("events").disable_rule(Name="replimend-TickFunctionEvery")

    stack.clock.advance(HOUR)

    assert stack.services.functions.invocations == []


def test_messages_are_handed_over_in_batches_after_the_window(stack: SmallStack) -> None:
    stack.send("WorkQueue", "{}", "{}", "{}")

    stack.clock.run(HOUR)

    assert stack.batches() == [3]
    assert stack.services.deliveries[0].at == START + timedelta(seconds=2)


def test_a_full_batch_does_not_wait_for_the_window(stack: SmallStack) -> None:
    stack.send("WorkQueue", *["{}"] * 12)

    stack.clock.run(HOUR)

    assert stack.batches() == [10, 2]
    assert stack.services.deliveries[0].at == START


def test_a_delayed_message_is_handed_over_when_its_delay_is_over(stack: SmallStack) -> None:
    stack.client("sqs").send_message(
        QueueUrl=stack.url("WorkQueue"), MessageBody="{}", DelaySeconds=600
    )

    stack.clock.run(HOUR)

    (delivery,) = stack.services.deliveries
    waited = delivery.at - START
    assert timedelta(minutes=10) < waited < timedelta(minutes=10, seconds=5)


def test_only_the_reported_messages_come_back_and_end_among_the_dead_letters(
    stack: SmallStack,
) -> None:
    stack.send("WorkQueue", '{"a": 1}', '{"do": "fail"}', '{"a": 2}')

    stack.clock.run(HOUR)

    assert stack.batches() == [3, 1]
    assert stack.bodies("WorkQueue") == ()
    assert stack.bodies("WorkDeadLetterQueue") == ('{"do": "fail"}',)
    assert stack.services.deliveries[1].at - stack.services.deliveries[0].at >= timedelta(minutes=1)


def test_an_error_gives_the_whole_batch_back(stack: SmallStack) -> None:
    stack.send("WorkQueue", '{"a": 1}', '{"do": "raise"}')

    stack.clock.run(HOUR)

    assert stack.batches() == [2, 2]
    assert len(stack.bodies("WorkDeadLetterQueue")) == 2
    assert stack.hops("EchoFunction") == [Passage.GIVEN_BACK] * 4


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ("done", {"a", "b"}),
    ],
)
def test_what_cannot_be_read_as_failures_gives_the_whole_batch_back(
    result: Json, expected: set[str]
) -> None:
    invocation = Invocation(
        at=START,
        function="F",
        request_id="r",
        event={},
        result=result,
        error=None,
        printed=(),
    )

    assert failed_items(invocation, frozenset({"a", "b"}), reports_items=True) == expected


def test_without_item_failures_in_the_template_a_returned_value_means_success() -> None:
    invocation = Invocation(
        at=START,
        function="F",
        request_id="r",
        event={},
        result={"batchItemFailures": [{"itemIdentifier": "a"}]},
        error=None,
        printed=(),
    )

    assert failed_items(invocation, frozenset({"a"}), reports_items=False) == set()


@pytest.mark.parametrize(
    ("resource", "properties", "complaint"),
    [
        ("WorkQueue", {"VisibilityTimeout": 5}, "visibility timeout, 5 s, is less than"),
        ("EchoFunction", {"Role": {"Fn::GetAtt": ["PipeRole", "Arn"]}}, "sts:AssumeRole"),
    ],
)
def test_what_lambda_refuses_stops_the_deployment(
    resource: str, properties: Fields, complaint: str
) -> None:
    content = template()
    declared = cast("Fields", cast("Fields", content["Resources"])[resource])
    cast("Fields", declared["Properties"]).update(properties)

    with pytest.raises(TemplateError, match=complaint), deployed(content):
        pass


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0}, "needs a batching window"),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "MaximumConcurrency is 2 at least"),
        ({"Queue": "arn:aws:kinesis:eu-west-1:1:stream/s"}, "knows queues as event sources only"),
    ],
)
def test_an_event_source_that_lambda_refuses_stops_the_deployment(
    settings: Fields, complaint: str
) -> None:
    content = template()
    function = cast("Fields", cast("Fields", content["Resources"])["EchoFunction"])
    events = cast("Fields", cast("Fields", function["Properties"])["Events"])
    cast("Fields", cast("Fields", events["Work"])["Properties"]).update(settings)

    with pytest.raises(TemplateError, match=complaint), deployed(content):
        pass


def test_an_update_keeps_what_the_stack_holds_and_removes_what_is_no_longer_declared(
    stack: SmallStack,
) -> None:
    table = stack.client("dynamodb")
    table.put_item(TableName="replimend-Ledger", Item={"pk": {"S": "kept"}})
    stack.send("WorkDeadLetterQueue", "kept")

    stack.redeploy(Archived="no")

    assert table.scan(TableName="replimend-Ledger")["Count"] == 1
    assert stack.bodies("WorkDeadLetterQueue") == ("kept",)
    archives = stack.client("events").list_archives()["Archives"]
    assert archives == []
    stack.send("NotificationQueue", '{"Event": 1}')
    stack.clock.run(HOUR)
    assert stack.batches() == [1]
