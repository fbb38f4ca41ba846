"""KMS in the lab refuses what KMS refuses."""

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.key_store import KeyState, aws_managed_key, set_state
from tests.integration.lab.pair import (
    ROLE,
    SOURCE_ACCOUNT,
    TARGET_ACCOUNT,
    TARGET_KEY,
    TARGET_REGION,
    Pair,
    admit,
    allow,
    document,
    pair,
    root_of,
    trust,
)

MALFORMED = "MalformedPolicyDocumentException"
ROOT = root_of(TARGET_ACCOUNT)
EDITOR = f"arn:aws:iam::{TARGET_ACCOUNT}:role/editor"


@pytest.fixture
def world() -> Generator[Pair]:
    with pair() as made:
        yield made


def code_of(call: Callable[[], object]) -> str:
    """The error code with which the call is refused."""
    with pytest.raises(ClientError) as refusal:
        call()
    return str(refusal.value.response["Error"]["Code"])


def put_policy(world: Pair, policy: str, **more: Any) -> Callable[[], object]:
    return lambda: world.kms().put_key_policy(KeyId=TARGET_KEY, Policy=policy, **more)


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("{", MALFORMED),
        ("[]", MALFORMED),
        ('{"Version": "2012-10-17", "Statement": []}', MALFORMED),
        (document({**ROOT, "Resource": TARGET_KEY}), MALFORMED),
        (document({**ROOT, "Effect": "Permit"}), MALFORMED),
        (document({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}), MALFORMED),
        (document(ROOT, admit(f"arn:aws:iam::{SOURCE_ACCOUNT}:role/nobody", "kms:*")), MALFORMED),
        (document(ROOT, admit("AROAAAAAAAAAAAAAAAAAA", "kms:Encrypt")), MALFORMED),
        (document(admit(ROLE, "kms:*")), MALFORMED),
        (document({**ROOT, "Action": ["kms:Encrypt"]}), MALFORMED),
        (document(ROOT, {**ROOT, "Sid": "x" * 32_768}), "LimitExceededException"),
    ],
    ids=[
        "not JSON",
        "not an object",
        "no statements",
        "a resource",
        "an effect that is none",
        "no principal",
        "a role that does not exist",
        "a role that is no more",
        "locks its caller out",
        "locks everybody out",
        "too large",
    ],
)
def test_a_key_policy_that_kms_refuses_changes_nothing(world: Pair, policy: str, code: str) -> None:
    before = world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"]

    assert code_of(put_policy(world, policy)) == code

    assert world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"] == before


def test_the_lock_out_check_can_be_bypassed(world: Pair) -> None:
    locked = document({**ROOT, "Action": ["kms:Encrypt"]})

    put_policy(world, locked, BypassPolicyLockoutSafetyCheck=True)()

    assert world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"] == locked


def test_the_lock_out_check_is_about_the_caller(world: Pair) -> None:
    _make_editor(world, allow(["kms:PutKeyPolicy"], TARGET_KEY))
    editor = world.gate.client("kms", TARGET_ACCOUNT, TARGET_REGION, as_role=EDITOR)
    without_editor = document({**ROOT, "Action": ["kms:Encrypt"]})
    with_editor = document(admit(EDITOR, "kms:PutKeyPolicy"))

    refused = code_of(lambda: editor.put_key_policy(KeyId=TARGET_KEY, Policy=without_editor))
    editor.put_key_policy(KeyId=TARGET_KEY, Policy=with_editor)

    assert refused == MALFORMED
    assert world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"] == with_editor


def test_a_policy_of_exactly_the_size_limit_is_taken(world: Pair) -> None:
    empty = len(document(ROOT, {**ROOT, "Sid": ""}))

    put_policy(world, document(ROOT, {**ROOT, "Sid": "x" * (32_768 - empty)}))()


def test_a_statement_without_an_action_is_taken_and_has_no_effect(world: Pair) -> None:
    idle = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Resource": "*"}

    world.set_target_key_policy(ROOT, idle)
    world.put()
    world.wait()

    assert world.status() == "FAILED"


