"""Explain a refused call: which layer, which statement, and what was ruled out on the way."""

from collections.abc import Iterable, Sequence

from replimend.domain.access import Effect, LayerDecision, LayerName, MissedCondition, Result
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment
from replimend.domain.causes import (
    Cause,
    Confidence,
    Diagnosis,
    Evidence,
    RuledOut,
    Source,
)
from replimend.domain.denials import DenialEffect, DenialLayer
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, Key
from replimend.domain.failure_reasons import FailureReason, ReasonSide
from replimend.domain.requirements import Requirement, Side
from replimend.domain.signals import KeyAccessDenied

NEXT_STEPS = {
    Cause.ROLE_POLICY_LACKS_ACTION: "Add {action} on {resource} to the role's own policy.",
    Cause.KEY_POLICY_LACKS_ROLE: "Let the key policy of {resource} admit the replication role "
    "for {action}.",
    Cause.BOTH_SIDES_LACK_ROLE: "Across accounts both sides must allow {action}: the policy of "
    "{resource} and the role's own.",
    Cause.BUCKET_POLICY_LACKS_ROLE: "Let the destination bucket's policy allow the replication "
    "role {action}.",
    Cause.CONDITION_MISMATCH: "Widen the condition of the statement that almost matched so that "
    "it fits what S3 sends.",
    Cause.DEAD_PRINCIPAL: "The key policy names a role by the id of one that was deleted: name "
    "the role again by its ARN.",
    Cause.EXPLICIT_DENY: "Ask the owner of the deny; no allow elsewhere can lift it.",
    Cause.PERMISSIONS_BOUNDARY: "Ask the owner of the role's permissions boundary to let it do "
    "{action}.",
}


def explain_refusal(
    assessments: Sequence[Assessment], facts: Facts, reason: FailureReason | None
) -> Diagnosis | None:
    """The cause behind the refused calls, or None when none is refused for certain.

    The first refused call on the side that the failure reason speaks of decides; without one on
    that side, the first refused call. All calls refused for the same subject are mended together.
    """
    refused = [each for each in assessments if each.is_refused]
    if not refused:
        return None
    first = next((each for each in refused if _fits(each.requirement, reason)), refused[0])
    cause = _cause_of(first, facts)
    denial = _agreeing_denial(first, facts.denials)
    deciding = _deciding_layer(first, cause)
    return Diagnosis(
        cause=cause,
        confidence=Confidence.PROVEN if denial is not None else Confidence.EVALUATED,
        next=NEXT_STEPS[cause].format(
            action=first.requirement.action, resource=first.requirement.resource
        ),
        subject=first.requirement.resource,
        requirement=first.requirement,
        layer=deciding.layer,
        effect="explicit" if deciding.effect is Effect.EXPLICITLY_DENIED else "implicit",
        statements=deciding.statements,
        missed=_missed(first),
        refused=tuple(refused),
        unknown=tuple(each for each in assessments if each.is_unknown),
        evidence=_evidence(first, cause, facts, reason, denial),
        ruled_out=tuple(_ruled_out(cause, assessments, facts)),
    )


def dead_principals(requirement: Requirement, facts: Facts) -> tuple[str, ...]:
    """The deleted roles that the key's policy still allows something, by their ids."""
    policy = _key_policy(requirement, facts)
    return dead_principals_of(policy) if policy is not None else ()


def dead_principals_of(policy: PolicyDocument) -> tuple[str, ...]:
    """A deleted role's principal turns into its unique id, `AROA…` (aws-facts 5.4)."""
    return tuple(
        principal
        for statement in policy.statements
        if statement.get("Effect") == "Allow"
        for principal in _aws_principals(statement.get("Principal"))
        if principal.startswith("AROA")
    )


def _fits(requirement: Requirement, reason: FailureReason | None) -> bool:
    if reason is None or reason.side is ReasonSide.NONE:
        return True
    wanted = Side.SOURCE if reason.side is ReasonSide.SOURCE else Side.DESTINATION
    return requirement.side is wanted


def _cause_of(assessment: Assessment, facts: Facts) -> Cause:
    if assessment.decision.result is Result.EXPLICITLY_DENIED:
        return Cause.EXPLICIT_DENY
    refusing = {layer.layer for layer in assessment.refusing_layers}
    if LayerName.BOUNDARY in refusing:
        return Cause.PERMISSIONS_BOUNDARY
    if dead_principals(assessment.requirement, facts):
        return Cause.DEAD_PRINCIPAL
    if _missed(assessment):
        return Cause.CONDITION_MISMATCH
    if LayerName.RESOURCE not in refusing:
        return Cause.ROLE_POLICY_LACKS_ACTION
    if not assessment.requirement.is_kms:
        return Cause.BUCKET_POLICY_LACKS_ROLE
    if LayerName.IDENTITY in refusing:
        return Cause.BOTH_SIDES_LACK_ROLE
    return Cause.KEY_POLICY_LACKS_ROLE


def _missed(assessment: Assessment) -> tuple[MissedCondition, ...]:
    return tuple(missed for layer in assessment.refusing_layers for missed in layer.missed)


