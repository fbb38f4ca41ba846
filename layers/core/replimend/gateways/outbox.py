"""Messages to the other functions and to whoever listens."""

import json
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from replimend.clients import Clients
from replimend.domain.batch import Unusable
from replimend.domain.incident import FailureGroup, Incident
from replimend.domain.repair.approvals import ApprovalRequest
from replimend.domain.repair.notices import Notice
from replimend.errors import ThrottledError
from replimend.gateways.faults import throttling_told_apart

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient

WRITES = frozenset({"events:PutEvents", "sqs:SendMessage"})
ASKS = frozenset({"sns:Publish"})

SOURCE = "replimend"
LONGEST_DELAY = timedelta(minutes=15)
"""SQS's limit for a message's delay."""
LONGEST_ATTRIBUTE = 1_000
LONGEST_SUMMARY = 30_000
"""Characters; an entry of PutEvents takes 256 KB, and one character may be six bytes of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOutbox:
    """Queues of the stack and its event bus."""

    clients: Clients
    bus: str
    signal_queue: str
    signal_dead_letter_queue: str
    repair_queue: str
    recopy_queue: str
    topic: str

    def request_triage(self, group: FailureGroup, delay: timedelta = timedelta()) -> None:
        """Ask for a new diagnosis of this group after the delay (15 minutes at most)."""
        self._send(
            self.signal_queue,
            {
                "work": "triage",
                "group": {
                    "bucket": group.bucket,
                    "ruleId": group.rule_id,
                    "destinationBucket": group.destination_bucket,
                    "reason": group.reason,
                },
            },
            delay=min(delay, LONGEST_DELAY),
        )

    def request_repair(self, incident_id: str, plan_hash: str) -> None:
        """Ask for an approved plan to be applied."""
        self._send(
            self.repair_queue,
            {"work": "apply", "incidentId": incident_id, "planHash": plan_hash},
        )

    def request_roll_back(self, incident_id: str, round_: int) -> None:
        """Ask for the changes of the incident's round to be undone, since the canary failed."""
        self._send(
            self.repair_queue,
            {"work": "roll_back_round", "incidentId": incident_id, "round": round_},
        )

    def request_lapse(self, incident_id: str, plan_hash: str) -> None:
        """Ask for a plan to be refused that nobody answered in time."""
        self._send(
            self.repair_queue,
            {"work": "lapse", "incidentId": incident_id, "planHash": plan_hash},
        )

    def request_expiry(self, change_id: str) -> None:
        """Ask for a change to be undone whose time is over."""
        self._send(self.repair_queue, {"work": "roll_back_expired", "changeId": change_id})

    def request_reminder(self) -> None:
        """Ask for people to be told of changes that their own code does not have yet."""
        self._send(self.repair_queue, {"work": "remind"})

    def request_recopy(self, incident_id: str, poll: str | None, delay: timedelta) -> None:
        """Ask for the incident's re-copy to be advanced after the delay (15 minutes at most)."""
        self._send(
            self.recopy_queue,
            {"work": "advance", "incidentId": incident_id, "poll": poll},
            delay=min(delay, LONGEST_DELAY),
        )

    def announce(self, incident: Incident) -> None:
        """Publish where the incident stands now, for people and programs that subscribe."""
        status = incident.status.value.replace("_", " ").title()
        self._publish(f"Incident {status}", _announcement(incident))

    def ask_for_approval(self, request: ApprovalRequest) -> None:
        """Send people the request, as they are to read it.

        EventBridge gives a topic JSON only, and no subject: this goes to the topic directly. The
        rule leaves the event of the same incident out, so that nobody is asked twice.
        """
        sns: SNSClient = self.clients.own("sns")
        named = {"incidentId": request.incident_id, "planHash": request.plan_hash}
        with throttling_told_apart():
            sns.publish(
                TopicArn=self.topic,
                Subject=request.subject,
                Message=request.text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in named.items()
                },
            )

    def notify(self, notice: Notice) -> None:
        """Publish what is not about one incident, for people and programs that subscribe."""
        self._publish(notice.kind.value, {"says": notice.says, "about": list(notice.about)})

    def _publish(self, kind: str, detail: dict[str, Any]) -> None:
        events: EventBridgeClient = self.clients.own("events")
        with throttling_told_apart():
            answer = events.put_events(
                Entries=[
                    {
                        "EventBusName": self.bus,
                        "Source": SOURCE,
                        "DetailType": kind,
                        "Detail": json.dumps(detail),
                    }
                ]
            )
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "unknown")
            raise ThrottledError(f"EventBridge did not take an event: {code}")

    def bury(self, unusable: Unusable) -> None:
        """Keep an unusable message in the dead-letter queue, with what is wrong with it."""
        sqs: SQSClient = self.clients.own("sqs")
        says = {"Path": unusable.path or "body", "Problem": unusable.problem}
        with throttling_told_apart():
            sqs.send_message(
                QueueUrl=self.signal_dead_letter_queue,
                MessageBody=unusable.body or "(empty)",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value[:LONGEST_ATTRIBUTE]}
                    for name, value in says.items()
                },
            )

    def _send(self, queue: str, content: dict[str, Any], delay: timedelta = timedelta()) -> None:
        sqs: SQSClient = self.clients.own("sqs")
        with throttling_told_apart():
            sqs.send_message(
                QueueUrl=queue,
                MessageBody=json.dumps(content),
                # Rounded up, or a message that is early would be sent again and again.
                DelaySeconds=math.ceil(delay.total_seconds()),
            )


def _announcement(incident: Incident) -> dict[str, Any]:
    return {
        "incidentId": incident.incident_id,
        "status": incident.status.value,
        "round": incident.round,
        "cause": incident.cause,
        "confidence": incident.confidence,
        "summary": _short(incident),
        "next": incident.next_step,
        "bucket": incident.group.bucket,
        "ruleId": incident.group.rule_id,
        "destinationBucket": incident.group.destination_bucket,
        "roleArn": incident.role_arn,
        "planHash": incident.plan_hash,
        "approvedBy": incident.approved_by,
        "jobId": incident.job_id,
        "at": incident.updated_at.isoformat(),
    }


def _short(incident: Incident) -> str:
    """The summary, or as much of it as an event takes: one may hold a three-way difference."""
    if len(incident.summary) <= LONGEST_SUMMARY:
        return incident.summary
    rest = f"... the rest: replimend incident {incident.incident_id}"
    return incident.summary[:LONGEST_SUMMARY] + rest
