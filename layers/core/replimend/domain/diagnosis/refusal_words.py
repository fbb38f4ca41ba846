"""What is said of a refused call: the evidence, and what a person does about it."""

from collections.abc import Iterator

from replimend.domain.access import Effect, LayerDecision, LayerName, MissedCondition
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.causes import Cause, Evidence, Source
from replimend.domain.diagnosis.near_misses import (
    dead_in_grants,
    dead_principals,
    key_of,
)
from replimend.domain.diagnosis.next_steps import next_step
from replimend.domain.facts import Facts, NamedPolicy, Role
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.requirements import CONTEXT_KEY, Needed, Requirement
from replimend.domain.signals import KeyAccessDenied

MISPRINTED = "kms:encryptioncontext:arn:aws:arn"
"""How one page of the S3 User Guide prints the condition key (aws-facts 5.3)."""


UNLESS_ENFORCED = (
    " Where the destination's Object Ownership is Bucket owner enforced, S3 does not need it "
    "(s3:GetBucketOwnershipControls shows that): then drop the rule's AccessControlTranslation."
)
"""The one permission of which a setting that is not read decides whether it is needed (5.1)."""

BOTH_SIDES = {LayerName.IDENTITY, LayerName.RESOURCE}
"""Layers of which the cause names both where both are silent."""


def step_of(cause: Cause, first: Assessment, deciding: LayerDecision, facts: Facts) -> str:
    """The next step for a refused call, with what it is about."""
    requirement = first.requirement
    if cause is Cause.CONDITION_MISMATCH:
        return _fit(deciding.missed[0], first, deciding) + _also(first, deciding)
    policies = ", ".join(_called(each, requirement) for each in deciding.policies)
    dead = (*dead_principals(requirement, facts), *dead_in_grants(requirement, facts))
    if cause is Cause.DEAD_PRINCIPAL and deciding.layer is LayerName.GRANT:
        return (
            f"Create the grant on {requirement.resource} again for the role by its ARN: {dead[0]}, "
            "to which it is given, is the id of a role that was deleted."
        )
    told = next_step(
        cause,
        action=requirement.action,
        resource=_selected(requirement, facts),
        owner=_owner_of(requirement),
        denier=f"{' and '.join(deciding.statements)} in {policies}, which denies "
        f"{requirement.action}",
        policy=_boundary_of(facts),
        principal=dead[0] if dead else "its id",
    )
    also = _also(first, deciding) + _of_a_multi_region_key(requirement, deciding, facts)
    return told + also + (UNLESS_ENFORCED if requirement.needed is Needed.OWNER_OVERRIDE else "")


def _selected(requirement: Requirement, facts: Facts) -> str:
    """What to give access to: the objects that the rule selects, not the one that failed."""
    if requirement.is_kms or "/" not in requirement.resource:
        return requirement.resource
    return f"{_owner_of(requirement)}/{facts.rule.prefix if facts.rule else ''}*"


def _owner_of(requirement: Requirement) -> str:
    """What has the policy: the key, or the bucket."""
    return requirement.resource if requirement.is_kms else requirement.resource.partition("/")[0]


def _called(policy: str, requirement: Requirement) -> str:
    """A policy's name; the resource's own goes by what has it, a bucket rather than an object."""
    return _owner_of(requirement) if policy == requirement.resource else policy


def _boundary_of(facts: Facts) -> str:
    match facts.role:
        case Role(boundary=NamedPolicy(name=name)):
            return name
        case _:
            return "in force"


def evidence_of(
    first: Assessment,
    cause: Cause,
    facts: Facts,
    reason: FailureReason | None,
    denial: KeyAccessDenied | None,
) -> tuple[Evidence, ...]:
    """What shows that the call is refused: the code, CloudTrail, and what each layer says."""
    found = []
    if reason is not None:
        found.append(Evidence(source=Source.EVENT, says=f"S3 reported {reason.code}"))
    if denial is not None:
        found.append(
            Evidence(source=Source.DENIAL, says=f"CloudTrail {denial.event_id}: {denial.message}")
        )
    found.extend(_evidence_of_layers(first, cause, facts))
    key = key_of(first.requirement, facts)
    if key is not None and key.siblings:
        found.append(
            Evidence(
                source=Source.STATE,
                says=f"{key.arn} is {'the primary' if key.is_primary else 'a replica'} key of a "
                "multi-Region key, with a key policy and grants of its own",
            )
        )
    return tuple(found)


