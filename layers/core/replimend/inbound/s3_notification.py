"""S3 event notification records to signals (aws-facts 1).

The paths of errors begin at the record.
"""

from urllib.parse import unquote_plus

from replimend.domain.failure_reasons import FailureReason
from replimend.domain.signals import Ignored, IgnoredKind, ReplicationFailed
from replimend.errors import MalformedEventError
from replimend.inbound.fields import (
    JsonObject,
    bucket_name,
    bucket_of_arn,
    checked_key,
    fields,
    moment,
    optional_count,
    optional_text,
    text,
)

S3 = "aws:s3"
"""The `eventSource` of S3's records."""

_FAILED = "Replication:OperationFailedReplication"
_OTHER_REPLICATION_EVENTS = {
    "Replication:OperationReplicatedAfterThreshold": IgnoredKind.REPLICATED_AFTER_THRESHOLD,
    "Replication:OperationMissedThreshold": IgnoredKind.MISSED_THRESHOLD,
    "Replication:OperationNotTracked": IgnoredKind.NOT_TRACKED,
}
_MAJOR_VERSION = "2"

_IN_BUCKET = "s3.bucket"
_IN_OBJECT = "s3.object"
_IN_FAILURE = "replicationEventData"


def is_test_event(message: JsonObject) -> bool:
    """Whether this is what S3 sends when a notification is configured; it has no records."""
    return message.get("Event") == "s3:TestEvent"


def parse_s3_record(record: JsonObject, *, replayed: bool) -> ReplicationFailed | Ignored:
    """The failed replication that the record reports, or what else it is."""
    _require_known_version(record)
    # Named without a prefix in messages and with one in configurations; neither is worth a loss.
    event_name = text(record, "eventName", "").removeprefix("s3:")
    if event_name != _FAILED:
        kind = _OTHER_REPLICATION_EVENTS.get(event_name, IgnoredKind.OTHER_S3_EVENT)
        return Ignored(kind=kind, detail=event_name)
    s3 = fields(record, "s3", "")
    version = fields(s3, "object", "s3")
    failure = fields(record, "replicationEventData", "")
    return ReplicationFailed(
        bucket=bucket_name(fields(s3, "bucket", "s3"), "name", _IN_BUCKET),
        key=_decoded_key(version),
        version_id=text(version, "versionId", _IN_OBJECT),
        size=optional_count(version, "size", _IN_OBJECT),
        etag=optional_text(version, "eTag", _IN_OBJECT),
        rule_id=text(failure, "replicationRuleId", _IN_FAILURE),
        destination_bucket=bucket_of_arn(failure, "destinationBucket", _IN_FAILURE),
        reason=FailureReason.parse(text(failure, "failureReason", _IN_FAILURE)),
        operation=text(failure, "s3Operation", _IN_FAILURE),
        request_time=moment(failure, "requestTime", _IN_FAILURE),
        event_time=moment(record, "eventTime", ""),
        region=text(record, "awsRegion", ""),
        sequencer=optional_text(version, "sequencer", _IN_OBJECT),
        replayed=replayed,
    )


def _require_known_version(record: JsonObject) -> None:
    # AWS: equality on the major version; minor versions only add fields.
    version = text(record, "eventVersion", "")
    if version.partition(".")[0] != _MAJOR_VERSION:
        expected = f"expected version {_MAJOR_VERSION} of S3's notifications"
        raise MalformedEventError("eventVersion", expected)


def _decoded_key(version: JsonObject) -> str:
    """The key as a person typed it: S3 sends it encoded as in a form, a blank as a plus."""
    encoded, at = text(version, "key", _IN_OBJECT), f"{_IN_OBJECT}.key"
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError:
        raise MalformedEventError(at, "expected a URL-encoded key in UTF-8") from None
    return checked_key(key, at)
