"""The flagship story on the lab: each numbered step of the main job, asserted one by one."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.lab import Lab
from lab.scenario import SCENARIOS
from lab.trace import Passage
from tests.integration.on_lab import ALL_DAY, ask_about_the_first, incidents, key_policy, the_record

SOURCE, DESTINATION = "orders-ireland", "orders-frankfurt"
HOME, MEMBER = "111111111111", "222222222222"
KEY = f"arn:aws:kms:eu-central-1:{MEMBER}:key/22222222-2222-4222-8222-222222222222"
ROLE = f"arn:aws:iam::{HOME}:role/replication/orders-replication"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the story left behind: the lab, and the key policy and record of each phase."""

    lab: Lab
    policy_before: dict[str, Any]
    policy_observed: dict[str, Any]
    observed: dict[str, Any]
    answer: dict[str, Any]
    policy_after: dict[str, Any]
    record: dict[str, Any]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with Lab.from_scenario(SCENARIOS / "flagship.yaml") as lab:
        before = key_policy(lab, KEY)
        lab.run(ALL_DAY)
        observed = the_record(lab)
        policy_observed = key_policy(lab, KEY)
        lab.deploy(lab.scenario.limits["repair"])
        answer = ask_about_the_first(lab)
        lab.run(ALL_DAY)
        yield Told(
            lab=lab,
            policy_before=before,
            policy_observed=policy_observed,
            observed=observed,
            answer=answer,
            policy_after=key_policy(lab, KEY),
            record=the_record(lab),
        )


def everything_in_the_ledger(lab: Lab) -> list[dict[str, Any]]:
    assert lab.home.stack is not None
    pages = (
        lab.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=lab.home.stack.outputs["IncidentsTableName"])
    )
    items = [item for page in pages for item in page["Items"]]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def hops(lab: Lab, via: str, target: str) -> int:
    return sum(
        hop.passage is Passage.DELIVERED and hop.via.endswith(via) and hop.target.endswith(target)
        for hop in lab.trace
    )


def test_step_0_every_version_fails_as_s3_fails_it(told: Told) -> None:
    failures = [each for each in told.observed["objects"] if each["outcome"] == "waiting"]
    keys = {each.key for each in told.lab.versions}

    assert len(keys) == 25
    assert len(failures) == len(told.lab.versions) == 26
    assert any(len(key.encode()) == 900 for key in keys)
    assert all(any(sign in key for key in keys) for sign in (" ", "+", "%", "#", "ß"))


def test_step_1_signals_take_the_way_of_the_built_template(told: Told) -> None:
    put = len(told.lab.versions)

    # One more than were put: S3's test message for the new notification configuration.
    assert hops(told.lab, "NotificationPipe", "FailureBus") == put + 1
    assert hops(told.lab, "FailureRule", "SignalQueue") == put + 1
    assert hops(told.lab, "KeyDenialRule", "FailureBus") == put
    assert hops(told.lab, "ForwardedDenialRule", "SignalQueue") == put
    assert not [each for each in told.lab.trace if each.passage is Passage.DEAD_LETTERED]


def test_step_2_one_incident_names_the_cause_and_proves_it(told: Told) -> None:
    diagnosis = told.observed["diagnosis"]

    assert len(incidents(told.lab)) == 1
    assert diagnosis["cause"] == "key_policy_lacks_role"
    assert diagnosis["confidence"] == "proven"
    assert diagnosis["requirement"]["action"] == "kms:Encrypt"
    assert diagnosis["subject"] == KEY
    said = [each["says"] for each in diagnosis["evidence"]]
    assert any(
        f"neither names the role nor delegates kms:Encrypt to account {HOME}" in each
        for each in said
    )
    assert any("CloudTrail" in each for each in said)
    assert {each["cause"] for each in diagnosis["ruledOut"]} >= {
        "explicit_deny",
        "role_policy_lacks_action",
        "destination_key_unusable",
    }


def test_step_3_observing_records_the_plan_and_changes_nothing(told: Told) -> None:
    assert told.observed["incident"]["status"] == "observed"
    assert told.observed["verdict"]["verdict"] == "refused"
    assert "the mode is observe: nothing is changed" in told.observed["verdict"]["objections"]
    assert told.observed["plan"]["changes"]
    assert told.observed["changes"] == []
    assert told.policy_observed == told.policy_before


def test_step_3_the_same_plan_is_approved_once_the_limits_allow_it(told: Told) -> None:
    assert told.answer["verdict"]["verdict"] == "approved"
    assert told.answer["plan"]["hash"] == told.observed["plan"]["hash"]
    assert told.answer["incident"]["incidentId"] == told.observed["incident"]["incidentId"]