def _aws_principals(principal: object) -> Iterable[str]:
    named = principal.get("AWS", ()) if isinstance(principal, dict) else ()
    return [named] if isinstance(named, str) else [each for each in named if isinstance(each, str)]


def _key_policy(requirement: Requirement, facts: Facts) -> PolicyDocument | None:
    if not requirement.is_kms:
        return None
    key = facts.source_key if requirement.side is Side.SOURCE else facts.destination_key
    return key.policy if isinstance(key, Key) and isinstance(key.policy, PolicyDocument) else None


def _deciding_layer(assessment: Assessment, cause: Cause) -> LayerDecision:
    wanted = LayerName.IDENTITY if cause is Cause.ROLE_POLICY_LACKS_ACTION else LayerName.RESOURCE
    layers = assessment.refusing_layers
    return next((layer for layer in layers if layer.layer is wanted), layers[0])


def _agreeing_denial(
    assessment: Assessment, denials: Sequence[KeyAccessDenied]
) -> KeyAccessDenied | None:
    """The newest denial that speaks of the same call and does not contradict the evaluation."""
    if not assessment.requirement.is_kms:
        return None
    return next((each for each in reversed(denials) if _agrees(each, assessment)), None)


def _agrees(denial: KeyAccessDenied, assessment: Assessment) -> bool:
    requirement = assessment.requirement
    region = Arn.parse(requirement.resource).region
    if denial.action != requirement.action or denial.region != region:
        return False
    if denial.key_arn not in {None, requirement.resource}:
        return False
    said = denial.denial
    if said.effect is DenialEffect.AMBIGUOUS or said.layer is DenialLayer.UNKNOWN:
        return True
    return said.layer.value in {layer.layer for layer in assessment.refusing_layers}


def _evidence(
    first: Assessment,
    cause: Cause,
    facts: Facts,
    reason: FailureReason | None,
    denial: KeyAccessDenied | None,
) -> tuple[Evidence, ...]:
    found = []
    if reason is not None:
        found.append(Evidence(source=Source.EVENT, says=f"S3 reported {reason.code}"))
    if denial is not None:
        found.append(
            Evidence(source=Source.DENIAL, says=f"CloudTrail {denial.event_id}: {denial.message}")
        )
    found.extend(
        Evidence(source=Source.POLICY, says=_says(layer, first, cause, facts))
        for layer in first.refusing_layers
    )
    return tuple(found)


def _says(layer: LayerDecision, first: Assessment, cause: Cause, facts: Facts) -> str:
    requirement = first.requirement
    if layer.effect is Effect.EXPLICITLY_DENIED:
        return f"{layer.layer}: {', '.join(layer.statements)} denies {requirement.action}"
    if (
        layer.layer is LayerName.RESOURCE
        and requirement.is_kms
        and cause is not Cause.CONDITION_MISMATCH
    ):
        return (
            f"the key policy of {requirement.resource} neither names the role nor delegates "
            f"{requirement.action} to account {facts.home_account}"
        )
    if layer.missed:
        return "; ".join(_says_missed(each) for each in layer.missed)
    return f"{layer.layer}: no statement allows {requirement.action} on {requirement.resource}"


def _says_missed(missed: MissedCondition) -> str:
    return (
        f"{missed.statement} would allow it but for {missed.condition}: "
        f"expects {list(missed.expected)}, S3 sends {missed.actual!r}"
    )


def _ruled_out(cause: Cause, assessments: Sequence[Assessment], facts: Facts) -> Iterable[RuledOut]:
    allowed = [each.requirement.action for each in assessments if each.is_allowed]
    if allowed:
        yield RuledOut(
            cause=Cause.BUCKET_POLICY_LACKS_ROLE
            if cause is not Cause.BUCKET_POLICY_LACKS_ROLE
            else Cause.KEY_POLICY_LACKS_ROLE,
            because=f"{', '.join(dict.fromkeys(allowed))} are allowed",
        )
    if cause is not Cause.EXPLICIT_DENY:
        yield RuledOut(
            cause=Cause.EXPLICIT_DENY, because="no readable policy denies a call that S3 makes"
        )
    for key, unusable in (
        (facts.source_key, Cause.SOURCE_KEY_UNUSABLE),
        (facts.destination_key, Cause.DESTINATION_KEY_UNUSABLE),
    ):
        if isinstance(key, Key):
            yield RuledOut(cause=unusable, because=f"{key.arn} is {key.state}")
    for identity in _identity_allows(cause, assessments):
        yield RuledOut(cause=Cause.ROLE_POLICY_LACKS_ACTION, because=identity)


def _identity_allows(cause: Cause, assessments: Sequence[Assessment]) -> Iterable[str]:
    if cause is not Cause.KEY_POLICY_LACKS_ROLE:
        return
    for each in assessments:
        for layer in each.decision.layers:
            if (
                each.is_refused
                and layer.layer is LayerName.IDENTITY
                and layer.effect is Effect.ALLOWED
            ):
                yield (
                    f"the role's own policy allows {each.requirement.action} "
                    f"({', '.join(layer.statements)})"
                )
