"""KMS keys, as DescribeKey returns their metadata."""

from collections.abc import Mapping

from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Fact, Key
from replimend.errors import MalformedEventError
from replimend.inbound.fields import JsonObject, arn, optional_text, path_to, text


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
    return Key(
        arn=str(name),
        state=text(metadata, "KeyState", at),
        customer_managed=optional_text(metadata, "KeyManager", at) != "AWS",
        policy=policy,
        grants=grants,
    )
