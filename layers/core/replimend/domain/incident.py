"""An incident: one cause, the objects it holds back, and where its mending stands."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.signals import ReplicationFailed

MOST_ROUNDS = 3
"""After so many repairs that did not last, the incident is quarantined for a person."""


class Status(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    """Opened again by a canary that failed: what was changed for it is being taken back."""
    DIAGNOSED = "diagnosed"
    """To be diagnosed anew, since the facts are no longer those of its diagnosis."""
    OBSERVED = "observed"
    REFUSED = "refused"
    ESCALATED = "escalated"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REPAIRED = "repaired"
    CANARY = "canary"
    RECOPYING = "recopying"
    RESOLVED = "resolved"
    QUARANTINED = "quarantined"

    @property
    def is_mending(self) -> bool:
        """Whether a repair, a re-copy or a roll-back is under way and will carry it on."""
        return self in {
            Status.OPEN,
            Status.APPROVED,
            Status.REPAIRED,
            Status.CANARY,
            Status.RECOPYING,
        }

    @property
    def awaits_news(self) -> bool:
        """Whether a new diagnosis may change the verdict without undoing anything."""
        return self in {
            Status.DIAGNOSED,
            Status.OBSERVED,
            Status.REFUSED,
            Status.ESCALATED,
            Status.AWAITING_APPROVAL,
        }

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens until somebody or something acts."""
        return self in {
            Status.OBSERVED,
            Status.REFUSED,
            Status.ESCALATED,
            Status.AWAITING_APPROVAL,
            Status.RESOLVED,
            Status.QUARANTINED,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failures that look alike on arrival: known from the event alone, at no call per object."""

    bucket: str
    rule_id: str
    destination_bucket: str
    reason: str

    @property
    def pair(self) -> tuple[str, str, str]:
        """Source bucket, rule and destination bucket."""
        return self.bucket, self.rule_id, self.destination_bucket

    @property
    def group_id(self) -> str:
        """The same for the same four; part of the ledger's keys."""
        named = "\n".join(_names(self))
        return hashlib.sha256(named.encode()).hexdigest()[:16]


def group_of(failure: ReplicationFailed) -> FailureGroup:
    """The group a failure belongs to, by what its event says."""
    return FailureGroup(
        bucket=failure.bucket,
        rule_id=failure.rule_id,
        destination_bucket=failure.destination_bucket,
        reason=failure.reason.code,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One object version of a group, on which the diagnosis is made; when it failed, if known."""

    key: str
    version_id: str
    failed_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The record of one cause, as the ledger keeps it."""

    incident_id: str
    status: Status
    round: int
    group: FailureGroup
    sample: Sample
    cause: str
    confidence: str
    summary: str
    role_arn: str
    plan_hash: str | None
    replayed: bool
    opened_at: datetime
    updated_at: datetime
    repaired_at: datetime | None = None
    resolved_at: datetime | None = None
    approved_by: str | None = None
    job_id: str | None = None
    wave: int = 0
    poll: str | None = None
    next_step: str = ""
    unanswered: bool = False
    """Refused since nobody answered in time: nobody is asked again until something new is known."""
    revision: int = 0


def incident_id_for(group: FailureGroup, diagnosis: Diagnosis, role_arn: str) -> str:
    """One id for one cause: groups whose diagnosis agrees share the incident.

    An undetermined cause is no cause to share: its incident is the group's own. One that is known
    is the same whatever S3 reported, and whether S3 or a person did.
    """
    requirement = diagnosis.requirement
    if requirement is not None:
        identity = [
            group.bucket,
            group.destination_bucket,
            role_arn,
            diagnosis.cause,
            requirement.action,
            requirement.resource if requirement.is_kms else requirement.side,
        ]
    elif diagnosis.cause is Cause.UNDETERMINED:
        identity = [*_names(group), diagnosis.cause]
    else:
        place = [group.bucket, group.rule_id, group.destination_bucket]
        identity = [*place, diagnosis.cause, diagnosis.subject or ""]
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:12]


def _names(group: FailureGroup) -> list[str]:
    return [group.bucket, group.rule_id, group.destination_bucket, group.reason]
