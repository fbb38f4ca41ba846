"""What an explanation looks at, and how it says what it found."""

from collections.abc import Callable
from dataclasses import dataclass

from replimend.domain.assessment import Assessment
from replimend.domain.causes import Cause, Confidence, Diagnosis, Evidence, Source
from replimend.domain.facts import Facts
from replimend.domain.failure_reasons import FailureReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the explanations look at: the facts, the reported code, every call's decision."""

    facts: Facts
    reason: FailureReason | None
    assessments: tuple[Assessment, ...]


type Explanation = Callable[[Case], Diagnosis | None]


def undetermined(because: str, next_step: str) -> Diagnosis:
    """A diagnosis that says what is missing instead of guessing."""
    return Diagnosis(
        cause=Cause.UNDETERMINED,
        confidence=Confidence.UNDETERMINED,
        next=next_step,
        evidence=(Evidence(source=Source.READ, says=because),),
    )


def found(
    cause: Cause,
    says: str,
    next_step: str,
    *,
    subject: str | None = None,
    source: Source = Source.STATE,
    confidence: Confidence = Confidence.EVALUATED,
) -> Diagnosis:
    """A diagnosis that one observation decides."""
    return Diagnosis(
        cause=cause,
        confidence=confidence,
        next=next_step,
        subject=subject,
        evidence=(Evidence(source=source, says=says),),
    )
