"""The letter to whoever is to approve: all of it there, and small enough to be sent."""

from dataclasses import replace
from datetime import timedelta

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import PolicyDocument
from replimend.domain.repair.approvals import (
    LONGEST_SUBJECT,
    LONGEST_TEXT,
    ApprovalRequest,
    ApprovalTerms,
    approval_request,
)
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Plan
from replimend.domain.repair.verdicts import Objection, ObjectionKind, Refused
from tests.facts import DESTINATION_KEY, ROLE_ARN, flagship_facts
from tests.incidents import an_incident

FACTS = flagship_facts()
DIAGNOSIS = diagnose(FACTS, None)
TERMS = ApprovalTerms(valid=timedelta(hours=24), stack="mending", region="eu-west-1")


def a_plan() -> Plan:
    plan = plan_for(DIAGNOSIS, FACTS)
    assert isinstance(plan, Plan)
    return plan


PLAN = a_plan()


def asked(plan: Plan = PLAN) -> ApprovalRequest:
    waits = Objection(says="the mode is approve", kind=ObjectionKind.NEEDS_APPROVAL)
    refused = Refused(plan_hash=plan.hash, objections=(waits,))
    return approval_request(an_incident(plan_hash=plan.hash), DIAGNOSIS, plan, refused, TERMS)


def test_the_letter_has_all_that_the_decision_needs() -> None:
    text = asked().text

    for part in (
        "key_policy_lacks_role (evaluated)",
        DIAGNOSIS.headline,
        "orders-ireland -> orders-frankfurt",
        PLAN.changes[0].blast_radius,
        PLAN.changes[0].reverses,
        f"+++ {DESTINATION_KEY} (after)",
        f'+        "AWS": "{ROLE_ARN}"',
        "Objection:  the mode is approve",
        "Expires:    2026-06-02 12:00 UTC",
    ):
        assert part in text


def test_the_letter_has_the_very_commands_to_answer_it_by() -> None:
    lines = asked().text.splitlines()
    at = "--stack mending --region eu-west-1"

    assert f"To approve: replimend approve 0123456789ab {PLAN.hash} {at}" in lines
    assert f"To reject:  replimend reject 0123456789ab {at}" in lines


def test_the_subject_is_one_short_line_of_ascii() -> None:
    plan = replace(PLAN, source_bucket="ö" * 200)

    subject = asked(plan).subject

    assert len(subject) <= LONGEST_SUBJECT
    assert subject.isascii()
    assert subject.isprintable()


def test_a_letter_too_long_to_send_is_cut_and_says_where_the_rest_is() -> None:
    long = PolicyDocument.of({"Statement": [{"Sid": "ü" * 100_000}]})
    plan = replace(PLAN, changes=(replace(PLAN.changes[0], after=long),))

    text = asked(plan).text

    assert len(text.encode()) <= LONGEST_TEXT
    assert "replimend approve" in text
    assert text.rstrip().endswith(
        "see the rest with: replimend incident 0123456789ab --stack mending --region eu-west-1"
    )
