"""What a failed replication leaves behind has the very shape that AWS documents."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from lab.behaviour import Behaviour
from lab.moto_world import role_id
from tests.integration.lab.pair import (
    ROLE,
    RULE,
    SESSION,
    SOURCE,
    SOURCE_ACCOUNT,
    START,
    TARGET,
    TARGET_ACCOUNT,
    TARGET_REGION,
    Pair,
    pair,
    root_of,
    rule,
)


@pytest.fixture
def world() -> Generator[Pair]:
    with pair() as made:
        made.set_target_key_policy(root_of(TARGET_ACCOUNT))
        yield made


def shape(value: object) -> object:
    """The value with its leaves replaced by their types."""
    match value:
        case dict():
            return {name: shape(each) for name, each in value.items()}
        case list():
            return [shape(each) for each in value]
        case _:
            return type(value).__name__


# Facts §1.3: the sample of the S3 user guide, with its leaves replaced by their types.
RECORD_SHAPE = {
    "eventVersion": "str",
    "eventSource": "str",
    "awsRegion": "str",
    "eventTime": "str",
    "eventName": "str",
    "userIdentity": {"principalId": "str"},
    "requestParameters": {"sourceIPAddress": "str"},
    "responseElements": {"x-amz-request-id": "str", "x-amz-id-2": "str"},
    "s3": {
        "s3SchemaVersion": "str",
        "configurationId": "str",
        "bucket": {"name": "str", "ownerIdentity": {"principalId": "str"}, "arn": "str"},
        "object": {
            "key": "str",
            "size": "int",
            "eTag": "str",
            "versionId": "str",
            "sequencer": "str",
        },
    },
    "replicationEventData": {
        "replicationRuleId": "str",
        "destinationBucket": "str",
        "s3Operation": "str",
        "requestTime": "str",
        "failureReason": "str",
    },
}


def test_the_notification_has_the_documented_fields_and_no_others(world: Pair) -> None:
    version_id = world.put("a.json", b"12345")

    world.wait()

    (message,) = world.told
    (record,) = message["Records"]
    assert shape(record) == RECORD_SHAPE
    assert record["eventName"] == "Replication:OperationFailedReplication"
    assert (record["eventVersion"], record["awsRegion"]) == ("2.2", "eu-west-1")
    assert record["s3"]["configurationId"] == "failures"
    assert record["s3"]["object"]["versionId"] == version_id
    assert record["s3"]["object"]["size"] == 5
    assert record["replicationEventData"] == {
        "replicationRuleId": RULE,
        "destinationBucket": f"arn:aws:s3:::{TARGET}",
        "s3Operation": "OBJECT_PUT",
        "requestTime": "2026-01-15T10:00:00.000Z",
        "failureReason": "DstPutObjectNotPermitted",
    }
    assert record["eventTime"] == "2026-01-15T10:00:05.000Z"


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("red flower.jpg", "red+flower.jpg"),
        ("a+b%c#d.json", "a%2Bb%25c%23d.json"),
        ("réponse/été.json", "r%C3%A9ponse/%C3%A9t%C3%A9.json"),
        ("k" * 900, "k" * 900),
    ],
)
def test_the_key_is_form_encoded(world: Pair, key: str, written: str) -> None:
    world.put(key)

    world.wait()

    shown = world.told[0]["Records"][0]["s3"]["object"]["key"]
    assert shown == written
    assert unquote_plus(shown) == key


def test_a_lab_may_be_told_of_a_newer_event_version() -> None:
    with pair(Behaviour(event_version="2.4")) as newer:
        newer.set_target_key_policy(root_of(TARGET_ACCOUNT))
        newer.put()
        newer.wait()

        assert newer.told[0]["Records"][0]["eventVersion"] == "2.4"


def test_a_failed_delete_marker_has_neither_size_nor_etag(world: Pair) -> None:
    world.put()
    world.wait()
    world.told.clear()
    world.set_rule(rule(DeleteMarkerReplication={"Status": "Enabled"}))
    world.target.delete_bucket_policy(Bucket=TARGET)
    world.settle()

    world.source.delete_object(Bucket=SOURCE, Key="orders/1.json")
    world.wait()

    (record,) = world.told[0]["Records"]
    assert set(record["s3"]["object"]) == {"key", "versionId", "sequencer"}
    assert record["replicationEventData"]["failureReason"] == "DstDelObjNotPermitted"


def test_a_kms_denial_is_told_in_the_callers_account_and_the_keys_region(world: Pair) -> None:
    world.put()

    world.wait()

    ((account, region, event),) = world.trail
    assert (account, region) == (SOURCE_ACCOUNT, TARGET_REGION)
    assert event["detail-type"] == "AWS API Call via CloudTrail"
    assert (event["source"], event["account"], event["region"]) == ("aws.kms", account, region)
    assert event["resources"] == []


def test_a_kms_denial_names_the_caller_and_hides_what_was_asked(world: Pair) -> None:
    world.put()

    world.wait()

    detail = world.denials()[0]
    assert detail["errorCode"] == "AccessDenied"
    assert (detail["requestParameters"], detail["responseElements"]) == (None, None)
    assert "resources" not in detail
    assert detail["readOnly"] is True
    assert detail["userIdentity"] == _identity()
    assert (detail["eventName"], detail["eventTime"]) == ("Encrypt", "2026-01-15T10:00:05Z")


def test_the_notification_comes_in_seconds_and_cloudtrail_in_minutes(world: Pair) -> None:
    world.put()

    world.clock.advance(timedelta(seconds=11))
    soon = (len(world.told), len(world.trail))
    world.clock.advance(timedelta(seconds=90))
    late = (len(world.told), len(world.trail))

    assert (soon, late) == ((1, 0), (1, 1))
    assert world.clock.now() == START + timedelta(seconds=101)


def test_the_same_world_tells_the_same_story_twice() -> None:
    stories = []
    for _ in range(2):
        with pair() as world:
            world.set_target_key_policy(root_of(TARGET_ACCOUNT))
            world.put()
            world.wait()
            stories.append(world.told[0]["Records"][0]["responseElements"])

    assert stories[0] == stories[1]


def _identity() -> dict[str, Any]:
    identifier = role_id(ROLE)
    return {
        "type": "AssumedRole",
        "principalId": f"{identifier}:s3-replication",
        "arn": SESSION,
        "accountId": SOURCE_ACCOUNT,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": identifier,
                "arn": ROLE,
                "accountId": SOURCE_ACCOUNT,
                "userName": "orders-replication",
            },
            "attributes": {"creationDate": "2026-01-15T10:00:00Z", "mfaAuthenticated": "false"},
        },
        "invokedBy": "AWS Internal",
    }