def _evidence_of_layers(first: Assessment, cause: Cause, facts: Facts) -> Iterator[Evidence]:
    for layer in first.refusing_layers:
        yield Evidence(source=Source.POLICY, says=_says(layer, first, cause, facts))
    grants = first.decision.layer(LayerName.GRANT)
    if grants.missed:
        says = "; ".join(_says_missed(each) for each in grants.missed)
        yield Evidence(source=Source.POLICY, says=f"grant {says}")


def _says(layer: LayerDecision, first: Assessment, cause: Cause, facts: Facts) -> str:
    requirement = first.requirement
    if layer.effect is Effect.EXPLICITLY_DENIED:
        return f"{layer.layer}: {', '.join(layer.statements)} denies {requirement.action}"
    if layer.missed:
        return "; ".join(_says_missed(each) for each in layer.missed)
    if layer.layer is LayerName.RESOURCE and requirement.is_kms:
        if cause is Cause.DEAD_PRINCIPAL and (dead := dead_principals(requirement, facts)):
            return f"the key policy of {requirement.resource} names {dead[0]}, not the role"
        return (
            f"the key policy of {requirement.resource} neither names the role nor delegates "
            f"{requirement.action} to account {facts.home_account}"
        )
    return f"{layer.layer}: no statement allows {requirement.action} on {requirement.resource}"


def _says_missed(missed: MissedCondition) -> str:
    return (
        f"{missed.statement} would allow it but for {missed.condition}: "
        f"expects {list(missed.expected)}, S3 sends {missed.actual!r}"
    )


def _fit(missed: MissedCondition, first: Assessment, deciding: LayerDecision) -> str:
    requirement = first.requirement
    if deciding.layer is LayerName.GRANT:
        return (
            f"Create the grant {missed.statement} on {requirement.resource} again with the context "
            f"that S3 sends with {requirement.action}, {_context_of(requirement)}, or without "
            f"{missed.condition}: a grant cannot be changed, and holds no wildcard."
        )
    statement = f"the statement {missed.statement} of {_called(missed.policy, requirement)}"
    if MISPRINTED in missed.condition.lower():
        return (
            f"In {statement}, write {CONTEXT_KEY} for {missed.condition.split()[-1]}: the S3 User "
            "Guide misprints that condition key, and S3 sends none of that name."
        )
    if missed.actual is None:
        return (
            f"Ask the owner of {statement} to drop {missed.condition} for the replication role: S3 "
            f"sends no such key with {requirement.action}, so that no value would fit."
        )
    sent = missed.actual if isinstance(missed.actual, str) else ", ".join(missed.actual)
    return next_step(
        Cause.CONDITION_MISMATCH,
        statement=statement,
        condition=missed.condition,
        actual=sent,
        action=requirement.action,
    )


def _context_of(requirement: Requirement) -> str:
    return requirement.context.get(CONTEXT_KEY, "")


def _also(first: Assessment, deciding: LayerDecision) -> str:
    """What else stands in the way of the same call, so that one change would not do."""
    others = [each.layer for each in first.refusing_layers if each.layer is not deciding.layer]
    if deciding.layer is LayerName.GRANT or not others:
        return ""
    if {deciding.layer, *others} == BOTH_SIDES and not deciding.missed:
        return ""
    return f" The same call is refused by {' and '.join(others)} as well."


def _of_a_multi_region_key(requirement: Requirement, deciding: LayerDecision, facts: Facts) -> str:
    key = key_of(requirement, facts)
    if key is None or not key.siblings or deciding.layer is not LayerName.RESOURCE:
        return ""
    return (
        f" The key in {Arn.parse(key.arn).region} has a policy and grants of its own: those of its "
        "multi-Region siblings do not count there."
    )
