"""Explanations and preflights as JSON, in the shapes that design 9 promises."""

from collections.abc import Iterable
from typing import Any

from replimend.domain.access import Effect
from replimend.domain.answers import requirement_answer
from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.causes import Confidence, Diagnosis
from replimend.domain.repair.plan import Change, Plan
from replimend.domain.setups.explanation import Explanation
from replimend.domain.setups.findings import Finding
from replimend.domain.setups.preflight import Preflight

EFFECTS = {Effect.EXPLICITLY_DENIED: "explicit", Effect.IMPLICITLY_DENIED: "implicit"}


def explanation_answer(explanation: Explanation) -> dict[str, Any]:
    """One signal's answer; its evidence ends with what was ruled out."""
    diagnosis, located = explanation.diagnosis, explanation.located
    denial = explanation.denial
    return {
        "signal": explanation.about.value,
        "reason": explanation.reason,
        "action": explanation.action,
        "principal": explanation.principal,
        "resource": explanation.resource,
        "denial": {
            "layer": denial.layer.value,
            "effect": denial.effect.value,
            "policy": denial.policy_arn,
        },
        "cause": diagnosis.cause.value if diagnosis else None,
        "confidence": (diagnosis.confidence if diagnosis else Confidence.REPORTED).value,
        "requirements": [call_answer(each) for each in located.assessments] if located else [],
        "evidence": _evidence(diagnosis) if diagnosis else [],
        "plan": changes_answer(located.plan.changes)
        if located and isinstance(located.plan, Plan)
        else [],
        "next": explanation.next,
    }


def preflight_answer(preflight: Preflight) -> dict[str, Any]:
    """The verdict, every call, every finding and the plan."""
    return {
        "replicates": preflight.replicates,
        "requirements": [call_answer(call.assessment) for call in preflight.calls],
        "findings": [_finding(each) for each in preflight.findings],
        "plan": changes_answer(preflight.changes),
    }


def call_answer(assessment: Assessment) -> dict[str, Any]:
    """One call with its result, and the layer to look at first where it is not allowed."""
    layer, effect = _deciding(assessment)
    return {
        **requirement_answer(assessment.requirement),
        "result": assessment.decision.result.value,
        "layer": layer,
        "effect": effect,
    }


def changes_answer(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Each change with the documents before and after it."""
    return [
        {
            "kind": change.kind.value,
            "subject": change.subject,
            "policyName": change.policy_name,
            "before": change.before.content if change.before else None,
            "after": change.after.content,
            "statement": dict(change.statement),
            "reverses": change.reverses,
        }
        for change in changes
    ]


def _deciding(assessment: Assessment) -> tuple[str | None, str | None]:
    if assessment.is_allowed:
        return None, None
    if refusing := assessment.refusing_layers:
        return refusing[0].layer.value, EFFECTS.get(refusing[0].effect)
    unread = (each for each in assessment.decision.layers if each.effect is Effect.UNKNOWN)
    return next((each.layer.value for each in unread), None), None


def _evidence(diagnosis: Diagnosis) -> list[dict[str, str]]:
    observed = [{"source": each.source.value, "says": each.says} for each in diagnosis.evidence]
    ruled_out = [
        {"source": "ruled_out", "says": f"{each.cause.value}: {each.because}"}
        for each in diagnosis.ruled_out
    ]
    return observed + ruled_out


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.kind.value,
        "severity": finding.severity.value,
        "predicts": finding.predicts,
        "subject": finding.subject,
        "says": finding.says,
        "fix": finding.fix,
    }
