"""What KMS refuses and moto accepts: wrong Regions, key states, dry runs, policies and grants."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from moto.kms.models import Key, kms_backends

from lab.grants import Grants, key_named, refuse_dry_run
from lab.key_policies import KeyPolicies
from lab.key_principals import KeyPrincipals, aws_principals
from lab.key_store import KeyState, key_at, set_state
from lab.policies import PoliciesInForce
from lab.wire import ApiCall, ApiError, HttpResponse, result_of, result_response

if TYPE_CHECKING:
    from lab.gate import Gate


WHY_UNUSABLE = {
    KeyState.CREATING: "is creating.",
    KeyState.PENDING_DELETION: "is pending deletion.",
    KeyState.PENDING_IMPORT: "is pending import because no key material has ever been imported.",
    KeyState.PENDING_REPLICA_DELETION: "is pending deletion (or pending replica deletion).",
    KeyState.UNAVAILABLE: "is unavailable.",
    KeyState.UPDATING: "is updating.",
}
USES = (
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
)
SHORTEST_WAIT, LONGEST_WAIT = 7, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """KMS's own rules, put in front of moto's keys."""

    principals: KeyPrincipals
    grants: Grants
    policies: KeyPolicies

    @classmethod
    def of(cls, stored: PoliciesInForce, principals: KeyPrincipals, grants: Grants) -> "Keys":
        """Keys whose lock-out check reads the caller's policies from `stored`."""
        return cls(principals=principals, grants=grants, policies=KeyPolicies(principals, stored))

    def install(self, gate: "Gate") -> None:
        """Answer for KMS wherever moto would accept what KMS refuses."""
        for operation in USES:
            gate.override("kms", operation, _refuse_use)
        for operation, handler in (
            ("PutKeyPolicy", self.policies.put),
            ("GetKeyPolicy", self.policies.get),
            ("CreateKey", self.policies.check_new),
            ("CreateGrant", self._create_grant),
            ("ListGrants", self.grants.list_),
            ("RevokeGrant", self.grants.revoke),
            ("DescribeKey", _refuse_unknown),
            ("ReplicateKey", _replicate),
            ("EnableKey", _enable),
            ("DisableKey", _disable),
            ("ScheduleKeyDeletion", _schedule_deletion),
            ("CancelKeyDeletion", _cancel_deletion),
        ):
            gate.override("kms", operation, handler)
        gate.after("kms", "CreateKey", self._remember_new)

    def _create_grant(self, call: ApiCall) -> HttpResponse:
        _refuse_unusable(key_named(call))
        return self.grants.create(call)

    def _remember_new(self, call: ApiCall, response: HttpResponse) -> None:
        arn = result_of(call, response)["KeyMetadata"]["Arn"]
        key = key_at(arn)
        self.principals.bind(arn, aws_principals(json.loads(key.policy)))


def _refuse_use(call: ApiCall) -> None:
    # Decrypt and ReEncrypt without a key id are about the key in the ciphertext: moto finds it.
    for name in ("KeyId", "SourceKeyId", "DestinationKeyId"):
        if name in call.params:
            _refuse_unusable(key_named(_about(call, name)))
    refuse_dry_run(call)


def _about(call: ApiCall, name: str) -> ApiCall:
    return replace(call, params={**call.params, "KeyId": call.params[name]})


def _refuse_unknown(call: ApiCall) -> None:
    key_named(call)


def _refuse_unusable(key: Key) -> None:
    state = KeyState(key.key_state)
    if state is KeyState.DISABLED:
        raise ApiError("DisabledException", f"{key.arn} is disabled.")
    if state is not KeyState.ENABLED:
        raise ApiError("KMSInvalidStateException", f"{key.arn} {WHY_UNUSABLE[state]}")


def _enable(call: ApiCall) -> HttpResponse:
    key = _manageable(call, {KeyState.ENABLED, KeyState.DISABLED})
    set_state(key.arn, KeyState.ENABLED)
    return result_response(call, {})


def _disable(call: ApiCall) -> HttpResponse:
    key = _manageable(call, {KeyState.ENABLED, KeyState.DISABLED})
    set_state(key.arn, KeyState.DISABLED)
    return result_response(call, {})


def _schedule_deletion(call: ApiCall) -> HttpResponse:
    key = _manageable(call, set(KeyState) - {KeyState.PENDING_DELETION})
    days = int(call.params.get("PendingWindowInDays", LONGEST_WAIT))
    if not SHORTEST_WAIT <= days <= LONGEST_WAIT:
        raise ApiError("ValidationException", "PendingWindowInDays must be between 7 and 30")
    set_state(key.arn, KeyState.PENDING_DELETION)
    date = datetime.now(UTC) + timedelta(days=days)
    key.deletion_date = date.replace(tzinfo=None)  # moto counts in naive UTC
    return result_response(
        call,
        {
            "KeyId": key.arn,
            "DeletionDate": date,
            "KeyState": key.key_state,
            "PendingWindowInDays": days,
        },
    )


def _cancel_deletion(call: ApiCall) -> HttpResponse:
    key = _manageable(call, {KeyState.PENDING_DELETION})
    # AWS leaves the key disabled; enabling it is a step of its own.
    set_state(key.arn, KeyState.DISABLED)
    key.deletion_date = None
    return result_response(call, {"KeyId": key.arn})


def _manageable(call: ApiCall, states: set[KeyState]) -> Key:
    key = key_named(call)
    if key.key_manager == "AWS":
        raise ApiError("UnsupportedOperationException", f"{key.arn} is an AWS managed key")
    state = KeyState(key.key_state)
    if state not in states:
        why = WHY_UNUSABLE.get(state, f"is {state}.")
        raise ApiError("KMSInvalidStateException", f"{key.arn} {why}")
    return key


def _replicate(call: ApiCall) -> HttpResponse:
    # A replica key has its own policy and grants (facts §5.4); moto lets it share the primary's.
    key = key_named(call)
    backend = kms_backends[key.account_id][key.region]
    replica = backend.replicate_key(key.id, call.params["ReplicaRegion"])
    replica.grants = {}
    replica.policy = call.params.get("Policy") or replica.generate_default_policy()
    return result_response(
        call,
        {
            "ReplicaKeyMetadata": replica.to_dict()["KeyMetadata"],
            "ReplicaPolicy": replica.policy,
        },
    )
