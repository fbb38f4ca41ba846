"""Conditions that S3's calls do not meet, told as the slip that they are (aws-facts 5.3)."""

from collections.abc import Mapping

from replimend.domain.access import MissedCondition
from replimend.domain.requirements import CONTEXT_KEY, VIA_SERVICE, Requirement
from replimend.domain.setups.access_findings import AccessFinding
from replimend.domain.setups.findings import FindingKind

MISPRINT = "kms:EncryptionContext:arn:aws:arn"
"""How one of AWS's own samples spells the key of the encryption context (aws-facts 5.3)."""


def where(policy: str, statement: str, resource: str) -> str:
    """A statement in words; a resource's own policy goes by the name of the resource."""
    of = "its policy" if policy == resource else policy
    return f"the statement {statement} of {of}"


def kind_of(missed: MissedCondition, requirement: Requirement) -> FindingKind:
    """What a call that does not meet a condition has run into."""
    key = missed.condition.rpartition(" ")[2].lower()
    if key == MISPRINT.lower():
        return AccessFinding.MISPRINTED_ENCRYPTION_CONTEXT
    if key == VIA_SERVICE.lower():
        return AccessFinding.VIA_SERVICE_OF_WRONG_REGION
    sent = requirement.context.get(CONTEXT_KEY, "/")
    if key == CONTEXT_KEY.lower() and "/" not in sent and _are_objects_of(sent, missed.expected):
        return AccessFinding.OBJECT_CONTEXT_UNDER_BUCKET_KEY
    return AccessFinding.CONDITION_MISMATCH


def told(missed: MissedCondition, resource: str) -> Mapping[str, str]:
    """A condition in words: what it expects and what the call has."""
    actual = missed.actual if isinstance(missed.actual, str) else ", ".join(missed.actual or ())
    return {
        "where": where(missed.policy, missed.statement, resource),
        "condition": missed.condition,
        "expected": " or ".join(missed.expected) or "nothing",
        "actual": actual or "nothing",
    }


def _are_objects_of(bucket: str, expected: tuple[str, ...]) -> bool:
    return any(each.startswith(f"{bucket}/") for each in expected)
