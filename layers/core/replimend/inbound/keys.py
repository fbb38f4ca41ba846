"""KMS keys, as DescribeKey returns their metadata."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import ENCRYPTS, SYMMETRIC, Fact, Key
from replimend.errors import MalformedEventError
from replimend.inbound.fields import (
    JsonObject,
    arn,
    objects,
    optional_fields,
    optional_text,
    path_to,
    text,
)


def key_of(
    metadata: JsonObject,
    at: str,
    *,
    policy: Fact[PolicyDocument],
    grants: Fact[tuple[Mapping[str, object], ...]],
) -> Key:
    """The key with this `KeyMetadata`, and the policy and grants that were read beside it."""
    name = arn(metadata, "Arn", at)
    if not (name.is_kms_key and name.account and name.region):
        raise MalformedEventError(path_to(at, "Arn"), "expected the ARN of a KMS key")
    multi_region = optional_fields(metadata, "MultiRegionConfiguration", at)
    in_multi_region = path_to(at, "MultiRegionConfiguration")
    return Key(
        arn=str(name),
        state=text(metadata, "KeyState", at),
        customer_managed=optional_text(metadata, "KeyManager", at) != "AWS",
        policy=policy,
        grants=grants,
        spec=optional_text(metadata, "KeySpec", at) or SYMMETRIC,
        usage=optional_text(metadata, "KeyUsage", at) or ENCRYPTS,
        siblings=tuple(_siblings(multi_region, in_multi_region)),
        is_primary=optional_text(multi_region, "MultiRegionKeyType", in_multi_region) == "PRIMARY",
        deletion_date=_day_of(metadata.get("DeletionDate")),
    )


def _siblings(configuration: JsonObject, at: str) -> Iterator[str]:
    """The primary key first, then its replica keys."""
    if primary := optional_fields(configuration, "PrimaryKey", at):
        yield str(arn(primary, "Arn", path_to(at, "PrimaryKey")))
    for replica, path in objects(configuration, "ReplicaKeys", at):
        yield str(arn(replica, "Arn", path))


def _day_of(value: object) -> str | None:
    """The day of a time as boto3 decodes it, or as text; it is only ever shown."""
    match value:
        case datetime():
            return value.date().isoformat()
        case str():
            return value[:10]
        case _:
            return None
