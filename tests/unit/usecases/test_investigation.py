"""What is read for a diagnosis, and where: aliases and ids name keys in somebody's account."""

from dataclasses import dataclass, field

import pytest

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.facts import Fact, Key, ReplicationSetup
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import Sample
from replimend.domain.repair.plan import NoPlan
from tests.facts import HOME, MEMBER, OBJECT_KEY, ROLE_ARN, VERSION, a_rule, flagship_facts
from tests.fakes import FakeKeys
from tests.incidents import GROUP
from tests.unit.usecases.world import World

SAMPLE = Sample(key=OBJECT_KEY, version_id=VERSION)
REASON = FailureReason.parse("DstPutObjectNotPermitted")


@dataclass
class AskedKeys(FakeKeys):
    """Keys that remember in which account and Region each name was looked up."""

    asked: dict[str, tuple[str, str]] = field(default_factory=dict)

    def describe(self, key: str, account: str, region: str) -> Fact[Key]:
        self.asked[key] = (account, region)
        return super().describe(key, account, region)


def world_with_replica_key(name: str) -> World:
    setup = ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(replica_key=name),))
    world = World(flagship_facts(setup=setup))
    named = next(key for arn, key in world.keys.keys.items() if f":{MEMBER}:" in arn)
    world.keys = AskedKeys({**world.keys.keys, name: named})
    return world


@pytest.mark.parametrize(
    ("name", "account", "region"),
    [
        ("alias/orders", HOME, "eu-central-1"),
        ("22222222-2222-4222-8222-222222222222", HOME, "eu-central-1"),
        (f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders", MEMBER, "eu-central-1"),
        (f"arn:aws:kms:eu-west-1:{HOME}:alias/orders", HOME, "eu-west-1"),
    ],
)
def test_a_replica_key_is_looked_up_in_the_account_that_its_name_means(
    name: str, account: str, region: str
) -> None:
    world = world_with_replica_key(name)

    world.investigation.investigate(GROUP, SAMPLE, REASON)

    assert isinstance(world.keys, AskedKeys)
    assert world.keys.asked[name] == (account, region)


def test_a_key_that_an_alias_names_gets_no_policy_of_ours() -> None:
    world = world_with_replica_key(f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders")

    finding = world.investigation.investigate(GROUP, SAMPLE, REASON)

    assert finding.diagnosis.cause is Cause.REPLICA_KEY_IS_ALIAS
    assert isinstance(finding.plan, NoPlan)


def test_the_failure_counts_as_of_now() -> None:
    world = World()

    finding = world.investigation.investigate(GROUP, SAMPLE, REASON)

    assert finding.facts.failed_at == world.clock.now()
