"""Set-ups that are broken in one way each, and the plan for each, by the kinds allowed."""

from typing import Any

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.facts import Absent, Facts
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.repair.safeguards import tagged_parts_of
from replimend.domain.repair.verdicts import Circumstances
from tests.facts import (
    MEMBER,
    NOON,
    a_bucket,
    a_key,
    administered_by,
    admitting_the_role,
    an_object,
    document,
    healthy_facts,
)

DESTINATION = "arn:aws:s3:::orders-frankfurt"
VIA = "s3.eu-central-1.amazonaws.com"
CONTEXT = "kms:EncryptionContext:aws:s3:arn"
EVERY_KIND = frozenset({"role_policy", "key_policy", "grant", "bucket_policy"})


def admitted(operator: str, key: str, *values: str, **more: Any) -> dict[str, Any]:
    """The role admitted under one condition; `more` are further operators of it."""
    condition = {operator: {key: values[0] if len(values) == 1 else list(values)}, **more}
    return admitting_the_role("kms:Encrypt", "kms:Decrypt", Condition=condition)


def with_key_statement(*statements: dict[str, Any], bucket_key: bool = True) -> Facts:
    return healthy_facts(
        object=an_object(bucket_key=bucket_key),
        destination_key=a_key(policy=document(administered_by(MEMBER), *statements)),
    )


def without_bucket_policy(**changes: Any) -> Facts:
    return healthy_facts(
        destination=a_bucket(policy=Absent(what="policy of orders-frankfurt")), **changes
    )


def planned(facts: Facts, *kinds: str) -> Plan | NoPlan:
    allowed = frozenset(kinds) or frozenset({"role_policy", "key_policy"})
    return plan_for(diagnose(facts, None), facts, allowed)


def the_plan(facts: Facts, *kinds: str) -> Plan:
    plan = planned(facts, *kinds)
    assert isinstance(plan, Plan), plan
    return plan


SILENT_KEY = with_key_statement()
"""A Bucket Key's set-up whose key policy knows nothing of the role."""


def nobody_tagged(plan: Plan) -> Circumstances:
    """An ordinary moment, in which no key and no role of the plan bears a tag."""
    return Circumstances(now=NOON, tags={arn: {} for arn in tagged_parts_of(plan)})
