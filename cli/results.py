"""What came of asking about one object, and with which status the command ends for it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from cli.errors import Exit
from replimend.domain.diagnosis.causes import Cause
from replimend.domain.incident import Incident, Status


class Result(StrEnum):
    """Where the object's replication stands when the command ends."""

    RESOLVED = "resolved"
    NOTHING_TO_DO = "nothing_to_do"
    OBSERVED = "observed"
    AWAITING_APPROVAL = "awaiting_approval"
    REFUSED = "refused"
    ESCALATED = "escalated"
    QUARANTINED = "quarantined"
    UNDETERMINED = "undetermined"
    NOT_OPENED = "not_opened"
    """There is a cause, but no incident: S3 still tries, or another diagnosis is under way."""
    UNFINISHED = "unfinished"
    """Still being mended when the wait was over."""

    @property
    def exit(self) -> Exit:
        """Done if nobody has to act, or if the stack is set up to do no more than it did."""
        settled = {Result.RESOLVED, Result.NOTHING_TO_DO, Result.OBSERVED}
        return Exit.DONE if self in settled else Exit.UNSETTLED


ENDS = {
    Status.OBSERVED: Result.OBSERVED,
    Status.REFUSED: Result.REFUSED,
    Status.ESCALATED: Result.ESCALATED,
    Status.AWAITING_APPROVAL: Result.AWAITING_APPROVAL,
    Status.RESOLVED: Result.RESOLVED,
    Status.QUARANTINED: Result.QUARANTINED,
}


def result_of(answer: Mapping[str, Any], incident: Incident | None) -> Result:
    """The result that triage's answer and the incident, as it now is, amount to."""
    cause = Cause(answer["diagnosis"]["cause"])
    if incident is None:
        return _without_incident(cause)
    if incident.status is Status.ESCALATED and incident.cause == Cause.UNDETERMINED:
        return Result.UNDETERMINED
    return ENDS.get(incident.status, Result.UNFINISHED)


def worst_of(results: Iterable[Result]) -> Result:
    """The first result for which somebody has to act, else the first."""
    first, *others = results
    return next((each for each in (first, *others) if each.exit is not Exit.DONE), first)


def _without_incident(cause: Cause) -> Result:
    if cause in {Cause.ALREADY_REPLICATED, Cause.OBJECT_GONE}:
        return Result.NOTHING_TO_DO
    return Result.UNDETERMINED if cause is Cause.UNDETERMINED else Result.NOT_OPENED
