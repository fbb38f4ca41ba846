"""One version under one rule: every check S3 makes, in its order, and the replica if all pass."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from lab import moto_world
from lab.behaviour import AliasHandling, AlreadyReplicated, Behaviour
from lab.key_store import KeyState
from lab.object_notes import ObjectNotes, Stored, VersionId, find_version, place_of
from lab.outcomes import (
    ALREADY_REPLICATED,
    AlreadyThere,
    Failed,
    NotEligible,
    Outcome,
    Replicated,
)
from lab.replica import make_replica
from lab.replication_rules import Rule
from lab.role_access import RoleAccess
from lab.s3_calls import (
    S3_SERVICE,
    BucketPlace,
    Encryption,
    S3Call,
    SourceVersion,
    assume_call,
    destination_calls,
    source_calls,
)

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A stored version, what S3 sees of it, and the rule and role that are to take it over."""

    stored: Stored
    version: SourceVersion
    source: BucketPlace
    rule: Rule
    role_arn: str

    @property
    def account(self) -> str:
        """The account of the replication role."""
        return self.role_arn.split(":")[4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """S3's worker: tries transfers under the policies and key states in force."""

    access: RoleAccess
    key_state: Callable[[str], KeyState | None]
    notes: ObjectNotes
    behaviour: Behaviour
    now: Callable[[], datetime]
    _bucket_keys: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def outcome(self, transfer: Transfer) -> Outcome:
        """Make the replica, or say why not."""
        if (why := why_not_eligible(transfer.rule, transfer.version)) is not None:
            return NotEligible(rule=transfer.rule, why=why)
        earlier = self._found_at_destination(transfer)
        if earlier is not None:
            return earlier
        return self._unreadable(transfer) or self._written(transfer)

    def _found_at_destination(self, transfer: Transfer) -> Outcome | None:
        rule, version = transfer.rule, transfer.version
        there = VersionId(rule.destination_bucket, version.key, version.version_id)
        if there in self.notes.deleted_for_good:
            return Failed(reason="DstObjectHardDeleted", rule=rule)
        bucket = moto_world.bucket_of(rule.destination_bucket)
        if bucket is None or find_version(bucket, version.key, version.version_id) is None:
            return None
        match self.behaviour.already_replicated:
            case AlreadyReplicated.SUCCEEDS:
                return AlreadyThere(rule=rule)
            case AlreadyReplicated.NOT_PENDING:
                return Failed(reason=ALREADY_REPLICATED, rule=rule)

    def _unreadable(self, transfer: Transfer) -> Failed | None:
        assuming = assume_call(transfer.role_arn, transfer.account, transfer.source)
        refused = self.access.refusal_of_assumption(S3_SERVICE, assuming)
        if refused is not None:
            return Failed(reason=assuming.refused_as, rule=transfer.rule, refused=refused)
        calls = source_calls(transfer.version, transfer.source, self.behaviour)
        return self._first_failure(transfer, calls, "SrcKmsKeyInvalidState")

    def _written(self, transfer: Transfer) -> Outcome:
        rule = transfer.rule
        bucket = moto_world.bucket_of(rule.destination_bucket)
        if bucket is None:
            return Failed(reason="DstBucketNotFound", rule=rule)
        if not bucket.is_versioned:
            return Failed(reason="DstBucketUnversioned", rule=rule)
        target = place_of(bucket)
        if transfer.source.object_lock and not target.object_lock:
            return Failed(reason="DstBucketObjectLockConfigMissing", rule=rule)
        key_arn = self._replica_key(transfer, target)
        if isinstance(key_arn, Failed):
            return key_arn
        calls = destination_calls(transfer.version, rule, target, key_arn, self.behaviour)
        failed = self._first_failure(transfer, calls, "DstKmsKeyInvalidState")
        if failed is not None:
            return failed
        make_replica(
            transfer.stored,
            transfer.version,
            target,
            rule=rule,
            key_arn=key_arn,
            notes=self.notes,
        )
        return Replicated(rule=rule)

    def _replica_key(self, transfer: Transfer, target: BucketPlace) -> str | Failed | None:
        """The key of the replica; None where KMS plays no part."""
        if transfer.version.delete_marker:
            return None
        if transfer.version.encryption is Encryption.NONE:
            return target.default_kms.key_arn if target.default_kms else None
        if not transfer.version.encryption.uses_kms:
            return None
        arn = self._unaliased(transfer.rule.replica_key or "", transfer, target)
        if arn is None or arn.split(":")[3] != target.region or self.key_state(arn) is None:
            return Failed(reason="DstKmsKeyNotFound", rule=transfer.rule)
        return arn

    def _unaliased(self, name: str, transfer: Transfer, target: BucketPlace) -> str | None:
        if ":key/" in name:
            return name
        if "alias/" not in name:
            return None
        alias = f"alias/{name.split('alias/', 1)[1]}"
        match self.behaviour.aliases:
            case AliasHandling.REFUSED:
                return None
            case AliasHandling.OF_DESTINATION_ACCOUNT:
                return moto_world.key_arn(alias, target.account, target.region)
            case AliasHandling.OF_REQUESTER_ACCOUNT:
                return moto_world.key_arn(alias, transfer.account, target.region)

    def _first_failure(
        self, transfer: Transfer, calls: Iterable[S3Call], invalid_state: str
    ) -> Failed | None:
        for call in calls:
            if call.is_kms and self._is_remembered(transfer.role_arn, call):
                continue
            if call.is_kms and self.key_state(call.resource) is not KeyState.ENABLED:
                return Failed(reason=invalid_state, rule=transfer.rule)
            refused = self.access.refusal(transfer.role_arn, self.behaviour.session_name, call)
            if refused is not None:
                return Failed(reason=call.refused_as, rule=transfer.rule, refused=refused)
            if call.uses_bucket_key:
                self._bucket_keys[_memory(transfer.role_arn, call)] = self.now()
        return None

    def _is_remembered(self, role_arn: str, call: S3Call) -> bool:
        asked = self._bucket_keys.get(_memory(role_arn, call))
        lasting = self.behaviour.bucket_keys_are_remembered_for
        return call.uses_bucket_key and asked is not None and self.now() - asked < lasting


def why_not_eligible(rule: Rule, version: SourceVersion) -> str | None:
    """Why S3 leaves the version alone under this rule, silently; None if it takes it."""
    if version.delete_marker and not rule.replicates_delete_markers:
        return "the rule does not replicate delete markers"
    if version.encryption.uses_kms and not rule.takes_kms_objects:
        return "the rule has not opted in to SSE-KMS objects"
    if version.storage_class in ARCHIVED:
        return "the object is archived"
    return None


def _memory(role_arn: str, call: S3Call) -> tuple[str, str, str]:
    return role_arn, call.action, call.resource