def test_a_deleted_role_shows_as_its_unique_id_even_after_it_is_made_anew(world: Pair) -> None:
    identifier = world.iam.get_role(RoleName="orders-replication")["Role"]["RoleId"]
    world.iam.delete_role_policy(RoleName="orders-replication", PolicyName="replication")
    world.iam.delete_role(RoleName="orders-replication")
    world.iam.create_role(
        RoleName="orders-replication",
        Path="/replication/",
        AssumeRolePolicyDocument=trust("s3.amazonaws.com"),
    )

    shown = json.loads(world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"])

    assert shown["Statement"][1]["Principal"] == {"AWS": identifier}
    assert code_of(put_policy(world, json.dumps(shown))) == MALFORMED


def test_the_unique_id_of_someone_who_lives_becomes_a_name(world: Pair) -> None:
    identifier = world.iam.get_role(RoleName="orders-replication")["Role"]["RoleId"]

    put_policy(world, document(ROOT, admit(identifier, "kms:Encrypt")))()

    shown = json.loads(world.kms().get_key_policy(KeyId=TARGET_KEY)["Policy"])
    assert shown["Statement"][1]["Principal"] == {"AWS": ROLE}


def test_key_policies_are_the_business_of_the_keys_own_account(world: Pair) -> None:
    other = world.kms(SOURCE_ACCOUNT)

    refused = {
        code_of(lambda: other.put_key_policy(KeyId=TARGET_KEY, Policy=document(ROOT))),
        code_of(lambda: other.get_key_policy(KeyId=TARGET_KEY)),
    }

    assert refused <= {"AccessDeniedException", "NotFoundException"}


def test_a_key_of_another_region_is_not_found(world: Pair) -> None:
    elsewhere = world.kms(TARGET_ACCOUNT, "eu-west-1")

    for call in (
        lambda: elsewhere.get_key_policy(KeyId=TARGET_KEY),
        lambda: elsewhere.put_key_policy(KeyId=TARGET_KEY, Policy=document(ROOT)),
        lambda: elsewhere.describe_key(KeyId=TARGET_KEY),
        lambda: elsewhere.list_grants(KeyId=TARGET_KEY),
        lambda: elsewhere.encrypt(KeyId=TARGET_KEY, Plaintext=b"x"),
    ):
        assert code_of(call) == "NotFoundException"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (KeyState.DISABLED, "DisabledException"),
        (KeyState.PENDING_DELETION, "KMSInvalidStateException"),
        (KeyState.PENDING_IMPORT, "KMSInvalidStateException"),
        (KeyState.CREATING, "KMSInvalidStateException"),
    ],
)
def test_a_key_that_is_not_enabled_refuses_to_work(world: Pair, state: KeyState, code: str) -> None:
    ciphertext = world.kms().encrypt(KeyId=TARGET_KEY, Plaintext=b"x")["CiphertextBlob"]
    set_state(TARGET_KEY, state)

    for call in (
        lambda: world.kms().encrypt(KeyId=TARGET_KEY, Plaintext=b"x"),
        lambda: world.kms().decrypt(KeyId=TARGET_KEY, CiphertextBlob=ciphertext),
        lambda: world.kms().generate_data_key(KeyId=TARGET_KEY, KeySpec="AES_256"),
    ):
        assert code_of(call) == code


def test_keys_change_state_by_their_arn(world: Pair) -> None:
    kms = world.kms()
    states = []

    for change in (
        kms.disable_key,
        kms.enable_key,
        kms.schedule_key_deletion,
        kms.cancel_key_deletion,
    ):
        change(KeyId=TARGET_KEY)
        states.append(kms.describe_key(KeyId=TARGET_KEY)["KeyMetadata"]["KeyState"])

    assert states == ["Disabled", "Enabled", "PendingDeletion", "Disabled"]


def test_an_aws_managed_key_lets_nobody_change_it(world: Pair) -> None:
    arn = aws_managed_key(TARGET_ACCOUNT, TARGET_REGION).arn

    for call in (
        lambda: world.kms().put_key_policy(KeyId=arn, Policy=document(ROOT)),
        lambda: world.kms().disable_key(KeyId=arn),
        lambda: world.kms().schedule_key_deletion(KeyId=arn),
    ):
        assert code_of(call) == "UnsupportedOperationException"
    assert world.kms().describe_key(KeyId=arn)["KeyMetadata"]["KeyManager"] == "AWS"


def test_a_dry_run_that_would_succeed_says_so_and_does_nothing(world: Pair) -> None:
    kms = world.kms()

    for call in (
        lambda: kms.create_grant(
            KeyId=TARGET_KEY, GranteePrincipal=ROLE, Operations=["Encrypt"], DryRun=True
        ),
        lambda: kms.encrypt(KeyId=TARGET_KEY, Plaintext=b"x", DryRun=True),
    ):
        assert code_of(call) == "DryRunOperationException"
    assert kms.list_grants(KeyId=TARGET_KEY)["Grants"] == []


