"""What is in force is what was written a while ago; what the APIs show is what was written."""

import json
from collections.abc import Generator
from datetime import timedelta

import pytest

from lab.key_store import KeyState
from lab.policies import RolePolicies
from tests.integration.lab.pair import (
    ROLE,
    TARGET,
    TARGET_ACCOUNT,
    TARGET_KEY,
    Pair,
    document,
    pair,
    root_of,
    trust,
)

DELAY = timedelta(seconds=30)
MOMENT = timedelta(seconds=1)
CLOSED = document(root_of(TARGET_ACCOUNT))


@pytest.fixture
def world() -> Generator[Pair]:
    with pair() as made:
        yield made


def test_a_key_policy_is_shown_at_once_and_in_force_after_the_delay(world: Pair) -> None:
    before = world.storage.policies.of_resource(TARGET_KEY)
    world.kms().put_key_policy(KeyId=TARGET_KEY, Policy=CLOSED)

    shown = world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"]
    at_once = world.storage.policies.of_resource(TARGET_KEY)
    world.clock.advance(DELAY - MOMENT)
    almost = world.storage.policies.of_resource(TARGET_KEY)
    world.clock.advance(MOMENT)
    then = world.storage.policies.of_resource(TARGET_KEY)

    assert (shown, at_once, almost, then) == (CLOSED, before, before, CLOSED)


def test_of_two_changes_each_takes_effect_in_its_turn(world: Pair) -> None:
    first, second = (
        document(root_of(TARGET_ACCOUNT)),
        document({**root_of(TARGET_ACCOUNT), "Sid": "second"}),
    )
    world.kms().put_key_policy(KeyId=TARGET_KEY, Policy=first)
    world.clock.advance(timedelta(seconds=10))
    world.kms().put_key_policy(KeyId=TARGET_KEY, Policy=second)

    world.clock.advance(timedelta(seconds=20))
    after_first = world.storage.policies.of_resource(TARGET_KEY)
    world.clock.advance(timedelta(seconds=10))
    after_second = world.storage.policies.of_resource(TARGET_KEY)

    assert (after_first, after_second) == (first, second)


def test_a_roles_policies_boundary_and_trust_are_delayed_alike(world: Pair) -> None:
    before = world.storage.policies.of_role(ROLE)
    world.iam.delete_role_policy(RoleName="orders-replication", PolicyName="replication")
    world.iam.update_assume_role_policy(
        RoleName="orders-replication", PolicyDocument=trust("ec2.amazonaws.com")
    )

    at_once = world.storage.policies.of_role(ROLE)
    trusted_at_once = world.storage.policies.of_resource(ROLE)
    world.clock.advance(DELAY)

    assert at_once == before
    assert "s3.amazonaws.com" in (trusted_at_once or "")
    assert world.storage.policies.of_role(ROLE) == RolePolicies()
    assert "ec2.amazonaws.com" in (world.storage.policies.of_resource(ROLE) or "")


def test_a_managed_policys_new_version_is_delayed(world: Pair) -> None:
    arn = world.iam.create_policy(
        PolicyName="managed",
        PolicyDocument=document({"Effect": "Deny", "Action": "*", "Resource": "*"}),
    )["Policy"]["Arn"]
    world.iam.attach_role_policy(RoleName="orders-replication", PolicyArn=arn)
    world.clock.advance(DELAY)

    world.iam.create_policy_version(
        PolicyArn=arn,
        PolicyDocument=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        SetAsDefault=True,
    )
    at_once = world.storage.policies.of_role(ROLE).identity[-1]
    world.clock.advance(DELAY)
    then = world.storage.policies.of_role(ROLE).identity[-1]

    assert json.loads(at_once)["Statement"][0]["Effect"] == "Deny"
    assert json.loads(then)["Statement"][0]["Effect"] == "Allow"


def test_grants_bucket_policies_and_key_states_are_delayed_alike(world: Pair) -> None:
    policies = world.storage.policies
    bucket = f"arn:aws:s3:::{TARGET}"
    world.kms().create_grant(KeyId=TARGET_KEY, GranteePrincipal=ROLE, Operations=["Encrypt"])
    world.kms().disable_key(KeyId=TARGET_KEY)
    world.target.delete_bucket_policy(Bucket=TARGET)

    at_once = (
        len(policies.grants_on(TARGET_KEY)),
        policies.key_state(TARGET_KEY),
        policies.of_resource(bucket) is not None,
    )
    world.clock.advance(DELAY)
    then = (
        len(policies.grants_on(TARGET_KEY)),
        policies.key_state(TARGET_KEY),
        policies.of_resource(bucket) is not None,
    )

    assert at_once == (0, KeyState.ENABLED, True)
    assert then == (1, KeyState.DISABLED, False)


def test_what_is_new_is_in_force_from_the_start(world: Pair) -> None:
    world.iam.create_role(RoleName="another", AssumeRolePolicyDocument=trust("s3.amazonaws.com"))

    found = world.storage.policies.of_resource("arn:aws:iam::111111111111:role/another")

    assert found == trust("s3.amazonaws.com")


def test_settling_puts_everything_stored_in_force(world: Pair) -> None:
    world.kms().put_key_policy(KeyId=TARGET_KEY, Policy=CLOSED)

    world.storage.policies.settle()

    assert world.storage.policies.of_resource(TARGET_KEY) == CLOSED
