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


type Work = ApplyPlan | RollBackRound | AdvanceRecopy | JobChanged
