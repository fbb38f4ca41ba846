"""The causes a diagnosis can name, and the diagnosis itself."""

from dataclasses import dataclass
from enum import StrEnum

from replimend.domain.access import MissedCondition
from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.history import ChangeEvent
from replimend.domain.facts import Fact
from replimend.domain.requirements import Requirement
from replimend.domain.unavailable import Unavailable


class Cause(StrEnum):
    """Why objects failed to replicate; one per incident."""

    ROLE_POLICY_LACKS_ACTION = "role_policy_lacks_action"
    KEY_POLICY_LACKS_ROLE = "key_policy_lacks_role"
    BOTH_SIDES_LACK_ROLE = "both_sides_lack_role"
    BUCKET_POLICY_LACKS_ROLE = "bucket_policy_lacks_role"
    CONDITION_MISMATCH = "condition_mismatch"
    GRANT_PENDING = "grant_pending"
    DEAD_PRINCIPAL = "dead_principal"
    EXPLICIT_DENY = "explicit_deny"
    PERMISSIONS_BOUNDARY = "permissions_boundary"
    ORGANISATION_POLICY = "organisation_policy"
    ROLE_NOT_ASSUMABLE = "role_not_assumable"
    ROLE_MISSING = "role_missing"
    SOURCE_KEY_UNUSABLE = "source_key_unusable"
    SOURCE_KEY_MISSING = "source_key_missing"
    DESTINATION_KEY_UNUSABLE = "destination_key_unusable"
    DESTINATION_KEY_MISSING = "destination_key_missing"
    DESTINATION_KEY_OF_WRONG_KIND = "destination_key_of_wrong_kind"
    REPLICA_KEY_IS_ALIAS = "replica_key_is_alias"
    KEY_IN_WRONG_REGION = "key_in_wrong_region"
    AWS_MANAGED_KEY_ACROSS_ACCOUNTS = "aws_managed_key_across_accounts"
    SOURCE_BUCKET_MISSING = "source_bucket_missing"
    DESTINATION_BUCKET_MISSING = "destination_bucket_missing"
    DESTINATION_UNVERSIONED = "destination_unversioned"
    DESTINATION_LACKS_OBJECT_LOCK = "destination_lacks_object_lock"
    REPLICATION_CONFIGURATION_MISSING = "replication_configuration_missing"
    RULE_MISSING = "rule_missing"
    RULE_DISABLED = "rule_disabled"
    RULE_CHANGED = "rule_changed"
    NOT_OPTED_IN = "not_opted_in"
    OBJECT_GONE = "object_gone"
    OBJECT_ARCHIVED = "object_archived"
    OBJECT_NOT_ELIGIBLE = "object_not_eligible"
    REPLICA_HARD_DELETED = "replica_hard_deleted"
    REPLICA_MISSING = "replica_missing"
    ANNOTATION_GONE = "annotation_gone"
    ANNOTATION_ENCRYPTION_UNSUPPORTED = "annotation_encryption_unsupported"
    TOO_MANY_ANNOTATIONS = "too_many_annotations"
    REPLICATION_PENDING = "replication_pending"
    ALREADY_REPLICATED = "already_replicated"
    MENDED = "mended"
    OWN_SET_UP = "own_set_up"
    UNDETERMINED = "undetermined"

    @property
    def needs_only_replay(self) -> bool:
        """Whether no access has to change: re-copying the objects is all that is left."""
        return self in {
            Cause.MENDED,
            Cause.GRANT_PENDING,
            Cause.REPLICA_MISSING,
            Cause.ANNOTATION_GONE,
            Cause.OBJECT_GONE,
            Cause.ALREADY_REPLICATED,
        }

    @property
    def may_settle(self) -> bool:
        """Whether time, or somebody who read the next step, settles it without a change of ours."""
        return self in {
            Cause.SOURCE_KEY_UNUSABLE,
            Cause.DESTINATION_KEY_UNUSABLE,
            Cause.GRANT_PENDING,
            Cause.REPLICATION_PENDING,
            Cause.UNDETERMINED,
        }


class Confidence(StrEnum):
    """How sure a diagnosis is."""

    PROVEN = "proven"
    """Evaluation of the live policies and a CloudTrail denial agree."""
    EVALUATED = "evaluated"
    """The live policies and states say so."""
    REPORTED = "reported"
    """AWS said so in an event or an error text; we could not see it ourselves."""
    UNDETERMINED = "undetermined"
    """Nothing decides it; a person has to look."""


class Source(StrEnum):
    """Where a piece of evidence comes from."""

    EVENT = "event"
    DENIAL = "denial"
    POLICY = "policy"
    STATE = "state"
    READ = "read"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation that a diagnosis rests on, in a sentence."""

    source: Source
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """A cause that was considered, and why it is not the one."""

    cause: Cause
    because: str


NOT_LOOKED_UP = Unavailable(reason="nobody looked up who changed what")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The one cause behind a failure, with what shows it and what a person does now.

    `broken_by` is the change that CloudTrail knows to be behind it.
    """

    cause: Cause
    confidence: Confidence
    next: str
    subject: str | None = None
    requirement: Requirement | None = None
    layer: str | None = None
    effect: str | None = None
    statements: tuple[str, ...] = ()
    missed: tuple[MissedCondition, ...] = ()
    refused: tuple[Assessment, ...] = ()
    unknown: tuple[Assessment, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    broken_by: Fact[ChangeEvent] = NOT_LOOKED_UP

    @property
    def headline(self) -> str:
        """The diagnosis in a few words, for lists and histories."""
        call = f": {self.requirement.action}" if self.requirement else ""
        return f"{self.cause} ({self.confidence}){call}"
