"""Which events reach which queue, and that none of them is one that we caused ourselves."""

import fnmatch
import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from lab.template import Resource, Stack
from tests.template.stacks import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    REPAIRING,
    REPLICATION_ROLE,
    home_stack,
    listed,
    member_stack,
    properties,
)

HOME_STACK = home_stack(REPAIRING)
OBSERVING_STACK = home_stack()
MEMBER_STACK = member_stack(ACCOUNT, OTHER_REGION)
STACKS = pytest.mark.parametrize("stack", [HOME_STACK, MEMBER_STACK], ids=["home", "member"])

OUR_ROLE = "arn:aws:iam::111111111111:role/replimend-TriageFunctionRole"
HEARS_READ_ONLY_EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


def rules(stack: Stack) -> list[Resource]:
    return list(stack.of_kind("AWS::Events::Rule"))


def matches(stack: Stack, rule: str, event: dict[str, Any]) -> bool:
    pattern = properties(stack.resource(rule))["EventPattern"]
    return EventPattern(json.dumps(pattern), pattern).matches_event(event)  # type: ignore[arg-type]  # any event, though moto types its own


def denial(
    role: str = REPLICATION_ROLE, session: str = "s3-replication", **detail: object
) -> dict[str, Any]:
    """A KMS denial as CloudTrail puts it on the default bus, cut to what patterns look at."""
    name = role.rsplit("/", 1)[-1]
    return {
        "source": "aws.kms",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "kms.amazonaws.com",
            "eventName": "Encrypt",
            "errorCode": "AccessDenied",
            "userIdentity": {
                "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}",
                "sessionContext": {"sessionIssuer": {"arn": role}},
            },
            **detail,
        },
    }


def sends_to(stack: Stack, queue_arn: str, rule_arn: str) -> bool:
    """Whether a queue policy lets EventBridge send there for that rule."""
    for policy in stack.of_kind("AWS::SQS::QueuePolicy"):
        for statement in properties(policy)["PolicyDocument"]["Statement"]:
            if statement["Resource"] != queue_arn:
                continue
            if statement["Principal"] != {"Service": "events.amazonaws.com"}:
                continue
            (operator,) = statement["Condition"]
            allowed = listed(statement["Condition"][operator]["aws:SourceArn"])
            if any(fnmatch.fnmatchcase(rule_arn, each) for each in allowed):
                return True
    return False


@STACKS
def test_every_rule_target_has_dead_letters_that_its_rule_may_fill(stack: Stack) -> None:
    for rule in rules(stack):
        for target in properties(rule)["Targets"]:
            dead_letters = target["DeadLetterConfig"]["Arn"]

            assert dead_letters == stack.resource("RuleDeadLetterQueue").physical.arn
            assert sends_to(stack, dead_letters, rule.physical.arn), rule.logical_id


def test_every_rule_may_send_to_the_queue_that_it_targets() -> None:
    for rule in rules(HOME_STACK):
        for target in properties(rule)["Targets"]:
            if ":sqs:" in target["Arn"]:
                assert sends_to(HOME_STACK, target["Arn"], rule.physical.arn), rule.logical_id


@pytest.mark.parametrize(
    ("rule", "target"),
    [
        ("FailureRule", "SignalQueue"),
        ("KeyDenialRule", "SignalQueue"),
        ("ForwardedDenialRule", "SignalQueue"),
        ("BatchJobRule", "RecopyQueue"),
        ("OutcomeRule", "OutcomeTopic"),
    ],
)
def test_a_rule_feeds_one_target(rule: str, target: str) -> None:
    (only,) = properties(HOME_STACK.resource(rule))["Targets"]

    assert only["Arn"] in {
        HOME_STACK.resource(target).physical.attributes.get("Arn"),
        HOME_STACK.resource(target).physical.reference,
    }


@pytest.mark.parametrize("rule", ["KeyDenialRule", "BatchJobRule"])
def test_a_cloudtrail_rule_is_on_the_default_bus_and_hears_read_only_events(rule: str) -> None:
    settings = properties(HOME_STACK.resource(rule))

    assert "EventBusName" not in settings
    assert settings["State"] == HEARS_READ_ONLY_EVENTS


def test_forwarded_denials_are_heard_on_the_failure_bus_in_the_same_state() -> None:
    settings = properties(HOME_STACK.resource("ForwardedDenialRule"))

    assert settings["EventBusName"] == HOME_STACK.resource("FailureBus").physical.reference
    assert settings["State"] == HEARS_READ_ONLY_EVENTS


@pytest.mark.parametrize("stack", [HOME_STACK, OBSERVING_STACK], ids=["repairing", "observing"])
@pytest.mark.parametrize("rule", ["KeyDenialRule", "ForwardedDenialRule"])
@pytest.mark.parametrize("operation", ["Encrypt", "Decrypt", "GenerateDataKey", "ReEncryptTo"])
@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_denial_of_the_replication_role_is_heard(
    stack: Stack, rule: str, operation: str, code: str
) -> None:
    assert matches(stack, rule, denial(eventName=operation, errorCode=code))


