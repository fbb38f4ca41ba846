"""The objects that a rule is for, where no object is given: encrypted with KMS, as its bucket does.

Each version differs from the first in one thing that changes what S3 has to call.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from replimend.domain.arn import Arn
from replimend.domain.destinations import replica_key_named
from replimend.domain.facts import (
    Bucket,
    Encryption,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
)
from replimend.domain.setups.setup import DefaultEncryption, KeyParts, Setup

ANY = "*"
"""Stands for the rest of a key: a policy that admits `prefix*` admits every object of the rule."""


def typical_version(setup: Setup, rule: ReplicationRule, key: str | None = None) -> ObjectVersion:
    """A version that the rule selects, without a Bucket Key, tags or a lock.

    Its KMS key is None where the set-up does not tell which key the source encrypts with.
    """
    default = setup.source.encryption
    is_dsse = isinstance(default, DefaultEncryption) and default.encryption is Encryption.DSSE_KMS
    return ObjectVersion(
        bucket=setup.source_bucket,
        key=key or f"{rule.prefix}{ANY}",
        version_id=ANY,
        size=0,
        etag="",
        last_modified=datetime.fromtimestamp(0, tz=UTC),
        encryption=Encryption.DSSE_KMS if is_dsse else Encryption.SSE_KMS,
        kms_key_arn=_source_key_arn(setup),
        tag_count=len(rule.tags),
    )


def stand_ins(
    setup: Setup, rule: ReplicationRule, key: str | None = None
) -> tuple[ObjectVersion, ...]:
    """The versions that a version under this rule may be like, as far as KMS is concerned."""
    plain = typical_version(setup, rule, key)
    under_bucket_key = with_bucket_key(setup, plain, rule.destination_bucket)
    return (plain,) if under_bucket_key is None else (plain, under_bucket_key)


def with_bucket_key(setup: Setup, version: ObjectVersion, destination: str) -> ObjectVersion | None:
    """The same version under a Bucket Key; None unless either bucket's default has one."""
    if version.encryption is not Encryption.SSE_KMS:
        return None
    defaults = (setup.source.encryption, setup.end(destination).encryption)
    if any(isinstance(each, DefaultEncryption) and each.bucket_key for each in defaults):
        return replace(version, bucket_key=True)
    return None


def tagged(version: ObjectVersion) -> ObjectVersion:
    """The same version with a tag."""
    return replace(version, tag_count=1)


def locked(setup: Setup, version: ObjectVersion) -> ObjectVersion | None:
    """The same version under Object Lock; None unless the source bucket has it."""
    source = setup.source.bucket
    if isinstance(source, Bucket) and source.object_lock is True:
        return replace(version, object_lock=True)
    return None


def _source_key_arn(setup: Setup) -> str | None:
    """The key of the bucket's default encryption; else the only one that it can be."""
    default = setup.source.encryption
    if isinstance(default, DefaultEncryption) and default.encryption.uses_kms and default.key:
        parts = setup.key_named(default.key)
        named = replica_key_named(parts.arn if parts else default.key)
        return str(named) if named is not None and named.is_kms_key else None
    candidates = set(_keys_of_the_source(setup))
    replica_keys = _replica_keys(setup)
    likely = candidates - replica_keys or candidates
    return likely.pop() if len(likely) == 1 else None


def _keys_of_the_source(setup: Setup) -> Iterator[str]:
    source = setup.source.bucket
    for parts in setup.keys.values():
        where = Arn.parse(parts.arn)
        is_there = where.account == setup.home_account and (
            not isinstance(source, Bucket) or where.region == source.region
        )
        if where.is_kms_key and is_there:
            yield parts.arn


def _replica_keys(setup: Setup) -> set[str]:
    if not isinstance(setup.replication, ReplicationSetup):
        return set()
    named = (setup.key_named(rule.replica_key or "") for rule in setup.replication.rules)
    return {parts.arn for parts in named if isinstance(parts, KeyParts)}
