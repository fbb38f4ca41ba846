"""What the functions ask of each other through the queues."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """Apply the incident's approved plan, known by its hash."""

    incident_id: str
    plan_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackRound:
    """Undo what one round of an incident changed."""

    incident_id: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceRecopy:
    """Take the next step of an incident's re-copy; `poll` names the chain of messages."""

    incident_id: str
    poll: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged:
    """A batch job, ours or not, changed its status."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LapseApproval:
    """Refuse a plan that nobody answered in time."""

    incident_id: str
    plan_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackExpired:
    """Undo a change whose time is over."""

    change_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfChanges:
    """Tell which changes the user's own code does not have yet, if it is time to."""


type Work = (
    ApplyPlan
    | RollBackRound
    | RollBackExpired
    | LapseApproval
    | RemindOfChanges
    | AdvanceRecopy
    | JobChanged
)
