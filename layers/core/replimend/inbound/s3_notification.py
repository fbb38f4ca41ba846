"""S3 event notification records to signals (aws-facts 1)."""

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
    path_to,
    text,
)

_FAILED = "Replication:OperationFailedReplication"
_OTHER_REPLICATION_EVENTS = {
    "Replication:OperationReplicatedAfterThreshold": IgnoredKind.REPLICATED_AFTER_THRESHOLD,
    "Replication:OperationMissedThreshold": IgnoredKind.MISSED_THRESHOLD,
    "Replication:OperationNotTracked": IgnoredKind.NOT_TRACKED,
}
_MAJOR_VERSION = "2"


def is_s3_record(record: JsonObject) -> bool:
    """Whether this claims to be one record of an S3 notification."""
    return record.get("eventSource") == "aws:s3"


def is_test_event(message: JsonObject) -> bool:
    """Whether this is what S3 sends when a notification is configured; it has no records."""
    return message.get("Event") == "s3:TestEvent"


def parse_s3_record(record: JsonObject, at: str, *, replayed: bool) -> ReplicationFailed | Ignored:
    """The failed replication that the record reports, or what else it is."""
    _require_known_version(record, at)
    # Named without a prefix in messages and with one in configurations; neither is worth a loss.
    event_name = text(record, "eventName", at).removeprefix("s3:")
    if event_name != _FAILED:
        kind = _OTHER_REPLICATION_EVENTS.get(event_name, IgnoredKind.OTHER_S3_EVENT)
        return Ignored(kind=kind, detail=event_name)
    s3, in_s3 = fields(record, "s3", at), path_to(at, "s3")
    version, in_version = fields(s3, "object", in_s3), path_to(in_s3, "object")
    failure, in_failure = (
        fields(record, "replicationEventData", at),
        path_to(at, "replicationEventData"),
    )
    return ReplicationFailed(
        bucket=bucket_name(fields(s3, "bucket", in_s3), "name", path_to(in_s3, "bucket")),
        key=_decoded_key(version, in_version),
        version_id=text(version, "versionId", in_version),
        size=optional_count(version, "size", in_version),
        etag=optional_text(version, "eTag", in_version),
        rule_id=text(failure, "replicationRuleId", in_failure),
        destination_bucket=bucket_of_arn(failure, "destinationBucket", in_failure),
        reason=FailureReason.parse(text(failure, "failureReason", in_failure)),
        operation=text(failure, "s3Operation", in_failure),
        request_time=moment(failure, "requestTime", in_failure),
        event_time=moment(record, "eventTime", at),
        region=text(record, "awsRegion", at),
        sequencer=optional_text(version, "sequencer", in_version),
        replayed=replayed,
    )


def _require_known_version(record: JsonObject, at: str) -> None:
    # AWS: equality on the major version; minor versions only add fields.
    version = text(record, "eventVersion", at)
    if version.partition(".")[0] != _MAJOR_VERSION:
        expected = f"expected version {_MAJOR_VERSION} of S3's notifications"
        raise MalformedEventError(path_to(at, "eventVersion"), expected)


def _decoded_key(version: JsonObject, at: str) -> str:
    """The key as a person typed it: S3 sends it encoded as in a form, a blank as a plus."""
    encoded = text(version, "key", at)
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError:
        raise MalformedEventError(
            path_to(at, "key"), "expected a URL-encoded key in UTF-8"
        ) from None
    return checked_key(key, path_to(at, "key"))
