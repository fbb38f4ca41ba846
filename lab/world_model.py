"""The world of a scenario: buckets, keys, the replication role and its rules.

Each class reads itself from a `Section`; what cannot be is one `ScenarioError` with the path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lab.documents import Fields
from lab.errors import ScenarioError
from lab.fields import Section
from lab.key_store import KeyState
from lab.world_replication import Role, Rule
from replimend.domain.arn import Arn

STACK_QUEUE = "stack"


class Versioning(StrEnum):
    """A bucket's versioning, in S3's words; `Unversioned` is a bucket that never had it."""

    ENABLED = "Enabled"
    SUSPENDED = "Suspended"
    UNVERSIONED = "Unversioned"


class Algorithm(StrEnum):
    """A bucket's default encryption."""

    S3 = "AES256"
    KMS = "aws:kms"
    DSSE = "aws:kms:dsse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket; `key` and `uses_bucket_key` are its default encryption, None that of S3."""

    name: str
    account: str
    region: str
    versioning: Versioning
    has_object_lock: bool
    algorithm: Algorithm
    key: str | None
    uses_bucket_key: bool
    policy: str | None
    notifications: str | None
    """`stack` for the stack's queue, a queue's ARN, or None."""
    exists: bool

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:s3:::{self.name}"

    @classmethod
    def read(cls, section: Section) -> "Bucket":
        """The bucket that this section describes."""
        notifications = section.raw("notifications")
        if notifications is not None and notifications != STACK_QUEUE:
            section.arn(
                "notifications", is_wanted=_is_queue, kind=f"{STACK_QUEUE} or a queue's ARN"
            )
        bucket = cls(
            name=section.text("name"),
            account=section.account("account"),
            region=section.region("region"),
            versioning=section.choice("versioning", Versioning, Versioning.ENABLED),
            has_object_lock=section.flag("object_lock", default=False),
            algorithm=section.choice("encryption", Algorithm, Algorithm.KMS),
            key=section.optional("key"),
            uses_bucket_key=section.flag("bucket_key", default=False),
            policy=section.policy("policy"),
            notifications=None if notifications is None else str(notifications),
            exists=section.flag("exists", default=True),
        )
        section.close()
        return bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPlan:
    """A KMS grant to make on a key."""

    name: str
    grantee: str
    operations: tuple[str, ...]
    context_equals: Mapping[str, str] = field(default_factory=dict)
    context_subset: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, section: Section) -> "GrantPlan":
        """The grant of that name that this section describes."""
        grant = cls(
            name=name,
            grantee=section.text("grantee"),
            operations=section.words("operations"),
            context_equals=section.texts("context_equals"),
            context_subset=section.texts("context_subset"),
        )
        section.close()
        return grant


class KeyManager(StrEnum):
    """Whose key it is, in KMS's words: `AWS` makes it the account's `aws/s3`."""

    AWS = "AWS"
    CUSTOMER = "CUSTOMER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key; one that is not there (`exists`) may still be referred to."""

    arn: Arn
    manager: KeyManager
    state: KeyState
    policy: str | None
    alias: str | None
    grants: tuple[GrantPlan, ...]
    exists: bool

    @classmethod
    def read(cls, section: Section) -> "Key":
        """The key that this section describes."""
        alias = section.optional("alias")
        if alias is not None and not alias.startswith("alias/"):
            raise section.error("alias", "must begin with alias/")
        key = cls(
            arn=section.arn("arn", is_wanted=lambda arn: arn.is_kms_key, kind="a key's ARN"),
            manager=section.choice("manager", KeyManager, KeyManager.CUSTOMER),
            state=section.choice("state", KeyState, KeyState.ENABLED),
            policy=section.policy("policy"),
            alias=alias,
            grants=tuple(GrantPlan.read(*each) for each in section.sections("grants")),
            exists=section.flag("exists", default=True),
        )
        section.close()
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that exists before the first object is put."""

    buckets: Mapping[str, Bucket]
    keys: Mapping[str, Key]
    role: Role
    replication_role: str
    """The role that the replication configuration names, which need not be the one that exists."""
    rules: tuple[Rule, ...]

    @property
    def source(self) -> Bucket:
        """The bucket that replicates."""
        return self.buckets["source"]

    @classmethod
    def read(cls, fields: Fields) -> "World":
        """The world that these fields describe in full."""
        section = Section(fields, "world")
        buckets = {name: Bucket.read(each) for name, each in section.sections("buckets")}
        if "source" not in buckets:
            raise ScenarioError("world.buckets.source: the world needs a source bucket")
        world = cls(
            buckets=buckets,
            keys={name: Key.read(each) for name, each in section.sections("keys")},
            role=Role.read(section.section("role")),
            replication_role=section.text("replication_role"),
            rules=tuple(Rule.read(*each) for each in section.sections("rules")),
        )
        section.close()
        return world


def _is_queue(arn: Arn) -> bool:
    return arn.service == "sqs"
