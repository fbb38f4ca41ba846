"""What limits a plan, and the verdict on it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from replimend.domain.unavailable import Unavailable


class Mode(StrEnum):
    """How far Replimend may go by itself."""

    OBSERVE = "observe"
    APPROVE = "approve"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the stack's parameters allow; every empty list refuses whatever it would list."""

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
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a plan must not be applied, in a sentence that names the limit."""

    says: str
    kind: ObjectionKind = ObjectionKind.LIMIT


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


type Verdict = Approved | Refused
