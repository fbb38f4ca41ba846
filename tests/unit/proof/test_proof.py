"""Whatever a plan should not write is refused, and the proof says which probe told."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import NamedPolicy
from replimend.domain.repair.guardrails import review
from replimend.domain.repair.plan import Change, ChangeKind, Plan
from replimend.domain.repair.probes import BEYOND_POLICIES, first_difference
from replimend.domain.repair.proof import scope_of
from replimend.domain.repair.verdicts import Approved, Refused
from tests.facts import (
    DESTINATION_KEY,
    MEMBER,
    ROLE_ARN,
    SOURCE_KEY,
    a_role,
    administered_by,
    admitting_the_role,
    document,
    healthy_facts,
    role_policy,
)
from tests.incidents import LIMITS
from tests.unit.proof.ladder import (
    CONTEXT,
    DESTINATION,
    EVERY_KIND,
    SILENT_KEY,
    admitted,
    nobody_tagged,
    the_plan,
    with_key_statement,
    without_bucket_policy,
)

ALLOWING = replace(LIMITS, allowed_changes=EVERY_KIND)
KEY = the_plan(SILENT_KEY)
GRANT = the_plan(SILENT_KEY, "grant")
BUCKET = the_plan(without_bucket_policy(), *EVERY_KIND)
WIDENED = the_plan(with_key_statement(admitted("StringLike", CONTEXT, f"{DESTINATION}/*")))
WRONG_REGION = admitted(
    "StringEquals",
    "kms:ViaService",
    "s3.eu-west-1.amazonaws.com",
    StringLike={CONTEXT: [DESTINATION, f"{DESTINATION}/*"]},
)
VIA_S3 = the_plan(with_key_statement(WRONG_REGION))
OF_THE_KEY = the_plan(
    with_key_statement(
        {**admitted("StringLike", CONTEXT, f"{DESTINATION}/*"), "Resource": DESTINATION_KEY}
    )
)


def role_lacking(*actions: str) -> Plan:
    lacking = NamedPolicy(name="replicate", document=role_policy(without=frozenset(actions)))
    return the_plan(healthy_facts(role=a_role(identity_policies=(lacking,))), *EVERY_KIND)


OTHER = f"arn:aws:iam::{MEMBER}:role/other"


def objections(plan: Plan) -> list[str]:
    match review(plan, ALLOWING, nobody_tagged(plan)):
        case Approved():
            return []
        case Refused(objections=found):
            return [each.says for each in found]


def altered(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, changes=(replace(plan.changes[0], **changes),))


def last_statement(plan: Plan, **elements: Any) -> Plan:
    """The plan with other elements in the statement it is about."""
    before, after = policies(plan.changes[0])
    *others, last = after.statements
    assert [*others] == [*before.statements][: len(others)]
    return altered(plan, after=document(*map(dict, others), {**last, **elements}))


def policies(change: Change) -> tuple[PolicyDocument, PolicyDocument]:
    assert change.policies is not None
    return change.policies


def a_grant(**elements: Any) -> Plan:
    content = {**GRANT.changes[0].after.content, **elements}
    return altered(GRANT, after=Document.of(content))


AS_MADE = {
    "key": KEY,
    "grant": GRANT,
    "bucket": BUCKET,
    "a context more": WIDENED,
    "a service more": VIA_S3,
    "a context more on the one key": OF_THE_KEY,
    "a role's, of a key": role_lacking("kms:Encrypt"),
    "a role's, of objects": role_lacking("s3:ReplicateObject"),
    "a role's, of a bucket": role_lacking("s3:GetReplicationConfiguration"),
}


@pytest.mark.parametrize("plan", AS_MADE.values(), ids=AS_MADE)
def test_a_plan_as_it_is_made_passes(plan: Plan) -> None:
    assert objections(plan) == []


ADMITS_ANOTHER = {
    "a grant": a_grant(GranteePrincipal=OTHER),
    "a bucket policy": last_statement(BUCKET, Principal={"AWS": OTHER}),
    "everybody in a bucket policy": last_statement(BUCKET, Principal="*"),
    "a widened statement": last_statement(WIDENED, Principal={"AWS": [ROLE_ARN, OTHER]}),
}


@pytest.mark.parametrize("plan", ADMITS_ANOTHER.values(), ids=ADMITS_ANOTHER)
def test_no_kind_of_change_admits_another_principal(plan: Plan) -> None:
    assert any("admits another than" in each for each in objections(plan))


TOO_WIDE = {
    "a grant without constraints": a_grant(Constraints={}),
    "a grant for all contexts that equal": a_grant(
        Constraints={"EncryptionContextEquals": {"aws:s3:arn": DESTINATION}}
    ),
    "a grant for another bucket": a_grant(
        Constraints={"EncryptionContextSubset": {"aws:s3:arn": f"{DESTINATION}-2"}}
    ),
    "a grant to make grants": a_grant(Operations=["CreateGrant"]),
    "a grant without operations": a_grant(Operations=[]),
    "a grant that another may retire": a_grant(RetiringPrincipal=OTHER),
    "a grant by a name that is not ours": a_grant(Name="somebody-elses"),
    "reading replicas": last_statement(BUCKET, Action="s3:GetObject"),
    "every action": last_statement(BUCKET, Action="s3:*"),
    "the bucket itself": last_statement(BUCKET, Resource=DESTINATION),
    "another bucket": last_statement(BUCKET, Resource=f"{DESTINATION}-2/*"),
    "every context": last_statement(
        WIDENED, Condition={"StringLike": {CONTEXT: [f"{DESTINATION}/*", "*"]}}
    ),
    "another bucket's context": last_statement(
        WIDENED, Condition={"StringLike": {CONTEXT: [f"{DESTINATION}/*", f"{DESTINATION}-2"]}}
    ),
    "two values": last_statement(
        WIDENED,
        Condition={"StringLike": {CONTEXT: [f"{DESTINATION}/*", DESTINATION, f"{DESTINATION}/b"]}},
    ),
    "no condition": last_statement(WIDENED, Condition={}),
    "an action more": last_statement(WIDENED, Action=["kms:Encrypt", "kms:CreateGrant"]),
    "an operator more": last_statement(
        WIDENED, Condition={"StringLike": {CONTEXT: DESTINATION}, "Bool": {"a:b": "true"}}
    ),
}


@pytest.mark.parametrize("plan", TOO_WIDE.values(), ids=TOO_WIDE)
def test_what_is_wider_than_replication_needs_is_refused(plan: Plan) -> None:
    assert any("wider than S3 replication needs" in each for each in objections(plan))


def test_a_statement_is_widened_only_for_the_side_that_the_change_serves() -> None:
    reading = admitting_the_role(
        "kms:Decrypt", Condition={"StringLike": {CONTEXT: "arn:aws:s3:::orders-ireland"}}
    )
    both = ["arn:aws:s3:::orders-ireland", "arn:aws:s3:::orders-ireland/*"]
    wider = {**reading, "Condition": {"StringLike": {CONTEXT: both}}}

    plan = altered(
        KEY,
        before=document(administered_by(MEMBER), reading),
        after=document(administered_by(MEMBER), wider),
    )

    assert any("wider than S3 replication needs" in each for each in objections(plan))


SOURCE_VIA = "s3.eu-west-1.amazonaws.com"
BOTH_SIDES = role_lacking("kms:Encrypt", "kms:Decrypt")
EXCHANGED: dict[str, dict[str, Any]] = {
    "the other side's key": {"Resource": SOURCE_KEY},
    "the other side's key as well": {"Resource": [DESTINATION_KEY, SOURCE_KEY]},
    "the other side's S3": {
        "Condition": {
            "StringEquals": {"kms:ViaService": SOURCE_VIA},
            "StringLike": {CONTEXT: f"{DESTINATION}/*"},
        }
    },
}


@pytest.mark.parametrize("elements", EXCHANGED.values(), ids=EXCHANGED)
def test_a_statement_takes_nothing_from_the_other_side(elements: dict[str, Any]) -> None:
    change = BOTH_SIDES.changes[0]
    statements = [
        {**each, **elements} if each["Resource"] == DESTINATION_KEY else dict(each)
        for each in change.after.statements
    ]

    plan = altered(BOTH_SIDES, after=document(*statements))

    wider = "wider than S3 replication needs"
    assert not any(wider in each for each in objections(BOTH_SIDES))
    assert any(wider in each for each in objections(plan))


def test_two_statements_in_one_change_are_one_too_many() -> None:
    before, after = policies(KEY.changes[0])
    ours = after.statements[-1]
    doubled = altered(
        KEY, after=after.with_statement({**ours, "Sid": "ReplimendDestination000000000000"})
    )

    assert before.statements
    assert any("would alter what" in each for each in objections(doubled))


def test_a_grant_replaces_nothing() -> None:
    plan = altered(GRANT, before=GRANT.changes[0].after)

    assert any("would alter what" in each for each in objections(plan))


BETRAYED = {
    "a sibling role": (
        last_statement(KEY, Principal={"AWS": f"{ROLE_ARN}-sibling"}),
        "would still be refused",
    ),
    "anybody": (last_statement(KEY, Principal={"AWS": "*"}), "orders-replication-sibling"),
    "an administrative action": (
        last_statement(KEY, Action=["kms:Decrypt", "kms:Encrypt", "kms:PutKeyPolicy"]),
        "kms:PutKeyPolicy",
    ),
    "no context": (last_statement(KEY, Condition={}), "would become allowed"),
    "another bucket": (
        last_statement(BUCKET, Resource=[f"{DESTINATION}/*", f"{DESTINATION}-other/*"]),
        "orders-frankfurt-other/a.txt",
    ),
    "another operation": (a_grant(Operations=["Decrypt", "Encrypt", "DescribeKey"]), "DescribeKey"),
    "nothing at all": (last_statement(KEY, Action="kms:Decrypt"), "kms:Encrypt"),
}


@pytest.mark.parametrize(("plan", "named"), BETRAYED.values(), ids=BETRAYED)
def test_the_probes_alone_tell_what_a_document_gives_away(plan: Plan, named: str) -> None:
    said = first_difference(plan.changes[0], scope_of(plan))

    assert said is not None
    assert named in said
    assert f"the proof fails for {plan.changes[0].subject}: {said}" in objections(plan)


def test_a_statement_that_others_lose_is_told_by_the_probes() -> None:
    before, _ = policies(KEY.changes[0])
    admin = {**before.statements[0], "Action": "kms:DescribeKey"}
    ours = policies(KEY.changes[0])[1].statements[-1]

    said = first_difference(
        replace(KEY.changes[0], after=document(admin, dict(ours))), scope_of(KEY)
    )

    assert said is not None
    assert said.endswith("would become refused")


def test_every_kind_that_policies_decide_is_tried_here() -> None:
    kinds = {plan.changes[0].kind for plan in (KEY, GRANT, BUCKET)}

    assert kinds | {ChangeKind.ROLE_POLICY} == set(ChangeKind) - BEYOND_POLICIES
