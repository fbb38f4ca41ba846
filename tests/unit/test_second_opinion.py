"""The ceiling that Access Analyzer is given is the widest a plan may add, and no wider."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.facts import NamedPolicy
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Plan
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion, ceiling_of
from tests.facts import (
    DESTINATION_KEY,
    ROLE_ARN,
    a_role,
    flagship_facts,
    healthy_facts,
    role_policy,
)


def planned(facts: Any) -> Plan:
    plan = plan_for(diagnose(facts, None), facts)
    assert isinstance(plan, Plan)
    return plan


KEY_PLAN = planned(flagship_facts())
ROLE_PLAN = planned(
    healthy_facts(
        role=a_role(
            identity_policies=(
                NamedPolicy(
                    name="replicate", document=role_policy(without=frozenset({"kms:Encrypt"}))
                ),
            )
        )
    )
)


@pytest.mark.parametrize(
    ("plan", "scope"),
    [
        (KEY_PLAN, {"Principal": {"AWS": ROLE_ARN}, "Resource": "*"}),
        (ROLE_PLAN, {"Resource": [DESTINATION_KEY]}),
    ],
    ids=["key", "role"],
)
def test_the_ceiling_is_what_was_there_and_one_widest_statement(
    plan: Plan, scope: dict[str, Any]
) -> None:
    (change,) = plan.changes

    ceiling = ceiling_of(change, plan)

    assert ceiling is not None
    had = change.before.statements if change.before else ()
    assert ceiling.statements[:-1] == had
    assert ceiling.statements[-1] == {
        "Sid": "CeilingDestination",
        "Effect": "Allow",
        **scope,
        "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
        "Condition": {
            "StringEquals": {"kms:ViaService": ["s3.eu-central-1.amazonaws.com"]},
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": [
                    "arn:aws:s3:::orders-frankfurt",
                    "arn:aws:s3:::orders-frankfurt/*",
                ]
            },
        },
    }


def test_a_change_that_serves_calls_to_s3_is_held_to_no_ceiling_of_kms() -> None:
    (change,) = ROLE_PLAN.changes
    to_s3 = replace(change.serves[0], action="s3:ReplicateObject")

    assert ceiling_of(replace(change, serves=(*change.serves, to_s3)), ROLE_PLAN) is None


def test_only_what_failed_speaks_against_a_change() -> None:
    opinion = SecondOpinion(
        checks=(
            Check(name="ValidatePolicy", result=CheckResult.PASSED),
            Check(name="CheckNoPublicAccess", result=CheckResult.FAILED, says="is public"),
            Check(name="CheckNoNewAccess", result=CheckResult.NOT_AVAILABLE, says="denied"),
        )
    )

    assert opinion.objections == ("IAM Access Analyzer, CheckNoPublicAccess: is public",)
