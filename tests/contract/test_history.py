"""LookupEvents: what is asked of CloudTrail, and what its records are read as.

The records are composed from AWS's documented samples; none is a capture.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from replimend.domain.diagnosis.history import (
    TOLD_WITHIN,
    Act,
    ChangeEvent,
    Channel,
    Past,
    Subject,
    SubjectKind,
    subject_of_bucket,
    subject_of_key,
    subject_of_role,
)
from replimend.domain.documents import PolicyDocument
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError, ThrottledError
from replimend.gateways.history import MOST_PAGES, TrailHistory
from replimend.inbound.history import change_event_of
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    ROLE_ARN,
    a_bucket,
    administered_by,
    document,
)
from tests.fakes import FrozenClock
from tests.stubs import Asked, StubbedClients

REPAIRER = "replimend-repairer"
ANNA = f"arn:aws:iam::{MEMBER}:user/anna"
POLICY = document(administered_by(MEMBER))
KEY = subject_of_key(DESTINATION_KEY)
ROLE = subject_of_role(ROLE_ARN)
PERSON: dict[str, Any] = {"type": "IAMUser", "arn": ANNA, "accountId": MEMBER, "userName": "anna"}


def bucket() -> Subject:
    found = subject_of_bucket(a_bucket(), "aws")
    assert found is not None
    return found


def session(role_arn: str, name: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{MEMBER}:assumed-role/{role_arn.rpartition('/')[2]}/{name}",
        "accountId": MEMBER,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role_arn}},
    }


def a_record(**changes: Any) -> dict[str, Any]:
    record = {
        "eventVersion": "1.11",
        "userIdentity": PERSON,
        "eventTime": "2026-06-01T11:59:00Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": "PutKeyPolicy",
        "awsRegion": "eu-central-1",
        "userAgent": "AWS Internal",
        "requestParameters": {
            "keyId": DESTINATION_KEY.rpartition("/")[2],
            "policyName": "default",
            "policy": POLICY.text,
        },
        "responseElements": None,
        "eventID": "c217db1f-903f-4a2f-8f88-9580182d6313",
        "readOnly": False,
        "resources": [{"accountId": MEMBER, "type": "AWS::KMS::Key", "ARN": DESTINATION_KEY}],
    }
    return {**record, **changes}


def entry(at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """One entry of LookupEvents' answer."""
    return {
        "EventId": "c217db1f",
        "EventTime": at,
        "CloudTrailEvent": json.dumps(a_record(**changes)),
    }


def parsed(subject: Subject = KEY, **changes: Any) -> ChangeEvent | None:
    return change_event_of(entry(**changes), subject, repairer_role=REPAIRER)


# records


def test_a_key_policy_is_read_with_who_wrote_what_and_when() -> None:
    event = parsed()

    assert event is not None
    assert (event.act, event.at) == (Act.PUT_KEY_POLICY, NOON - timedelta(minutes=1))
    assert event.author.principal == ANNA
    assert event.event_id == "c217db1f-903f-4a2f-8f88-9580182d6313"
    assert event.document == POLICY
    assert event.policy_name is None


@pytest.mark.parametrize(
    ("name", "subject", "request_", "written"),
    [
        (
            "PutRolePolicy",
            ROLE,
            {
                "roleName": "orders-replication",
                "policyName": "replicate",
                "policyDocument": POLICY.text,
            },
            POLICY,
        ),
        (
            "DeleteRolePolicy",
            ROLE,
            {"roleName": "orders-replication", "policyName": "replicate"},
            None,
        ),
        (
            "PutBucketPolicy",
            bucket(),
            {"bucketName": "orders-frankfurt", "bucketPolicy": POLICY.content},
            PolicyDocument.of(POLICY.content),
        ),
        ("DeleteBucketPolicy", bucket(), {"bucketName": "orders-frankfurt"}, None),
        ("PutBucketReplication", bucket(), {"bucketName": "orders-frankfurt"}, None),
    ],
)
def test_changes_of_roles_and_buckets_are_known_by_their_names(
    name: str, subject: Subject, request_: dict[str, Any], written: PolicyDocument | None
) -> None:
    event = parsed(subject, eventName=name, requestParameters=request_, resources=None)

    assert event is not None
    assert (event.act, event.subject, event.document) == (name, subject.arn, written)
    is_inline = subject.kind is SubjectKind.ROLE
    assert event.policy_name == ("replicate" if is_inline else None)


