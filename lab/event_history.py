"""CloudTrail's event history in the lab: the changes that people make, and LookupEvents over them.

What a scenario breaks before its start is no event: the history begins with the finished world.
Records are composed from documented samples (facts §3.3, §3.7); none is a capture. The limit of two
requests a second is not kept: lab time stands still while a function runs.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from lab import moto_world
from lab.cloudtrail import caller_identity, request_parameters, trail_second
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

if TYPE_CHECKING:
    from lab.clock import Clock
    from lab.gate import Gate

TAKES = timedelta(minutes=5)
"""Until an event can be looked up; CloudTrail documents about five minutes on average."""

KEPT = timedelta(days=90)
MOST_RESULTS = 50

IAM_REGION = "us-east-1"
"""IAM is global, and logged in one Region of the partition `aws`."""

RECORDED = {
    "kms": (
        "CreateGrant",
        "DisableKey",
        "EnableKey",
        "PutKeyPolicy",
        "RetireGrant",
        "RevokeGrant",
        "ScheduleKeyDeletion",
    ),
    "iam": (
        "AttachRolePolicy",
        "DeleteRole",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
    ),
    "s3": (
        "DeleteBucketPolicy",
        "DeleteBucketReplication",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutBucketVersioning",
    ),
}
"""The management write events that can break a replication, or mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A record, and from when on it can be looked up."""

    at: datetime
    visible_at: datetime
    record: dict[str, Any]


class EventHistory:
    """Each account's and Region's events of the last 90 days; LookupEvents answers from them."""

    def __init__(self, clock: "Clock", seed: int) -> None:
        self._clock = clock
        self._random = Random(f"event history {seed}")
        self._kept: defaultdict[tuple[str, str], list[Kept]] = defaultdict(list)

    def install(self, gate: "Gate") -> None:
        """Record every change through this gate from now on, and answer LookupEvents."""
        for service, operations in RECORDED.items():
            for operation in operations:
                gate.after(service, operation, self._changed)
        gate.override("cloudtrail", "LookupEvents", self._look_up)

    def keep(self, account: str, region: str, record: dict[str, Any]) -> None:
        """Keep a record that happened now."""
        now = self._clock.now()
        self._kept[account, region].append(Kept(at=now, visible_at=now + TAKES, record=record))

    def forget(self) -> None:
        """Begin anew: what happened so far made the world, and is no event."""
        self._kept.clear()

    def _changed(self, call: ApiCall, _: HttpResponse) -> None:
        region = _region_of(call)
        resources = [
            {"accountId": call.account, "type": kind, "ARN": arn} for kind, arn in _resources(call)
        ]
        now = self._clock.now()
        record = {
            "eventVersion": "1.11",
            "userIdentity": caller_identity(call.caller, call.access_key, now),
            "eventTime": trail_second(now),
            "eventSource": f"{call.service}.amazonaws.com",
            "eventName": call.operation,
            "awsRegion": region,
            "sourceIPAddress": "192.0.2.10",
            "userAgent": call.headers.get("User-Agent", ""),
            "requestParameters": request_parameters(call),
            "responseElements": None,
            "requestID": self._identifier(),
            "eventID": self._identifier(),
            "readOnly": False,
            **({"resources": resources} if resources else {}),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": call.account,
            "eventCategory": "Management",
        }
        self.keep(call.account, region, record)

    def _look_up(self, call: ApiCall) -> HttpResponse:
        attributes = call.params.get("LookupAttributes", [])
        if len(attributes) > 1:
            raise ApiError("InvalidLookupAttributesException", "Only one attribute is allowed.")
        most = int(call.params.get("MaxResults", MOST_RESULTS))
        if not 1 <= most <= MOST_RESULTS:
            raise ApiError("InvalidMaxResultsException", f"MaxResults is 1 to {MOST_RESULTS}.")
        as_of, offset = self._position(call.params.get("NextToken"))
        found = [
            each
            for each in reversed(self._kept[call.account, call.region])
            if each.visible_at <= as_of
            and each.at > as_of - KEPT
            and _is_within(each.at, call.params)
            and all(_has(each.record, one) for one in attributes)
        ]
        page = found[offset : offset + most]
        answer: dict[str, Any] = {"Events": [_entry(each) for each in page]}
        if offset + most < len(found):
            answer["NextToken"] = f"{as_of.isoformat()}|{offset + most}"
        return result_response(call, answer)

    def _position(self, token: str | None) -> tuple[datetime, int]:
        """As of when the listing is made, and how much of it was given out."""
        if token is None:
            return self._clock.now(), 0
        as_of, _, offset = token.partition("|")
        try:
            return datetime.fromisoformat(as_of), int(offset)
        except ValueError:
            raise ApiError("InvalidNextTokenException", "The token is not valid.") from None

    def _identifier(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _region_of(call: ApiCall) -> str:
    """Where CloudTrail logs the call: IAM in one Region, S3 in the bucket's, else where made."""
    if call.service == "iam":
        return IAM_REGION
    if call.service == "s3":
        bucket = moto_world.bucket_of(call.params["Bucket"])
        return str(bucket.region_name) if bucket is not None else call.region
    return call.region


def _resources(call: ApiCall) -> Iterable[tuple[str, str]]:
    """The record's `resources`: IAM's records have none."""
    if call.service == "kms" and "KeyId" in call.params:
        arn = moto_world.key_arn(call.params["KeyId"], call.account, call.region)
        yield "AWS::KMS::Key", arn or ""
    if call.service == "s3":
        yield "AWS::S3::Bucket", f"arn:aws:s3:::{call.params['Bucket']}"


def _entry(kept: Kept) -> dict[str, Any]:
    record = kept.record
    identity = record.get("userIdentity", {})
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": kept.at.astimezone(UTC).replace(microsecond=0),
        "EventSource": record["eventSource"],
        "Username": identity.get("userName") or identity.get("principalId", "").rpartition(":")[2],
        "Resources": [
            {"ResourceType": kind, "ResourceName": name} for kind, name in _named(record)
        ],
        "CloudTrailEvent": json.dumps(record),
    }


def _named(record: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What can be looked up by name: a key by its ARN, a role or a bucket by its name."""
    request = record.get("requestParameters") or {}
    if "roleName" in request:
        yield "AWS::IAM::Role", request["roleName"]
    if "bucketName" in request:
        yield "AWS::S3::Bucket", request["bucketName"]
    for each in record.get("resources") or ():
        if each["type"] == "AWS::KMS::Key":
            yield each["type"], each["ARN"]


def _has(record: dict[str, Any], attribute: dict[str, str]) -> bool:
    value = attribute["AttributeValue"]
    match attribute["AttributeKey"]:
        case "EventName":
            return bool(record["eventName"] == value)
        case "EventSource":
            return bool(record["eventSource"] == value)
        case "EventId":
            return bool(record["eventID"] == value)
        case "ReadOnly":
            return str(record["readOnly"]).lower() == value
        case "ResourceName":
            return value in {name for _, name in _named(record)}
        case "ResourceType":
            return value in {kind for kind, _ in _named(record)}
        case other:
            raise ApiError("InvalidLookupAttributesException", f"The lab knows no {other}.")


def _is_within(at: datetime, params: dict[str, Any]) -> bool:
    start, end = params.get("StartTime"), params.get("EndTime")
    return (start is None or at >= _utc(start)) and (end is None or at <= _utc(end))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
