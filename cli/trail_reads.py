"""Reads of CloudTrail's trails for a snapshot."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cli.accounts import Accounts
from cli.reading import Part, Reading

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail.client import CloudTrailClient


def read_trails(regions: Iterable[str], accounts: Accounts, reading: Reading, into: Part) -> None:
    """Put every trail that sees these Regions, with its status and its event selectors."""
    reading.put(into, "trails", "", lambda: list(_trails(regions, accounts).values()))
    for index, trail in enumerate(into.get("trails") or ()):
        at, arn = f"trails[{index}]", trail["TrailARN"]
        client = _client(trail.get("HomeRegion", accounts.region), accounts)
        _read_trail(client, arn, at, trail, reading)


def _read_trail(
    client: "CloudTrailClient", arn: str, at: str, trail: Part, reading: Reading
) -> None:
    reading.put(trail, "status", at, lambda: client.get_trail_status(Name=arn))
    reading.put(trail, "selectors", at, lambda: client.get_event_selectors(TrailName=arn))


def _trails(regions: Iterable[str], accounts: Accounts) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for region in dict.fromkeys(regions):
        answer = _client(region, accounts).describe_trails(includeShadowTrails=True)
        found |= {each["TrailARN"]: dict(each) for each in answer["trailList"]}
    return found


def _client(region: str, accounts: Accounts) -> "CloudTrailClient":
    client: CloudTrailClient = accounts.client("cloudtrail", accounts.home, region)
    return client
