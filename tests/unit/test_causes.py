"""The diagnosis against the table of cases, and what holds for every diagnosis."""

import pytest

from replimend.domain.diagnosis.causes import Cause, Confidence, Diagnosis, Source
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.failure_reasons import FailureReason, ReasonClass, ReasonCode
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.setups.reported import reported_failure
from tests.cause_cases import CASES, codes
from tests.cause_cases.model import PUT, CauseCase, under_rule
from tests.facts import DESTINATION_KEY, HOME, flagship_facts, healthy_facts

FEWEST_CASES = 130
SPELLINGS = 40


def diagnosed(case: CauseCase) -> Diagnosis:
    return diagnose(case.facts, FailureReason.parse(case.reason) if case.reason else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_has_the_answer_of_an_expert(case: CauseCase) -> None:
    diagnosis = diagnosed(case)

    required = diagnosis.requirement.action if diagnosis.requirement else None
    answer = (diagnosis.cause, diagnosis.confidence, diagnosis.layer, required)
    assert answer == (case.cause, case.confidence, case.layer, case.action)
    assert case.next in diagnosis.next


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_answer_has_evidence_and_rules_out_only_other_causes(case: CauseCase) -> None:
    diagnosis = diagnosed(case)

    others = [each.cause for each in diagnosis.ruled_out]
    assert diagnosis.evidence
    assert all(each.says for each in diagnosis.evidence)
    assert diagnosis.cause not in others
    assert len(set(others)) == len(others)
    assert all(each.because for each in diagnosis.ruled_out)
    assert "{" not in diagnosis.next


def test_the_table_is_large_enough_and_names_every_case_once() -> None:
    assert len(CASES) >= FEWEST_CASES
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_cause_is_the_answer_of_some_case() -> None:
    assert {case.cause for case in CASES} == set(Cause)


def test_every_spelling_of_a_code_is_tried_with_a_set_up_and_without() -> None:
    with_set_up = {case.reason for case in codes.WITH_A_SOUND_SET_UP}

    assert with_set_up == set(codes.BY_ITSELF)
    assert set(ReasonCode) < with_set_up
    assert len({code.strip() for code in with_set_up if code}) == SPELLINGS


@pytest.mark.parametrize(("code", "expected"), codes.BY_ITSELF.items(), ids=repr)
def test_a_code_by_itself_names_its_cause_or_what_to_read(
    code: str, expected: tuple[Cause, str]
) -> None:
    diagnosis = reported_failure(FailureReason.parse(code))

    cause, step = expected
    is_open = cause is Cause.UNDETERMINED
    assert diagnosis.cause is cause
    assert diagnosis.confidence is (Confidence.UNDETERMINED if is_open else Confidence.REPORTED)
    assert step in diagnosis.next
    assert FailureReason.parse(code).code in diagnosis.evidence[0].says


def test_a_code_that_nobody_documented_is_to_be_looked_up() -> None:
    diagnosis = reported_failure(FailureReason.parse("SomethingNew"))

    assert diagnosis.cause is Cause.UNDETERMINED
    assert "SomethingNew" in diagnosis.next


@pytest.mark.parametrize("code", ReasonCode)
def test_a_code_that_may_mean_kms_or_s3_is_never_decided_by_itself(code: ReasonCode) -> None:
    if code.reason_class is ReasonClass.AMBIGUOUS:
        diagnosis = reported_failure(FailureReason.parse(code))

        assert diagnosis.cause is Cause.UNDETERMINED
        assert "iam:GetRolePolicy" in diagnosis.next


def test_the_flagship_is_named_with_its_key_and_why() -> None:
    diagnosis = diagnose(flagship_facts(), FailureReason.parse(PUT))

    ruled_out = {each.cause: each.because for each in diagnosis.ruled_out}
    assert diagnosis.subject == DESTINATION_KEY
    assert any(
        "neither names the role nor delegates" in each.says and HOME in each.says
        for each in diagnosis.evidence
    )
    assert "the role's own policy allows kms:Encrypt" in ruled_out[Cause.ROLE_POLICY_LACKS_ACTION]
    assert "Enabled" in ruled_out[Cause.DESTINATION_KEY_UNUSABLE]
    assert Cause.EXPLICIT_DENY in ruled_out


def test_a_rule_without_metrics_is_told_though_it_stops_no_object() -> None:
    diagnosis = diagnose(under_rule(metrics=False), None)

    says = [each.says for each in diagnosis.evidence if each.source is Source.STATE]
    assert any("no metrics" in each for each in says)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_not_decided_is_never_acted_on(case: CauseCase) -> None:
    plan = plan_for(diagnosed(case), case.facts)

    if case.cause is Cause.UNDETERMINED:
        assert isinstance(plan, NoPlan)
    if case.cause.needs_only_replay and not isinstance(plan, NoPlan):
        assert isinstance(plan, Plan)
        assert plan.is_replay_only


def test_a_key_behind_an_alias_is_never_repaired_by_policy() -> None:
    facts = under_rule(flagship_facts(), replica_key="alias/orders")

    plan = plan_for(diagnose(facts, FailureReason.parse(PUT)), facts)

    assert isinstance(plan, NoPlan)


def test_a_healthy_set_up_needs_a_replay_and_no_more() -> None:
    facts = healthy_facts()

    plan = plan_for(diagnose(facts, FailureReason.parse(PUT)), facts)

    assert isinstance(plan, Plan)
    assert plan.is_replay_only
