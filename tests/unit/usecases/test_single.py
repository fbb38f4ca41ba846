"""One object by hand: followed through the same job, within the same limits."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from replimend.domain.commands import RecopyObject
from replimend.domain.facts import Absent, ReplicationSetup
from replimend.domain.repair.verdicts import Mode
from replimend.domain.unavailable import Unavailable
from tests.facts import OBJECT_KEY, ROLE_ARN, VERSION, a_rule, healthy_facts
from tests.incidents import LIMITS
from tests.unit.usecases.world import World

COMMAND = RecopyObject(bucket="orders-ireland", key=OBJECT_KEY, version_id=VERSION)


@pytest.fixture
def world() -> World:
    return World(healthy_facts())


def asked(world: World) -> Mapping[str, Any]:
    return world.single.recopy(COMMAND)


def test_asking_starts_a_job_and_asking_again_follows_it(world: World) -> None:
    first = asked(world)
    second = asked(world)

    assert first == second
    assert first["outcome"] == "running"
    assert list(world.jobs.jobs) == ["job-1"]


def test_the_job_ends_in_a_verified_replica(world: World) -> None:
    asked(world)
    world.finish("job-1")

    assert asked(world)["outcome"] == "replicated"


def test_a_failed_job_says_why(world: World) -> None:
    asked(world)
    world.finish("job-1", failing=frozenset({OBJECT_KEY}))

    assert asked(world) == {"outcome": "failed", "says": "job job-1: DstPutObjectNotPermitted"}


def test_a_success_that_nobody_sees_yet_is_still_running(world: World) -> None:
    asked(world)
    world.finish("job-1")
    world.objects.delete("orders-frankfurt", OBJECT_KEY, VERSION)

    assert asked(world)["outcome"] == "running"


def test_an_hour_later_another_job_tries(world: World) -> None:
    asked(world)
    world.finish("job-1", failing=frozenset({OBJECT_KEY}))
    world.clock.advance(timedelta(hours=1))

    assert asked(world)["outcome"] == "running"
    assert list(world.jobs.jobs) == ["job-1", "job-2"]


def test_what_is_over_there_already_needs_no_job(world: World) -> None:
    world.replicate(OBJECT_KEY, VERSION)

    assert asked(world)["outcome"] == "replicated"
    assert world.jobs.jobs == {}


def test_what_is_gone_needs_no_job(world: World) -> None:
    world.objects.delete("orders-ireland", OBJECT_KEY, VERSION)

    assert asked(world)["outcome"] == "gone"
    assert world.jobs.jobs == {}


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (replace(LIMITS, mode=Mode.OBSERVE), "the mode is observe"),
        (replace(LIMITS, source_buckets=frozenset()), "not among the source buckets"),
    ],
    ids=["observing", "unlisted"],
)
def test_limits_hold_for_people_too(world: World, limits: Any, says: str) -> None:
    world.limits = limits

    answer = asked(world)

    assert answer["outcome"] == "refused"
    assert says in answer["says"]
    assert world.jobs.jobs == {}


@pytest.mark.parametrize(
    "setup",
    [
        Absent(what="replication"),
        Unavailable(reason="denied to us"),
        ReplicationSetup(role_arn=ROLE_ARN, rules=()),
        ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(prefix="other/"),)),
        ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(enabled=False),)),
    ],
    ids=["no configuration", "unread", "no rules", "another prefix", "disabled"],
)
def test_an_object_that_no_rule_replicates_is_refused(world: World, setup: Any) -> None:
    world.buckets.setups["orders-ireland"] = setup

    assert asked(world)["outcome"] == "refused"
    assert world.jobs.jobs == {}
