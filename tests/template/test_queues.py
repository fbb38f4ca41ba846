"""What is put on a queue is processed, or kept where someone is told of it."""

import pytest

from lab.template import Resource, Stack
from tests.template.stacks import (
    ACCOUNT,
    FUNCTIONS,
    OTHER_REGION,
    REPAIRING,
    Fields,
    home_stack,
    listed,
    member_stack,
    properties,
)

HOME_STACK = home_stack(REPAIRING)
MEMBER_STACK = member_stack(ACCOUNT, OTHER_REGION)
STACKS = pytest.mark.parametrize("stack", [HOME_STACK, MEMBER_STACK], ids=["home", "member"])

FOURTEEN_DAYS = 14 * 24 * 60 * 60
A_PIPE_RUNS = 300  # seconds, at most


def queue_of(stack: Stack, arn: str) -> Resource:
    (queue,) = (each for each in stack.of_kind("AWS::SQS::Queue") if each.physical.arn == arn)
    return queue


def sources(stack: Stack) -> list[Resource]:
    mappings = stack.of_kind("AWS::Lambda::EventSourceMapping")
    arns = [properties(each)["EventSourceArn"] for each in mappings]
    arns += [properties(each)["Source"] for each in stack.of_kind("AWS::Pipes::Pipe")]
    return [queue_of(stack, arn) for arn in arns]


def dead_letter_queues(stack: Stack) -> list[Resource]:
    return [each for each in stack.of_kind("AWS::SQS::Queue") if "DeadLetter" in each.logical_id]


def policy_statements(stack: Stack, queue: Resource) -> list[Fields]:
    return [
        statement
        for policy in stack.of_kind("AWS::SQS::QueuePolicy")
        if queue.physical.reference in properties(policy)["Queues"]
        for statement in properties(policy)["PolicyDocument"]["Statement"]
    ]


def test_three_functions_are_fed_by_a_queue_of_their_own() -> None:
    mappings = HOME_STACK.of_kind("AWS::Lambda::EventSourceMapping")

    fed = {each.logical_id: properties(each)["EventSourceArn"] for each in mappings}

    assert fed == {
        "TriageFunctionSignals": HOME_STACK.resource("SignalQueue").physical.arn,
        "RepairFunctionPlans": HOME_STACK.resource("RepairQueue").physical.arn,
        "RecopyFunctionWaves": HOME_STACK.resource("RecopyQueue").physical.arn,
    }


def test_every_event_source_reports_the_items_that_failed() -> None:
    for mapping in HOME_STACK.of_kind("AWS::Lambda::EventSourceMapping"):
        assert properties(mapping)["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_event_source_caps_its_concurrency() -> None:
    for mapping in HOME_STACK.of_kind("AWS::Lambda::EventSourceMapping"):
        assert 2 <= properties(mapping)["ScalingConfig"]["MaximumConcurrency"] <= 5


def test_a_message_stays_invisible_for_six_timeouts_and_the_batching_window() -> None:
    for mapping in HOME_STACK.of_kind("AWS::Lambda::EventSourceMapping"):
        settings = properties(mapping)
        function = properties(HOME_STACK.resource(settings["FunctionName"].split("-")[-1]))
        queue = properties(queue_of(HOME_STACK, settings["EventSourceArn"]))

        window = settings.get("MaximumBatchingWindowInSeconds", 0)

        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + window


def test_a_notification_stays_invisible_for_as_long_as_a_pipe_may_run() -> None:
    assert properties(HOME_STACK.resource("NotificationQueue"))["VisibilityTimeout"] > A_PIPE_RUNS


def test_every_source_queue_has_dead_letters_of_its_own() -> None:
    for queue in sources(HOME_STACK):
        redrive = properties(queue)["RedrivePolicy"]

        dead_letters = queue_of(HOME_STACK, redrive["deadLetterTargetArn"])

        assert dead_letters.logical_id == queue.logical_id.replace("Queue", "DeadLetterQueue")
        assert redrive["maxReceiveCount"] == 5


def test_a_sweep_that_fails_leaves_a_dead_letter() -> None:
    (config,) = HOME_STACK.of_kind("AWS::Lambda::EventInvokeConfig")

    destination = properties(config)["DestinationConfig"]["OnFailure"]["Destination"]

    assert properties(config)["FunctionName"] == HOME_STACK.resource("SweepFunction").physical.name
    assert queue_of(HOME_STACK, destination).logical_id == "SweepDeadLetterQueue"


@STACKS
def test_every_queue_is_encrypted_by_sqs_and_keeps_messages_as_long_as_it_can(
    stack: Stack,
) -> None:
    for queue in stack.of_kind("AWS::SQS::Queue"):
        settings = properties(queue)

        assert settings["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in settings
        assert settings["MessageRetentionPeriod"] == FOURTEEN_DAYS


@STACKS
def test_every_dead_letter_queue_has_an_alarm_on_its_first_message(stack: Stack) -> None:
    alarms = [properties(each) for each in stack.of_kind("AWS::CloudWatch::Alarm")]

    for queue in dead_letter_queues(stack):
        dimensions = [{"Name": "QueueName", "Value": queue.physical.name}]
        (alarm,) = (each for each in alarms if each["Dimensions"] == dimensions)

        assert alarm["Namespace"] == "AWS/SQS"
        assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["Threshold"] == 1


def test_every_alarm_of_the_home_stack_tells_the_outcome_topic() -> None:
    topic = HOME_STACK.resource("OutcomeTopic").physical.reference

    for alarm in HOME_STACK.of_kind("AWS::CloudWatch::Alarm"):
        assert properties(alarm)["AlarmActions"] == [topic]


def test_the_outcome_topic_hears_its_rule_and_the_alarms_of_its_account_only() -> None:
    rule = HOME_STACK.resource("OutcomeRule").physical.arn

    (policy,) = HOME_STACK.of_kind("AWS::SNS::TopicPolicy")

    granted = {
        statement["Principal"]["Service"]: statement["Condition"]
        for statement in properties(policy)["PolicyDocument"]["Statement"]
    }
    assert granted == {
        "events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": rule}},
        "cloudwatch.amazonaws.com": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:*"},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }


def test_the_outcome_topic_is_not_under_a_key_that_its_publishers_cannot_use() -> None:
    assert "KmsMasterKeyId" not in properties(HOME_STACK.resource("OutcomeTopic"))


def test_only_buckets_of_this_account_can_notify() -> None:
    (statement,) = policy_statements(HOME_STACK, HOME_STACK.resource("NotificationQueue"))

    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert listed(statement["Action"]) == ["sqs:SendMessage"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_the_pipe_passes_every_notification_whole_as_the_event_detail() -> None:
    pipe = properties(HOME_STACK.resource("NotificationPipe"))

    assert pipe["TargetParameters"]["InputTemplate"] == "<$.body>"
    assert pipe["TargetParameters"]["EventBridgeEventBusParameters"] == {
        "Source": "replimend.notifications",
        "DetailType": "S3 Replication Notification",
    }
    assert set(pipe["SourceParameters"]) == {"SqsQueueParameters"}
    assert pipe["Target"] == HOME_STACK.resource("FailureBus").physical.arn


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_knows_the_queues_by_their_url(function: str) -> None:
    variables = properties(HOME_STACK.resource(function))["Environment"]["Variables"]

    for name in ("Signal", "Repair", "Recopy"):
        url = HOME_STACK.resource(f"{name}Queue").physical.reference
        assert variables[f"REPLIMEND_{name.upper()}_QUEUE"] == url
