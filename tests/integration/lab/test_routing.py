"""Buses, rules, targets and the Pipe, wired from a template."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from lab.deployment import Deployment
from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.input_templates import InputError, pipe_input, target_input
from lab.patterns import Pattern, PatternError
from lab.physical import Place
from lab.trace import Passage
from tests.integration.lab.small_stack import (
    ACCOUNT,
    HOUR,
    REGION,
    SmallStack,
    build,
    deployed,
    template,
)

DENIAL: Fields = {
    "id": "one",
    "source": "aws.kms",
    "detail-type": "AWS API Call via CloudTrail",
    "account": ACCOUNT,
    "region": "eu-central-1",
    "time": "2026-01-15T10:00:00Z",
    "resources": [],
    "detail": {
        "eventSource": "kms.amazonaws.com",
        "eventName": "Encrypt",
        "errorCode": "AccessDenied",
        "readOnly": True,
        "userIdentity": {"arn": "arn:aws:sts::111111111111:assumed-role/r/s3-replication"},
    },
}


@pytest.fixture
def stack() -> Iterator[SmallStack]:
    with deployed() as found:
        yield found


@pytest.mark.parametrize(
    ("wanted", "event", "expected"),
    [
        ({"a": ["x"]}, {"a": "x"}, True),
        ({"a": ["x"]}, {"a": "y"}, False),
        ({"a": ["x"]}, {}, False),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x"]}, {"a": ["z", "x"]}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [{"prefix": "ab"}]}, {"a": "abc"}, True),
        ({"a": [{"prefix": {"equals-ignore-case": "AB"}}]}, {"a": "abc"}, True),
        ({"a": [{"suffix": "/s3-replication"}]}, {"a": "role/s3-replication"}, True),
        ({"a": [{"equals-ignore-case": "X"}]}, {"a": "x"}, True),
        ({"a": [{"wildcard": "a*c"}]}, {"a": "abbc"}, True),
        ({"a": [{"wildcard": "a.c"}]}, {"a": "abc"}, False),
        ({"a": [{"anything-but": ["x"]}]}, {"a": "y"}, True),
        ({"a": [{"anything-but": ["x"]}]}, {"a": "x"}, False),
        ({"a": [{"anything-but": ["x"]}]}, {}, False),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "yx"}, True),
        ({"a": [{"exists": True}]}, {"a": None}, True),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": {"b": [{"exists": False}]}}, {}, True),
        ({"a": [{"anything-but": ["x"]}, {"exists": False}]}, {}, True),
        ({"a": [{"numeric": [">", 1, "<=", 5]}]}, {"a": 5}, True),
        ({"a": [{"numeric": [">", 1]}]}, {"a": "5"}, False),
        ({"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "10.1.2.3"}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "y"}, False),
        ({"a": {"b": ["x"]}}, {"a": [{"b": "z"}, {"b": "x"}]}, True),
        ({"a": ["x"], "b": ["y"]}, {"a": "x"}, False),
    ],
)
def test_patterns_match_as_eventbridge_says(wanted: Fields, event: Fields, expected: bool) -> None:  # noqa: FBT001 - the expectation
    assert Pattern.parse(json.dumps(wanted)).matches(event) is expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ('{"a": "x"}', "a: must be an object or a list"),
        ('{"a": []}', "a: must be an object or a list"),
        ('{"a": {"b": [{"ends-with": "x"}]}}', r"a\.b\[0\]: EventBridge knows no"),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', r"a\[0\]: must be a value or one operator"),
    ],
)
def test_a_pattern_that_eventbridge_refuses_is_refused_with_its_path(
    text: str, complaint: str
) -> None:
    with pytest.raises(PatternError, match=complaint):
        Pattern.parse(text)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, '{"id":"e1","detail":{"who":"Ann","n":3}}'),
        ({"Input": '{"fixed": 1}'}, '{"fixed": 1}'),
        ({"InputPath": "$.detail"}, '{"who":"Ann","n":3}'),
        ({"InputPath": "$.detail.who"}, '"Ann"'),
        ({"InputPath": "$.nothing"}, "null"),
    ],
)
def test_a_target_gets_what_it_asked_for(target: Fields, expected: str) -> None:
    event: Fields = {"id": "e1", "detail": {"who": "Ann", "n": 3}}

    assert target_input(event, target, "arn:rule") == expected


def test_a_transformer_puts_text_into_quotes_and_json_outside() -> None:
    transformer: Json = {
        "InputPathsMap": {"who": "$.detail.who", "all": "$.detail"},
        "InputTemplate": '{"says": "hi <who>", "all": <all>, "text": "<all>"}',
    }
    event: Fields = {"detail": {"who": 'A"nn'}}

    made = target_input(event, {"InputTransformer": transformer}, "arn:rule")

    assert json.loads(made) == {
        "says": 'hi A"nn',
        "all": {"who": 'A"nn'},
        "text": '{"who":"A\\"nn"}',
    }


def test_a_transformer_that_does_not_come_to_json_fails() -> None:
    transformer: Json = {"InputPathsMap": {}, "InputTemplate": "just words"}

    with pytest.raises(InputError, match="does not come to JSON"):
        target_input({}, {"InputTransformer": transformer}, "arn:rule")


def test_a_pipe_parses_a_body_that_is_json_and_leaves_one_that_is_not() -> None:
    assert pipe_input({"body": '{"a": [1]}'}, "<$.body>") == '{"a":[1]}'
    assert pipe_input({"body": "words"}, "<$.body>") == '"words"'
    assert pipe_input({"body": '{"a": [1]}'}, '{"first": <$.body.a[0]>}') == '{"first":1}'


def test_a_message_goes_through_pipe_bus_rule_and_queue_to_the_function(
    stack: SmallStack,
) -> None:
    stack.send("NotificationQueue", '{"Event": "s3:TestEvent"}')

    stack.clock.run(HOUR)

    (delivery,) = stack.services.deliveries
    (record,) = cast("list[Fields]", delivery.event["Records"])
    assert record["body"] == '{"Event":"s3:TestEvent"}'
    assert record["eventSourceARN"] == stack.arn("WorkQueue")
    assert stack.hops("WorkQueue") == [Passage.DELIVERED]
    assert stack.bodies("NotificationQueue") == ()


def test_a_body_that_is_no_json_object_comes_back_and_ends_among_the_dead_letters(
    stack: SmallStack,
) -> None:
    stack.send("NotificationQueue", "not json", '{"Event": 1}', "[1]")

    stack.clock.run(HOUR)

    assert stack.batches() == [1]
    assert sorted(stack.bodies("NotificationDeadLetterQueue")) == ["[1]", "not json"]
    assert stack.hops("NotificationPipe").count(Passage.GIVEN_BACK) == 4
    refusals = {hop.reason for hop in stack.hops_to("FailureBus") if hop.reason}
    assert refusals == {"Detail is malformed."}


def test_a_message_that_no_filter_wants_is_deleted_and_noted(stack: SmallStack) -> None:
    stack.send("NotificationQueue", '"unwanted"')

    stack.clock.run(HOUR)

    assert stack.bodies("NotificationQueue") == ()
    assert stack.hops("NotificationPipe") == [Passage.FILTERED]


def test_a_target_whose_policy_does_not_admit_the_rule_sends_to_its_dead_letters(
    stack: SmallStack,
) -> None:
    publish(stack, Source="tests.unpermitted")

    stack.clock.run(HOUR)

    assert stack.hops("WorkQueue") == [Passage.DEAD_LETTERED, Passage.LOST]
    message = received(stack, "RuleDeadLetterQueue")
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == stack.arn("UnpermittedRule")
    assert attributes["TARGET_ARN"] == stack.arn("WorkQueue")
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert json.loads(message["Body"])["source"] == "tests.unpermitted"


def test_a_target_that_is_gone_sends_to_its_dead_letters(stack: SmallStack) -> None:
    stack.client("sqs").delete_queue(QueueUrl=stack.url("WorkQueue"))

    publish(stack, Source="tests.notifications")

    message = received(stack, "RuleDeadLetterQueue")
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_an_outcome_reaches_the_topic_in_the_form_that_the_rule_makes(stack: SmallStack) -> None:
    publish(stack, Source="tests.outcomes", Detail='{"who": "Ann"}')

    (publication,) = stack.services.topics.published
    assert publication.topic_arn == stack.arn("OutcomeTopic")
    assert json.loads(publication.message) == {"title": "about Ann", "detail": {"who": "Ann"}}


def test_an_event_that_no_rule_wants_is_noted(stack: SmallStack) -> None:
    publish(stack, Source="tests.nobody")

    assert [hop.passage for hop in stack.services.trace.hops] == [Passage.UNMATCHED]


def test_a_disabled_rule_hears_nothing_until_it_is_enabled(stack: SmallStack) -> None:
    events, bus = stack.client("events"), "replimend-FailureBus"
    events.disable_rule(Name="replimend-WorkRule", EventBusName=bus)
    publish(stack, Source="tests.notifications")
    events.enable_rule(Name="replimend-WorkRule", EventBusName=bus)
    publish(stack, Source="tests.notifications")

    assert stack.hops("WorkQueue") == [Passage.DELIVERED]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": "aws.kms"}, "NotAuthorizedForSourceException"),
        ({"Detail": "[1]"}, "MalformedDetail"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"DetailType": ""}, "InvalidArgument"),
    ],
)
def test_put_events_refuses_what_eventbridge_refuses_and_takes_the_rest(
    stack: SmallStack, entry: Fields, code: str
) -> None:
    good = {"Source": "tests.notifications", "DetailType": "d", "Detail": "{}"}

    answer = stack.client("events").put_events(
        Entries=[
            {**good, **entry, "EventBusName": "replimend-FailureBus"},
            {**good, "EventBusName": stack.arn("FailureBus")},
        ]
    )

    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
    assert stack.hops("WorkQueue") == [Passage.DELIVERED]


def test_read_only_calls_reach_only_rules_in_the_state_made_for_them(stack: SmallStack) -> None:
    events = stack.client("events")
    pattern = json.dumps({"source": ["aws.kms"]})
    everything = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    for name, state in (("plain", "ENABLED"), ("all", everything)):
        events.put_rule(Name=name, EventPattern=pattern, State=state)
        target = {"Id": name, "Arn": f"{stack.arn('WorkQueue')}-{name}"}
        events.put_targets(Rule=name, Targets=[target])
    write = DENIAL | {"detail": {**cast("Fields", DENIAL["detail"]), "readOnly": False}}

    stack.services.router.publish(ACCOUNT, REGION, DENIAL)
    stack.services.router.publish(ACCOUNT, REGION, write)

    heard = [hop.via.rsplit("/", 1)[-1] for hop in stack.services.trace.hops]
    assert heard == ["all", "plain", "all"]


def test_a_member_stack_forwards_denials_from_another_region_with_its_role() -> None:
    heard: Json = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventBusName": {"Ref": "FailureBus"},
            "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            "EventPattern": {"source": ["aws.kms"]},
            "Targets": [{"Id": "topic", "Arn": {"Ref": "OutcomeTopic"}}],
        },
    }
    content = template()
    cast("Fields", content["Resources"])["ForwardedRule"] = heard
    with deployed(content) as stack:
        place = Place(account=ACCOUNT, region="eu-central-1", stack="member")
        member = Deployment(build().member_template, place, stack.services, code={})
        member.deploy({"HomeAccountId": ACCOUNT, "HomeRegion": REGION}, settle=lambda: None)
        role = member.stack.resource("ForwardingRole").physical.name if member.stack else ""

        stack.services.router.publish(ACCOUNT, "eu-central-1", DENIAL)
        stack.client("iam").delete_role_policy(RoleName=role, PolicyName="forward-denials")
        stack.services.router.publish(ACCOUNT, "eu-central-1", DENIAL)

        forwarded = [
            (hop.passage, "may not events:PutEvents" in hop.reason)
            for hop in stack.hops_to("FailureBus")
        ]
        assert forwarded == [(Passage.DELIVERED, False), (Passage.DEAD_LETTERED, True)]
        assert len(stack.hops("OutcomeTopic")) == 1


def test_an_archive_keeps_what_its_pattern_wants_and_a_replay_says_that_it_is_one(
    stack: SmallStack,
) -> None:
    publish(stack, Source="tests.notifications", Detail='{"n": 1}')
    publish(stack, Source="tests.outcomes")
    now = stack.clock.now()

    stack.client("events").start_replay(
        ReplayName="again",
        EventSourceArn=stack.arn("Archive"),
        EventStartTime=now - HOUR,
        EventEndTime=now,
        Destination={"Arn": stack.arn("FailureBus")},
    )

    assert stack.bodies("WorkQueue") == ('{"n":1}', '{"n":1}')
    assert len(stack.services.topics.published) == 1


def test_a_pattern_that_eventbridge_refuses_stops_the_deployment() -> None:
    content = template()
    rule = cast("Fields", cast("Fields", content["Resources"])["WorkRule"])
    cast("Fields", rule["Properties"])["EventPattern"] = {"source": [{"begins": "x"}]}

    with (
        pytest.raises(TemplateError, match=r"Resources\.WorkRule\.Properties\.EventPattern"),
        deployed(content),
    ):
        pass


def test_a_pipe_whose_role_cannot_read_the_queue_stops_the_deployment() -> None:
    content = template()
    role = cast("Fields", cast("Fields", content["Resources"])["PipeRole"])
    cast("Fields", role["Properties"])["Policies"] = []

    with (
        pytest.raises(TemplateError, match=r"NotificationPipe: .* may not sqs:ReceiveMessage"),
        deployed(content),
    ):
        pass


def publish(stack: SmallStack, **entry: str) -> None:
    whole = {"DetailType": "d", "Detail": "{}", "EventBusName": "replimend-FailureBus", **entry}
    answer = stack.client("events").put_events(Entries=[whole])
    assert answer["FailedEntryCount"] == 0


def received(stack: SmallStack, queue: str) -> dict[str, Any]:
    answer = stack.client("sqs").receive_message(
        QueueUrl=stack.url(queue), MessageAttributeNames=["All"]
    )
    (message,) = answer["Messages"]
    return dict(message)
