"""Explain a refused call: which layer, which statement, and what shows it."""

from collections.abc import Iterable, Sequence

from replimend.domain.access import Effect, LayerDecision, LayerName, Result
from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.agreement import agrees
from replimend.domain.diagnosis.alternatives import alternatives
from replimend.domain.diagnosis.causes import Cause, Confidence, Diagnosis
from replimend.domain.diagnosis.near_misses import (
    dead_in_grants,
    dead_principals,
    near_misses,
)
from replimend.domain.diagnosis.refusal_words import evidence_of, step_of
from replimend.domain.facts import Facts
from replimend.domain.failure_reasons import FailureReason, ReasonSide
from replimend.domain.requirements import Requirement
from replimend.domain.signals import KeyAccessDenied


def explain_refusal(
    assessments: Sequence[Assessment], facts: Facts, reason: FailureReason | None
) -> Diagnosis | None:
    """The cause behind the refused calls, or None when none is refused for certain.

    The first refused call that the failure reason names decides; else the first on the side that it
    speaks of; without one on that side, the first refused call. The code orders, and overrules
    nothing. All calls refused for the same subject are mended together.
    """
    refused = [each for each in assessments if each.is_refused]
    if not refused:
        return None
    first = min(refused, key=lambda each: nearness(each.requirement, reason))
    cause = _cause_of(first, facts)
    denial = _agreeing_denial(first, facts.denials)
    deciding = _deciding_layer(first, cause, facts)
    return Diagnosis(
        cause=cause,
        confidence=Confidence.PROVEN if denial is not None else Confidence.EVALUATED,
        next=step_of(cause, first, deciding, facts),
        subject=first.requirement.resource,
        requirement=first.requirement,
        layer=deciding.layer,
        effect="explicit" if deciding.effect is Effect.EXPLICITLY_DENIED else "implicit",
        statements=deciding.statements,
        missed=near_misses(first),
        refused=tuple(refused),
        unknown=tuple(each for each in assessments if each.is_unknown),
        evidence=evidence_of(first, cause, facts, reason, denial),
        ruled_out=tuple(alternatives(cause, assessments, facts)),
    )


NAMED, ON_ITS_SIDE, ASIDE = range(3)
"""How near a call is to what the failure reason speaks of; less is nearer."""


def nearness(requirement: Requirement, reason: FailureReason | None) -> tuple[int, int]:
    """How near the call is, and the place of its action among those that the code names."""
    if reason is None or reason.side is ReasonSide.NONE:
        return ON_ITS_SIDE, 0
    if requirement.side.value != reason.side.value:
        return ASIDE, 0
    if requirement.action in reason.actions:
        return NAMED, reason.actions.index(requirement.action)
    return ON_ITS_SIDE, 0


def _cause_of(assessment: Assessment, facts: Facts) -> Cause:
    if assessment.decision.result is Result.EXPLICITLY_DENIED:
        return Cause.EXPLICIT_DENY
    refusing = {layer.layer for layer in assessment.refusing_layers}
    requirement = assessment.requirement
    if LayerName.BOUNDARY in refusing:
        return Cause.PERMISSIONS_BOUNDARY
    if LayerName.RESOURCE in refusing and (
        dead_principals(requirement, facts) or dead_in_grants(requirement, facts)
    ):
        return Cause.DEAD_PRINCIPAL
    if near_misses(assessment):
        return Cause.CONDITION_MISMATCH
    if LayerName.RESOURCE not in refusing:
        return Cause.ROLE_POLICY_LACKS_ACTION
    if LayerName.IDENTITY in refusing:
        return Cause.BOTH_SIDES_LACK_ROLE
    return Cause.KEY_POLICY_LACKS_ROLE if requirement.is_kms else Cause.BUCKET_POLICY_LACKS_ROLE


DECIDES = {
    Cause.ROLE_POLICY_LACKS_ACTION: LayerName.IDENTITY,
    Cause.PERMISSIONS_BOUNDARY: LayerName.BOUNDARY,
}


def _deciding_layer(assessment: Assessment, cause: Cause, facts: Facts) -> LayerDecision:
    """The layer that the cause is in."""
    layers = assessment.refusing_layers
    grants = assessment.decision.layer(LayerName.GRANT)
    match cause:
        case Cause.EXPLICIT_DENY:
            return layers[0]
        case Cause.DEAD_PRINCIPAL if not dead_principals(assessment.requirement, facts):
            return grants
        case Cause.CONDITION_MISMATCH:
            return next(each for each in (*layers, grants) if each.missed)
        case _:
            wanted = DECIDES.get(cause, LayerName.RESOURCE)
            return next((each for each in layers if each.layer is wanted), layers[0])


def _agreeing_denial(
    assessment: Assessment, denials: Sequence[KeyAccessDenied]
) -> KeyAccessDenied | None:
    """The newest denial that speaks of the same call and does not contradict the evaluation."""
    refusing: Iterable[str] = {layer.layer for layer in assessment.refusing_layers}
    named = frozenset(refusing)
    return next(
        (each for each in reversed(denials) if agrees(each, assessment.requirement, named)), None
    )
