"""The S3 notification of a failed replication, field for field as AWS documents it (facts §1.3)."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote_plus

EVENT = "s3:Replication:OperationFailedReplication"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedReplication:
    """One version that one rule could not replicate; times in UTC, `etag` without quotes."""

    bucket: str
    bucket_arn: str
    bucket_owner: str
    region: str
    key: str
    version_id: str
    size: int
    etag: str
    rule_id: str
    destination_bucket_arn: str
    operation: str
    requested_at: datetime
    failed_at: datetime
    reason: str


def failure_notification(
    failure: FailedReplication, *, configuration_id: str, event_version: str, random: Random
) -> dict[str, Any]:
    """The message S3 sends: one record, no `s3:` before the event name, the key form-encoded."""
    return {
        "Records": [
            {
                "eventVersion": event_version,
                "eventSource": "aws:s3",
                "awsRegion": failure.region,
                "eventTime": _instant(failure.failed_at),
                "eventName": EVENT.removeprefix("s3:"),
                "userIdentity": {"principalId": "s3.amazonaws.com"},
                "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
                "responseElements": _response_elements(random),
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": configuration_id,
                    "bucket": {
                        "name": failure.bucket,
                        "ownerIdentity": {"principalId": failure.bucket_owner},
                        "arn": failure.bucket_arn,
                    },
                    "object": _object(failure),
                },
                "replicationEventData": {
                    "replicationRuleId": failure.rule_id,
                    "destinationBucket": failure.destination_bucket_arn,
                    "s3Operation": failure.operation,
                    "requestTime": _instant(failure.requested_at),
                    "failureReason": failure.reason,
                },
            }
        ]
    }


def _object(failure: FailedReplication) -> dict[str, Any]:
    # S3 keeps the slashes of a key as they are; a delete marker has neither size nor ETag.
    content = {"size": failure.size, "eTag": failure.etag} if failure.etag else {}
    return {
        "key": quote_plus(failure.key, safe="/"),
        **content,
        "versionId": failure.version_id,
        "sequencer": _sequencer(failure.requested_at),
    }


def _response_elements(random: Random) -> dict[str, str]:
    digits = f"{random.getrandbits(128):032x}"
    cuts = (0, 8, 12, 16, 20, 32)
    request_id = "-".join(digits[cuts[i] : cuts[i + 1]] for i in range(len(cuts) - 1))
    return {
        "x-amz-request-id": request_id,
        "x-amz-id-2": base64.b64encode(random.randbytes(56)).decode(),
    }


def _sequencer(requested_at: datetime) -> str:
    # The documented sample spells the request's second in it, so the lab does too.
    seconds = int(requested_at.timestamp())
    return f"00{seconds:08X}{requested_at.microsecond * 4096:08X}"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
