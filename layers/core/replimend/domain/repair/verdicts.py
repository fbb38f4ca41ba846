"""What limits a plan, and the verdict on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from replimend.domain.facts import Fact
from replimend.domain.repair.hours import Hours
from replimend.domain.repair.ownership import NOTHING_OF_OURS, OwnParts
from replimend.domain.unavailable import Unavailable


class Mode(StrEnum):
    """How far Replimend may go by itself."""

    OBSERVE = "observe"
    APPROVE = "approve"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag of an AWS resource."""

    key: str
    value: str


OPTED_OUT = Tag(key="replimend", value="never")
"""Whoever tags a key or a role so keeps it from ever being changed, whatever the limits say."""

type Tags = Mapping[str, str]
"""A resource's tags: the values by their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the stack's parameters allow; every empty list refuses whatever it would list.

    `hours` None stands for any time, `required_tag` None for no opt-in: both narrow further what
    the lists allow. `own` are the parts of Replimend itself, which no list can allow.
    """

    mode: Mode
    source_buckets: frozenset[str] = frozenset()
    destination_buckets: frozenset[str] = frozenset()
    replication_roles: frozenset[str] = frozenset()
    repairable_keys: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    allowed_changes: frozenset[str] = frozenset()
    changes_per_hour: int = 0
    changes_per_incident: int = 0
    policy_size_share: int = 90
    hours: Hours | None = None
    required_tag: Tag | None = None
    own: OwnParts = NOTHING_OF_OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's consent to one plan, known by its hash."""

    plan_hash: str
    by: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A person's no to one plan, known by its hash; it stands for good."""

    plan_hash: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Somebody lately took away what the plan would give back; who and when, in a sentence."""

    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a review has to know beside the plan and the limits."""

    now: datetime
    frozen_by: str | None = None
    replayed: bool = False
    changes_last_hour: int = 0
    changes_of_incident: int = 0
    approval: Approval | None = None
    rejection: Rejection | None = None
    removal: Removal | Unavailable | None = None
    untold_until: datetime | None = None
    """Until when CloudTrail may tell what changes the diagnosis; None once it has."""
    canary_failed_at: datetime | None = None
    """When this very plan was last undone, since its canary failed in this incident."""
    tags: Mapping[str, Fact[Tags]] = field(default_factory=dict)
    """The tags of every key and role that the plan is about, by ARN, as they are just now."""

    def approves(self, plan_hash: str) -> bool:
        """Whether a person consented to exactly this plan, and the consent still holds."""
        given = self.approval
        return given is not None and given.plan_hash == plan_hash and self.now < given.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The only verdict under which a plan may be applied; by whom it was approved, if by one."""

    plan_hash: str
    by: str | None = None


class ObjectionKind(StrEnum):
    """What sort of objection it is, as far as the incident's course depends on it."""

    OBSERVING = "observing"
    NEEDS_APPROVAL = "needs_approval"
    BREAKER = "breaker"
    WAITING = "waiting"
    """It falls away by itself at a time that is known, and the plan is looked at again then."""
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a plan must not be applied, in a sentence that names the limit."""

    says: str
    kind: ObjectionKind = ObjectionKind.LIMIT
    until: datetime | None = None
    """When it falls away by itself, if it is WAITING."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The verdict with every objection, not just the first."""

    plan_hash: str
    objections: tuple[Objection, ...]

    @property
    def is_observing(self) -> bool:
        """Whether the mode alone would have kept the plan from being applied."""
        return any(each.kind is ObjectionKind.OBSERVING for each in self.objections)

    @property
    def only(self) -> ObjectionKind | None:
        """The kind of every objection, if they are all of one kind."""
        kinds = {objection.kind for objection in self.objections}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def is_for_people(self) -> bool:
        """Whether a person's approval is all that it takes, now or at any time."""
        kinds = {objection.kind for objection in self.objections}
        return (
            ObjectionKind.NEEDS_APPROVAL
            in kinds
            <= {
                ObjectionKind.NEEDS_APPROVAL,
                ObjectionKind.WAITING,
            }
        )

    @property
    def waits_until(self) -> datetime | None:
        """When every objection has fallen away by itself; None if one of them never does."""
        if self.only is not ObjectionKind.WAITING:
            return None
        return max((each.until for each in self.objections if each.until), default=None)


type Verdict = Approved | Refused