def test_step_4_exactly_one_statement_is_added_and_stored_with_its_inverse(told: Told) -> None:
    *kept, added = told.policy_after["Statement"]
    (change,) = told.record["changes"]

    assert kept == told.policy_before["Statement"]
    assert added["Effect"] == "Allow"
    assert added["Principal"] == {"AWS": ROLE}
    assert added["Action"] == "kms:Encrypt"
    assert added["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{DESTINATION}/*"},
    }
    assert (change["before"], change["after"]) == (told.policy_before, told.policy_after)
    assert change["state"] == "applied"
    assert f'+      "Sid": "{added["Sid"]}"' in change["diff"]


def test_step_4_the_member_accounts_repairer_role_wrote_it(told: Told) -> None:
    writers = [call.caller.role_arn for call in told.lab.calls if call.operation == "PutKeyPolicy"]

    assert writers == [f"arn:aws:iam::{MEMBER}:role/replimend-repairer"]


def test_step_5_one_canary_then_one_job_for_the_rest(told: Told) -> None:
    jobs = [call for call in told.lab.calls if call.operation == "CreateJob"]
    summaries = [each["summary"] for each in told.record["history"]]

    assert len(jobs) == 2
    assert [each.rpartition(" re-copies ")[2] for each in summaries if "re-copies" in each] == [
        "1 version(s)",
        "25 version(s)",
    ]


def test_step_5_every_replica_has_what_its_version_has(told: Told) -> None:
    source = told.lab.client("s3", HOME, "eu-west-1")
    destination = told.lab.client("s3", MEMBER, "eu-central-1")

    for each in told.record["objects"]:
        if each["outcome"] == "gone":
            continue
        which = {"Key": each["key"], "VersionId": each["versionId"]}
        original = source.head_object(Bucket=SOURCE, **which)
        replica = destination.head_object(Bucket=DESTINATION, **which)
        assert original["ReplicationStatus"] == "COMPLETED"
        assert replica["ReplicationStatus"] == "REPLICA"
        assert replica["SSEKMSKeyId"] == KEY
        for name in ("Metadata", "ContentType", "ContentLength"):
            assert replica[name] == original[name]
        assert (
            destination.get_object_tagging(Bucket=DESTINATION, **which)["TagSet"]
            == source.get_object_tagging(Bucket=SOURCE, **which)["TagSet"]
        )


def test_step_5_both_versions_of_the_overwritten_one_are_in_the_right_order(told: Told) -> None:
    put = [each.version_id for each in told.lab.versions if each.key == "prices/current.json"]
    listed = told.lab.client("s3", MEMBER, "eu-central-1").list_object_versions(
        Bucket=DESTINATION, Prefix="prices/current.json"
    )["Versions"]

    assert len(put) == 2
    assert [each["VersionId"] for each in listed] == list(reversed(put))
    assert [each["IsLatest"] for each in listed] == [True, False]


def test_step_6_the_incident_is_resolved_with_a_line_for_each_version(told: Told) -> None:
    ends = Counter(each["outcome"] for each in told.record["objects"])

    assert told.record["incident"]["status"] == "resolved"
    assert ends == {"replicated": 25, "gone": 1}
    assert {(each["key"], each["versionId"]) for each in told.record["objects"]} == {
        (each.key, each.version_id) for each in told.lab.versions
    }
    (gone,) = [each for each in told.record["objects"] if each["outcome"] == "gone"]
    assert gone["key"] == "tmp/upload-in-error.bin"


def test_step_6_an_event_and_a_message_told_of_it(told: Told) -> None:
    messages = [json.loads(each.message) for each in told.lab.published]

    assert messages[-1]["status"] == "resolved"
    assert messages[-1]["incidentId"] == told.record["incident"]["incidentId"]
    assert hops(told.lab, "OutcomeRule", "OutcomeTopic") == len(messages)


def test_no_function_needs_more_than_its_own_role(told: Told) -> None:
    refused = [
        (call.caller.role_arn, call.operation)
        for call in told.lab.calls
        if not call.allowed and "replimend" in call.caller.role_arn
    ]

    assert refused == []


def test_a_second_delivery_of_every_message_changes_nothing(told: Told) -> None:
    ledger = everything_in_the_ledger(told.lab)
    policy, told_so_far = key_policy(told.lab, KEY), len(told.lab.published)
    jobs = sum(call.operation == "CreateJob" for call in told.lab.calls)

    for again in (told.lab.redeliver(), told.lab.redeliver()):
        assert [each.error for each in again if each.error] == []
    told.lab.run(ALL_DAY)

    assert everything_in_the_ledger(told.lab) == ledger
    assert key_policy(told.lab, KEY) == policy
    assert len(told.lab.published) == told_so_far
    assert sum(call.operation == "CreateJob" for call in told.lab.calls) == jobs