@pytest.mark.parametrize(
    "changes",
    [
        {"errorCode": "AccessDenied", "requestParameters": None},
        {"eventName": "Decrypt"},
        {"requestParameters": {"keyId": "another"}, "resources": []},
        {"requestParameters": None, "resources": None},
    ],
    ids=["refused", "no change", "another key", "nothing named"],
)
def test_what_is_no_change_of_the_subject_is_none(changes: dict[str, Any]) -> None:
    assert parsed(**changes) is None


@pytest.mark.parametrize("subject", [ROLE, bucket()], ids=["role", "bucket"])
def test_a_change_of_another_role_or_bucket_is_none(subject: Subject) -> None:
    assert parsed(subject, requestParameters={"roleName": "x", "bucketName": "y"}) is None


@pytest.mark.parametrize(
    ("changes", "channel"),
    [
        ({"userAgent": "signin.amazonaws.com"}, Channel.CONSOLE),
        ({"userAgent": "[S3Console/0.4, aws-internal/3]"}, Channel.CONSOLE),
        ({"sessionCredentialFromConsole": "true"}, Channel.CONSOLE),
        ({"userAgent": "aws-cli/2.27.0 md/awscrt#0.26.1"}, Channel.COMMAND_LINE),
        ({"userAgent": "cloudformation.amazonaws.com"}, Channel.CLOUDFORMATION),
        ({"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9"}, Channel.TERRAFORM),
        ({"userAgent": "Boto3/1.43.11"}, Channel.PROGRAM),
        ({"userAgent": None}, Channel.PROGRAM),
        (
            {"userIdentity": {"type": "AWSService", "invokedBy": "backup.amazonaws.com"}},
            Channel.SERVICE,
        ),
    ],
)
def test_how_it_was_made_is_told_by_the_user_agent(
    changes: dict[str, Any], channel: Channel
) -> None:
    event = parsed(**changes)

    assert event is not None
    assert event.author.channel is channel


OUR_AGENT = "Boto3/1.43.11 Botocore/1.43.11 replimend"


@pytest.mark.parametrize(
    ("role", "agent", "ours"),
    [
        (f"arn:aws:iam::{MEMBER}:role/replimend-repairer", OUR_AGENT, True),
        (f"arn:aws:iam::{HOME}:role/stack-RepairFunctionRole-1A2B", OUR_AGENT, True),
        (f"arn:aws:iam::{MEMBER}:role/replimend-repairer", "aws-cli/2.27.0", False),
        (f"arn:aws:iam::{MEMBER}:role/administrator", OUR_AGENT, False),
        ("no arn", OUR_AGENT, False),
    ],
)
def test_our_own_changes_are_told_by_role_and_user_agent(
    role: str, agent: str, *, ours: bool
) -> None:
    event = parsed(userIdentity=session(role, "replimend"), userAgent=agent)

    assert event is not None
    assert event.author.is_replimend is ours


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"eventTime": "noon"}, "CloudTrailEvent.eventTime"),
        ({"eventID": None}, "CloudTrailEvent.eventID"),
        ({"eventName": 7}, "CloudTrailEvent.eventName"),
        ({"userIdentity": None}, "CloudTrailEvent.userIdentity"),
        ({"resources": {}}, "CloudTrailEvent.resources"),
        (
            {"requestParameters": {"keyId": DESTINATION_KEY, "policy": 7}},
            "CloudTrailEvent.requestParameters.policy",
        ),
    ],
)
def test_a_record_of_no_use_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedEventError) as error:
        parsed(**changes)

    assert error.value.path == path


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_a_record_has_to_be_a_json_object(text: str) -> None:
    with pytest.raises(MalformedEventError, match="CloudTrailEvent"):
        change_event_of({"CloudTrailEvent": text}, KEY, repairer_role=REPAIRER)


