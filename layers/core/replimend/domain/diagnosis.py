"""Find the one cause behind a replication failure: the first explanation that holds decides.

The event alone never decides (no failure code says "KMS denied you"): the code, the live set-up and
any CloudTrail denial are joined here, in the order of aws-facts 9. What could not be read ends in
`undetermined`, and says which read would settle it.
"""

from replimend.domain import configuration_causes as configuration
from replimend.domain import resource_causes as resources
from replimend.domain.access import Effect
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment, assess
from replimend.domain.cases import Case, Explanation, undetermined
from replimend.domain.causes import Cause, Confidence, Diagnosis, Evidence, RuledOut, Source
from replimend.domain.denials import DenialLayer
from replimend.domain.facts import (
    Bucket,
    Facts,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
    Role,
)
from replimend.domain.failure_reasons import FailureReason, ReasonCode
from replimend.domain.refusals import explain_refusal
from replimend.domain.requirements import Needed, Pair, requirements
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable

OUT_OF_SIGHT = frozenset({DenialLayer.SCP, DenialLayer.RCP, DenialLayer.VPC_ENDPOINT})
"""The layers whose policies belong to others: only the text of a denial tells of them."""


def diagnose(facts: Facts, reason: FailureReason | None) -> Diagnosis:
    """The one cause of a failure of this object version, with evidence; never a guess.

    Without a reason, as when a person asks about an object, the live set-up alone is looked at.
    """
    concerned = tuple(each for each in assessments_of(facts) if _concerns(each, reason))
    case = Case(facts=facts, reason=reason, assessments=concerned)
    for explanation in EXPLANATIONS:
        if (diagnosis := explanation(case)) is not None:
            return diagnosis
    return undetermined(
        "nothing that could be read explains the failure",
        "Compare the replication rule, both keys and both bucket policies by hand: "
        "every call S3 makes is allowed by what could be read.",
    )


def _concerns(assessment: Assessment, reason: FailureReason | None) -> bool:
    """What only delete markers need says nothing of why an object was not replicated."""
    if assessment.requirement.needed is not Needed.DELETES:
        return True
    return reason is not None and reason.documented is ReasonCode.DST_DEL_OBJ_NOT_PERMITTED


def assessments_of(facts: Facts) -> tuple[Assessment, ...]:
    """Every call that S3 makes, with its decision; none where too little is known to name them."""
    pair = _pair_of(facts)
    if pair is None or not isinstance(facts.role, Role):
        return ()
    return assess(requirements(pair), facts, facts.role)


def _pair_of(facts: Facts) -> Pair | None:
    match facts.setup, facts.rule, facts.object, facts.source, facts.destination:
        case (
            ReplicationSetup() as setup,
            ReplicationRule() as rule,
            ObjectVersion() as version,
            Bucket() as source,
            Bucket() as destination,
        ):
            return Pair(
                partition=Arn.parse(setup.role_arn).partition,
                rule=rule,
                object=version,
                source=source,
                destination=destination,
                source_key=facts.source_key,
                destination_key=facts.destination_key,
            )
        case _:
            return None


def _layer_we_cannot_read(case: Case) -> Diagnosis | None:
    for denial in reversed(case.facts.denials):
        layer = denial.denial.layer
        if layer in OUT_OF_SIGHT and _is_of_a_call_s3_makes(denial, case):
            return Diagnosis(
                cause=Cause.ORGANISATION_POLICY,
                confidence=Confidence.REPORTED,
                next="Show the owner of that policy the text of the denial: "
                "no change to keys or roles can lift it.",
                subject=denial.denial.policy_arn,
                layer=layer.value,
                effect=denial.denial.effect.value,
                evidence=(Evidence(source=Source.DENIAL, says=denial.message),),
            )
    return None


def _is_of_a_call_s3_makes(denial: KeyAccessDenied, case: Case) -> bool:
    """The role may be denied other calls than those of this replication."""
    needed = [each.requirement for each in case.assessments if each.requirement.is_kms]
    return any(
        each.action == denial.action
        and Arn.parse(each.resource).region == denial.region
        and denial.key_arn in {None, each.resource}
        for each in needed
    )


def _refusal(case: Case) -> Diagnosis | None:
    return explain_refusal(case.assessments, case.facts, case.reason)


def _unreadable(case: Case) -> Diagnosis | None:
    unknown = [each for each in case.assessments if each.is_unknown]
    missing = _what_was_not_read(case.facts)
    if not unknown and not missing:
        return None
    because = missing or [
        f"{each.requirement.action}: {layer.layer} could not be read"
        for each in unknown
        for layer in each.decision.layers
        if layer.effect is Effect.UNKNOWN
    ]
    return undetermined(
        "; ".join(dict.fromkeys(because)),
        "Give the reader role access to what could not be read, then run triage again.",
    )


def _what_was_not_read(facts: Facts) -> list[str]:
    named: dict[str, object] = {
        "the source bucket": facts.source,
        "the destination bucket": facts.destination,
        "the source key": facts.source_key,
        "the destination key": facts.destination_key,
    }
    if isinstance(facts.destination, Bucket):
        named["the destination bucket's versioning"] = facts.destination.versioned
    return [
        f"{name} could not be read: {fact.reason}"
        for name, fact in named.items()
        if isinstance(fact, Unavailable)
    ]


def _mended(case: Case) -> Diagnosis | None:
    if not case.assessments or not all(each.is_allowed for each in case.assessments):
        return None
    if case.reason is not None and case.reason.documented is None:
        return undetermined(
            f"S3 reported the undocumented reason {case.reason.code!r}, and every call is allowed",
            "Look the reason up in the S3 User Guide; nothing that could be read explains it.",
        )
    return Diagnosis(
        cause=Cause.MENDED,
        confidence=Confidence.EVALUATED,
        next="Re-copy the failed objects: S3 never retries them by itself.",
        evidence=(
            Evidence(
                source=Source.POLICY,
                says=f"all {len(case.assessments)} calls that S3 makes are allowed now",
            ),
        ),
        ruled_out=(
            RuledOut(cause=Cause.KEY_POLICY_LACKS_ROLE, because="both keys admit the role by now"),
        ),
    )


EXPLANATIONS: tuple[Explanation, ...] = (
    configuration.own_set_up,
    configuration.replication_configuration,
    configuration.rule,
    configuration.object_version,
    configuration.opt_in,
    resources.role,
    resources.destination_bucket,
    resources.source_key,
    resources.destination_key,
    _layer_we_cannot_read,
    _refusal,
    _unreadable,
    _mended,
)
"""Considered in this order; the first that explains the failure is the diagnosis."""