def test_a_grant_of_the_same_name_and_content_is_the_same_grant(world: Pair) -> None:
    asked = {"KeyId": TARGET_KEY, "GranteePrincipal": ROLE, "Operations": ["Encrypt"]}
    kms = world.kms()

    named = {kms.create_grant(**asked, Name="replication")["GrantId"] for _ in range(2)}
    nameless = {kms.create_grant(**asked)["GrantId"] for _ in range(2)}
    wider = kms.create_grant(**asked | {"Operations": ["Encrypt", "Decrypt"]}, Name="replication")

    assert (len(named), len(nameless)) == (1, 2)
    assert wider["GrantId"] not in named


def test_grants_are_listed_with_who_issued_them_and_when(world: Pair) -> None:
    subset = {"EncryptionContextSubset": {"aws:s3:arn": "arn:aws:s3:::orders-frankfurt"}}
    grant_id = world.kms().create_grant(
        KeyId=TARGET_KEY,
        GranteePrincipal=ROLE,
        Operations=["Encrypt"],
        Constraints=subset,
        Name="replication",
    )["GrantId"]

    (grant,) = world.kms().list_grants(KeyId=TARGET_KEY)["Grants"]

    assert grant.pop("CreationDate") == world.clock.now()
    assert grant == {
        "KeyId": TARGET_KEY,
        "GrantId": grant_id,
        "Name": "replication",
        "GranteePrincipal": ROLE,
        "IssuingAccount": f"arn:aws:iam::{TARGET_ACCOUNT}:root",
        "Operations": ["Encrypt"],
        "Constraints": subset,
    }


def test_grants_are_listed_in_pages_and_by_grantee(world: Pair) -> None:
    kms = world.kms()
    for _ in range(3):
        kms.create_grant(KeyId=TARGET_KEY, GranteePrincipal=ROLE, Operations=["Encrypt"])

    pages = list(kms.get_paginator("list_grants").paginate(KeyId=TARGET_KEY, Limit=2))
    others = kms.list_grants(KeyId=TARGET_KEY, GranteePrincipal=EDITOR)["Grants"]

    assert [len(page["Grants"]) for page in pages] == [2, 1]
    assert others == []


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"Operations": ["PutKeyPolicy"]}, "ValidationException"),
        ({"GranteePrincipal": f"arn:aws:iam::{SOURCE_ACCOUNT}:role/nobody"}, "InvalidArnException"),
        ({"Name": "no spaces"}, "ValidationException"),
    ],
)
def test_a_grant_that_kms_refuses_is_not_made(
    world: Pair, broken: dict[str, Any], code: str
) -> None:
    asked = {"KeyId": TARGET_KEY, "GranteePrincipal": ROLE, "Operations": ["Encrypt"]} | broken

    assert code_of(lambda: world.kms().create_grant(**asked)) == code

    assert world.kms().list_grants(KeyId=TARGET_KEY)["Grants"] == []


def test_a_revoked_grant_is_gone_and_cannot_be_revoked_again(world: Pair) -> None:
    kms = world.kms()
    asked = {"KeyId": TARGET_KEY, "GranteePrincipal": ROLE, "Operations": ["Encrypt"]}
    grant_id = kms.create_grant(**asked)["GrantId"]

    kms.revoke_grant(KeyId=TARGET_KEY, GrantId=grant_id)

    assert kms.list_grants(KeyId=TARGET_KEY)["Grants"] == []
    again = code_of(lambda: kms.revoke_grant(KeyId=TARGET_KEY, GrantId=grant_id))
    assert again == "NotFoundException"


def test_a_replica_key_has_its_own_policy_and_grants(world: Pair) -> None:
    primary = world.kms(SOURCE_ACCOUNT, "eu-west-1")
    arn = primary.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    primary.create_grant(KeyId=arn, GranteePrincipal=ROLE, Operations=["Encrypt"])

    replica = primary.replicate_key(KeyId=arn, ReplicaRegion=TARGET_REGION)["ReplicaKeyMetadata"]

    there = world.kms(SOURCE_ACCOUNT, TARGET_REGION)
    assert there.list_grants(KeyId=replica["Arn"])["Grants"] == []
    there.put_key_policy(
        KeyId=replica["Arn"], Policy=document(root_of(SOURCE_ACCOUNT), admit(ROLE, "kms:Encrypt"))
    )
    assert len(json.loads(primary.get_key_policy(KeyId=arn)["Policy"])["Statement"]) == 1


def _make_editor(world: Pair, *statements: dict[str, Any]) -> None:
    iam = world.gate.client("iam", TARGET_ACCOUNT, TARGET_REGION)
    iam.create_role(RoleName="editor", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    iam.put_role_policy(
        RoleName="editor", PolicyName="editor", PolicyDocument=document(*statements)
    )
    world.settle()
