"""What a preflight finds, and the form of the two tables that say what it can find."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

SILENT = "silent"
"""Nothing will be reported: S3 skips the object, or nobody hears what it says."""


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """Objects will not replicate."""
    WARNING = "warning"
    """Something will fail for some objects, or fail unheard, or may fail."""
    INFO = "info"
    """Nothing fails by it."""


class FindingKind(StrEnum):
    """The findings by their ids; `setup_findings` and `access_findings` list them.

    The texts are filled in with what was found. `predicts` is the failure reason that S3 will give,
    or `silent` where it gives none and no event comes; where the reason depends on the call that is
    refused, the check says it.
    """

    severity: Severity
    predicts: str | None
    says: str
    fix: str

    def __new__(cls, name: str, severity: Severity, predicts: str | None, *texts: str) -> Self:
        """The member as its id, with what it says of what was found and what mends that."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.severity = severity
        member.predicts = predicts
        member.says, member.fix = texts
        return member


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found about a subject, mostly an ARN; in sentences, with what mends it."""

    kind: FindingKind
    severity: Severity
    predicts: str | None
    subject: str
    says: str
    fix: str


def found(
    kind: FindingKind,
    subject: str,
    *,
    severity: Severity | None = None,
    predicts: str | None = None,
    **details: str,
) -> Finding:
    """The finding with the table's severity and prediction unless the check knows better."""
    return Finding(
        kind=kind,
        severity=severity or kind.severity,
        predicts=predicts or kind.predicts,
        subject=subject,
        says=kind.says.format(**details),
        fix=kind.fix.format(**details),
    )