# look-ups


def history(clients: StubbedClients) -> TrailHistory:
    return TrailHistory(clients, REPAIRER, FrozenClock())


def by_name(act: Act) -> dict[str, Any]:
    return {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": act.value}],
        "MaxResults": 50,
    }


def test_each_kind_of_change_is_looked_up_where_the_key_is(clients: StubbedClients) -> None:
    older, newer = entry(), entry(eventTime="2026-06-01T11:59:30Z", eventName="RevokeGrant")
    clients.answers(
        "cloudtrail", "lookup_events", {"Events": [older]}, **by_name(Act.PUT_KEY_POLICY)
    )
    clients.answers("cloudtrail", "lookup_events", {"Events": [newer]}, **by_name(Act.REVOKE_GRANT))

    past = history(clients).changes_of(KEY, {Act.REVOKE_GRANT, Act.PUT_KEY_POLICY})

    assert isinstance(past, Past)
    assert [event.act for event in past.events] == [Act.PUT_KEY_POLICY, Act.REVOKE_GRANT]
    assert (past.read_back_to, past.told_until) == (None, NOON - TOLD_WITHIN)
    assert clients.asked == [
        Asked(as_="reader", service="cloudtrail", account=MEMBER, region="eu-central-1")
    ]


@pytest.mark.parametrize(
    ("partition", "region"),
    [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")],
)
def test_a_role_is_looked_up_where_its_partition_logs_iam(
    clients: StubbedClients, partition: str, region: str
) -> None:
    role = subject_of_role(ROLE_ARN.replace("arn:aws:", f"arn:{partition}:"))
    clients.answers("cloudtrail", "lookup_events", {"Events": []})

    history(clients).changes_of(role, {Act.PUT_ROLE_POLICY})

    assert clients.asked[0].region == region


def test_where_a_partition_logs_iam_is_not_guessed(clients: StubbedClients) -> None:
    role = subject_of_role(ROLE_ARN.replace("arn:aws:", "arn:aws-new:"))

    past = history(clients).changes_of(role, {Act.PUT_ROLE_POLICY})

    assert isinstance(past, Unavailable)


def test_after_a_few_pages_it_is_known_how_far_back_was_read(clients: StubbedClients) -> None:
    for page in range(MOST_PAGES):
        at = NOON - timedelta(hours=page)
        answer = {"Events": [entry(at)], "NextToken": f"page {page + 2}"}
        clients.answers("cloudtrail", "lookup_events", answer)

    past = history(clients).changes_of(KEY, {Act.PUT_KEY_POLICY})

    assert isinstance(past, Past)
    assert past.read_back_to == NOON - timedelta(hours=MOST_PAGES - 1)
    assert len(past.events) == MOST_PAGES


@pytest.mark.parametrize("code", ["AccessDeniedException", "OperationNotPermittedException"])
def test_a_refusal_is_an_answer_that_names_the_permission(
    clients: StubbedClients, code: str
) -> None:
    clients.refuses("cloudtrail", "lookup_events", code)

    past = history(clients).changes_of(KEY, {Act.PUT_KEY_POLICY})

    assert isinstance(past, Unavailable)
    for named in (DESTINATION_KEY, MEMBER, "eu-central-1", code, "cloudtrail:LookupEvents"):
        assert named in past.reason


def test_an_answer_beyond_us_is_unavailable(clients: StubbedClients) -> None:
    clients.answers("cloudtrail", "lookup_events", {"Events": [{"CloudTrailEvent": "{"}]})

    past = history(clients).changes_of(KEY, {Act.PUT_KEY_POLICY})

    assert isinstance(past, Unavailable)
    assert "CloudTrailEvent" in past.reason


def test_throttling_gives_the_message_back(clients: StubbedClients) -> None:
    clients.refuses("cloudtrail", "lookup_events", "ThrottlingException")

    with pytest.raises(ThrottledError):
        history(clients).changes_of(KEY, {Act.PUT_KEY_POLICY})
