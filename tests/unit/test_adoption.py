"""A change counts as adopted when access no longer rests on what we added."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import NamedPolicy
from replimend.domain.repair.adoption import is_adopted
from replimend.domain.repair.changes import ChangeRecord, record_of
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Plan
from tests.facts import MEMBER as ACCOUNT
from tests.facts import (
    NOON,
    a_role,
    administered_by,
    document,
    flagship_facts,
    healthy_facts,
    role_policy,
)

SILENT = role_policy(without=frozenset({"kms:Encrypt"}))


def made(facts: Any) -> ChangeRecord:
    plan = plan_for(diagnose(facts, None), facts)
    assert isinstance(plan, Plan)
    return record_of(
        plan.changes[0],
        incident_id="0123456789ab",
        round_=1,
        plan_hash=plan.hash,
        approved_by=None,
        why="",
        at=NOON,
    )


KEY_CHANGE = made(flagship_facts())
ROLE_CHANGE = made(
    healthy_facts(role=a_role(identity_policies=(NamedPolicy(name="replicate", document=SILENT),)))
)


def with_theirs(**elements: Any) -> PolicyDocument:
    """The key's policy with ours, and with a statement of the user's own that is much like it."""
    (ours,) = KEY_CHANGE.after.added_to(KEY_CHANGE.before)
    theirs = {**ours, "Sid": "FromTheirOwnCode", **elements}
    content = KEY_CHANGE.after.content
    return PolicyDocument.of({**content, "Statement": [*content["Statement"], theirs]})


def test_what_rests_on_our_statement_alone_is_not_adopted() -> None:
    assert not is_adopted(KEY_CHANGE, KEY_CHANGE.after, ())


def test_a_statement_that_is_gone_is_nobodys_to_remind_of() -> None:
    assert is_adopted(KEY_CHANGE, KEY_CHANGE.before, ())
    assert is_adopted(KEY_CHANGE, document(administered_by(ACCOUNT)), ())


@pytest.mark.parametrize(
    ("elements", "adopted"),
    [
        ({}, True),
        ({"Action": "kms:*"}, True),
        ({"Condition": {}}, True),
        ({"Action": "kms:DescribeKey"}, False),
        ({"Principal": {"AWS": "arn:aws:iam::111111111111:role/another"}}, False),
        ({"Effect": "Deny"}, False),
        (
            {"Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}},
            False,
        ),
    ],
)
def test_their_own_statement_adopts_the_change_if_it_allows_as_much(
    elements: dict[str, Any], *, adopted: bool
) -> None:
    assert is_adopted(KEY_CHANGE, with_theirs(**elements), ()) is adopted


def test_a_role_has_adopted_it_once_its_other_policies_allow_as_much() -> None:
    assert not is_adopted(ROLE_CHANGE, ROLE_CHANGE.after, (SILENT,))
    assert is_adopted(ROLE_CHANGE, ROLE_CHANGE.after, (SILENT, role_policy()))
    assert is_adopted(ROLE_CHANGE, None, (SILENT,))


def test_one_of_several_calls_is_not_enough() -> None:
    (ours,) = KEY_CHANGE.after.added_to(KEY_CHANGE.before)
    wider = {**ours, "Action": ["kms:Encrypt", "kms:Decrypt"]}
    before = KEY_CHANGE.before
    assert before is not None
    after = PolicyDocument.of({**before.content, "Statement": [*before.statements, wider]})
    theirs = {**wider, "Sid": "Theirs", "Action": "kms:Encrypt"}
    live = PolicyDocument.of({**after.content, "Statement": [*after.statements, theirs]})

    assert not is_adopted(replace(KEY_CHANGE, after=after), live, ())
