"""Diagnoses, plans and verdicts as JSON: what people and programs are answered (design 9)."""

from typing import Any, assert_never

from replimend.domain.access import MissedCondition
from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.causes import Diagnosis
from replimend.domain.diagnosis.history import ChangeEvent
from replimend.domain.facts import Fact
from replimend.domain.repair.changes import diff_of
from replimend.domain.repair.plan import Change, NoPlan, Plan
from replimend.domain.repair.verdicts import Approved, Refused, Verdict
from replimend.domain.requirements import Needed, Requirement

NEAREST_WORDS = {
    Needed.ANNOTATIONS: Needed.ALWAYS,
    Needed.REPLICA_MODIFICATIONS: Needed.TAGS,
}
"""What the answers' format, which has no word for these reasons, says in their place."""


def diagnosis_answer(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis with its evidence and what was ruled out."""
    return {
        "cause": diagnosis.cause.value,
        "confidence": diagnosis.confidence.value,
        "subject": diagnosis.subject,
        "requirement": requirement_answer(diagnosis.requirement) if diagnosis.requirement else None,
        "layer": diagnosis.layer,
        "effect": diagnosis.effect,
        "statements": list(diagnosis.statements),
        "missed": [_missed(each) for each in diagnosis.missed],
        "requirements": [assessment_answer(each) for each in diagnosis.refused],
        "evidence": [
            {"source": each.source.value, "says": each.says} for each in diagnosis.evidence
        ],
        "ruledOut": [
            {"cause": each.cause.value, "because": each.because} for each in diagnosis.ruled_out
        ],
        "brokenBy": broken_by_answer(diagnosis.broken_by),
        "next": diagnosis.next,
    }


def broken_by_answer(broken_by: Fact[ChangeEvent]) -> dict[str, str] | None:
    """The change behind a diagnosis, or None where none is known; times in ISO 8601."""
    if not isinstance(broken_by, ChangeEvent):
        return None
    return {
        "event": broken_by.act.value,
        "who": broken_by.author.principal,
        "at": broken_by.at.isoformat(),
        "eventId": broken_by.event_id,
    }


def requirement_answer(requirement: Requirement) -> dict[str, Any]:
    """One call that S3 needs, with its context."""
    return {
        "action": requirement.action,
        "side": requirement.side.value,
        "resource": requirement.resource,
        "needed": NEAREST_WORDS.get(requirement.needed, requirement.needed).value,
        "context": dict(requirement.context),
    }


def assessment_answer(assessment: Assessment) -> dict[str, Any]:
    """One call with the result of its evaluation and the layer that decided."""
    layers = assessment.refusing_layers
    return {
        **requirement_answer(assessment.requirement),
        "result": assessment.decision.result.value,
        "layer": layers[0].layer if layers else None,
    }


def plan_answer(plan: Plan | NoPlan) -> dict[str, Any]:
    """The changes with their inverses and a diff each, or why there are none."""
    match plan:
        case Plan():
            return {
                "hash": plan.hash,
                "replayOnly": plan.is_replay_only,
                "changes": [_change(each) for each in plan.changes],
                "because": None,
            }
        case NoPlan(reason=reason):
            return {"hash": None, "replayOnly": False, "changes": [], "because": reason}
        case unreachable:
            assert_never(unreachable)


def verdict_answer(verdict: Verdict | None) -> dict[str, Any]:
    """Whether the plan may be applied, and every objection."""
    match verdict:
        case None:
            return {"verdict": "no_plan", "objections": []}
        case Approved(by=by):
            return {"verdict": "approved", "by": by, "objections": []}
        case Refused(objections=objections):
            return {"verdict": "refused", "objections": [each.says for each in objections]}
        case unreachable:
            assert_never(unreachable)


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "subject": change.subject,
        "policyName": change.policy_name,
        "before": change.before.content if change.before else None,
        "after": change.after.content,
        "statement": dict(change.statement),
        "serves": [each.action for each in change.serves],
        "blastRadius": change.blast_radius,
        "reverses": change.reverses,
        "diff": diff_of(change.before, change.after, change.subject),
    }


def _missed(missed: MissedCondition) -> dict[str, Any]:
    return {
        "statement": missed.statement,
        "condition": missed.condition,
        "expected": list(missed.expected),
        "actual": missed.actual,
    }
