"""What KMS operations demand (Service Authorization Reference, "AWS Key Management Service")."""

from collections.abc import Iterator

from lab import moto_world
from lab.demands.model import ANY, Context, Demand, Rule, account_of
from lab.wire import ApiCall

WITHOUT_KEY = ("CreateKey", "GenerateRandom", "ListAliases", "ListKeys")
ON_ONE_KEY = (
    "CancelKeyDeletion",
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "DisableKey",
    "EnableKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListResourceTags",
    "PutKeyPolicy",
    "RetireGrant",
    "RevokeGrant",
    "ScheduleKeyDeletion",
)
ACROSS_ACCOUNTS = frozenset(
    {
        "CreateGrant",
        "Decrypt",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GetKeyRotationStatus",
        "ListGrants",
        "ReEncrypt",
        "RetireGrant",
        "RevokeGrant",
    }
)
"""The operations whose API reference says "Cross-account use: Yes"; GetKeyPolicy is not one."""


def owner_of(call: ApiCall) -> str:
    """The account of the key that the call names, else the caller's."""
    arn = _key_named(call)
    return account_of(arn) if arn else call.caller.account


def is_out_of_reach(call: ApiCall) -> bool:
    """Whether the call names a key of another account where KMS allows that to nobody."""
    return owner_of(call) != call.caller.account and call.operation not in ACROSS_ACCOUNTS


def _key_named(call: ApiCall) -> str | None:
    key_id = call.params.get("DestinationKeyId") or call.params.get("KeyId")
    if key_id:
        return moto_world.key_arn(key_id, call.caller.account, call.region)
    return moto_world.key_of_ciphertext(call.params.get("CiphertextBlob", b""), call.region)


def _on_key(call: ApiCall) -> Iterator[Demand]:
    yield from _demand(call, call.operation, _key_named(call), _encryption_context(call))


def _reencrypt(call: ApiCall) -> Iterator[Demand]:
    source = call.params.get("SourceKeyId")
    source_arn = (
        moto_world.key_arn(source, call.caller.account, call.region)
        if source
        else moto_world.key_of_ciphertext(call.params["CiphertextBlob"], call.region)
    )
    before = _pairs(call.params.get("SourceEncryptionContext", {}))
    after = _pairs(call.params.get("DestinationEncryptionContext", {}))
    yield from _demand(call, "ReEncryptFrom", source_arn, before)
    yield from _demand(call, "ReEncryptTo", _key_named(call), after)


def _demand(
    call: ApiCall, action: str, arn: str | None, encryption_context: Context
) -> Iterator[Demand]:
    """Nothing is demanded for a key that the caller's own account lacks: KMS says NotFound."""
    if arn is None:
        return
    owner = account_of(arn)
    if owner == call.caller.account and moto_world.key_of(arn) is None:
        return
    yield Demand(
        action=f"kms:{action}",
        resource=arn,
        owner=owner,
        context={
            "kms:CallerAccount": call.caller.account,
            **moto_world.key_tags(arn),
            **encryption_context,
            **_alias(call),
            **_policy_keys(call),
            **_grant_keys(call),
        },
    )


def _encryption_context(call: ApiCall) -> Context:
    return _pairs(call.params.get("EncryptionContext", {}))


def _pairs(encryption_context: dict[str, str]) -> Context:
    if not encryption_context:
        return {}
    values = {f"kms:EncryptionContext:{key}": each for key, each in encryption_context.items()}
    return {**values, "kms:EncryptionContextKeys": tuple(encryption_context)}


def _alias(call: ApiCall) -> Context:
    _, found, name = str(call.params.get("KeyId", "")).rpartition("alias/")
    return {"kms:RequestAlias": f"alias/{name}"} if found else {}


def _policy_keys(call: ApiCall) -> Context:
    if call.operation not in {"CreateKey", "PutKeyPolicy"}:
        return {}
    bypass = bool(call.params.get("BypassPolicyLockoutSafetyCheck", False))
    return {"kms:BypassPolicyLockoutSafetyCheck": str(bypass).lower()}


def _grant_keys(call: ApiCall) -> Context:
    if call.operation != "CreateGrant":
        return {}
    constraints = call.params.get("Constraints", {})
    given: dict[str, str | tuple[str, ...] | None] = {
        "kms:GrantOperations": tuple(call.params.get("Operations", ())),
        "kms:GranteePrincipal": call.params.get("GranteePrincipal"),
        "kms:RetiringPrincipal": call.params.get("RetiringPrincipal"),
        "kms:GrantConstraintType": tuple(constraints) or None,
        "kms:GrantIsForAWSResource": "false",
    }
    return {key: value for key, value in given.items() if value is not None}


def _anywhere(call: ApiCall) -> Iterator[Demand]:
    yield Demand(
        action=f"kms:{call.operation}",
        resource=ANY,
        owner=call.caller.account,
        context={"kms:CallerAccount": call.caller.account, **_policy_keys(call)},
    )


KMS_RULES: dict[str, Rule] = {
    **dict.fromkeys(ON_ONE_KEY, _on_key),
    **dict.fromkeys(WITHOUT_KEY, _anywhere),
    "ReEncrypt": _reencrypt,
}
