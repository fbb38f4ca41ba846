"""What one function sends, another function understands; what is announced, anybody."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.stub import ANY

from replimend.domain.batch import Heard, TriageRequest, Unusable
from replimend.domain.incident import Status
from replimend.domain.repair.approvals import ApprovalRequest
from replimend.domain.repair.notices import Notice, NoticeKind
from replimend.domain.work import (
    AdvanceRecopy,
    ApplyPlan,
    LapseApproval,
    RemindOfChanges,
    RollBackExpired,
    RollBackRound,
)
from replimend.errors import ThrottledError
from replimend.gateways.outbox import AwsOutbox
from replimend.inbound.deliveries import batch_of, work_of
from tests.facts import NOON
from tests.incidents import GROUP, an_incident
from tests.stubs import StubbedClients

MINUTE = timedelta(minutes=1)


@pytest.fixture
def outbox(clients: StubbedClients) -> AwsOutbox:
    return AwsOutbox(
        clients=clients,
        bus="replimend-FailureBus",
        signal_queue="https://sqs.example/signal",
        signal_dead_letter_queue="https://sqs.example/signal-dead-letters",
        repair_queue="https://sqs.example/repair",
        recopy_queue="https://sqs.example/recopy",
        topic="arn:aws:sns:eu-west-1:111111111111:replimend-OutcomeTopic",
    )


class Body:
    """Equals any text, and keeps it: what was sent, to be read as its receiver reads it."""

    def __init__(self) -> None:
        self.text = ""

    def __eq__(self, other: object) -> bool:
        self.text = str(other)
        return isinstance(other, str)

    def __hash__(self) -> int:
        return hash(self.text)


@pytest.mark.parametrize(
    ("send", "queue", "work"),
    [
        (
            lambda outbox: outbox.request_repair("i1", "h1"),
            "repair",
            ApplyPlan(incident_id="i1", plan_hash="h1"),
        ),
        (
            lambda outbox: outbox.request_roll_back("i1", 2),
            "repair",
            RollBackRound(incident_id="i1", round=2),
        ),
        (
            lambda outbox: outbox.request_lapse("i1", "h1"),
            "repair",
            LapseApproval(incident_id="i1", plan_hash="h1"),
        ),
        (
            lambda outbox: outbox.request_expiry("c1"),
            "repair",
            RollBackExpired(change_id="c1"),
        ),
        (lambda outbox: outbox.request_reminder(), "repair", RemindOfChanges()),
        (
            lambda outbox: outbox.request_recopy("i1", "1-0", timedelta()),
            "recopy",
            AdvanceRecopy(incident_id="i1", poll="1-0"),
        ),
        (
            lambda outbox: outbox.request_recopy("i1", None, timedelta()),
            "recopy",
            AdvanceRecopy(incident_id="i1", poll=None),
        ),
    ],
    ids=["apply", "roll back", "lapse", "expire", "remind", "advance", "advance without a poll"],
)
def test_work_arrives_as_it_was_meant(
    clients: StubbedClients,
    outbox: AwsOutbox,
    send: Callable[[AwsOutbox], None],
    queue: str,
    work: object,
) -> None:
    body = Body()
    clients.answers(
        "sqs",
        "send_message",
        {},
        QueueUrl=f"https://sqs.example/{queue}",
        MessageBody=body,
        DelaySeconds=0,
    )

    send(outbox)

    assert work_of({"body": body.text}) == work


def test_a_wish_for_a_diagnosis_arrives_with_its_group(
    clients: StubbedClients, outbox: AwsOutbox
) -> None:
    body = Body()
    clients.answers(
        "sqs",
        "send_message",
        {},
        QueueUrl="https://sqs.example/signal",
        MessageBody=body,
        DelaySeconds=600,
    )

    outbox.request_triage(GROUP, timedelta(minutes=10))

    (heard,) = batch_of({"Records": [{"messageId": "m1", "body": body.text}]}).heard
    assert heard == Heard(message_id="m1", signal=TriageRequest(group=GROUP))


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (timedelta(), 0),
        (timedelta(milliseconds=1), 1),
        (MINUTE, 60),
        (timedelta(seconds=59.5), 60),
        (timedelta(hours=1), 900),
    ],
)
def test_a_delay_is_rounded_up_to_seconds_and_down_to_what_sqs_takes(
    clients: StubbedClients, outbox: AwsOutbox, delay: timedelta, seconds: int
) -> None:
    clients.answers("sqs", "send_message", {}, QueueUrl=ANY, MessageBody=ANY, DelaySeconds=seconds)

    outbox.request_recopy("i1", "1-0", delay)


def test_an_incident_is_announced_on_the_bus_with_what_it_says(
    clients: StubbedClients, outbox: AwsOutbox
) -> None:
    detail = Body()
    entry: dict[str, Any] = {
        "EventBusName": "replimend-FailureBus",
        "Source": "replimend",
        "DetailType": "Incident Awaiting Approval",
        "Detail": detail,
    }
    clients.answers("events", "put_events", {"FailedEntryCount": 0, "Entries": []}, Entries=[entry])

    outbox.announce(an_incident(status=Status.AWAITING_APPROVAL))

    said = json.loads(detail.text)
    assert (said["incidentId"], said["status"]) == ("0123456789ab", "awaiting_approval")
    assert said["bucket"] == "orders-ireland"
    assert not any("pdf" in str(value) for value in said.values()), "no object's key is told"


def test_a_summary_too_long_for_an_event_is_cut_and_says_where_the_rest_is(
    clients: StubbedClients, outbox: AwsOutbox
) -> None:
    detail = Body()
    entry: dict[str, Any] = {
        "EventBusName": ANY,
        "Source": ANY,
        "DetailType": ANY,
        "Detail": detail,
    }
    clients.answers("events", "put_events", {"FailedEntryCount": 0, "Entries": []}, Entries=[entry])

    outbox.announce(an_incident(summary="ü" * 300_000))

    assert len(detail.text) < 256_000
    assert json.loads(detail.text)["summary"].endswith("replimend incident 0123456789ab")


def test_a_request_for_approval_goes_to_the_topic_as_a_letter(
    clients: StubbedClients, outbox: AwsOutbox
) -> None:
    clients.answers(
        "sns",
        "publish",
        {"MessageId": "m1"},
        TopicArn="arn:aws:sns:eu-west-1:111111111111:replimend-OutcomeTopic",
        Subject="Replimend: approve?",
        Message="two\nlines",
        MessageAttributes={
            "incidentId": {"DataType": "String", "StringValue": "i1"},
            "planHash": {"DataType": "String", "StringValue": "h1"},
        },
    )

    outbox.ask_for_approval(
        ApprovalRequest(
            incident_id="i1",
            plan_hash="h1",
            expires=NOON,
            subject="Replimend: approve?",
            text="two\nlines",
        )
    )


def test_a_notice_is_told_on_the_bus(clients: StubbedClients, outbox: AwsOutbox) -> None:
    entry = {
        "EventBusName": "replimend-FailureBus",
        "Source": "replimend",
        "DetailType": "Breaker Opened",
        "Detail": json.dumps({"says": "too many", "about": ["h1"]}),
    }
    clients.answers("events", "put_events", {"FailedEntryCount": 0, "Entries": []}, Entries=[entry])

    outbox.notify(Notice(kind=NoticeKind.BREAKER_OPENED, says="too many", about=("h1",)))


def test_an_announcement_that_the_bus_did_not_take_is_tried_again(
    clients: StubbedClients, outbox: AwsOutbox
) -> None:
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
    clients.answers("events", "put_events", refused)

    with pytest.raises(ThrottledError, match="InternalFailure"):
        outbox.announce(an_incident())


def test_an_unusable_message_is_buried_with_what_is_wrong_with_it(
    clients: StubbedClients, outbox: AwsOutbox
) -> None:
    clients.answers(
        "sqs",
        "send_message",
        {},
        QueueUrl="https://sqs.example/signal-dead-letters",
        MessageBody="(empty)",
        MessageAttributes={
            "Path": {"DataType": "String", "StringValue": "body"},
            "Problem": {"DataType": "String", "StringValue": "is not JSON"},
        },
    )

    outbox.bury(Unusable(message_id="m1", body="", path="", problem="is not JSON"))


@pytest.mark.parametrize("code", ["ThrottlingException", "RequestThrottled"])
def test_a_queue_that_is_throttled_is_tried_again(
    clients: StubbedClients, outbox: AwsOutbox, code: str
) -> None:
    clients.refuses("sqs", "send_message", code)

    with pytest.raises(ThrottledError):
        outbox.request_triage(GROUP)
