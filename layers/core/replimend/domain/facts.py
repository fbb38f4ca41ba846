"""What was read about one failed replication: the live set-up that a diagnosis is made from.

Every fact is one of three answers: what was read, `Absent` (AWS says it does not exist) or
`Unavailable` (we could not read it). The last two must never be confused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """AWS answered that this does not exist."""

    what: str


type Fact[T] = T | Absent | Unavailable


class Encryption(StrEnum):
    """How S3 encrypts an object version; the values are S3's own where it has one."""

    SSE_S3 = "AES256"
    SSE_KMS = "aws:kms"
    DSSE_KMS = "aws:kms:dsse"
    SSE_C = "SSE-C"
    NONE = "none"

    @property
    def uses_kms(self) -> bool:
        """Whether reading or writing such an object calls KMS with a customer's or AWS's key."""
        return self in {Encryption.SSE_KMS, Encryption.DSSE_KMS}

    @property
    def needs_replica_key(self) -> bool:
        """Whether the replica may be encrypted with KMS.

        SSE-S3 and SSE-C stay what they are; what is not encrypted becomes what the destination
        encrypts with (aws-facts 5.4).
        """
        return self not in {Encryption.SSE_S3, Encryption.SSE_C}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectVersion:
    """One object version as HeadObject shows it; sizes in bytes."""

    bucket: str
    key: str
    version_id: str
    size: int
    etag: str
    last_modified: datetime
    encryption: Encryption
    kms_key_arn: str | None = None
    bucket_key: bool = False
    storage_class: str = "STANDARD"
    replication_status: str | None = None
    tag_count: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    object_lock: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationRule:
    """One rule of a bucket's replication configuration."""

    rule_id: str
    enabled: bool
    destination_bucket: str
    destination_account: str | None
    replica_key: str | None
    replicates_kms_objects: bool
    metrics: bool
    owner_override: bool = False
    delete_markers: bool = False
    replica_modifications: bool = False
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


NOT_KEPT = Unavailable(reason="the replication configuration as S3 has it was not kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSetup:
    """A bucket's replication configuration: the role S3 assumes and the rules it follows.

    `document` is all of it, just as S3 returned it.
    """

    role_arn: str
    rules: tuple[ReplicationRule, ...]
    document: Document | Unavailable = field(default=NOT_KEPT, compare=False)

    def rule_named(self, rule_id: str) -> ReplicationRule | None:
        """The rule with this id, or None when the configuration no longer has it."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """A policy attached to a role: its name, or its ARN when it is a managed one."""

    name: str
    document: PolicyDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role with everything that shapes what its sessions may do, as IAM returns it."""

    arn: str
    trust: PolicyDocument
    identity_policies: Fact[tuple[NamedPolicy, ...]]
    boundary: Fact[NamedPolicy]


USABLE_KEY_STATE = "Enabled"
SYMMETRIC = "SYMMETRIC_DEFAULT"
ENCRYPTS = "ENCRYPT_DECRYPT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key: where it lives, whether it can be used, and who may use it.

    `spec` and `usage` are KMS's own words. `siblings` are the keys, by ARN, of the multi-Region
    key that this one is of, itself among them; none for a single-Region key. Each of them has its
    own key policy and its own grants (aws-facts 5.4).
    """

    arn: str
    state: str
    customer_managed: bool
    policy: Fact[PolicyDocument]
    grants: Fact[tuple[Mapping[str, object], ...]]
    spec: str = SYMMETRIC
    usage: str = ENCRYPTS
    siblings: tuple[str, ...] = ()
    is_primary: bool = False
    deletion_date: str | None = None

    @property
    def encrypts_objects(self) -> bool:
        """Whether S3 can use keys of this kind: only symmetric encryption keys (aws-facts 5.4)."""
        return (self.spec, self.usage) == (SYMMETRIC, ENCRYPTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket of the pair; an absent policy means that it has none."""

    name: str
    account: str
    region: str
    versioned: Fact[bool]
    policy: Fact[PolicyDocument]
    object_lock: Fact[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that one diagnosis rests on: one object version, one rule, both ends, the role.

    `failed_at` is when S3 gave up, as far as that is known.
    """

    home_account: str
    source_bucket: str
    rule_id: str
    destination_bucket: str
    setup: Fact[ReplicationSetup]
    object: Fact[ObjectVersion]
    source: Fact[Bucket]
    destination: Fact[Bucket]
    role: Fact[Role]
    source_key: Fact[Key]
    destination_key: Fact[Key]
    denials: tuple[KeyAccessDenied, ...] = ()
    failed_at: datetime | None = None

    @property
    def rule(self) -> ReplicationRule | None:
        """The rule of the live configuration that the failure names."""
        if isinstance(self.setup, ReplicationSetup):
            return self.setup.rule_named(self.rule_id)
        return None
