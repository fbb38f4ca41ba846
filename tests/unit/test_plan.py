"""The smallest change that lets S3 replicate: only what was computed, and with its inverse."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import Document, PolicyDocument, Statement
from replimend.domain.facts import Absent, Fact, Facts, Key, NamedPolicy, Role
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import ROLE_POLICY_NAME, Change, ChangeKind, NoPlan, Plan
from replimend.domain.repair.prospect import Prospect
from replimend.domain.repair.scope import SID_PREFIX
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_role,
    administered_by,
    admitting_the_role,
    an_object,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
    role_policy,
)

REASON = FailureReason.parse("DstPutObjectNotPermitted")
LACKS = {
    action: a_role(
        identity_policies=(
            NamedPolicy(name="replicate", document=role_policy(without=frozenset({action}))),
        )
    )
    for action in ("kms:Encrypt", "kms:Decrypt")
}
DENY_ENCRYPT = {
    "Sid": "NoEncrypt",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "kms:Encrypt",
    "Resource": "*",
}
ONLY_ENCRYPT = NamedPolicy(
    name="boundary",
    document=document({"Effect": "Allow", "Action": ["s3:*", "kms:Encrypt"], "Resource": "*"}),
)

UNREAD = Unavailable(reason="denied to us")
GRANTED = {"Name": "replication", "KeyId": DESTINATION_KEY}


def plan_of(facts: Facts, reason: FailureReason | None = REASON) -> Plan:
    plan = plan_for(diagnose(facts, reason), facts)
    assert isinstance(plan, Plan), plan
    return plan


def only_change(facts: Facts) -> Change:
    (change,) = plan_of(facts).changes
    return change


def carried_out(facts: Facts, plan: Plan) -> Facts:
    """The facts once every change of the plan has been made."""
    made: dict[str, Any] = {}
    for change in plan.changes:
        assert isinstance(change.after, PolicyDocument)
        match change.kind:
            case ChangeKind.ROLE_POLICY:
                assert isinstance(facts.role, Role)
                assert isinstance(facts.role.identity_policies, tuple)
                ours = NamedPolicy(name=ROLE_POLICY_NAME, document=change.after)
                made["role"] = a_role(identity_policies=(*facts.role.identity_policies, ours))
            case ChangeKind.KEY_POLICY:
                end = "source_key" if change.subject == SOURCE_KEY else "destination_key"
                made[end] = a_key(change.subject, policy=change.after)
            case (
                ChangeKind.GRANT
                | ChangeKind.BUCKET_POLICY
                | ChangeKind.REPLICATION_CONFIGURATION
                | ChangeKind.KEY_STATE
            ):
                raise AssertionError(change.kind)
    return healthy_facts(**{"object": facts.object, "role": facts.role, **ends(facts), **made})


def ends(facts: Facts) -> dict[str, Any]:
    return {"source_key": facts.source_key, "destination_key": facts.destination_key}


def test_the_flagships_plan_adds_one_statement_to_the_destination_key() -> None:
    change = only_change(flagship_facts())

    assert (change.kind, change.subject) == (ChangeKind.KEY_POLICY, DESTINATION_KEY)
    assert (change.account, change.region) == (MEMBER, "eu-central-1")
    assert change.after.statements == (
        administered_by(MEMBER),
        delegated_to(MEMBER),
        {
            "Sid": change.sid,
            "Effect": "Allow",
            "Principal": {"AWS": ROLE_ARN},
            "Action": "kms:Encrypt",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
                "StringLike": {
                    "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orders-frankfurt/*"
                },
            },
        },
    )


def test_a_bucket_key_admits_the_bucket_beside_its_objects() -> None:
    change = only_change(flagship_facts(object=an_object(bucket_key=True)))

    assert change.statement["Action"] == ["kms:Decrypt", "kms:Encrypt"]
    condition: Any = change.statement["Condition"]
    assert condition["StringLike"]["kms:EncryptionContext:aws:s3:arn"] == [
        "arn:aws:s3:::orders-frankfurt",
        "arn:aws:s3:::orders-frankfurt/*",
    ]


def test_what_the_role_lacks_goes_into_an_inline_policy_of_its_own() -> None:
    change = only_change(healthy_facts(role=LACKS["kms:Encrypt"]))

    assert (change.kind, change.subject) == (ChangeKind.ROLE_POLICY, ROLE_ARN)
    assert (change.policy_name, change.before) == (ROLE_POLICY_NAME, None)
    assert change.statement["Resource"] == DESTINATION_KEY
    assert "Principal" not in change.statement
    assert change.reverses == f"delete the inline policy {ROLE_POLICY_NAME}"


def test_our_inline_policy_is_added_to_as_it_is() -> None:
    earlier = document(
        {"Sid": "Earlier", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": SOURCE_KEY}
    )
    lacking = role_policy(without=frozenset({"kms:Encrypt"}))
    facts = healthy_facts(
        role=a_role(
            identity_policies=(
                NamedPolicy(name="replicate", document=lacking),
                NamedPolicy(name=ROLE_POLICY_NAME, document=earlier),
            )
        )
    )

    change = only_change(facts)

    assert change.before == earlier
    assert change.after.statements == (*earlier.statements, change.statement)
    assert change.reverses == f"put the stored inline policy {ROLE_POLICY_NAME} back"


def test_a_role_that_lacks_both_ends_gets_a_statement_for_each() -> None:
    nothing = role_policy(without=frozenset({"kms:Encrypt", "kms:Decrypt"}))
    facts = healthy_facts(
        role=a_role(identity_policies=(NamedPolicy(name="replicate", document=nothing),)),
        source_key=a_key(SOURCE_KEY),
    )

    change = only_change(facts)

    assert [(each["Action"], each["Resource"]) for each in change.after.statements] == [
        ("kms:Decrypt", SOURCE_KEY),
        ("kms:Encrypt", DESTINATION_KEY),
    ]


def test_across_accounts_both_sides_are_changed_when_both_are_silent() -> None:
    plan = plan_of(flagship_facts(role=LACKS["kms:Encrypt"]))

    assert [each.kind for each in plan.changes] == [ChangeKind.ROLE_POLICY, ChangeKind.KEY_POLICY]


BROKEN = {
    "the destination key does not know the role": flagship_facts(),
    "the same under a Bucket Key": flagship_facts(object=an_object(bucket_key=True)),
    "the role lacks Encrypt": healthy_facts(role=LACKS["kms:Encrypt"]),
    "the role lacks Decrypt": healthy_facts(role=LACKS["kms:Decrypt"]),
    "both sides are silent": flagship_facts(role=LACKS["kms:Encrypt"]),
    "the source key does not delegate": healthy_facts(
        source_key=a_key(SOURCE_KEY, policy=document(administered_by(HOME)))
    ),
    "the context of objects under a Bucket Key": healthy_facts(
        object=an_object(bucket_key=True),
        destination_key=a_key(
            policy=document(
                admitting_the_role(
                    "kms:Encrypt",
                    "kms:Decrypt",
                    Condition={
                        "StringLike": {
                            "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orders-frankfurt/*"
                        }
                    },
                )
            )
        ),
    ),
}


@pytest.mark.parametrize("facts", BROKEN.values(), ids=BROKEN)
def test_once_carried_out_every_call_is_allowed_and_nothing_is_left_to_plan(facts: Facts) -> None:
    plan = plan_of(facts)

    after = carried_out(facts, plan)

    assert plan.changes
    assert diagnose(after, REASON).cause is Cause.MENDED
    assert plan_of(after).is_replay_only


@pytest.mark.parametrize("facts", BROKEN.values(), ids=BROKEN)
def test_every_statement_is_known_by_our_sid_and_has_its_inverse(facts: Facts) -> None:
    for change in plan_of(facts).changes:
        added = change.after.added_to(change.before)
        assert added
        assert all(is_known(each, change) for each in added)
        assert all(str(each["Sid"]).isalnum() for each in added), "IAM takes nothing else"
        assert change.reverses
        assert change.blast_radius


def is_known(statement: Statement, change: Change) -> bool:
    """Whether the statement bears our Sid, or is the one that almost matched."""
    before = change.before.statements if change.before else ()
    is_widened = str(statement["Sid"]) in {each.get("Sid") for each in before}
    return str(statement["Sid"]).startswith(SID_PREFIX) or is_widened


NO_PLANS: dict[str, tuple[Facts, str]] = {
    "a permission of S3": (
        healthy_facts(destination=a_bucket(policy=Absent(what="policy"))),
        "destination bucket's policy",
    ),
    "a permission of S3 beside one of KMS": (
        flagship_facts(
            role=a_role(
                identity_policies=(
                    NamedPolicy(
                        name="replicate",
                        document=role_policy(
                            without=frozenset({"s3:GetObjectVersionForReplication"})
                        ),
                    ),
                )
            )
        ),
        "s3:GetObjectVersionForReplication: permissions of S3 are left to you",
    ),
    "an explicit deny": (
        healthy_facts(destination_key=a_key(policy=document(DENY_ENCRYPT))),
        "no allow elsewhere can lift it",
    ),
    "a deleted role's principal": (
        healthy_facts(
            destination_key=a_key(
                policy=document(
                    {
                        **admitting_the_role("kms:Encrypt"),
                        "Principal": {"AWS": "AROAEXAMPLEEXAMPLEID"},
                    }
                )
            )
        ),
        "name the role again",
    ),
    "a disabled key": (healthy_facts(destination_key=a_key(state="Disabled")), "security decision"),
    "a key policy that nobody may change": (
        healthy_facts(
            source_key=a_key(
                SOURCE_KEY, policy=document(administered_by(HOME)), customer_managed=False
            )
        ),
        "AWS managed",
    ),
    "a role that cannot be read": (
        healthy_facts(role=Unavailable(reason="denied to us")),
        "read the role",
    ),
    "a configuration that cannot be read": (
        healthy_facts(setup=Unavailable(reason="denied to us")),
        "s3:GetReplicationConfiguration",
    ),
}


@pytest.mark.parametrize(("facts", "reason"), NO_PLANS.values(), ids=NO_PLANS)
def test_what_no_allow_of_ours_can_mend_has_no_plan(facts: Facts, reason: str) -> None:
    plan = plan_for(diagnose(facts, REASON), facts)

    assert isinstance(plan, NoPlan)
    assert reason in plan.reason


HALF_MENDABLE = {
    "an explicit deny": (
        healthy_facts(
            role=LACKS["kms:Decrypt"],
            destination_key=a_key(policy=document(admitting_the_role("kms:Encrypt"), DENY_ENCRYPT)),
        ),
        "SrcGetObjectNotPermitted",
        "kms:Encrypt: no allow lifts the refusal by resource",
    ),
    "a boundary": (
        flagship_facts(role=a_role(boundary=ONLY_ENCRYPT)),
        "DstPutObjectNotPermitted",
        "kms:Decrypt: no allow lifts the refusal by boundary",
    ),
}


@pytest.mark.parametrize(("facts", "reported", "reason"), HALF_MENDABLE.values(), ids=HALF_MENDABLE)
def test_nothing_is_changed_for_one_call_while_another_stays_refused(
    facts: Facts, reported: str, reason: str
) -> None:
    plan = plan_for(diagnose(facts, FailureReason.parse(reported)), facts)

    assert isinstance(plan, NoPlan)
    assert reason in plan.reason


@pytest.mark.parametrize(
    "facts",
    [
        healthy_facts(),
        healthy_facts(object=Absent(what="version")),
        healthy_facts(object=an_object(replication_status="COMPLETED")),
    ],
    ids=["mended", "gone", "replicated"],
)
def test_what_only_lacks_replaying_has_a_plan_without_changes(facts: Facts) -> None:
    assert plan_of(facts).is_replay_only


def test_the_hash_names_the_changes_and_the_documents_they_are_made_from() -> None:
    plan = plan_of(flagship_facts())
    same = plan_of(flagship_facts())
    edited = a_key(policy=document(administered_by(MEMBER)))

    assert plan.hash == same.hash
    assert plan.hash != plan_of(healthy_facts(destination_key=edited)).hash
    assert plan.hash != plan_of(healthy_facts()).hash


@given(st.permutations(["Version", "Statement", "Id"]))
def test_the_hash_does_not_depend_on_how_a_policy_is_spelt(order: list[str]) -> None:
    content: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [administered_by(MEMBER)],
        "Id": "orders",
    }
    spelt = PolicyDocument.of({name: content[name] for name in order})

    plans = [
        plan_of(healthy_facts(destination_key=a_key(policy=policy)))
        for policy in (spelt, PolicyDocument.of(content))
    ]

    assert plans[0].hash == plans[1].hash


def test_there_is_no_plan_while_a_policy_is_unread() -> None:
    facts = flagship_facts(source_key=a_key(SOURCE_KEY, policy=Unavailable(reason="denied to us")))

    plan = plan_for(diagnose(facts, None), facts)

    assert isinstance(plan, NoPlan)
    assert "kms:Decrypt" in plan.reason


def test_a_call_beyond_the_ceiling_is_never_planned_for() -> None:
    facts = flagship_facts()
    diagnosis = diagnose(facts, REASON)
    beyond = tuple(
        replace(each, requirement=replace(each.requirement, action="kms:ReEncryptFrom"))
        for each in diagnosis.refused
    )

    plan = plan_for(replace(diagnosis, refused=beyond), facts)

    assert isinstance(plan, NoPlan)
    assert plan.reason.startswith("kms:ReEncryptFrom: this is left to you. ")


def test_a_plan_is_confirmed_beside_all_that_the_role_has_already() -> None:
    ours = NamedPolicy(name=ROLE_POLICY_NAME, document=document(DENY_ENCRYPT))
    prospect = Prospect()
    prospect.role_policy(ours.name, ours.document)

    role = prospect.of(healthy_facts()).role

    assert role == a_role(
        identity_policies=(NamedPolicy(name="replicate", document=role_policy()), ours)
    )


@pytest.mark.parametrize(
    "role", [UNREAD, Absent(what="the role"), a_role(identity_policies=UNREAD)]
)
def test_writing_a_policy_makes_nothing_known_of_a_role_that_could_not_be_read(
    role: Fact[Role],
) -> None:
    prospect = Prospect(inline={ROLE_POLICY_NAME: role_policy()})

    assert prospect.of(healthy_facts(role=role)).role == role


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((), (GRANTED,)),
        (({"GrantId": "theirs"},), ({"GrantId": "theirs"}, GRANTED)),
        (Absent(what="grants"), (GRANTED,)),
        (UNREAD, UNREAD),
    ],
)
def test_a_grant_to_come_is_of_its_key_and_beside_those_that_were_read(
    grants: Fact[Any], expected: Fact[Any]
) -> None:
    prospect = Prospect(grants={DESTINATION_KEY: Document.of({"Name": "replication"})})

    after = prospect.of(healthy_facts(destination_key=a_key(grants=grants)))

    assert isinstance(after.destination_key, Key)
    assert after.destination_key.grants == expected
    assert after.source_key == a_key(SOURCE_KEY)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Sid": st.text(alphabet="abcdef ", min_size=1, max_size=6),
                "Effect": st.sampled_from(["Allow", "Deny"]),
                "Principal": st.just({"AWS": f"arn:aws:iam::{MEMBER}:role/other"}),
                "Action": st.sampled_from(["kms:*", "kms:Encrypt", "kms:DescribeKey"]),
                "Resource": st.just("*"),
            }
        ),
        max_size=5,
    )
)
def test_whatever_stands_in_a_key_policy_stays_as_it_is(others: list[dict[str, Any]]) -> None:
    facts = healthy_facts(destination_key=a_key(policy=document(administered_by(MEMBER), *others)))

    change = only_change(facts)

    assert isinstance(facts.destination_key, Key)
    assert change.before == facts.destination_key.policy
    assert change.after.statements == (administered_by(MEMBER), *others, change.statement)
