"""Whether a denial that CloudTrail recorded is of one of S3's calls."""

from replimend.domain.arn import Arn
from replimend.domain.denials import DenialEffect, DenialLayer
from replimend.domain.requirements import Requirement
from replimend.domain.signals import KeyAccessDenied


def agrees(denial: KeyAccessDenied, requirement: Requirement, refusing: frozenset[str]) -> bool:
    """Whether the denial is of this call, and by one of these layers as far as its text says."""
    if not is_of_call(denial, requirement):
        return False
    said = denial.denial
    if said.effect is DenialEffect.AMBIGUOUS or said.layer is DenialLayer.UNKNOWN:
        return True
    return said.layer.value in refusing


def is_of_call(denial: KeyAccessDenied, requirement: Requirement) -> bool:
    """Whether the denied call may be this one: the action, the Region, the key if it is named."""
    if not requirement.is_kms or denial.action != requirement.action:
        return False
    region = Arn.parse(requirement.resource).region
    return denial.region == region and denial.key_arn in {None, requirement.resource}
