"""Each guardrail objects to what it is for and to nothing else; a refusal lists every objection."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, NamedPolicy
from replimend.domain.repair.guardrails import review
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Change, ChangeKind, Plan
from replimend.domain.repair.verdicts import (
    Approval,
    Approved,
    Circumstances,
    Limits,
    Mode,
    ObjectionKind,
    Refused,
    Rejection,
    Removal,
)
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    MEMBER,
    NOON,
    ROLE_ARN,
    SOURCE_KEY,
    a_role,
    administered_by,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
    role_policy,
)
from tests.incidents import LIMITS

OTHER_KEY = DESTINATION_KEY.replace("22222222-2222-4222", "33333333-2222-4222")
NOW = Circumstances(
    now=NOON, tags={each: {} for each in (ROLE_ARN, SOURCE_KEY, DESTINATION_KEY, OTHER_KEY)}
)


def planned(facts: Facts) -> Plan:
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
REPLAY = replace(KEY_PLAN, changes=())


def limited(**changes: Any) -> Limits:
    return replace(LIMITS, **changes)


def altered(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, changes=(replace(plan.changes[0], **changes),))


def writing(plan: Plan, **elements: Any) -> Plan:
    """The plan with other elements in its statement; None takes one out."""
    change = plan.changes[0]
    changed = {**change.statement, **elements}
    statement = {name: value for name, value in changed.items() if value is not None}
    before = change.before or PolicyDocument.empty()
    after = PolicyDocument.of({**before.content, "Statement": [*before.statements, statement]})
    return altered(plan, statement=statement, after=after)


def conditioned(plan: Plan, **operators: Any) -> Plan:
    condition: Any = plan.changes[0].statement["Condition"]
    return writing(plan, Condition={**condition, **operators})


def objections(
    plan: Plan = KEY_PLAN, limits: Limits = LIMITS, circumstances: Circumstances = NOW
) -> list[str]:
    match review(plan, limits, circumstances):
        case Approved():
            return []
        case Refused(objections=found):
            return [each.says for each in found]


def approval(**changes: Any) -> Approval:
    given = Approval(plan_hash=KEY_PLAN.hash, by="anna", expires=NOON + timedelta(hours=1))
    return replace(given, **changes)


@pytest.mark.parametrize("plan", [KEY_PLAN, ROLE_PLAN, REPLAY], ids=["key", "role", "replay"])
def test_what_is_within_every_limit_is_approved(plan: Plan) -> None:
    assert review(plan, LIMITS, NOW) == Approved(plan_hash=plan.hash)


# limits


UNLISTED = {
    "source_buckets": "orders-ireland is not among the source buckets",
    "destination_buckets": "orders-frankfurt is not among the destination buckets",
    "replication_roles": f"{ROLE_ARN} is not among the replication roles",
    "repairable_keys": f"{DESTINATION_KEY} is not among the keys",
    "accounts": f"{MEMBER} is not among the accounts",
    "allowed_changes": "changes of kind key_policy are not allowed",
}


@pytest.mark.parametrize(("setting", "says"), UNLISTED.items(), ids=UNLISTED)
@pytest.mark.parametrize("listed", [frozenset(), frozenset({"another"})], ids=["empty", "other"])
def test_what_is_not_listed_is_refused(setting: str, says: str, listed: frozenset[str]) -> None:
    (objection,) = objections(limits=limited(**{setting: listed}))

    assert objection.startswith(says)


@pytest.mark.parametrize("setting", ["source_buckets", "destination_buckets", "replication_roles"])
def test_even_a_replay_is_for_listed_buckets_and_roles_only(setting: str) -> None:
    assert objections(REPLAY, limited(**{setting: frozenset()}))


def test_a_change_of_the_role_opens_a_key_that_must_be_listed_too() -> None:
    (objection,) = objections(ROLE_PLAN, limited(repairable_keys=frozenset()))

    assert DESTINATION_KEY in objection


def test_the_roles_own_account_need_not_be_listed() -> None:
    assert objections(ROLE_PLAN, limited(accounts=frozenset())) == []


def test_limits_as_they_come_refuse_everything() -> None:
    found = objections(limits=Limits(mode=Mode.REPAIR))

    assert len(found) == len(UNLISTED) + 2
    assert any("ChangesPerHour" in each for each in found)


def test_a_refusal_lists_every_objection_in_order() -> None:
    nothing = replace(Limits(mode=Mode.OBSERVE), policy_size_share=0)
    circumstances = replace(NOW, frozen_by="anna", replayed=True)

    found = objections(writing(KEY_PLAN, Principal="*"), nothing, circumstances)

    assert [each.split(" ")[0] for each in found] == [
        "the",  # mode is observe
        "changes",  # are paused
        "the",  # signal is a replay
        "orders-ireland",
        "orders-frankfurt",
        ROLE_ARN,
        DESTINATION_KEY,
        MEMBER,
        "changes",  # of this kind
        "the",  # change admits another
        "the",  # document is too large
        "the",  # proof fails
        "this",  # incident's changes
        "the",  # hour's changes
    ]


@pytest.mark.parametrize(
    ("limits", "circumstances", "says"),
    [
        ({"changes_per_hour": 0}, {}, "ChangesPerHour"),
        ({}, {"changes_last_hour": 4}, "ChangesPerHour"),
        ({}, {"changes_last_hour": 3}, None),
        ({"changes_per_incident": 0}, {}, "ChangesPerIncident"),
        ({}, {"changes_of_incident": 2}, "ChangesPerIncident"),
        ({}, {"changes_of_incident": 1}, None),
    ],
)
def test_changes_are_counted_with_the_ones_that_are_planned(
    limits: dict[str, Any], circumstances: dict[str, Any], says: str | None
) -> None:
    found = objections(limits=limited(**limits), circumstances=replace(NOW, **circumstances))

    assert len(found) == (0 if says is None else 1)
    assert says is None or says in found[0]


def test_a_replay_uses_up_no_changes() -> None:
    spent = replace(NOW, changes_last_hour=4, changes_of_incident=2)

    assert objections(REPLAY, circumstances=spent) == []


# mode and approval


def test_observing_refuses_even_a_replay() -> None:
    verdict = review(REPLAY, limited(mode=Mode.OBSERVE), NOW)

    assert isinstance(verdict, Refused)
    assert verdict.is_observing


@pytest.mark.parametrize(
    "given",
    [
        None,
        approval(plan_hash="f" * 32),
        approval(expires=NOON),
        approval(expires=NOON - timedelta(seconds=1)),
    ],
    ids=["none", "another plan", "expires now", "expired"],
)
def test_in_approve_mode_a_plan_waits_for_an_approval_of_its_own(given: Approval | None) -> None:
    verdict = review(KEY_PLAN, limited(mode=Mode.APPROVE), replace(NOW, approval=given))

    assert isinstance(verdict, Refused)
    assert verdict.only is ObjectionKind.NEEDS_APPROVAL


def test_an_approved_plan_names_who_approved_it() -> None:
    verdict = review(KEY_PLAN, limited(mode=Mode.APPROVE), replace(NOW, approval=approval()))

    assert verdict == Approved(plan_hash=KEY_PLAN.hash, by="anna")


def test_an_approval_lifts_no_other_limit() -> None:
    limits = limited(mode=Mode.APPROVE, repairable_keys=frozenset())

    verdict = review(KEY_PLAN, limits, replace(NOW, approval=approval()))

    assert isinstance(verdict, Refused)
    assert verdict.only is ObjectionKind.LIMIT


@pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.REPAIR])
def test_a_pause_holds_whatever_the_mode_and_the_approval(mode: Mode) -> None:
    paused = replace(NOW, frozen_by="berta", approval=approval())

    assert objections(limits=limited(mode=mode), circumstances=paused) == [
        "changes are paused by berta"
    ]


def test_a_replayed_event_never_causes_a_change() -> None:
    assert objections(circumstances=replace(NOW, replayed=True))
    assert objections(REPLAY, circumstances=replace(NOW, replayed=True))


# what somebody removed

REMOVAL = Removal(says="berta called PutKeyPolicy")
UNREAD = Unavailable(reason="LookupEvents was refused")


@pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.REPAIR])
@pytest.mark.parametrize(
    ("removal", "says"),
    [(REMOVAL, "perhaps on purpose: berta"), (UNREAD, "is not known: LookupEvents was refused")],
    ids=["removed", "unread"],
)
def test_what_was_removed_lately_or_may_have_been_waits_for_a_person(
    mode: Mode, removal: Removal | Unavailable, says: str
) -> None:
    circumstances = replace(NOW, removal=removal)

    verdict = review(KEY_PLAN, limited(mode=mode), circumstances)

    assert isinstance(verdict, Refused)
    assert verdict.only is ObjectionKind.NEEDS_APPROVAL
    assert says in verdict.objections[-1].says


@pytest.mark.parametrize("removal", [REMOVAL, UNREAD], ids=["removed", "unread"])
def test_an_approval_gives_back_what_was_removed(removal: Removal | Unavailable) -> None:
    circumstances = replace(NOW, removal=removal, approval=approval())

    assert objections(circumstances=circumstances) == []
    assert objections(circumstances=replace(circumstances, approval=approval(expires=NOON)))


# the shape of a change: what a plan may hold even if planning went wrong


ROLE_OF_OTHERS = f"{ROLE_ARN}-of-others"
SHAPES: dict[str, tuple[Plan, str]] = {
    "everybody as principal": (writing(KEY_PLAN, Principal="*"), "admits another"),
    "the account as principal": (
        writing(KEY_PLAN, Principal={"AWS": "arn:aws:iam::111111111111:root"}),
        "admits another",
    ),
    "a second principal": (
        writing(KEY_PLAN, Principal={"AWS": [ROLE_ARN, ROLE_OF_OTHERS]}),
        "admits another",
    ),
    "another role's policy": (altered(ROLE_PLAN, subject=ROLE_OF_OTHERS), "admits another"),
    "another key's policy": (altered(KEY_PLAN, subject=OTHER_KEY), "not among the keys"),
    "a deny": (writing(KEY_PLAN, Effect="Deny"), "wider"),
    "an administrative action": (writing(KEY_PLAN, Action="kms:PutKeyPolicy"), "wider"),
    "one action too many": (
        writing(KEY_PLAN, Action=["kms:Encrypt", "kms:CreateGrant"]),
        "wider",
    ),
    "all actions": (writing(KEY_PLAN, Action="kms:*"), "wider"),
    "no action": (writing(KEY_PLAN, Action=[]), "wider"),
    "all actions but one": (writing(KEY_PLAN, Action=None, NotAction="kms:Decrypt"), "wider"),
    "no condition": (writing(KEY_PLAN, Condition=None), "wider"),
    "no service": (conditioned(KEY_PLAN, StringEquals={}), "wider"),
    "another service": (
        conditioned(KEY_PLAN, StringEquals={"kms:ViaService": "ec2.eu-central-1.amazonaws.com"}),
        "wider",
    ),
    "S3 of another Region": (
        conditioned(KEY_PLAN, StringEquals={"kms:ViaService": "s3.eu-west-1.amazonaws.com"}),
        "wider",
    ),
    "any context": (
        conditioned(KEY_PLAN, StringLike={"kms:EncryptionContext:aws:s3:arn": "*"}),
        "wider",
    ),
    "another bucket's context": (
        conditioned(
            KEY_PLAN, StringLike={"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orders-paris/*"}
        ),
        "wider",
    ),
    "a further condition": (conditioned(KEY_PLAN, Null={"aws:TokenIssueTime": "true"}), "wider"),
    "a key of its own choice": (writing(ROLE_PLAN, Resource="*"), "wider"),
    "no Sid": (writing(KEY_PLAN, Sid=None), "wider"),
    "a Sid that is not ours": (writing(KEY_PLAN, Sid="Delegated"), "wider"),
}


@pytest.mark.parametrize(("plan", "says"), SHAPES.values(), ids=SHAPES)
def test_a_statement_of_any_other_shape_is_refused(plan: Plan, says: str) -> None:
    limits = limited(replication_roles=frozenset({ROLE_ARN, ROLE_OF_OTHERS}))

    assert any(says in each for each in objections(plan, limits))


ONLY_CHANGE = KEY_PLAN.changes[0]


def with_statements(*statements: Any, **content: Any) -> Plan:
    whole = {"Version": "2012-10-17", "Statement": list(statements), **content}
    return altered(KEY_PLAN, after=PolicyDocument.of(whole))


REWRITTEN = {
    "a statement is gone": with_statements(delegated_to(MEMBER), ONLY_CHANGE.statement),
    "two have changed places": with_statements(
        delegated_to(MEMBER), administered_by(MEMBER), ONLY_CHANGE.statement
    ),
    "one is altered": with_statements(
        {**administered_by(MEMBER), "Action": "kms:Get*"},
        delegated_to(MEMBER),
        ONLY_CHANGE.statement,
    ),
    "ours takes another's place and Sid": with_statements(
        {**ONLY_CHANGE.statement, "Sid": "Administer"}, delegated_to(MEMBER)
    ),
    "the version changes": with_statements(
        administered_by(MEMBER), delegated_to(MEMBER), ONLY_CHANGE.statement, Version="2008-10-17"
    ),
    "an Id appears": with_statements(
        administered_by(MEMBER), delegated_to(MEMBER), ONLY_CHANGE.statement, Id="ours"
    ),
}


@pytest.mark.parametrize("plan", REWRITTEN.values(), ids=REWRITTEN)
def test_what_a_policy_already_has_must_stay_as_it_is(plan: Plan) -> None:
    assert f"the plan would alter what {DESTINATION_KEY} already has" in objections(plan)


def test_our_own_earlier_statement_may_be_replaced_in_its_place() -> None:
    narrower = {**ONLY_CHANGE.statement, "Action": "kms:Decrypt"}
    before = document(administered_by(MEMBER), narrower, delegated_to(MEMBER))
    wider = {**ONLY_CHANGE.statement, "Action": ["kms:Decrypt", "kms:Encrypt"]}
    change: Change = replace(ONLY_CHANGE, before=before, after=before.with_statement(wider))

    assert objections(replace(KEY_PLAN, changes=(change,))) == []


def test_our_own_earlier_statement_loses_nothing_by_being_replaced() -> None:
    wider = {**ONLY_CHANGE.statement, "Action": ["kms:Decrypt", "kms:Encrypt"]}
    before = document(administered_by(MEMBER), wider)
    after = before.with_statement(ONLY_CHANGE.statement)

    found = objections(altered(KEY_PLAN, before=before, after=after))

    assert f"the plan would alter what {DESTINATION_KEY} already has" in found


@pytest.mark.parametrize(
    ("plan", "most"),
    [(KEY_PLAN, 32_768), (ROLE_PLAN, 10_240)],
    ids=[ChangeKind.KEY_POLICY, ChangeKind.ROLE_POLICY],
)
def test_a_document_has_to_fit_into_its_share_of_the_services_limit(plan: Plan, most: int) -> None:
    change = plan.changes[0]
    filler = "x" * (most - change.after.size - len(',"Id":""'))
    full = PolicyDocument.of({**change.after.content, "Id": filler})
    before = PolicyDocument.of({**(change.before or PolicyDocument.empty()).content, "Id": filler})
    at_the_limit = altered(plan, before=before, after=full)

    assert full.size == most
    assert objections(at_the_limit, limited(policy_size_share=100)) == []
    assert any(
        "PolicySizeShare" in each
        for each in objections(at_the_limit, limited(policy_size_share=99))
    )


def test_a_rejected_plan_stays_rejected_and_another_one_does_not() -> None:
    rejection = Rejection(plan_hash=KEY_PLAN.hash, says="rejected by anna")
    circumstances = replace(NOW, rejection=rejection)

    verdict = review(KEY_PLAN, LIMITS, circumstances)

    assert isinstance(verdict, Refused)
    assert "rejected by anna" in verdict.objections[0].says
    assert isinstance(review(ROLE_PLAN, LIMITS, circumstances), Approved)
