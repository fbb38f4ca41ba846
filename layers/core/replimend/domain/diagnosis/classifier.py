"""Find the one cause behind a replication failure: the first explanation that holds decides.

The event alone never decides (no failure code says "KMS denied you"): the code, the live set-up and
any CloudTrail denial are joined here, in the order of aws-facts 9. What could not be read ends in
`undetermined`, and says which read would settle it.
"""

from collections.abc import Iterator
from dataclasses import replace

from replimend.domain.denials import DenialLayer
from replimend.domain.diagnosis import configuration_causes as configuration
from replimend.domain.diagnosis import key_causes as keys
from replimend.domain.diagnosis import resource_causes as resources
from replimend.domain.diagnosis.agreement import is_of_call
from replimend.domain.diagnosis.alternatives import alternatives
from replimend.domain.diagnosis.calls import assessments_of, concerns
from replimend.domain.diagnosis.cases import Case, Explanation, undetermined
from replimend.domain.diagnosis.causes import (
    Cause,
    Confidence,
    Diagnosis,
    Evidence,
    Source,
)
from replimend.domain.diagnosis.next_steps import next_step
from replimend.domain.diagnosis.precedence import distance
from replimend.domain.diagnosis.refusals import ASIDE, explain_refusal, nearness
from replimend.domain.diagnosis.settled_causes import annotations, settled
from replimend.domain.diagnosis.unread import settling_reads, unread_facts, unread_layers
from replimend.domain.facts import Facts
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.requirements import Requirement, Side
from replimend.domain.signals import KeyAccessDenied

OUT_OF_SIGHT = frozenset({DenialLayer.SCP, DenialLayer.RCP, DenialLayer.VPC_ENDPOINT})
"""The layers whose policies belong to others: only the text of a denial tells of them."""


def diagnose(facts: Facts, reason: FailureReason | None) -> Diagnosis:
    """The one cause of a failure of this object version, with evidence; never a guess.

    Without a reason, as when a person asks about an object, the live set-up alone is looked at.
    """
    calls = assessments_of(facts, reason)
    concerned = tuple(each for each in calls if concerns(each, reason))
    case = Case(facts=facts, reason=reason, assessments=concerned)
    found = (explanation(case) for explanation in EXPLANATIONS)
    diagnosis = next((each for each in found if each is not None), None) or _unexplained(case)
    if not diagnosis.ruled_out:
        ruled_out = tuple(alternatives(diagnosis.cause, concerned, facts))
        diagnosis = replace(diagnosis, ruled_out=ruled_out)
    return diagnosis


def _unexplained(case: Case) -> Diagnosis:
    return undetermined(
        "nothing that could be read explains the failure",
        "Read the next denial of the role in CloudTrail (cloudtrail:LookupEvents): every call that "
        f"S3 makes for {case.facts.source_bucket} is allowed by what could be read.",
    )


def _first_in_sight(case: Case) -> Diagnosis | None:
    """Of what is wrong for certain, that which the code is nearest to; a state before a refusal.

    The code only orders: a state or a refusal that is certain is a cause whatever S3 reported.
    """
    found = [each for each in (look(case) for look in CERTAIN) if each is not None]
    return min(found, key=lambda each: distance(each, case)) if found else None


def _layer_we_cannot_read(case: Case) -> Diagnosis | None:
    """A layer whose policies are others', as the newest denial of some call names it."""
    for requirement, denial in _newest_denials(case):
        layer, arn = denial.denial.layer, denial.denial.policy_arn
        if layer not in OUT_OF_SIGHT:
            continue
        return Diagnosis(
            cause=Cause.ORGANISATION_POLICY,
            confidence=Confidence.REPORTED,
            next=next_step(
                Cause.ORGANISATION_POLICY, policy=arn or f"the {layer.value} policies in force"
            ),
            subject=arn,
            requirement=requirement,
            layer=layer.value,
            effect=denial.denial.effect.value,
            evidence=(Evidence(source=Source.DENIAL, says=denial.message),),
        )
    return None


def _session_policy(case: Case) -> Diagnosis | None:
    """A session policy, which came with the session and stands in no policy that can be read."""
    for _, denial in _newest_denials(case):
        if denial.denial.layer is DenialLayer.SESSION:
            return undetermined(
                f"a session policy refused {denial.action} (CloudTrail {denial.event_id}), and the "
                "role's own policies, which alone can be read, allow it",
                "Look for the session policy in the AssumeRole record of that session "
                "(cloudtrail:LookupEvents): S3 is not known to send one.",
            )
    return None


def _newest_denials(case: Case) -> Iterator[tuple[Requirement, KeyAccessDenied]]:
    """The newest denial of each call that was denied; what came before may be mended."""
    for each in case.assessments:
        of_call = [it for it in case.facts.denials if is_of_call(it, each.requirement)]
        if of_call:
            yield each.requirement, of_call[-1]


def _refusal(case: Case) -> Diagnosis | None:
    """A refused call, unless one that the code is nearer to could not be decided."""
    diagnosis = explain_refusal(case.assessments, case.facts, case.reason)
    if diagnosis is None or diagnosis.requirement is None:
        return None
    unknown = (each.requirement for each in case.assessments if each.is_unknown)
    is_aside = nearness(diagnosis.requirement, case.reason)[0] == ASIDE
    is_open = any(nearness(each, case.reason)[0] != ASIDE for each in unknown)
    if is_aside and is_open:
        return None
    named = keys.alias(case) if _is_use_of_replica_key(diagnosis.requirement) else None
    if named is None:
        return diagnosis
    # No policy is changed for the key that an alias happens to name.
    return replace(named, evidence=(*named.evidence, *diagnosis.evidence))


def _is_use_of_replica_key(requirement: Requirement) -> bool:
    return requirement.is_kms and requirement.side is Side.DESTINATION


def _unreadable(case: Case) -> Diagnosis | None:
    unknown = [each for each in case.assessments if each.is_unknown]
    because = (*unread_facts(case.facts), *unread_layers(unknown))
    if not because:
        return None
    return undetermined("; ".join(because), settling_reads(case.facts, unknown))


CERTAIN: tuple[Explanation, ...] = (
    resources.role,
    resources.destination_bucket,
    keys.source_key,
    keys.destination_key,
    _layer_we_cannot_read,
    _refusal,
)
"""What can be seen to stand in the way; several may at once."""

EXPLANATIONS: tuple[Explanation, ...] = (
    configuration.own_set_up,
    configuration.source_bucket,
    configuration.replication_configuration,
    configuration.rule,
    configuration.hard_deletion,
    configuration.object_version,
    configuration.selection,
    configuration.opt_in,
    _first_in_sight,
    keys.alias,
    annotations,
    _unreadable,
    _session_policy,
    settled,
)
"""Considered in this order; the first that explains the failure is the diagnosis."""
