"""Changes of no policy: one rule of a configuration, one state of a key, and nothing beside."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import Document
from replimend.domain.facts import Facts, ReplicationSetup
from replimend.domain.repair.configurations import is_one_rule_mended
from replimend.domain.repair.guardrails import review
from replimend.domain.repair.key_states import document_of
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import ChangeKind, NoPlan, Plan
from replimend.domain.repair.scope import Scope
from replimend.domain.repair.verdicts import Approval, Approved, ObjectionKind, Refused
from replimend.domain.requirements import Side
from replimend.domain.unavailable import Unavailable
from tests.cause_cases.model import under_rule
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_rule,
    administered_by,
    admitting_the_role,
    configured,
    delegated_to,
    document,
    healthy_facts,
)
from tests.incidents import LIMITS
from tests.unit.proof.ladder import nobody_tagged

EVERY_KIND = frozenset(each.value for each in ChangeKind)
ALLOWING = replace(
    LIMITS,
    allowed_changes=EVERY_KIND,
    repairable_keys=frozenset({SOURCE_KEY, DESTINATION_KEY}),
)
ALIAS = f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders"
KEY_OF_HOME = DESTINATION_KEY.replace(MEMBER, HOME)
ALIASED = configured(under_rule(replica_key=ALIAS))
OTHERS = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOME}:role/payroll"}}
DELEGATED = document(
    delegated_to(HOME), {**OTHERS, "Sid": "Payroll", "Action": "kms:Decrypt", "Resource": "*"}
)


def planned(facts: Facts) -> Plan | NoPlan:
    return plan_for(diagnose(facts, None), facts, EVERY_KIND)


def the_plan(facts: Facts) -> Plan:
    plan = planned(facts)
    assert isinstance(plan, Plan), plan
    return plan


def of_source_key(**changes: Any) -> Facts:
    return healthy_facts(source_key=a_key(SOURCE_KEY, **{"policy": DELEGATED, **changes}))


def objections(plan: Plan) -> list[str]:
    match review(plan, ALLOWING, nobody_tagged(plan)):
        case Approved():
            return []
        case Refused(objections=found):
            return [each.says for each in found if each.kind is not ObjectionKind.NEEDS_APPROVAL]


def altered(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, changes=(replace(plan.changes[0], **changes),))


def test_the_alias_gives_way_to_the_key_and_all_else_stays() -> None:
    (change,) = the_plan(ALIASED).changes

    assert change.before is not None
    before, after = change.before.content, change.after.content
    encryption = after["Rules"][0]["Destination"]["EncryptionConfiguration"]
    assert encryption == {"ReplicaKmsKeyID": DESTINATION_KEY}
    encryption["ReplicaKmsKeyID"] = ALIAS
    assert after == before
    assert (change.kind, change.subject) == (
        ChangeKind.REPLICATION_CONFIGURATION,
        "arn:aws:s3:::orders-ireland",
    )


def test_other_rules_stay_as_they_are() -> None:
    rules = (a_rule(rule_id="another", destination_bucket="b"), a_rule(replica_key=ALIAS))
    facts = configured(
        replace(healthy_facts(), setup=ReplicationSetup(role_arn=ROLE_ARN, rules=rules))
    )

    (change,) = the_plan(facts).changes

    assert change.before is not None
    assert change.after.content["Rules"][0] == change.before.content["Rules"][0]


def test_a_rule_that_names_a_key_already_is_opted_in() -> None:
    (change,) = the_plan(configured(under_rule(replicates_kms_objects=False))).changes

    (rule,) = change.after.content["Rules"]
    assert rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"] == {"Status": "Enabled"}
    assert "all that KMS encrypts" in change.blast_radius


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"destination_key": Unavailable(reason="denied")}, "could not be read"),
        ({"destination": a_bucket(account=HOME)}, f"not of {HOME}, the bucket's account"),
        ({"destination_key": a_key(KEY_OF_HOME)}, f"not of {MEMBER}, the bucket's account"),
        ({"source": Unavailable(reason="denied")}, "ReplicaKmsKeyID"),
    ],
)
def test_a_key_that_is_not_certain_is_not_named(changes: dict[str, Any], says: str) -> None:
    plan = planned(replace(ALIASED, **changes))

    assert isinstance(plan, NoPlan)
    assert says in plan.reason


def test_a_configuration_that_was_not_kept_whole_is_not_written() -> None:
    plan = planned(under_rule(replica_key=ALIAS))

    assert isinstance(plan, NoPlan)
    assert "was not kept" in plan.reason


def test_a_disabled_key_is_enabled_and_whoever_regains_its_use_is_named() -> None:
    grant = {
        "KeyId": SOURCE_KEY,
        "GranteePrincipal": f"arn:aws:iam::{HOME}:role/backup",
        "Operations": ["Decrypt"],
    }
    (change,) = the_plan(of_source_key(state="Disabled", grants=(grant,))).changes

    assert (change.before, change.after) == (document_of("Disabled"), document_of("Enabled"))
    assert f"arn:aws:iam::{HOME}:role/payroll" in change.blast_radius
    assert f"by grants: arn:aws:iam::{HOME}:role/backup" in change.blast_radius
    assert "kms:DisableKey" in change.reverses


def test_grants_that_could_not_be_read_are_said_to_be_unknown() -> None:
    facts = healthy_facts(
        destination_key=a_key(
            policy=document(administered_by(MEMBER), admitting_the_role("kms:Encrypt")),
            state="Disabled",
            grants=Unavailable(reason="denied to us"),
        )
    )

    (change,) = the_plan(facts).changes

    assert "by grants: not known (denied to us)" in change.blast_radius


def test_a_deletion_is_cancelled_before_the_key_is_enabled() -> None:
    first, second = the_plan(of_source_key(state="PendingDeletion")).changes

    assert (first.policy_name, second.policy_name) == ("CancelKeyDeletion", "EnableKey")
    assert (first.before, first.after) == (document_of("PendingDeletion"), document_of("Disabled"))
    assert (second.before, second.after) == (first.after, document_of("Enabled"))
    assert "nothing by itself" in first.reverses


def test_both_keys_are_enabled_if_both_are_disabled() -> None:
    admitting = document(administered_by(MEMBER), admitting_the_role("kms:Encrypt"))
    facts = replace(
        of_source_key(state="Disabled"),
        destination_key=a_key(policy=admitting, state="Disabled"),
    )

    assert [each.subject for each in the_plan(facts).changes] == [SOURCE_KEY, DESTINATION_KEY]


@pytest.mark.parametrize("state", ["PendingImport", "Unavailable", "PendingReplicaDeletion"])
def test_no_other_state_is_ever_changed(state: str) -> None:
    assert isinstance(planned(of_source_key(state=state)), NoPlan)


@pytest.mark.parametrize("facts", [ALIASED, of_source_key(state="Disabled")])
def test_the_plan_passes_every_guardrail_but_that_a_person_has_to_agree(facts: Facts) -> None:
    plan = the_plan(facts)

    assert objections(plan) == []
    refused = review(plan, ALLOWING, nobody_tagged(plan))
    assert isinstance(refused, Refused)
    assert refused.only is ObjectionKind.NEEDS_APPROVAL


@pytest.mark.parametrize("facts", [ALIASED, of_source_key(state="Disabled")])
def test_an_approval_of_this_very_plan_lets_it_through(facts: Facts) -> None:
    plan = the_plan(facts)
    approval = Approval(plan_hash=plan.hash, by="operator", expires=NOON.replace(hour=23))

    verdict = review(plan, ALLOWING, replace(nobody_tagged(plan), approval=approval))

    assert isinstance(verdict, Approved)


@pytest.mark.parametrize("facts", [ALIASED, of_source_key(state="Disabled")])
def test_without_its_kind_in_the_list_the_cause_gets_no_plan(facts: Facts) -> None:
    assert isinstance(plan_for(diagnose(facts, None), facts), NoPlan)


def configuration(**elements: Any) -> Document:
    """The plan's configuration with other elements in it."""
    (change,) = the_plan(ALIASED).changes
    return Document.of({**change.after.content, **elements})