@pytest.mark.parametrize("stack", [HOME_STACK, OBSERVING_STACK], ids=["repairing", "observing"])
@pytest.mark.parametrize("rule", ["KeyDenialRule", "ForwardedDenialRule"])
@pytest.mark.parametrize(
    "event",
    [
        denial(role=OUR_ROLE, session="replimend-TriageFunction"),
        denial(role=OUR_ROLE, session="s3-replication"),
        denial(role="arn:aws:iam::111111111111:role/somebody", session="somebody"),
        denial(eventName="DescribeKey"),
        denial(errorCode="IncorrectKeyException"),
        denial(eventSource="s3.amazonaws.com"),
        denial() | {"source": "aws.s3"},
    ],
    ids=[
        "our own role",
        "our own role, named as S3 names its session",
        "another role",
        "no data operation",
        "no denial",
        "not KMS",
        "another source",
    ],
)
def test_anything_else_is_not_heard(stack: Stack, rule: str, event: dict[str, Any]) -> None:
    assert not matches(stack, rule, event)


def test_listed_replication_roles_are_the_only_ones_heard() -> None:
    other = denial(role="arn:aws:iam::111111111111:role/replication/invoices-replication")

    assert matches(OBSERVING_STACK, "KeyDenialRule", other)
    assert not matches(HOME_STACK, "KeyDenialRule", other)


def test_a_session_without_issuer_is_heard_while_no_role_is_listed() -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-replication/s3-replication"

    assert matches(OBSERVING_STACK, "KeyDenialRule", denial(userIdentity={"arn": arn}))


@pytest.mark.parametrize("parameters", [{}, {"ReplicationRoleArns": REPLICATION_ROLE}])
def test_a_member_stack_forwards_what_the_home_stack_hears(parameters: dict[str, str]) -> None:
    member = member_stack(
        ACCOUNT, OTHER_REGION, {"HomeAccountId": ACCOUNT, "HomeRegion": REGION, **parameters}
    )
    home = home_stack(parameters)

    assert matches(member, "KeyDenialRule", denial())
    assert matches(home, "ForwardedDenialRule", denial())
    assert properties(member.resource("KeyDenialRule"))["State"] == HEARS_READ_ONLY_EVENTS
    (target,) = properties(member.resource("KeyDenialRule"))["Targets"]
    assert target["Arn"] == home.resource("FailureBus").physical.arn


@pytest.mark.parametrize(("account", "region"), [(OTHER_ACCOUNT, OTHER_REGION), (ACCOUNT, REGION)])
def test_only_another_region_of_the_home_account_forwards(account: str, region: str) -> None:
    assert member_stack(account, region).of_kind("AWS::Events::Rule") == ()


def test_outcomes_reach_people_as_the_bare_detail() -> None:
    (target,) = properties(HOME_STACK.resource("OutcomeRule"))["Targets"]

    assert target["InputPath"] == "$.detail"
    resolved = {"source": "replimend", "detail-type": "Incident Resolved", "detail": {}}
    assert matches(HOME_STACK, "OutcomeRule", resolved)
    assert not matches(HOME_STACK, "OutcomeRule", {**resolved, "source": "replimend.notifications"})


def test_a_request_for_approval_is_not_sent_twice() -> None:
    # Triage writes it to the topic itself, as a letter.
    asked = {"source": "replimend", "detail-type": "Incident Awaiting Approval", "detail": {}}

    assert not matches(HOME_STACK, "OutcomeRule", asked)


def test_an_outcome_is_never_a_signal() -> None:
    assert matches(HOME_STACK, "FailureRule", {"source": "replimend.notifications"})
    assert not matches(HOME_STACK, "FailureRule", {"source": "replimend"})


def test_job_events_reach_recopy() -> None:
    event = {
        "source": "aws.s3",
        "detail-type": "AWS Service Event via CloudTrail",
        "detail": {"eventSource": "s3.amazonaws.com", "eventName": "JobStatusChanged"},
    }

    assert matches(HOME_STACK, "BatchJobRule", event)


def test_the_archive_is_left_out_where_it_is_not_wanted() -> None:
    assert len(HOME_STACK.of_kind("AWS::Events::Archive")) == 1
    assert home_stack({"ArchiveFailures": "false"}).of_kind("AWS::Events::Archive") == ()


def test_the_sweep_runs_every_quarter_of_an_hour() -> None:
    rule = properties(HOME_STACK.resource("SweepFunctionSchedule"))

    assert rule["ScheduleExpression"] == "rate(15 minutes)"
