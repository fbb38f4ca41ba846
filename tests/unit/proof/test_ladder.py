"""Each rung of the ladder is taken when all below it would not do, and no sooner."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, Key
from replimend.domain.repair.plan import Change, ChangeKind, NoPlan
from replimend.domain.repair.rungs import GRANT_LIVES
from replimend.domain.repair.scope import SID_PREFIX, as_wide
from replimend.domain.repair.widening import added_value
from tests.facts import DESTINATION_KEY, MEMBER, ROLE_ARN, a_bucket, a_key, document, healthy_facts
from tests.unit.proof.ladder import (
    CONTEXT,
    DESTINATION,
    EVERY_KIND,
    SILENT_KEY,
    VIA,
    admitted,
    planned,
    the_plan,
    with_key_statement,
    without_bucket_policy,
)


def only_change(facts: Facts, *kinds: str) -> Change:
    (change,) = the_plan(facts, *kinds).changes
    return change


ALMOST: dict[str, tuple[Facts, tuple[str, str, str]]] = {
    "objects only, and a Bucket Key came": (
        with_key_statement(admitted("StringLike", CONTEXT, f"{DESTINATION}/*")),
        ("StringLike", CONTEXT, DESTINATION),
    ),
    "exact objects only": (
        with_key_statement(admitted("StringEquals", CONTEXT, f"{DESTINATION}/a.txt")),
        ("StringEquals", CONTEXT, DESTINATION),
    ),
    "the bucket only, and no Bucket Key": (
        with_key_statement(admitted("StringLike", CONTEXT, DESTINATION), bucket_key=False),
        ("StringLike", CONTEXT, f"{DESTINATION}/*"),
    ),
    "the other bucket's context": (
        with_key_statement(admitted("ArnLike", CONTEXT, "arn:aws:s3:::orders-ireland")),
        ("ArnLike", CONTEXT, DESTINATION),
    ),
    "the wrong Region's S3": (
        with_key_statement(
            admitted(
                "StringEquals",
                "kms:ViaService",
                "s3.eu-west-1.amazonaws.com",
                StringLike={CONTEXT: [DESTINATION, f"{DESTINATION}/*"]},
            )
        ),
        ("StringEquals", "kms:ViaService", VIA),
    ),
}


@pytest.mark.parametrize(("facts", "value"), ALMOST.values(), ids=ALMOST)
def test_the_statement_that_almost_matched_gets_the_one_value_that_s3_sends(
    facts: Facts, value: tuple[str, str, str]
) -> None:
    change = only_change(facts)

    (edit,) = change.after.edits_since(change.before)
    old, new = edit
    assert old is not None
    assert new is not None
    assert added_value(old, new) == value
    assert value[2] in change.blast_radius
    assert value[2] in change.reverses


IN_SCOPE = admitted("StringLike", CONTEXT, f"{DESTINATION}/*")
NOT_WIDENED: dict[str, Facts] = {
    "a VPC endpoint": with_key_statement(admitted("StringEquals", "aws:SourceVpce", "vpce-1")),
    "an address": with_key_statement(admitted("IpAddress", "aws:SourceIp", "192.0.2.0/24")),
    "a statement for others too": with_key_statement(
        {**IN_SCOPE, "Principal": {"AWS": [ROLE_ARN, f"arn:aws:iam::{MEMBER}:role/other"]}}
    ),
    "a statement for everybody": with_key_statement({**IN_SCOPE, "Principal": {"AWS": "*"}}),
    "a statement that allows more": with_key_statement({**IN_SCOPE, "Action": "kms:*"}),
    "two statements that almost match": with_key_statement(
        IN_SCOPE, {**IN_SCOPE, "Sid": "Another"}
    ),
    "two conditions that do not fit": with_key_statement(
        admitted(
            "StringLike",
            CONTEXT,
            f"{DESTINATION}/*",
            StringEquals={"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
        )
    ),
    "the wrong S3 for any bucket": with_key_statement(
        admitted("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com")
    ),
    "a negated operator": with_key_statement(admitted("StringNotLike", CONTEXT, DESTINATION)),
}


@pytest.mark.parametrize("facts", NOT_WIDENED.values(), ids=NOT_WIDENED)
def test_any_other_condition_stays_and_a_narrow_statement_comes_beside_it(facts: Facts) -> None:
    change = only_change(facts)

    assert isinstance(facts.destination_key, Key)
    assert isinstance(facts.destination_key.policy, PolicyDocument)
    assert change.after.statements[:-1] == facts.destination_key.policy.statements
    assert str(change.after.statements[-1]["Sid"]).startswith(SID_PREFIX)


def test_what_our_earlier_statement_allows_is_kept_when_more_is_needed() -> None:
    first = only_change(with_key_statement(bucket_key=False))
    earlier = first.after.statements[-1]
    facts = with_key_statement({**earlier, "Action": "kms:GenerateDataKey"})

    change = only_change(facts)

    assert change.statement["Action"] == ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]


@pytest.mark.parametrize("kinds", [("role_policy", "grant"), ("grant",)])
def test_a_grant_comes_where_a_key_policy_statement_may_not(kinds: tuple[str, ...]) -> None:
    change = only_change(SILENT_KEY, *kinds)

    assert change.kind is ChangeKind.GRANT
    assert change.before is None
    assert change.lives == GRANT_LIVES
    assert change.after.content == {
        "Name": change.policy_name,
        "GranteePrincipal": ROLE_ARN,
        "Operations": ["Decrypt", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"aws:s3:arn": DESTINATION}},
    }


def test_the_same_grant_has_the_same_name_and_another_has_another() -> None:
    named = only_change(SILENT_KEY, "grant").policy_name
    elsewhere = replace(
        SILENT_KEY, destination_key=a_key(DESTINATION_KEY[:-4] + "3333", policy=document())
    )

    assert named == only_change(SILENT_KEY, "grant").policy_name
    assert named is not None
    assert named.startswith("replimend-destination-")
    assert named != only_change(elsewhere, "grant").policy_name


def test_a_key_policy_statement_goes_before_a_grant() -> None:
    assert only_change(SILENT_KEY, *EVERY_KIND).kind is ChangeKind.KEY_POLICY


def test_a_grant_comes_where_the_key_policy_has_no_room() -> None:
    filler = [
        {
            "Sid": f"Filler{i}",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:role/{'f' * 60}{i}"},
            "Action": "kms:DescribeKey",
            "Resource": "*",
        }
        for i in range(160)
    ]

    change = only_change(with_key_statement(*filler), *EVERY_KIND)

    assert change.kind is ChangeKind.GRANT


def test_without_a_bucket_key_no_grant_is_narrow_enough() -> None:
    objects = with_key_statement(bucket_key=False)

    assert only_change(objects, "role_policy", "grant").kind is ChangeKind.KEY_POLICY


def test_the_destination_buckets_policy_admits_the_role_to_its_objects() -> None:
    change = only_change(without_bucket_policy(), *EVERY_KIND)

    assert (change.kind, change.subject) == (ChangeKind.BUCKET_POLICY, DESTINATION)
    assert (change.account, change.region) == (MEMBER, "eu-central-1")
    assert change.before is None
    assert change.after.statements == (
        {
            "Sid": change.sid,
            "Effect": "Allow",
            "Principal": {"AWS": ROLE_ARN},
            "Action": "s3:ReplicateObject",
            "Resource": f"{DESTINATION}/*",
        },
    )
    assert change.reverses.startswith("delete the bucket policy")


def test_a_bucket_policy_that_is_there_stays_whole_before_ours() -> None:
    theirs = {
        "Sid": "ToRead",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:role/reader"},
        "Action": "s3:GetObject",
        "Resource": f"{DESTINATION}/*",
    }
    policy = document(theirs)

    change = only_change(
        healthy_facts(destination=a_bucket(policy=policy)), ChangeKind.BUCKET_POLICY
    )

    assert (change.kind, change.subject) == (ChangeKind.BUCKET_POLICY, DESTINATION)
    assert change.before == policy
    assert isinstance(change.after, PolicyDocument)
    assert change.after.statements == (theirs, change.statement)


def test_without_that_kind_permissions_of_s3_are_left_to_people() -> None:
    plan = planned(without_bucket_policy())

    assert isinstance(plan, NoPlan)
    assert "AllowedChanges has no bucket_policy" in plan.reason


def test_a_denys_owner_gets_the_text_to_change_it_by() -> None:
    deny: dict[str, Any] = {
        "Sid": "NoEncrypt",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "kms:Encrypt",
        "Resource": "*",
    }

    plan = planned(healthy_facts(destination_key=a_key(policy=document(deny))), *EVERY_KIND)

    assert isinstance(plan, NoPlan)
    assert "the statement NoEncrypt denies kms:Encrypt" in plan.reason
    assert f'{{"ArnNotEquals": {{"aws:PrincipalArn": "{ROLE_ARN}"}}}}' in plan.reason


def test_what_hangs_on_an_organisation_that_nobody_read_is_not_planned_for() -> None:
    facts = with_key_statement(admitted("StringEquals", "aws:PrincipalOrgID", "o-before1234"))

    plan = planned(facts)

    assert isinstance(plan, NoPlan)
    assert "organizations:DescribeOrganization" in plan.reason


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
        {"StringLike": {CONTEXT: DESTINATION, "aws:PrincipalTag/team": "orders"}},
        {"StringLike": {"aws:PrincipalTag/team": "orders"}},
    ],
)
def test_ours_is_only_as_wide_as_what_it_replaces_under_the_same_conditions(
    condition: dict[str, Any],
) -> None:
    ours = admitted("StringLike", CONTEXT, DESTINATION, StringEquals={"kms:ViaService": VIA})
    edited = {**ours, "Condition": {**ours["Condition"], **condition}}

    assert as_wide(ours, ours)
    assert not as_wide(ours, edited)
    assert not as_wide(edited, ours)
