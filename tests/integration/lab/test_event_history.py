"""The lab's event history: what people change is recorded as CloudTrail would, and looked up."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.event_history import KEPT, TAKES
from tests.integration.lab.pair import (
    ROLE,
    SESSION,
    SOURCE_ACCOUNT,
    SOURCE_REGION,
    START,
    TARGET,
    TARGET_ACCOUNT,
    TARGET_KEY,
    TARGET_REGION,
    Pair,
    pair,
    root_of,
)

LISTING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}],
    }
)
PERSON = f"arn:aws:iam::{TARGET_ACCOUNT}:user/person"


@pytest.fixture
def world() -> Generator[Pair]:
    with pair() as made:
        made.storage.trail.history.forget()
        yield made


def looked_up(
    world: Pair, account: str = TARGET_ACCOUNT, region: str = TARGET_REGION, **asked: Any
) -> list[dict[str, Any]]:
    pages = world.gate.client("cloudtrail", account, region).get_paginator("lookup_events")
    return [event for page in pages.paginate(**asked) for event in page["Events"]]


def records(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [json.loads(event["CloudTrailEvent"]) for event in events]


def by(key: str, value: str) -> list[dict[str, str]]:
    return [{"AttributeKey": key, "AttributeValue": value}]


def test_a_persons_key_policy_is_recorded_with_who_when_and_what(world: Pair) -> None:
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))
    world.clock.advance(TAKES)

    (event,) = looked_up(world)

    (record,) = records([event])
    assert (event["EventName"], event["EventTime"], event["ReadOnly"]) == (
        "PutKeyPolicy",
        START,
        "false",
    )
    assert record["userIdentity"]["arn"] == PERSON
    assert record["eventTime"] == "2026-01-15T10:00:00Z"
    assert record["resources"] == [
        {"accountId": TARGET_ACCOUNT, "type": "AWS::KMS::Key", "ARN": TARGET_KEY}
    ]
    assert json.loads(record["requestParameters"]["policy"])["Statement"]
    assert "errorCode" not in record


def test_an_event_can_be_looked_up_some_minutes_later_and_for_ninety_days(world: Pair) -> None:
    world.kms().disable_key(KeyId=TARGET_KEY)

    at_once = looked_up(world)
    world.clock.advance(TAKES)
    later = looked_up(world)
    world.clock.advance(KEPT)
    too_late = looked_up(world)

    assert (len(at_once), len(later), len(too_late)) == (0, 1, 0)


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        (("EventName", "DisableKey"), 1),
        (("EventName", "PutKeyPolicy"), 0),
        (("EventSource", "kms.amazonaws.com"), 1),
        (("ResourceName", TARGET_KEY), 1),
        (("ResourceName", "another"), 0),
        (("ResourceType", "AWS::KMS::Key"), 1),
        (("ReadOnly", "false"), 1),
        (("EventId", "another"), 0),
    ],
)
def test_one_attribute_selects(world: Pair, attribute: tuple[str, str], found: int) -> None:
    world.kms().disable_key(KeyId=TARGET_KEY)
    world.clock.advance(TAKES)

    assert len(looked_up(world, LookupAttributes=by(*attribute))) == found


def test_two_attributes_are_one_too_many(world: Pair) -> None:
    both = [*by("EventName", "DisableKey"), *by("ReadOnly", "false")]

    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        looked_up(world, LookupAttributes=both)


def test_the_newest_come_first_page_by_page_within_the_times_given(world: Pair) -> None:
    for _ in range(4):
        world.kms().disable_key(KeyId=TARGET_KEY)
        world.clock.advance(timedelta(minutes=1))
    world.clock.advance(TAKES)

    events = looked_up(world, PaginationConfig={"PageSize": 3})
    since = looked_up(world, StartTime=START + timedelta(minutes=2))
    until = looked_up(world, EndTime=START + timedelta(minutes=1))

    times = [event["EventTime"] for event in events]
    assert times == sorted(times, reverse=True)
    assert (len(events), len(since), len(until)) == (4, 2, 2)


def test_iam_is_logged_in_one_region_and_a_bucket_in_its_own(world: Pair) -> None:
    name = ROLE.rpartition("/")[2]
    world.iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=LISTING)
    world.target.delete_bucket_policy(Bucket=TARGET)
    world.clock.advance(TAKES)

    (of_role,) = looked_up(
        world, SOURCE_ACCOUNT, "us-east-1", LookupAttributes=by("ResourceName", name)
    )
    (of_bucket,) = looked_up(world, LookupAttributes=by("ResourceName", TARGET))

    assert looked_up(world, SOURCE_ACCOUNT, SOURCE_REGION) == []
    assert records([of_role])[0]["requestParameters"] == {
        "roleName": name,
        "policyName": "more",
        "policyDocument": LISTING,
    }
    assert records([of_bucket])[0]["requestParameters"] == {"bucketName": TARGET}


def test_what_was_refused_changed_nothing_and_is_not_recorded(world: Pair) -> None:
    with pytest.raises(ClientError):
        world.kms().put_key_policy(KeyId=TARGET_KEY, PolicyName="default", Policy="no policy")
    world.clock.advance(TAKES)

    assert looked_up(world) == []


def test_a_denial_of_s3_is_in_the_callers_account_and_names_no_resource(world: Pair) -> None:
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))
    world.settle()
    world.put()
    world.wait()
    world.clock.advance(TAKES)

    found = looked_up(
        world, SOURCE_ACCOUNT, TARGET_REGION, LookupAttributes=by("EventName", "Encrypt")
    )

    (record,) = records(found)
    assert (record["errorCode"], record["userIdentity"]["arn"]) == ("AccessDenied", SESSION)
    assert found[0].get("Resources", []) == []
