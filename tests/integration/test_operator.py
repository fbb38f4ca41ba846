"""What a person may do on the lab: approve, reject, roll back, pause, re-copy one object."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lab.documents import Fields
from lab.lab import Lab
from lab.scenario import Scenario
from replimend.domain.incident import Status
from tests.integration.on_lab import ALL_DAY, ask_about_the_first, incidents, key_policy, the_record

KEY = "arn:aws:kms:eu-central-1:222222222222:key/22222222-2222-4222-8222-222222222222"
BROKEN: Fields = {
    "objects": [{"key": "orders/{n}.json", "count": 3}],
    "broken": {"keys.destination.policy.AdmitTheReplicationRole": None},
}
REFUSED_BY_THE_ORGANISATION: Fields = {
    "o-lab": {
        "NoReplicas": {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"},
                {
                    "Sid": "NoReplicas",
                    "Effect": "Deny",
                    "Action": "s3:ReplicateObject",
                    "Resource": "*",
                },
            ],
        }
    }
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.from_scenario(Scenario.read(BROKEN, name="operator")) as lab:
        lab.run(ALL_DAY)
        yield lab


def approving(lab: Lab) -> dict[str, Any]:
    """The incident awaiting approval, in a stack deployed to ask for it."""
    lab.deploy({**lab.scenario.limits["repair"], "RepairMode": "approve"})
    answer = ask_about_the_first(lab)
    incident: dict[str, Any] = answer["incident"]
    return incident


def approve(lab: Lab, incident: dict[str, Any], plan_hash: str) -> dict[str, Any]:
    return dict(
        lab.invoke(
            "RepairFunction",
            {
                "action": "approve",
                "incidentId": incident["incidentId"],
                "planHash": plan_hash,
                "by": "arn:aws:iam::111111111111:user/operator",
            },
        )
    )


def test_nothing_changes_until_the_plan_is_approved(lab: Lab) -> None:
    before = key_policy(lab, KEY)

    incident = approving(lab)
    lab.run(ALL_DAY)

    assert incident["status"] == "awaiting_approval"
    assert key_policy(lab, KEY) == before


def test_an_approved_plan_is_carried_out_to_the_end(lab: Lab) -> None:
    incident = approving(lab)

    answer = approve(lab, incident, incident["planHash"])
    lab.run(ALL_DAY)

    record = the_record(lab)
    assert answer["status"] == "approved"
    assert record["incident"]["status"] == "resolved"
    assert record["changes"][0]["approvedBy"] == "arn:aws:iam::111111111111:user/operator"
    assert {each["outcome"] for each in record["objects"]} == {"replicated"}


def test_an_approval_binds_to_the_plan_it_names(lab: Lab) -> None:
    before = key_policy(lab, KEY)
    incident = approving(lab)

    answer = approve(lab, incident, "0" * 32)
    lab.run(ALL_DAY)

    assert "look at it again" in answer["error"]
    assert key_policy(lab, KEY) == before


def test_a_rejected_plan_is_refused_for_good(lab: Lab) -> None:
    before = key_policy(lab, KEY)
    incident = approving(lab)

    lab.invoke(
        "RepairFunction",
        {
            "action": "reject",
            "incidentId": incident["incidentId"],
            "by": "operator",
            "reason": "the role is going away",
        },
    )
    answer = approve(lab, incident, incident["planHash"])
    lab.run(ALL_DAY)

    assert "not awaiting approval" in answer["error"]
    assert the_record(lab)["incident"]["summary"] == "rejected by operator: the role is going away"
    assert key_policy(lab, KEY) == before


def repaired(lab: Lab) -> dict[str, Any]:
    lab.deploy(lab.scenario.limits["repair"])
    ask_about_the_first(lab)
    lab.run(ALL_DAY)
    return the_record(lab)


def roll_back(lab: Lab, change_id: str) -> dict[str, Any]:
    return dict(
        lab.invoke(
            "RepairFunction", {"action": "roll_back", "changeId": change_id, "by": "operator"}
        )
    )


def test_rolling_back_puts_the_stored_policy_back(lab: Lab) -> None:
    before = key_policy(lab, KEY)
    record = repaired(lab)

    answer = roll_back(lab, record["changes"][0]["changeId"])

    assert answer["rolledBack"]
    assert key_policy(lab, KEY) == before
    assert the_record(lab)["changes"][0]["state"] == "rolled_back"


def test_rolling_back_keeps_what_others_added_since(lab: Lab) -> None:
    record = repaired(lab)
    policy = key_policy(lab, KEY)
    theirs = {
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "kms:DescribeKey",
        "Resource": "*",
    }
    policy["Statement"].append(theirs)
    lab.client("kms", "222222222222", "eu-central-1").put_key_policy(
        KeyId=KEY, PolicyName="default", Policy=json.dumps(policy)
    )

    answer = roll_back(lab, record["changes"][0]["changeId"])

    assert answer["rolledBack"]
    assert "others edited since" in answer["says"]
    sids = [each["Sid"] for each in key_policy(lab, KEY)["Statement"]]
    assert sids == ["AdministerThroughIam", "Auditors"]


def test_a_pause_holds_every_change_until_it_is_ended(lab: Lab) -> None:
    before = key_policy(lab, KEY)
    lab.invoke("RepairFunction", {"action": "pause", "by": "operator"})

    lab.deploy(lab.scenario.limits["repair"])
    paused = ask_about_the_first(lab)
    lab.run(ALL_DAY)

    assert paused["verdict"]["objections"] == ["changes are paused by operator"]
    assert key_policy(lab, KEY) == before

    lab.invoke("RepairFunction", {"action": "resume", "by": "operator"})
    ask_about_the_first(lab)
    lab.run(ALL_DAY)

    assert the_record(lab)["incident"]["status"] == "resolved"


def test_one_object_is_re_copied_by_hand(lab: Lab) -> None:
    record = repaired(lab)
    held = record["objects"][0]
    again = {
        "action": "recopy",
        "bucket": "orders-ireland",
        "key": held["key"],
        "versionId": held["versionId"],
    }

    assert lab.invoke("RecopyFunction", again)["outcome"] == "replicated"


def test_one_object_is_not_re_copied_while_only_observing(lab: Lab) -> None:
    failed = lab.versions[0]

    answer = lab.invoke(
        "RecopyFunction",
        {
            "action": "recopy",
            "bucket": "orders-ireland",
            "key": failed.key,
            "versionId": failed.version_id,
        },
    )

    assert answer == {"outcome": "refused", "says": "the mode is observe: nothing is re-copied"}


def test_a_canary_that_fails_takes_the_change_back() -> None:
    hidden: Fields = {
        **BROKEN,
        "organization": {"service_control": {"111111111111": REFUSED_BY_THE_ORGANISATION}},
    }
    with Lab.from_scenario(Scenario.read(hidden, name="hidden deny")) as lab:
        before = key_policy(lab, KEY)
        lab.run(ALL_DAY)

        lab.deploy(lab.scenario.limits["repair"])
        ask_about_the_first(lab)
        lab.run(ALL_DAY)

        assert key_policy(lab, KEY) == before
        changes = [each for each in incidents(lab) if each.status is not Status.RESOLVED]
        # The very same plan is for a person to try again.
        assert [each.status for each in changes] == [Status.AWAITING_APPROVAL]
        states = {each["state"] for each in the_record(lab)["changes"]}
        assert states == {"rolled_back"}
        assert {each["outcome"] for each in the_record(lab)["objects"]} == {"waiting"}


# the guardrails of the moment, with the functions' own permissions


def tagged(lab: Lab, value: str) -> None:
    kms = lab.client("kms", "222222222222", "eu-central-1")
    kms.tag_resource(KeyId=KEY, Tags=[{"TagKey": "replimend", "TagValue": value}])


def test_people_are_sent_one_letter_to_decide_by(lab: Lab) -> None:
    incident = approving(lab)

    letters = [each for each in lab.published if each.subject]

    (letter,) = letters
    assert letter.subject == "Replimend: approve 1 change(s) for orders-ireland?"
    approve_it = f"replimend approve {incident['incidentId']} {incident['planHash']} --stack "
    assert approve_it in letter.message
    assert f"+++ {KEY} (after)" in letter.message


def test_what_nobody_answers_is_refused(lab: Lab) -> None:
    lab.deploy(
        {**lab.scenario.limits["repair"], "RepairMode": "approve", "ApprovalValidHours": "1"}
    )
    ask_about_the_first(lab)

    lab.clock.advance(timedelta(minutes=100))

    record = the_record(lab)
    assert record["incident"]["status"] == "refused"
    assert record["incident"]["summary"].startswith("nobody answered since")
    assert [each for each in record["history"] if each["became"] == "refused"][1:] == []


def test_a_key_that_is_tagged_never_is_not_mended(lab: Lab) -> None:
    before = key_policy(lab, KEY)
    tagged(lab, "never")
    lab.deploy(lab.scenario.limits["repair"])

    answer = ask_about_the_first(lab)
    lab.run(ALL_DAY)

    assert answer["verdict"]["objections"] == [f"{KEY} is tagged replimend=never"]
    assert key_policy(lab, KEY) == before


@pytest.mark.parametrize(("value", "status"), [("allowed", "resolved"), ("other", "refused")])
def test_once_a_tag_is_required_only_what_bears_it_is_mended(
    lab: Lab, value: str, status: str
) -> None:
    role = lab.client("iam")
    name = lab.scenario.world.role.arn.rpartition("/")[2]
    role.tag_role(RoleName=name, Tags=[{"Key": "replimend", "Value": "allowed"}])
    tagged(lab, value)
    lab.deploy({**lab.scenario.limits["repair"], "RequiredTag": "replimend=allowed"})

    ask_about_the_first(lab)
    lab.run(ALL_DAY)

    assert the_record(lab)["incident"]["status"] == status


def test_what_access_analyzer_could_not_say_is_kept_with_the_change(lab: Lab) -> None:
    lab.deploy(lab.scenario.limits["repair"])
    ask_about_the_first(lab)
    lab.run(ALL_DAY)

    (change,) = the_record(lab)["changes"]

    assert {each["result"] for each in change["secondOpinion"]} == {"not_available"}
    assert {each["name"] for each in change["secondOpinion"]} == {
        "ValidatePolicy",
        "CheckNoPublicAccess",
        "CheckNoNewAccess",
    }


# what lives for a time only


GRANTING: Fields = {
    **BROKEN,
    "world": {"buckets": {"source": {"bucket_key": True}, "destination": {"bucket_key": True}}},
    "limits": {"repair": {"AllowedChanges": ["grant"]}},
}
ITS_TIME = timedelta(days=30)


def grants_of(lab: Lab) -> list[str]:
    kms = lab.client("kms", "222222222222", "eu-central-1")
    return [each["Name"] for each in kms.list_grants(KeyId=KEY)["Grants"]]


def sweep_daily(lab: Lab) -> None:
    """A month of quarters of an hour takes minutes; what the sweep does is the same."""
    assert lab.home.stack is not None
    for rule in lab.home.stack.of_kind("AWS::Events::Rule"):
        if "ScheduleExpression" in rule.properties:
            lab.services.schedules.put(rule.physical.arn, "rate(1 day)")


def test_a_grant_is_revoked_by_the_sweep_once_its_thirty_days_are_over() -> None:
    with Lab.from_scenario(Scenario.read(GRANTING, name="a grant")) as lab:
        lab.run(ALL_DAY)
        change = repaired(lab)["changes"][0]
        granted = grants_of(lab)
        sweep_daily(lab)

        lab.clock.advance(ITS_TIME - timedelta(days=2))
        nearly = grants_of(lab)
        lab.clock.advance(timedelta(days=3))

        assert change["kind"] == "grant"
        assert granted == nearly == [change["policyName"]]
        assert grants_of(lab) == []
        assert the_record(lab)["changes"][0]["state"] == "rolled_back"


# the kinds of change that always need a person


ALIAS: Fields = {
    "objects": [{"key": "orders/1.json"}],
    "settings": {"aliases": "refused"},
    "world": {"keys": {"destination": {"alias": "alias/orders"}}},
    "broken": {
        "rules.to-frankfurt.key": "arn:aws:kms:eu-central-1:222222222222:alias/orders",
    },
    "limits": {"repair": {"AllowedChanges": ["replication_configuration"]}},
}
PENDING: Fields = {
    "objects": [{"key": "orders/1.json", "at": "5m"}],
    "later": [{"at": "1m", "world": {"keys.destination.state": "PendingDeletion"}}],
    "limits": {"repair": {"AllowedChanges": ["key_state"]}},
}


def replication_of(lab: Lab) -> dict[str, Any]:
    found = lab.client("s3").get_bucket_replication(Bucket="orders-ireland")
    return dict(found["ReplicationConfiguration"])


def approved_repair(lab: Lab) -> dict[str, Any]:
    lab.run(ALL_DAY)
    lab.deploy(lab.scenario.limits["repair"])
    incident = ask_about_the_first(lab)["incident"]
    assert incident["status"] == "awaiting_approval"
    approve(lab, incident, incident["planHash"])
    lab.run(ALL_DAY)
    return the_record(lab)


def test_rolling_back_puts_the_replication_configuration_back() -> None:
    with Lab.from_scenario(Scenario.read(ALIAS, name="an alias")) as lab:
        before = replication_of(lab)
        record = approved_repair(lab)
        after = replication_of(lab)

        answer = roll_back(lab, record["changes"][0]["changeId"])

        encryption = after["Rules"][0]["Destination"]["EncryptionConfiguration"]
        assert encryption == {"ReplicaKmsKeyID": KEY}
        assert answer["rolledBack"]
        assert replication_of(lab) == before


def test_a_key_is_disabled_again_and_its_deletion_never_scheduled() -> None:
    with Lab.from_scenario(Scenario.read(PENDING, name="a deletion")) as lab:
        changes = {each["policyName"]: each for each in approved_repair(lab)["changes"]}

        first = roll_back(lab, changes["EnableKey"]["changeId"])
        second = roll_back(lab, changes["CancelKeyDeletion"]["changeId"])

        kms = lab.client("kms", "222222222222", "eu-central-1")
        assert first["rolledBack"]
        assert not second["rolledBack"]
        assert "kms:ScheduleKeyDeletion" in second["says"]
        assert kms.describe_key(KeyId=KEY)["KeyMetadata"]["KeyState"] == "Disabled"
