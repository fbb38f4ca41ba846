"""Whatever reaches a function, unpacked down to its records and turned into signals.

The envelopes nest as services hand messages on: SQS holds what SNS or the bus held, which holds
what S3 or CloudTrail wrote, some of it as JSON inside JSON. A record's path runs through all of
them: `Records[1].body.detail.Records[0].s3.object.versionId`.
"""

from typing import NamedTuple

from replimend.domain.signals import Ignored, IgnoredKind, Signal
from replimend.errors import MalformedEventError
from replimend.inbound.cloudtrail import AN_AWS_SERVICE, parse_cloudtrail_record
from replimend.inbound.fields import JsonObject, parsed_json, path_to, within, wrong
from replimend.inbound.manual import is_manual_request, parse_manual_request
from replimend.inbound.s3_notification import S3, is_test_event, parse_s3_record

NOTIFICATION_SOURCE = "replimend.notifications"
NOTIFICATION_DETAIL_TYPE = "S3 Replication Notification"
"""What the Pipe calls the S3 notifications that it puts on our bus."""

_DEEPEST = 12
"""Envelopes within envelopes; AWS's own nest half as deep."""

_EXPECTED = (
    "expected an S3 notification, an EventBridge event, a CloudTrail record, or an object's "
    "bucket, key and versionId"
)


class Record(NamedTuple):
    """One leaf of a message, not looked into yet, and the path at which it stands.

    `defect` is the error of an envelope that could not be opened; then there is no content. A named
    tuple, as there is one for every event.
    """

    path: str
    content: JsonObject
    replayed: bool
    defect: MalformedEventError | None = None


def signals_of(payload: object) -> tuple[Signal, ...]:
    """Every signal in a payload, in order; MalformedEventError at the first that is none.

    Where one bad record must not lose the others, take `records_of` and parse each by itself.
    """
    return tuple([parse_record(record) for record in records_of(payload)])


def records_of(payload: object) -> tuple[Record, ...]:
    """Every record in a payload, JSON text or parsed, in order; never an error, never none.

    An envelope that cannot be opened is one record, and its error comes when it is parsed.
    """
    found: list[Record] = []
    _collect(payload, "", found, depth=0, replayed=False)
    return tuple(found)


def parse_record(record: Record) -> Signal:
    """The signal that one record is, or MalformedEventError with the field's path."""
    if record.defect is not None:
        raise record.defect
    try:
        signal = _signal(record)
    except MalformedEventError as error:
        raise within(record.path, error) from error
    return signal


def _signal(record: Record) -> Signal:
    content = record.content
    source = content.get("eventSource")
    if source == S3:
        return parse_s3_record(content, replayed=record.replayed)
    if isinstance(source, str) and AN_AWS_SERVICE in source:
        return parse_cloudtrail_record(content, replayed=record.replayed)
    if is_test_event(content):
        return Ignored(kind=IgnoredKind.TEST_EVENT, detail="s3:TestEvent")
    if is_manual_request(content):
        return parse_manual_request(content)
    if _is_sns_notice(content):
        return Ignored(kind=IgnoredKind.SNS_NOTICE, detail=str(content["Type"]))
    if _is_bus_event(content):
        detail = f"{content.get('source')} {content['detail-type']}"
        return Ignored(kind=IgnoredKind.OTHER_EVENT, detail=detail)
    raise MalformedEventError("", _EXPECTED)


def _collect(payload: object, at: str, found: list[Record], *, depth: int, replayed: bool) -> None:
    try:
        content = _content(payload, at, depth)
    except MalformedEventError as defect:
        found.append(Record(path=at, content={}, replayed=replayed, defect=defect))
        return
    if isinstance(content, list):
        for index, item in enumerate(content):
            _collect(item, f"{at}[{index}]", found, depth=depth + 1, replayed=replayed)
        return
    replayed = replayed or "replay-name" in content
    if (name := _enclosing_field(content)) is None:
        found.append(Record(path=at, content=content, replayed=replayed))
    else:
        _collect(content[name], path_to(at, name), found, depth=depth + 1, replayed=replayed)


def _content(payload: object, at: str, depth: int) -> JsonObject | list[object]:
    """The object or the list of at least one item that this is, or spells in JSON."""
    while isinstance(payload, str) and depth < _DEEPEST:
        payload, depth = parsed_json(payload, at), depth + 1
    if depth >= _DEEPEST:
        raise MalformedEventError(at, f"expected at most {_DEEPEST} envelopes within each other")
    if isinstance(payload, dict):
        return payload
    if isinstance(payload, list):
        if payload:
            return payload
        raise MalformedEventError(at, "expected at least one record, found an empty list")
    raise wrong(payload, "an object, a list or their JSON", at)


def _enclosing_field(content: JsonObject) -> str | None:
    """The field in which an envelope holds what was sent; None for what is no envelope."""
    if "eventSource" in content and "body" not in content:
        return None  # an S3 or CloudTrail record, of which there may be very many
    if "Records" in content:
        return "Records"
    if "body" in content and "messageId" in content:
        return "body"  # SQS as Lambda and the Pipe have it; its API writes both with a capital
    if "Body" in content and "MessageId" in content:
        return "Body"
    if content.get("EventSource") == "aws:sns" and "Sns" in content:
        return "Sns"
    if content.get("Type") == "Notification" and "Message" in content:
        return "Message"
    if _is_bus_event(content) and _is_ours_or_cloudtrail(content):
        return "detail"
    return None


def _is_bus_event(content: JsonObject) -> bool:
    return "detail-type" in content and "detail" in content


def _is_ours_or_cloudtrail(event: JsonObject) -> bool:
    kind = event["detail-type"]
    if isinstance(kind, str) and kind.endswith(" via CloudTrail"):
        return True
    return kind == NOTIFICATION_DETAIL_TYPE and event.get("source") == NOTIFICATION_SOURCE


def _is_sns_notice(content: JsonObject) -> bool:
    return content.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation")
