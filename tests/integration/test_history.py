"""Somebody takes the permission away on the lab: triage names them, and a person decides."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from cli.accounts import Accounts
from cli.reading import Reading
from cli.snapshots import Wanted, take
from lab.documents import Fields
from lab.event_history import TAKES
from lab.identities import administrator_key
from lab.lab import Lab
from lab.scenario import Scenario
from replimend.domain.diagnosis.history import subject_of_key
from replimend.domain.incident import Status
from replimend.inbound.history import change_event_of
from replimend.inbound.setups import setup_of
from tests.integration.on_lab import ALL_DAY, incidents, key_policy, the_record

HOME, MEMBER = "111111111111", "222222222222"
KEY = f"arn:aws:kms:eu-central-1:{MEMBER}:key/22222222-2222-4222-8222-222222222222"
PERSON = f"arn:aws:iam::{MEMBER}:user/person"
LATER: Fields = {"objects": [{"key": "orders/{n}.json", "count": 3, "at": "2h"}]}
"""A healthy pair, and objects that are put two hours from its start."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.from_scenario(Scenario.read(LATER, name="history")) as lab:
        lab.deploy(lab.scenario.limits["repair"])
        yield lab


def put(lab: Lab, key: str) -> None:
    """What the shop does."""
    lab.client("s3").put_object(Bucket="orders-ireland", Key=key, Body=b"{}")


def take_away(lab: Lab) -> None:
    """What a person does: put the key's policy without the statement that admits the role."""
    policy = key_policy(lab, KEY)
    kept = [each for each in policy["Statement"] if each["Sid"] != "AdmitTheReplicationRole"]
    lab.client("kms", MEMBER, "eu-central-1").put_key_policy(
        KeyId=KEY, PolicyName="default", Policy=json.dumps({**policy, "Statement": kept})
    )


def looked_up(lab: Lab, name: str) -> list[dict[str, Any]]:
    """The events of this name in the key's account and Region, newest first."""
    events: list[dict[str, Any]] = lab.client("cloudtrail", MEMBER, "eu-central-1").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
    )["Events"]
    return events


def approve(lab: Lab) -> None:
    """Have anna approve the one plan, and let it be carried out."""
    (incident,) = incidents(lab)
    lab.invoke(
        "RepairFunction",
        {
            "action": "approve",
            "incidentId": incident.incident_id,
            "planHash": incident.plan_hash,
            "by": "anna",
        },
    )
    lab.run(ALL_DAY)


def broken_by_a_person(lab: Lab) -> dict[str, Any]:
    lab.clock.advance(timedelta(hours=1))
    take_away(lab)
    lab.run(ALL_DAY)
    return the_record(lab)


def test_triage_names_who_broke_it_when_and_by_which_event(lab: Lab) -> None:
    record = broken_by_a_person(lab)

    assert record["diagnosis"]["cause"] == "key_policy_lacks_role"
    assert record["diagnosis"]["brokenBy"] == {
        "event": "PutKeyPolicy",
        "who": PERSON,
        "at": "2026-01-15T11:00:00+00:00",
        "eventId": looked_up(lab, "PutKeyPolicy")[-1]["EventId"],
    }
    (said,) = [e["says"] for e in record["diagnosis"]["evidence"] if e["source"] == "history"]
    assert said.startswith(f"{PERSON} called PutKeyPolicy on {KEY} at 2026-01-15 11:00:00 UTC")


def test_a_change_just_before_the_failure_is_named_once_cloudtrail_tells_of_it(lab: Lab) -> None:
    take_away(lab)
    lab.clock.advance(timedelta(minutes=1))
    put(lab, "orders/at-once.json")
    lab.run(timedelta(minutes=2))
    at_first = the_record(lab)

    lab.run(timedelta(minutes=30))

    later = the_record(lab)
    assert at_first["diagnosis"]["brokenBy"] is None
    assert "CloudTrail may tell until" in at_first["verdict"]["objections"][0]
    assert at_first["incident"]["status"] == "diagnosed"
    assert later["diagnosis"]["brokenBy"]["who"] == PERSON
    assert later["incident"]["status"] == "awaiting_approval"
    assert key_policy(lab, KEY)["Statement"] != []


def test_what_somebody_took_away_comes_back_by_an_approval_only(lab: Lab) -> None:
    record = broken_by_a_person(lab)
    taken = key_policy(lab, KEY)
    (incident,) = incidents(lab)

    assert incident.status is Status.AWAITING_APPROVAL
    assert any("removed lately, perhaps on purpose" in e for e in record["verdict"]["objections"])
    assert all(each["Sid"] != "AdmitTheReplicationRole" for each in taken["Statement"])

    approve(lab)

    after = the_record(lab)
    assert after["incident"]["status"] == "resolved"
    assert after["incident"]["approvedBy"] == "anna"


def test_a_history_that_may_not_be_read_leaves_it_to_a_person(lab: Lab) -> None:
    reader = lab.client("iam", MEMBER)
    document = reader.get_role_policy(RoleName="replimend-reader", PolicyName="read")[
        "PolicyDocument"
    ]
    without = [each for each in document["Statement"] if each["Sid"] != "LookUpWhoChangedWhat"]
    reader.put_role_policy(
        RoleName="replimend-reader",
        PolicyName="read",
        PolicyDocument=json.dumps({**document, "Statement": without}),
    )

    record = broken_by_a_person(lab)

    (objection,) = record["verdict"]["objections"]
    assert "not known" in objection
    assert "cloudtrail:LookupEvents has to be allowed there" in objection
    assert record["diagnosis"]["brokenBy"] is None
    assert record["incident"]["status"] == "awaiting_approval"


def test_our_own_repair_is_told_apart_from_what_people_change(lab: Lab) -> None:
    broken_by_a_person(lab)
    approve(lab)
    lab.clock.advance(TAKES)

    events = [
        change_event_of(entry, subject_of_key(KEY), repairer_role="replimend-repairer")
        for entry in looked_up(lab, "PutKeyPolicy")
    ]

    assert [event.author.is_replimend for event in events if event] == [True, False]


def test_a_snapshot_has_the_denials_of_the_role_and_explains_by_them(lab: Lab) -> None:
    broken_by_a_person(lab)
    put(lab, "orders/again.json")
    lab.run(timedelta(minutes=1))
    lab.clock.advance(TAKES)
    reading = Reading()
    session = boto3.Session(
        aws_access_key_id=administrator_key(HOME),
        aws_secret_access_key="any",
        region_name="eu-west-1",
    )
    accounts = Accounts(
        session=session, home=HOME, reader_role="replimend-reader", external_id=None
    )

    snapshot = take(Wanted(bucket="orders-ireland", key="orders/1.json"), accounts, reading)

    setup = setup_of(json.loads(json.dumps(snapshot)))
    assert {(each.action, each.region, each.session_name) for each in setup.denials} == {
        ("kms:Encrypt", "eu-central-1", "s3-replication")
    }
