"""A person asks about one object: the same answer as a failure gets, and the same help."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.facts import Absent, ReplicationSetup
from replimend.domain.incident import Status
from replimend.domain.repair.verdicts import Mode
from replimend.domain.signals import ManualRequest
from replimend.domain.unavailable import Unavailable
from replimend.usecases.triage import DIAGNOSIS_LEASE
from tests.facts import DESTINATION_KEY, OBJECT_KEY, ROLE_ARN, VERSION, a_rule, healthy_facts
from tests.incidents import LIMITS, a_failure
from tests.unit.usecases.world import World


def asked(
    world: World, key: str = OBJECT_KEY, version_id: str | None = VERSION
) -> Mapping[str, Any]:
    return world.inquiry.answer(
        ManualRequest(bucket="orders-ireland", key=key, version_id=version_id)
    )


def test_a_failed_object_is_answered_with_cause_plan_verdict_and_incident() -> None:
    world = World()

    answer = asked(world)

    assert answer["diagnosis"]["cause"] == Cause.KEY_POLICY_LACKS_ROLE
    assert answer["diagnosis"]["requirement"]["action"] == "kms:Encrypt"
    assert [each["subject"] for each in answer["plan"]["changes"]] == [DESTINATION_KEY]
    assert "+" in answer["plan"]["changes"][0]["diff"]
    assert answer["verdict"] == {"verdict": "approved", "by": None, "objections": []}
    assert answer["incident"]["incidentId"] == world.incident.incident_id
    assert answer["others"] == []


def test_a_failed_object_is_mended_to_the_end() -> None:
    world = World()
    asked(world)

    world.settle()

    assert world.incident.status is Status.RESOLVED
    assert world.incident.summary == "1 replicated"


def test_a_question_joins_the_incident_that_s3_reported() -> None:
    world = World(limits=replace(LIMITS, mode=Mode.OBSERVE))
    world.tell(a_failure())
    reported = world.incident

    answer = asked(world)

    assert answer["incident"]["incidentId"] == reported.incident_id
    assert world.incident.group == reported.group
    assert len(world.incidents.groups_of(reported.incident_id)) == 2


def test_without_a_version_the_current_one_is_meant() -> None:
    world = World()
    world.add_object(version_id="newer")

    asked(world, version_id=None)

    assert world.incident.sample.version_id == "newer"


@pytest.mark.parametrize(
    ("status", "cause"),
    [("COMPLETED", Cause.ALREADY_REPLICATED), ("PENDING", Cause.KEY_POLICY_LACKS_ROLE)],
)
def test_an_object_that_did_not_fail_is_explained_and_left_alone(status: str, cause: Cause) -> None:
    world = World()
    world.add_object(replication_status=status)

    answer = asked(world)

    assert (answer["diagnosis"]["cause"], answer["incident"]) == (cause, None)
    assert world.incidents.incidents == {}
    assert world.outbox.sent == []


def test_an_object_that_is_gone_is_explained() -> None:
    world = World()

    answer = asked(world, key="no-such.pdf")

    assert answer["diagnosis"]["cause"] == Cause.OBJECT_GONE
    assert world.incidents.incidents == {}


def test_while_somebody_diagnoses_the_group_the_answer_comes_without_an_incident() -> None:
    world = World()
    now = world.clock.now()
    asked(world)
    (group,) = world.incidents.of_group
    world.signals.claim_diagnosis(group, now, now + DIAGNOSIS_LEASE)

    answer = asked(world)

    assert answer["diagnosis"]["cause"] == Cause.KEY_POLICY_LACKS_ROLE
    assert answer["incident"] is None


def test_of_several_rules_the_one_that_needs_most_comes_first() -> None:
    world = World(healthy_facts())
    broken = a_rule(rule_id="to-nowhere", replica_key=None, replicates_kms_objects=False)
    world.buckets.setups["orders-ireland"] = ReplicationSetup(
        role_arn=ROLE_ARN, rules=(a_rule(), broken, a_rule(rule_id="other", prefix="other/"))
    )

    answer = asked(world)

    assert answer["diagnosis"]["cause"] == Cause.NOT_OPTED_IN
    assert [each["diagnosis"]["cause"] for each in answer["others"]] == [Cause.MENDED]


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        (Absent(what="replication"), "has no replication configuration"),
        (Unavailable(reason="denied to us"), "could not be read: denied to us"),
        (ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(prefix="other/"),)), "no rule of"),
    ],
    ids=["no configuration", "unread", "another prefix"],
)
def test_an_object_that_no_rule_selects_is_answered_all_the_same(setup: Any, says: str) -> None:
    world = World()
    world.buckets.setups["orders-ireland"] = setup

    answer = asked(world)

    assert answer["diagnosis"]["cause"] == Cause.UNDETERMINED
    assert says in answer["plan"]["because"]
    assert answer["incident"] is None