def rule_with(**elements: Any) -> Document:
    (rule,) = configuration().content["Rules"]
    return configuration(Rules=[{**rule, **elements}])


def to_destination(**elements: Any) -> Document:
    (rule,) = configuration().content["Rules"]
    return rule_with(Destination={**rule["Destination"], **elements})


WIDER = {
    "another role": configuration(Role=f"arn:aws:iam::{HOME}:role/administrator"),
    "a rule less": configuration(Rules=[]),
    "the rule switched off": rule_with(Status="Disabled"),
    "another filter": rule_with(Filter={"Prefix": "more/"}),
    "another bucket": to_destination(Bucket="arn:aws:s3:::elsewhere"),
    "another account": to_destination(Account="999999999999"),
    "an alias": to_destination(EncryptionConfiguration={"ReplicaKmsKeyID": "alias/orders"}),
    "replicas of replicas": rule_with(
        SourceSelectionCriteria={
            "SseKmsEncryptedObjects": {"Status": "Enabled"},
            "ReplicaModifications": {"Status": "Enabled"},
        }
    ),
}


@pytest.mark.parametrize("after", WIDER.values(), ids=list(WIDER))
def test_a_configuration_that_differs_in_anything_else_is_refused(after: Document) -> None:
    assert objections(altered(the_plan(ALIASED), after=after))


