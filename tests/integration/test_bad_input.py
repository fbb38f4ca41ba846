"""Each kind of bad or idle message ends where it is documented to, and its batch goes on."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lab.documents import Fields
from lab.lab import Lab
from lab.scenario import Scenario
from replimend.domain.incident import Status
from tests.builders import replication_failed
from tests.integration.on_lab import incidents, ledger_of, table_of

AN_HOUR = timedelta(hours=1)


BROKEN: Fields = {
    "objects": [{"key": "orders/one.json"}],
    "broken": {"keys.destination.policy.AdmitTheReplicationRole": None},
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.from_scenario(Scenario.read(BROKEN, name="bad input")) as lab:
        lab.run(AN_HOUR)
        yield lab


def queue_url(lab: Lab, logical_id: str) -> str:
    url: str = lab.client("sqs").get_queue_url(QueueName=f"replimend-{logical_id}")["QueueUrl"]
    return url


def notify(lab: Lab, *bodies: str) -> None:
    """Put these on the queue to which S3 sends, as the service would."""
    for body in bodies:
        lab.client("sqs").send_message(
            QueueUrl=queue_url(lab, "NotificationQueue"), MessageBody=body
        )
    lab.run(AN_HOUR)


def publish(lab: Lab, notification: dict[str, Any], **envelope: Any) -> None:
    """Put an event on the signal queue as our bus delivers it."""
    event = {
        "version": "0",
        "id": "11111111-1111-4111-8111-111111111111",
        "source": "replimend.notifications",
        "detail-type": "S3 Replication Notification",
        "detail": notification,
        **envelope,
    }
    lab.client("sqs").send_message(
        QueueUrl=queue_url(lab, "SignalQueue"), MessageBody=json.dumps(event)
    )
    lab.run(AN_HOUR)


def put_aside(lab: Lab) -> dict[str, str]:
    """The path and problem of each message in the signal queue's dead letters."""
    received = lab.client("sqs").receive_message(
        QueueUrl=queue_url(lab, "SignalDeadLetterQueue"),
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
    )
    return {
        each["MessageAttributes"]["Path"]["StringValue"]: each["MessageAttributes"]["Problem"][
            "StringValue"
        ]
        for each in received.get("Messages", [])
    }


def good_one(key: str = "orders/one.json") -> dict[str, Any]:
    return replication_failed(key=key)


def without(notification: dict[str, Any], *path: str) -> dict[str, Any]:
    record = notification["Records"][0]
    for name in path[:-1]:
        record = record[name]
    del record[path[-1]]
    return notification


def test_a_notification_that_is_not_json_ends_in_the_notification_dead_letters(lab: Lab) -> None:
    notify(lab, "this is not JSON")

    assert lab.messages("NotificationDeadLetterQueue") == ("this is not JSON",)


def test_a_signal_that_is_not_json_is_put_aside_with_what_is_wrong(lab: Lab) -> None:
    lab.client("sqs").send_message(
        QueueUrl=queue_url(lab, "SignalQueue"), MessageBody="this is not JSON"
    )
    lab.run(AN_HOUR)

    assert list(put_aside(lab)) == ["body"]
    (kept,) = table_of(lab).query("UNUSABLE")
    assert (kept["path"], kept["body"]) == ("body", "this is not JSON")
    assert lab.messages("SignalQueue") == ()


@pytest.mark.parametrize(
    ("notification", "path"),
    [
        (
            without(good_one(), "s3", "object", "versionId"),
            "body.detail.Records[0].s3.object.versionId",
        ),
        (
            without(good_one(), "replicationEventData", "failureReason"),
            "body.detail.Records[0].replicationEventData.failureReason",
        ),
    ],
    ids=["no version id", "no failure reason"],
)
def test_a_record_that_lacks_a_field_is_put_aside_with_its_path(
    lab: Lab, notification: dict[str, Any], path: str
) -> None:
    publish(lab, notification)

    assert list(put_aside(lab)) == [path]


def test_a_bad_record_does_not_hold_up_the_good_one_beside_it(lab: Lab) -> None:
    good = good_one("orders/another.json")
    bad = good_one()
    bad["Records"][0]["s3"]["object"]["key"] = 42
    before = len(list(objects_of(lab)))

    publish(lab, {"Records": [*bad["Records"], *good["Records"]]})

    assert list(put_aside(lab)) == ["body.detail.Records[0].s3.object.key"]
    assert len(list(objects_of(lab))) == before + 1


def objects_of(lab: Lab) -> Iterator[str]:
    ledger = ledger_of(lab)
    for incident in incidents(lab):
        for held, _ in ledger.held.outcomes(ledger.incidents.groups_of(incident.incident_id)):
            yield held.key


def test_an_unknown_reason_is_diagnosed_by_the_live_policies(lab: Lab) -> None:
    failed = lab.versions[0]

    publish(
        lab,
        replication_failed(reason="SomethingNew", key=failed.key, version_id=failed.version_id),
    )

    (incident,) = incidents(lab)
    assert incident.cause == "key_policy_lacks_role"


def test_a_bucket_that_is_not_listed_is_refused(lab: Lab) -> None:
    limits = {**lab.scenario.limits["repair"], "SourceBucketArns": ""}
    lab.deploy(limits)
    failed = lab.versions[0]

    answer = lab.invoke(
        "TriageFunction",
        {"bucket": "orders-ireland", "key": failed.key, "versionId": failed.version_id},
    )

    assert "orders-ireland is not among the source buckets (SourceBucketArns)" in json.dumps(answer)
    assert [each.status for each in incidents(lab)] == [Status.REFUSED]
    assert not [each for each in lab.calls if each.operation == "PutKeyPolicy"]


def test_objects_of_a_bucket_beside_the_listed_ones_are_out_of_sight(lab: Lab) -> None:
    lab.deploy({**lab.scenario.limits["repair"], "SourceBucketArns": "arn:aws:s3:::other-bucket"})
    failed = lab.versions[0]

    publish(
        lab,
        replication_failed(
            reason="DstPutAclNotPermitted", key=failed.key, version_id=failed.version_id
        ),
    )

    (hidden,) = [each for each in incidents(lab) if each.cause == "undetermined"]
    assert hidden.status is Status.ESCALATED
    assert "s3:GetObjectVersion" in hidden.next_step


@pytest.mark.parametrize(
    "notification",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "orders-ireland"},
        replication_failed(event_name="Replication:OperationReplicatedAfterThreshold"),
    ],
    ids=["test event", "success"],
)
def test_what_calls_for_nothing_is_counted_and_forgotten(
    lab: Lab, notification: dict[str, Any]
) -> None:
    publish(lab, notification)

    counted = [line.text for line in lab.logs if "SignalsIgnored" in line.text]
    assert counted
    assert put_aside(lab) == {}
    assert len(incidents(lab)) == 1


def test_a_replayed_failure_is_diagnosed_and_never_mended(lab: Lab) -> None:
    lab.deploy(lab.scenario.limits["repair"])
    elsewhere = replication_failed(
        key=lab.versions[0].key,
        version_id=lab.versions[0].version_id,
        reason="DstPutAclNotPermitted",
    )

    publish(lab, elsewhere, **{"replay-name": "after-the-outage"})

    assert {each.status for each in incidents(lab)} <= {Status.REFUSED, Status.OBSERVED}
    assert not [each for each in lab.calls if each.operation == "PutKeyPolicy"]
