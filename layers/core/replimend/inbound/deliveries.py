"""What Lambda hands a function: a queue's delivery, or what a person invokes it with."""

import json
from collections.abc import Iterator, Mapping

from replimend.domain.batch import Batch, Heard, TriageRequest, Unusable
from replimend.domain.incident import FailureGroup
from replimend.domain.work import (
    AdvanceRecopy,
    ApplyPlan,
    JobChanged,
    LapseApproval,
    RemindOfChanges,
    RollBackExpired,
    RollBackRound,
    Work,
)
from replimend.errors import MalformedEventError
from replimend.inbound.fields import JsonObject, fields, optional_text, parsed_json, text
from replimend.inbound.messages import parse_record, records_of


def is_queue_delivery(event: object) -> bool:
    """Whether the event is SQS's delivery of messages, not somebody's own payload."""
    if not isinstance(event, dict):
        return False
    records = event.get("Records")
    return isinstance(records, list) and all(
        isinstance(record, dict) and record.get("eventSource") == "aws:sqs" for record in records
    )


def batch_of(event: Mapping[str, object]) -> Batch:
    """A delivery of the signal queue: each message's records by themselves, good or bad."""
    records = event["Records"]
    assert isinstance(records, list)  # noqa: S101 - is_queue_delivery has looked
    return Batch.of(part for record in records for part in _parts(record))


def _parts(message: JsonObject) -> Iterator[Heard | Unusable]:
    message_id, body = str(message.get("messageId")), str(message.get("body"))
    try:
        own = _triage_request(parsed_json(body, "body"))
    except MalformedEventError as error:
        yield Unusable(message_id=message_id, body=body, path=error.path, problem=error.problem)
        return
    if own is not None:
        yield Heard(message_id=message_id, signal=own)
        return
    for record in records_of({"messageId": message_id, "body": body}):
        try:
            yield Heard(message_id=message_id, signal=parse_record(record))
        except MalformedEventError as error:
            kept = json.dumps(record.content) if record.content else body
            yield Unusable(message_id=message_id, body=kept, path=error.path, problem=error.problem)


def _triage_request(content: object) -> TriageRequest | None:
    if not isinstance(content, dict) or content.get("work") != "triage":
        return None
    group = fields(content, "group", "body")
    at = "body.group"
    return TriageRequest(
        group=FailureGroup(
            bucket=text(group, "bucket", at),
            rule_id=text(group, "ruleId", at),
            destination_bucket=text(group, "destinationBucket", at),
            reason=text(group, "reason", at),
        )
    )


def work_of(message: Mapping[str, object]) -> Work | None:
    """What a message of the repair or recopy queue asks for; MalformedEventError if it is unclear.

    None for a job event that does not name a job: CloudTrail tells of every job of the account.
    """
    content = parsed_json(str(message.get("body")), "body")
    if not isinstance(content, dict):
        raise MalformedEventError("body", "expected a JSON object")
    if content.get("detail-type") == "AWS Service Event via CloudTrail":
        return _job_changed(content)
    work = text(content, "work", "body")
    match work:
        case "apply":
            return ApplyPlan(
                incident_id=text(content, "incidentId", "body"),
                plan_hash=text(content, "planHash", "body"),
            )
        case "roll_back_round":
            return RollBackRound(
                incident_id=text(content, "incidentId", "body"),
                round=_round(content),
            )
        case "lapse":
            return LapseApproval(
                incident_id=text(content, "incidentId", "body"),
                plan_hash=text(content, "planHash", "body"),
            )
        case "roll_back_expired":
            return RollBackExpired(change_id=text(content, "changeId", "body"))
        case "remind":
            return RemindOfChanges()
        case "advance":
            return AdvanceRecopy(
                incident_id=text(content, "incidentId", "body"),
                poll=optional_text(content, "poll", "body"),
            )
        case _:
            known = "apply, roll_back_round, roll_back_expired, lapse, remind or advance"
            raise MalformedEventError("body.work", f"expected {known}")


def _job_changed(event: JsonObject) -> JobChanged | None:
    detail = fields(event, "detail", "body")
    service_event = detail.get("serviceEventDetails")
    job_id = service_event.get("jobId") if isinstance(service_event, dict) else None
    return JobChanged(job_id=job_id) if isinstance(job_id, str) else None


def _round(content: JsonObject) -> int:
    value = content.get("round")
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedEventError("body.round", "expected a whole number")
    return value
