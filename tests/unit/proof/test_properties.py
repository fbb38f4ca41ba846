"""What holds of every plan for every set-up, whatever its policies say."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from replimend.domain.assessment import decide
from replimend.domain.diagnosis.causes import Cause
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, Role
from replimend.domain.repair.guardrails import review
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import (
    OF_POLICIES,
    ROLE_POLICY_NAME,
    Change,
    ChangeKind,
    NoPlan,
    Plan,
)
from replimend.domain.repair.probes import first_difference
from replimend.domain.repair.proof import SERVICE_LIMITS, scope_of
from replimend.domain.repair.prospect import Prospect
from replimend.domain.repair.verdicts import Approved
from replimend.domain.repair.widening import added_value
from tests.facts import DESTINATION_KEY, MEMBER, SOURCE_KEY, administered_by
from tests.incidents import LIMITS
from tests.unit.proof.generated import kinds, many, set_ups, some, unhurried
from tests.unit.proof.ladder import nobody_tagged

ALLOWING = replace(
    LIMITS,
    allowed_changes=frozenset(ChangeKind),
    repairable_keys=frozenset({SOURCE_KEY, DESTINATION_KEY}),
    changes_per_incident=4,
)


def plan_of(facts: Facts, allowed: frozenset[str]) -> Plan | NoPlan:
    return plan_for(diagnose(facts, None), facts, allowed)


def carried_out(facts: Facts, plan: Plan) -> Facts:
    prospect = Prospect()
    for change in plan.changes:
        if change.kind is ChangeKind.GRANT:
            prospect.grants[change.subject] = change.after
            continue
        assert isinstance(change.after, PolicyDocument)
        if change.kind is ChangeKind.ROLE_POLICY:
            prospect.role_policy(ROLE_POLICY_NAME, change.after)
        else:
            prospect.policies[change.subject] = change.after
    return prospect.of(facts)


def is_of(kind: ChangeKind, change: Change) -> bool:
    return change.kind is kind


REACHED: dict[str, Callable[[Change], bool]] = {
    **{kind.value: partial(is_of, kind) for kind in sorted({*OF_POLICIES, ChangeKind.GRANT})},
    "one value more": lambda change: any(
        old and new and added_value(old, new)
        for old, new in change.after.edits_since(change.before)
    ),
}


@pytest.mark.parametrize("is_such", REACHED.values(), ids=REACHED)
def test_the_generated_set_ups_reach_every_rung(is_such: Callable[[Change], bool]) -> None:
    def reaches(drawn: tuple[Facts, frozenset[str]]) -> bool:
        plan = plan_of(*drawn)
        return isinstance(plan, Plan) and any(is_such(change) for change in plan.changes)

    searching = settings(unhurried, max_examples=2_000, phases=[Phase.generate])
    assert find(st.tuples(set_ups, kinds), reaches, settings=searching)


@many
@given(set_ups, kinds)
def test_carried_out_a_plan_leaves_nothing_to_plan(facts: Facts, allowed: frozenset[str]) -> None:
    plan = plan_of(facts, allowed)
    if isinstance(plan, NoPlan):
        return

    after = carried_out(facts, plan)

    assert diagnose(after, None).cause is Cause.MENDED
    again = plan_of(after, allowed)
    assert isinstance(again, Plan)
    assert again.changes == ()


@some
@given(set_ups, kinds)
def test_every_plan_passes_its_proof(facts: Facts, allowed: frozenset[str]) -> None:
    plan = plan_of(facts, allowed)
    if isinstance(plan, NoPlan):
        return

    verdict = review(plan, ALLOWING, nobody_tagged(plan))

    assert isinstance(verdict, Approved), verdict


@many
@given(set_ups, kinds)
def test_every_statement_survives_in_its_order(facts: Facts, allowed: frozenset[str]) -> None:
    plan = plan_of(facts, allowed)
    for change in plan.changes if isinstance(plan, Plan) else ():
        before = change.before.statements if change.before else ()
        for old, new in zip(before, change.after.statements, strict=False):
            assert old == new or added_value(old, new) is not None
        assert len(change.after.statements) >= len(before)


@many
@given(set_ups, kinds)
def test_the_administrators_access_survives(facts: Facts, allowed: frozenset[str]) -> None:
    plan = plan_of(facts, allowed)
    for change in plan.changes if isinstance(plan, Plan) else ():
        if change.kind is ChangeKind.KEY_POLICY:
            assert change.after.statements[0] == administered_by(MEMBER)


@many
@given(set_ups, kinds)
def test_every_document_stays_within_its_size(facts: Facts, allowed: frozenset[str]) -> None:
    plan = plan_of(facts, allowed)
    for change in plan.changes if isinstance(plan, Plan) else ():
        assert change.after.size <= SERVICE_LIMITS.get(change.kind, change.after.size)


@some
@given(set_ups, kinds)
def test_no_probe_tells_of_anything_but_the_intended(facts: Facts, allowed: frozenset[str]) -> None:
    plan = plan_of(facts, allowed)
    if isinstance(plan, NoPlan):
        return

    assert [first_difference(each, scope_of(plan)) for each in plan.changes] == [
        None for _ in plan.changes
    ]


@many
@given(set_ups, kinds)
def test_taking_back_what_was_added_restores_every_byte(
    facts: Facts, allowed: frozenset[str]
) -> None:
    plan = plan_of(facts, allowed)
    for change in plan.changes if isinstance(plan, Plan) else ():
        if not isinstance(change.after, PolicyDocument):
            continue
        others = {"Sid": "SomebodyElses", "Effect": "Allow", "Action": "kms:ListGrants"}
        edited = change.after.with_statement(others)
        edits = change.after.edits_since(change.before)

        back, beside = change.after.less(edits), edited.less(edits)

        before = change.before or PolicyDocument.empty()
        assert back is not None
        assert back.text == before.text
        assert beside is not None
        assert beside.statements == (*before.statements, others)


@many
@given(set_ups, kinds)
def test_no_call_that_was_allowed_is_refused_afterwards(
    facts: Facts, allowed: frozenset[str]
) -> None:
    plan = plan_of(facts, allowed)
    if isinstance(plan, NoPlan):
        return
    after = carried_out(facts, plan)
    assert isinstance(after.role, Role)

    for change in plan.changes:
        for requirement in change.serves:
            assert decide(requirement, after, after.role).result == "Allowed"
