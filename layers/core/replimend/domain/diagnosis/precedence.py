"""Which of several certain causes a failure reason is nearest to."""

from replimend.domain.diagnosis.cases import Case
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.diagnosis.refusals import ASIDE, NAMED, ON_ITS_SIDE, nearness
from replimend.domain.failure_reasons import ReasonClass, ReasonCode, ReasonSide
from replimend.domain.setups.reported import CAUSES


def distance(diagnosis: Diagnosis, case: Case) -> int:
    """How far a cause is from what S3 reported; less is nearer, and equal is of equal standing."""
    code, reason = case.code, case.reason
    if code is None or reason is None:
        return ON_ITS_SIDE
    named = CAUSES.get(code)
    if diagnosis.cause is named or diagnosis.cause in KIN.get(code, ()):
        return NAMED
    if diagnosis.cause is Cause.UNDETERMINED:
        return NAMED  # it is of what the code names, and could not be read
    if diagnosis.requirement is None:
        is_aside = reason.side.is_known and _side_of(diagnosis.cause) not in {None, reason.side}
        return ASIDE if is_aside else ON_ITS_SIDE
    nearest, _ = nearness(diagnosis.requirement, reason)
    is_exact = nearest == NAMED and reason.reason_class is ReasonClass.PERMISSION
    return NAMED if is_exact else max(nearest, ON_ITS_SIDE)


KIN: dict[ReasonCode, frozenset[Cause]] = {
    ReasonCode.ASSUME_ROLE_NOT_PERMITTED: frozenset({Cause.ROLE_MISSING}),
    ReasonCode.DST_KMS_KEY_INVALID_STATE: frozenset(
        {Cause.DESTINATION_KEY_OF_WRONG_KIND, Cause.REPLICA_KEY_IS_ALIAS}
    ),
    ReasonCode.DST_KMS_KEY_NOT_FOUND: frozenset(
        {
            Cause.KEY_IN_WRONG_REGION,
            Cause.REPLICA_KEY_IS_ALIAS,
            Cause.DESTINATION_KEY_OF_WRONG_KIND,
            Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS,
        }
    ),
}
"""Causes that S3 may report by a code which names another first."""


def _side_of(cause: Cause) -> ReasonSide | None:
    if cause in {Cause.ROLE_MISSING, Cause.ROLE_NOT_ASSUMABLE, Cause.ORGANISATION_POLICY}:
        return None
    is_source = cause in {Cause.SOURCE_KEY_UNUSABLE, Cause.SOURCE_KEY_MISSING}
    return ReasonSide.SOURCE if is_source else ReasonSide.DESTINATION