def test_a_configuration_of_another_bucket_is_refused() -> None:
    assert objections(altered(the_plan(ALIASED), subject="arn:aws:s3:::payroll"))


def test_a_rule_to_another_bucket_is_not_mended() -> None:
    scope = Scope(
        role_arn=ROLE_ARN,
        buckets={Side.SOURCE: "orders-ireland", Side.DESTINATION: "orders-frankfurt"},
    )
    (change,) = the_plan(ALIASED).changes
    assert isinstance(change.before, Document)
    before, after = (to_payroll(each) for each in (change.before, change.after))

    assert is_one_rule_mended(change.before, change.after, scope)
    assert not is_one_rule_mended(before, after, scope)


def to_payroll(document: Document) -> Document:
    return Document(text=document.text.replace("arn:aws:s3:::orders-frankfurt", "arn:aws:s3:::pay"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Enabled", "Disabled"),
        ("Enabled", "PendingDeletion"),
        ("Disabled", "PendingDeletion"),
        ("PendingDeletion", "Enabled"),
        ("PendingImport", "Enabled"),
    ],
)
def test_any_other_change_of_state_is_refused(before: str, after: str) -> None:
    plan = the_plan(of_source_key(state="Disabled"))

    assert objections(altered(plan, before=document_of(before), after=document_of(after)))


def test_a_state_with_something_beside_it_is_refused() -> None:
    after = Document.of({"KeyState": "Enabled", "Policy": "{}"})

    assert objections(altered(the_plan(of_source_key(state="Disabled")), after=after))


def test_a_key_that_is_not_listed_is_not_enabled() -> None:
    plan = the_plan(of_source_key(state="Disabled"))
    limits = replace(ALLOWING, repairable_keys=frozenset({DESTINATION_KEY}))

    verdict = review(plan, limits, nobody_tagged(plan))

    assert isinstance(verdict, Refused)
    assert any("RepairableKeyArns" in each.says for each in verdict.objections)


def test_a_dead_principal_comes_with_the_statement_as_it_is_to_read() -> None:
    dead = "AROAEXAMPLEEXAMPLE123"
    named = {**admitting_the_role("kms:Encrypt"), "Sid": "Admit"}
    key = a_key(
        policy=document(administered_by(MEMBER), {**named, "Principal": {"AWS": [dead, "other"]}})
    )
    facts = healthy_facts(destination_key=key)

    diagnosis = diagnose(facts, None)
    plan = plan_for(diagnosis, facts)

    assert diagnosis.cause is Cause.DEAD_PRINCIPAL
    assert isinstance(plan, NoPlan)
    assert f"in the statement Admit, put {ROLE_ARN} in place of {dead}" in plan.reason
    assert f'"Principal": {{"AWS": ["{ROLE_ARN}", "other"]}}' in plan.reason
