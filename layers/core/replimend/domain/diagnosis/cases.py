"""What an explanation looks at, and how it says what it found."""

from collections.abc import Callable
from dataclasses import dataclass

from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.causes import (
    Cause,
    Confidence,
    Diagnosis,
    Evidence,
    Source,
)
from replimend.domain.diagnosis.next_steps import next_step
from replimend.domain.facts import Facts
from replimend.domain.failure_reasons import FailureReason, ReasonCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the explanations look at: the facts, the reported code, every call's decision."""

    facts: Facts
    reason: FailureReason | None
    assessments: tuple[Assessment, ...]

    @property
    def code(self) -> ReasonCode | None:
        """The documented code that S3 reported, if it did and it is one."""
        return self.reason.documented if self.reason else None

    @property
    def reported(self) -> tuple[Evidence, ...]:
        """The code as evidence; none where a person asked."""
        if self.reason is None:
            return ()
        says = f"S3 reported {self.reason.code}: {self.reason.meaning}"
        return (Evidence(source=Source.EVENT, says=says),)


type Explanation = Callable[[Case], Diagnosis | None]


def undetermined(because: str, next_step: str) -> Diagnosis:
    """A diagnosis that says what is missing instead of guessing."""
    return Diagnosis(
        cause=Cause.UNDETERMINED,
        confidence=Confidence.UNDETERMINED,
        next=next_step,
        evidence=(Evidence(source=Source.READ, says=because),),
    )


def found(cause: Cause, says: str, *, subject: str | None = None, **told: str) -> Diagnosis:
    """A diagnosis that one observation of the set-up decides; `told` completes its next step."""
    return Diagnosis(
        cause=cause,
        confidence=Confidence.EVALUATED,
        next=next_step(cause, **told),
        subject=subject,
        evidence=(Evidence(source=Source.STATE, says=says),),
    )


def reported(
    cause: Cause, case: Case, *says: str, subject: str | None = None, **told: str
) -> Diagnosis:
    """A diagnosis that S3's own code decides, and that nothing which was read speaks against."""
    return Diagnosis(
        cause=cause,
        confidence=Confidence.REPORTED,
        next=next_step(cause, **told),
        subject=subject,
        evidence=(*case.reported, *(Evidence(source=Source.STATE, says=each) for each in says)),
    )
