"""A whole replication set-up as a snapshot shows it: what a diagnosis or a preflight is made from.

Like every fact, a part is what was read, `Absent`, or `Unavailable` where the snapshot lacks it.
Keys and the role are kept in parts, because a refusal by the part that is there is certain
whatever the parts that are not there would say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replimend.domain.arn import Arn
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import (
    Bucket,
    Encryption,
    Fact,
    Key,
    NamedPolicy,
    ObjectVersion,
    ReplicationSetup,
)
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable

type Grants = tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultEncryption:
    """How a bucket encrypts what is put without saying how; the key as an id, ARN or alias.

    Without a key, SSE-KMS means the key that AWS manages for S3.
    """

    encryption: Encryption
    key: str | None
    bucket_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One target of a bucket's event notifications, and the events that go there."""

    target: str
    events: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A CloudTrail trail, as far as it decides whether denials of KMS are heard (aws-facts 3.2).

    `region` is None for a trail of every Region.
    """

    name: str
    region: str | None
    is_logging: Fact[bool]
    logs_reads: Fact[bool]
    logs_kms: Fact[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One of the buckets: what a diagnosis needs of it, and how it encrypts by default."""

    bucket: Fact[Bucket]
    encryption: Fact[DefaultEncryption]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyParts:
    """A key; `described` is itself Absent where KMS does not know the key."""

    arn: str
    described: Fact[Key]
    policy: Fact[PolicyDocument]
    grants: Fact[Grants]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleParts:
    """A role that exists; its trust policy may not have been read."""

    arn: str
    trust: Fact[PolicyDocument]
    identity_policies: Fact[tuple[NamedPolicy, ...]]
    boundary: Fact[NamedPolicy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One source bucket with all that its replication depends on.

    `destinations` go by the bucket's name, `keys` by every name that they have in the snapshot.
    `home_account` is empty where nothing tells it; then nothing that needs it is known either.
    """

    home_account: str
    source_bucket: str
    source: End
    replication: Fact[ReplicationSetup]
    notifications: Fact[tuple[Notification, ...]]
    destinations: Mapping[str, End]
    role: Fact[RoleParts]
    keys: Mapping[str, KeyParts]
    object: Fact[ObjectVersion]
    trails: Fact[tuple[Trail, ...]]
    denials: tuple[KeyAccessDenied, ...] = field(default=())

    @property
    def partition(self) -> str:
        """The AWS partition, which the role's ARN tells."""
        if isinstance(self.replication, ReplicationSetup):
            return Arn.parse(self.replication.role_arn).partition
        return "aws"

    def end(self, bucket: str) -> End:
        """The destination of this name; unknown where the snapshot does not have it."""
        lacking = Unavailable(reason=f"the snapshot does not have the bucket {bucket}")
        return self.destinations.get(bucket, End(bucket=lacking, encryption=lacking))

    def bucket_arn(self, bucket: str) -> str:
        """The ARN of a bucket of this set-up."""
        return str(Arn.of_bucket(bucket, partition=self.partition))

    def key_named(self, name: str) -> KeyParts | None:
        """The key with this id, ARN or alias; None where the snapshot does not have it."""
        return self.keys.get(name)
