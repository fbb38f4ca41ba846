"""What a person tells Replimend to do, as frozen values; whether it may be is decided later."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovePlan:
    """`by` approves the plan with this hash, and no other plan of the incident."""

    incident_id: str
    plan_hash: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectPlan:
    """`by` does not want the incident's plan carried out."""

    incident_id: str
    by: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackChange:
    """`by` wants one change undone."""

    change_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptChange:
    """`by` says that the user's own code has the change by now."""

    change_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRepairs:
    """`by` wants no more changes made until repairs are resumed."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRepairs:
    """`by` ends a pause."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecopyObject:
    """Bring this one object version over."""

    bucket: str
    key: str
    version_id: str


type RepairCommand = (
    ApprovePlan | RejectPlan | RollBackChange | AdoptChange | PauseRepairs | ResumeRepairs
)
"""What the repair function takes."""

type Command = RepairCommand | RecopyObject
"""Any direct command; take it apart with `match`."""
