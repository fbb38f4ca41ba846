"""The role and the keys of a snapshot: policies, state, grants."""

from collections.abc import Mapping

from replimend.domain.access import Grant
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Key, NamedPolicy
from replimend.domain.setups.setup import Grants, KeyParts, RoleParts
from replimend.errors import MalformedEventError, MalformedPolicyError
from replimend.inbound.documents import checked_document
from replimend.inbound.fields import (
    JsonObject,
    arn,
    objects,
    optional_text,
    path_to,
    text,
    wrong,
)
from replimend.inbound.keys import key_of
from replimend.inbound.parts import none_for_absent, part, unwrapped


def policy_of(value: object, at: str) -> PolicyDocument:
    """A policy: its document or text, or the answer of GetBucketPolicy or GetKeyPolicy."""
    if isinstance(value, dict) and "Policy" in value:
        return checked_document(value["Policy"], path_to(at, "Policy"))
    return checked_document(value, at)


def role_of(value: object, at: str) -> RoleParts:
    """The role under `role`."""
    role, at = unwrapped(value, "Role", at)
    name = arn(role, "arn", at)
    if name.role_name is None or name.service != "iam" or not name.account:
        raise MalformedEventError(path_to(at, "arn"), "expected the ARN of a role")
    return RoleParts(
        arn=str(name),
        trust=part(role, "trust", at, checked_document),
        identity_policies=none_for_absent(part(role, "identityPolicies", at, _policies)),
        boundary=part(role, "boundary", at, _boundary),
    )


def keys_of(snapshot: JsonObject) -> Mapping[str, KeyParts]:
    """The keys under `keys`, by every name that the snapshot has for them."""
    named: dict[str, KeyParts] = {}
    for entry, at in objects(snapshot, "keys", ""):
        asked = arn(entry, "arn", at)
        is_named = asked.is_kms_key or asked.is_kms_alias
        if not (is_named and asked.account and asked.region):
            raise MalformedEventError(path_to(at, "arn"), "expected the ARN of a KMS key")
        parts = _key(entry, at, str(asked))
        for name in (str(asked), parts.arn):
            named[name] = parts
            resource = name.split(":", 5)[5]
            # Bare ids and aliases resolve in the account of whoever asks; ids are unique anyway.
            named.setdefault(resource.removeprefix("key/"), parts)
    return named


def _policies(value: object, at: str) -> tuple[NamedPolicy, ...]:
    return tuple(
        NamedPolicy(
            name=text(each, "name", path),
            document=checked_document(each.get("document"), path_to(path, "document")),
        )
        for each, path in objects({at: value}, at, "")
    )


def _boundary(value: object, at: str) -> NamedPolicy:
    if isinstance(value, dict) and "document" in value:
        name = optional_text(value, "name", at) or optional_text(value, "arn", at)
        document = checked_document(value["document"], path_to(at, "document"))
        return NamedPolicy(name=name or at, document=document)
    return NamedPolicy(name=at, document=checked_document(value, at))


def _key(entry: JsonObject, at: str, asked: str) -> KeyParts:
    policy = part(entry, "policy", at, policy_of)
    grants = none_for_absent(part(entry, "grants", at, _grants))

    def described(value: object, path: str) -> Key:
        metadata, path = unwrapped(value, "KeyMetadata", path)
        return key_of({"Arn": asked, **metadata}, path, policy=policy, grants=grants)

    key = part(entry, "metadata", at, described)
    return KeyParts(
        arn=key.arn if isinstance(key, Key) else asked,
        described=Absent(what=f"the key {asked}") if isinstance(key, Absent) else key,
        policy=policy,
        grants=grants,
    )


def _grants(value: object, at: str) -> Grants:
    if isinstance(value, dict) and "Grants" in value:
        return _grants(value["Grants"], path_to(at, "Grants"))
    if not isinstance(value, list):
        raise wrong(value, "a list", at)
    return tuple(_grant(each, f"{at}[{index}]") for index, each in enumerate(value))


def _grant(value: object, at: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise wrong(value, "an object", at)
    try:
        Grant.parse(value)
    except MalformedPolicyError as error:
        path = path_to(at, error.path) if error.path else at
        raise MalformedEventError(path, error.problem) from error
    return value
