"""What one value more may let through: each way of letting through more than that is refused."""

from typing import Any

import pytest

from replimend.domain.repair.proof import scope_of
from replimend.domain.repair.widening import added_value, is_only_about, is_within_scope
from replimend.domain.requirements import Side
from tests.facts import DESTINATION_KEY, MEMBER, ROLE_ARN
from tests.unit.proof.ladder import CONTEXT, DESTINATION, SILENT_KEY, VIA, admitted, the_plan

SOURCE = "arn:aws:s3:::orders-ireland"
SCOPE = scope_of(the_plan(SILENT_KEY))
VIA_SERVICE = "kms:ViaService"
ELSEWHERE = "s3.eu-west-1.amazonaws.com"


def via(**more: Any) -> dict[str, Any]:
    """The role admitted through the wrong Region's S3; `more` are further operators."""
    return admitted("StringEquals", VIA_SERVICE, ELSEWHERE, **more)


def lets_through_s3(statement: dict[str, Any]) -> bool:
    added = ("StringEquals", VIA_SERVICE, VIA)
    return is_within_scope(statement, added, SCOPE, Side.DESTINATION, VIA)


@pytest.mark.parametrize(
    "more",
    [
        {"StringEquals": {VIA_SERVICE: ELSEWHERE, CONTEXT: DESTINATION}},
        {"StringLike": {CONTEXT: [DESTINATION, f"{DESTINATION}/*"]}},
        {"ArnLike": {CONTEXT.upper(): f"{DESTINATION}/*"}},
    ],
    ids=["exact", "both", "in capitals"],
)
def test_s3_comes_in_where_the_context_is_this_buckets_alone(more: dict[str, Any]) -> None:
    assert lets_through_s3(via(**more))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"StringLike": {CONTEXT: "*"}},
        {"StringLike": {CONTEXT: f"{DESTINATION}-2/*"}},
        {"StringLike": {CONTEXT: [DESTINATION, f"{SOURCE}/*"]}},
        {"StringLike": {CONTEXT: []}},
        {"StringLike": {"kms:EncryptionContext:team": DESTINATION}},
        {"StringNotLike": {CONTEXT: f"{DESTINATION}/*"}},
        {"ForAllValues:StringLike": {CONTEXT: f"{DESTINATION}/*"}},
        {"StringLikeIfExists": {CONTEXT: f"{DESTINATION}/*"}},
    ],
    ids=[
        "no context",
        "any context",
        "another bucket's",
        "another bucket's too",
        "nothing named",
        "another pair",
        "all but this bucket's",
        "no value will do",
        "none will do",
    ],
)
def test_s3_never_comes_in_where_another_context_would(more: dict[str, Any]) -> None:
    assert not lets_through_s3(via(**more))


@pytest.mark.parametrize(
    "added",
    [
        ("StringLike", CONTEXT, "*"),
        ("StringLike", CONTEXT, f"{DESTINATION}*"),
        ("StringLike", CONTEXT, f"{SOURCE}/*"),
        ("StringEquals", CONTEXT, f"{DESTINATION}/*"),
        ("StringNotLike", CONTEXT, DESTINATION),
        ("StringLikeIfExists", CONTEXT, DESTINATION),
        ("StringEquals", "aws:SourceVpce", DESTINATION),
        ("StringEquals", "aws:SourceVpce", VIA),
        ("StringEquals", VIA_SERVICE, ELSEWHERE),
        ("StringLike", VIA_SERVICE, "s3.*.amazonaws.com"),
    ],
)
def test_only_what_s3_sends_for_this_bucket_may_be_added(added: tuple[str, str, str]) -> None:
    narrow = admitted("StringLike", CONTEXT, f"{DESTINATION}/*")

    assert not is_within_scope(narrow, added, SCOPE, Side.DESTINATION, VIA)


OURS = admitted("StringLike", CONTEXT, DESTINATION)


@pytest.mark.parametrize("resource", ["*", DESTINATION_KEY, ["*", DESTINATION_KEY]])
def test_a_statement_about_the_role_and_the_key_is_about_nothing_else(resource: object) -> None:
    statement: Any = {**OURS, "Resource": resource}

    assert is_only_about(statement, SCOPE, Side.DESTINATION, DESTINATION_KEY)


@pytest.mark.parametrize(
    "elements",
    [
        {"Effect": "Deny"},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": f"arn:aws:iam::{MEMBER}:role/other"}},
        {"Principal": {"AWS": [ROLE_ARN, f"arn:aws:iam::{MEMBER}:root"]}},
        {"Principal": {"AWS": ROLE_ARN, "Service": "s3.amazonaws.com"}},
        {"Principal": {"Service": ROLE_ARN}},
        {"Principal": {"AWS": []}},
        {"NotPrincipal": {"AWS": ROLE_ARN}},
        {"NotAction": "kms:Decrypt"},
        {"Action": "kms:*"},
        {"Action": ["kms:Encrypt", "kms:CreateGrant"]},
        {"Action": []},
        {"Resource": "arn:aws:kms:*"},
        {"Resource": []},
        {"Resource": None},
    ],
    ids=str,
)
def test_a_statement_about_anything_more_is_never_widened(elements: dict[str, Any]) -> None:
    assert not is_only_about({**OURS, **elements}, SCOPE, Side.DESTINATION, DESTINATION_KEY)


def of(condition: Any) -> dict[str, Any]:
    return {**OURS, "Condition": condition}


def of_context(*values: str, **more: Any) -> dict[str, Any]:
    return of({"StringLike": {CONTEXT: list(values), **more}})


def test_a_value_at_the_end_of_one_condition_is_told() -> None:
    assert added_value(of_context("a"), of_context("a", "b")) == ("StringLike", CONTEXT, "b")
    assert added_value(of_context("a", "b"), of_context("a", "b", "c")) == (
        "StringLike",
        CONTEXT,
        "c",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (of_context("a"), of_context("a")),
        (of_context("a"), of_context("a", "b", "c")),
        (of_context("a"), of_context("b", "a")),
        (of_context("a"), of_context("b")),
        (of_context(), of_context("b")),
        (of_context("a", "b"), of_context("a")),
        (of_context("a"), {**of_context("a", "b"), "Action": "kms:*"}),
        (of_context("a"), of_context("a", "b", k="v")),
        (of_context("a", k="v"), of_context("a", "b")),
        (of_context("a", k=["v"]), of_context("a", "b", k=["v", "w"])),
        (of_context("a"), of({"StringLike": {CONTEXT: ["a", "b"]}, "Bool": {"k": "true"}})),
        (of({"StringLike": {"k": "a"}, "Bool": {"k": "a"}}), of_context("a", "b")),
        (
            of({"A": {"k": "a"}, "B": {"k": "a"}}),
            of({"A": {"k": ["a", "b"]}, "B": {"k": ["a", "b"]}}),
        ),
        (of(None), of_context("b")),
        (of_context("a"), of(None)),
        (of({"StringLike": None}), of_context("b")),
        (of_context("a"), of({"StringLike": None})),
    ],
    ids=[
        "nothing",
        "two values",
        "in front",
        "in place of one",
        "the first of all",
        "one value less",
        "an action too",
        "a key too",
        "a key less",
        "under two keys",
        "an operator too",
        "an operator less",
        "under two operators",
        "no condition before",
        "no condition after",
        "no keys before",
        "no keys after",
    ],
)
def test_any_other_edit_is_no_value_more(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert added_value(before, after) is None
