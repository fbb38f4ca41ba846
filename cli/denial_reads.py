"""Reads of the replication role's KMS denials, from CloudTrail's event history, for a snapshot."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.accounts import Accounts
from cli.reading import Part, Reading
from replimend.domain.arn import Arn
from replimend.domain.signals import KeyAccessDenied
from replimend.errors import MalformedEventError
from replimend.gateways.faults import THROTTLED, code_of
from replimend.inbound.cloudtrail import parse_cloudtrail_record
from replimend.inbound.fields import JsonObject, within
from replimend.inbound.history import RECORD, record_of

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail.client import CloudTrailClient

CALLS = ("Decrypt", "Encrypt", "GenerateDataKey")
LOOKED_BACK = timedelta(days=1)
MOST_PAGES = 4
PAGE = 50
"""Most of all events are uses of keys (aws-facts 3.2): only the newest of each call are read."""


def read_denials(
    role_arn: str, regions: Iterable[str], accounts: Accounts, reading: Reading, into: Part
) -> None:
    """Put the last day's KMS denials of the role in these Regions, as CloudTrail recorded them.

    A denial is logged in the caller's account and the key's Region (aws-facts 3.1), and names no
    resource: it is looked up by the name of the call.
    """
    since = datetime.now(UTC) - LOOKED_BACK
    account = Arn.parse(role_arn).account

    def found() -> list[JsonObject]:
        return [
            record
            for region in dict.fromkeys(regions)
            for call in CALLS
            for record in _records(accounts.client("cloudtrail", account, region), call, since)
            if _is_denial_of(role_arn, record)
        ]

    try:
        reading.put(into, "denials", "", found)
    except ClientError as error:
        if code_of(error) not in THROTTLED:
            raise
        reading.leave_out("", "denials", f"{error.operation_name} was throttled: take it again")


def _records(trail: "CloudTrailClient", call: str, since: datetime) -> Iterator[JsonObject]:
    pages = trail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": call}],
        StartTime=since,
        PaginationConfig={"PageSize": PAGE, "MaxItems": PAGE * MOST_PAGES},
    )
    for page in pages:
        yield from (record_of(dict(entry)) for entry in page["Events"])


def _is_denial_of(role_arn: str, record: JsonObject) -> bool:
    try:
        signal = parse_cloudtrail_record(record, replayed=False)
    except MalformedEventError as error:
        raise within(RECORD, error) from error
    return isinstance(signal, KeyAccessDenied) and signal.role_arn == role_arn
