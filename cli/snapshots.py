"""A snapshot of a live replication set-up, in the format of design 9; nothing is changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from cli.access_reads import KeyName, read_key, read_role
from cli.accounts import Accounts
from cli.bucket_reads import PARTS, SOURCE_PARTS, BucketReader
from cli.denial_reads import read_denials
from cli.inputs import BadInput
from cli.reading import Part, Reading
from cli.trail_reads import read_trails
from replimend.domain.destinations import destination_account, replica_key_named
from replimend.domain.facts import ReplicationSetup
from replimend.inbound.buckets import default_encryption_of
from replimend.inbound.parts import unwrapped
from replimend.inbound.replication import replication_setup_of

MANAGED_BY_AWS = "alias/aws/s3"
"""The key of S3 that every account has, and that SSE-KMS uses where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The bucket, and one object in it if one is meant; without a version id, its current one."""

    bucket: str
    key: str | None = None
    version_id: str | None = None


def take(wanted: Wanted, accounts: Accounts, reading: Reading) -> Part:
    """The snapshot, of whatever could be read; BadInput if there is no such bucket."""
    reader = BucketReader(
        name=wanted.bucket,
        account=accounts.home,
        at="source",
        accounts=accounts,
        reading=reading,
    )
    source = reader.parts(SOURCE_PARTS)
    region = source.get("region", accounts.region)
    if region is None:
        raise BadInput(f"--bucket: {wanted.bucket} does not exist")
    snapshot: Part = {"source": source}
    if wanted.key is not None:
        reader.version(wanted.key, wanted.version_id, region, snapshot)
    replication = _replication(source)
    if replication is not None:
        snapshot["destinations"] = list(_destinations(replication, accounts, reading))
        read_role(replication.role_arn, accounts, reading, snapshot)
    keys = list(dict.fromkeys(_keys(replication, snapshot, accounts.home, region)))
    snapshot["keys"] = [
        read_key(key, f"keys[{index}]", accounts, reading) for index, key in enumerate(keys)
    ]
    regions = [region, *(key.region for key in keys)]
    read_trails(regions, accounts, reading, snapshot)
    if replication is not None:
        read_denials(replication.role_arn, regions, accounts, reading, snapshot)
    return snapshot


def _replication(source: Part) -> ReplicationSetup | None:
    if not (answer := source.get("replication")):
        return None
    return replication_setup_of(*unwrapped(answer, "ReplicationConfiguration", "replication"))


def _destinations(
    replication: ReplicationSetup, accounts: Accounts, reading: Reading
) -> Iterator[Part]:
    buckets = {rule.destination_bucket: rule for rule in replication.rules}
    for index, (name, rule) in enumerate(buckets.items()):
        yield BucketReader(
            name=name,
            account=destination_account(rule, accounts.home),
            at=f"destinations[{index}]",
            accounts=accounts,
            reading=reading,
        ).parts(PARTS)


def _keys(
    replication: ReplicationSetup | None, snapshot: Part, home: str, region: str
) -> Iterator[KeyName]:
    """The object's key, the one that the source encrypts with by default, and the replicas'."""
    version = snapshot.get("object") or {}
    for name in (version.get("SSEKMSKeyId"), _default_key(snapshot["source"])):
        if name is not None:
            yield _located(name, home, region)
    regions = {each["bucket"]: each.get("region") for each in snapshot.get("destinations", ())}
    for rule in replication.rules if replication else ():
        if rule.replica_key is not None:
            yield _located(rule.replica_key, home, regions[rule.destination_bucket] or region)


def _default_key(source: Part) -> str | None:
    if not (answer := source.get("encryption")):
        return None
    where = unwrapped(answer, "ServerSideEncryptionConfiguration", "encryption")
    default = default_encryption_of(*where)
    return (default.key or MANAGED_BY_AWS) if default.encryption.uses_kms else None


def _located(name: str, home: str, region: str) -> KeyName:
    """A bare id or alias is looked for where S3 does: in the asker's account."""
    arn = replica_key_named(name)
    if arn is not None:
        return KeyName(name=name, account=arn.account, region=arn.region)
    return KeyName(name=name, account=home, region=region)
