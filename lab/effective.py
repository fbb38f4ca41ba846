"""Policies as they are in force: what was stored a while ago, as AWS is eventually consistent.

Reads through the APIs see a change at once; S3 and KMS act on it only after the delay.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab import moto_world
from lab.grants import Grants
from lab.key_principals import KeyPrincipals
from lab.key_store import KeyState
from lab.policies import Grant, PoliciesInForce, PoliciesOfMoto, RolePolicies
from lab.wire import ApiCall, HttpResponse

if TYPE_CHECKING:
    from lab.gate import Gate

type Subject = tuple[str, str]

ALWAYS = datetime.min.replace(tzinfo=UTC)
CHANGES = {
    "iam": (
        "AttachRolePolicy",
        "CreatePolicyVersion",
        "CreateRole",
        "DeletePolicyVersion",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "SetDefaultPolicyVersion",
        "UpdateAssumeRolePolicy",
    ),
    "kms": (
        "CancelKeyDeletion",
        "CreateGrant",
        "DisableKey",
        "EnableKey",
        "PutKeyPolicy",
        "RetireGrant",
        "RevokeGrant",
        "ScheduleKeyDeletion",
    ),
    "s3": ("DeleteBucketPolicy", "PutBucketPolicy"),
}


class StoredPolicies(PoliciesOfMoto):
    """What the APIs show: key policies and grants with the dead principals that KMS shows."""

    def __init__(self, principals: KeyPrincipals, grants: Grants) -> None:
        self._principals = principals
        self._grants = grants

    def of_resource(self, arn: str) -> str | None:
        """See `PoliciesInForce`."""
        text = super().of_resource(arn)
        is_key = arn.split(":")[2] == "kms"
        return self._principals.shown_policy(arn, text) if is_key and text else text

    def grants_on(self, key_arn: str) -> tuple[Grant, ...]:
        """See `PoliciesInForce`."""
        key = moto_world.key_of(key_arn)
        return self._grants.listed(key) if key else ()


class EffectivePolicies:
    """Policies, trust, grants and key states as they were `delay` ago (a `PoliciesInForce`).

    A subject first seen is taken to have been so always. Changes are noted as callers make them
    through the gate; one made behind its back counts from when it is first seen.
    """

    def __init__(
        self,
        stored: PoliciesInForce,
        now: Callable[[], datetime],
        delay: timedelta,
        *,
        delay_of_grants: timedelta | None = None,
    ) -> None:
        self.delay = delay
        self._delay_of_grants = delay if delay_of_grants is None else delay_of_grants
        self._stored = stored
        self._now = now
        self._past: dict[Subject, list[tuple[datetime, Any]]] = {}
        self._lock = threading.RLock()

    def install(self, gate: "Gate") -> None:
        """Take note of every change through this gate, before it and after it.

        To be called before other parts install theirs, so that no answer comes first.
        """
        for service, operations in CHANGES.items():
            for operation in operations:
                gate.override(service, operation, self._note_call)
                gate.after(service, operation, self._note_change)

    def of_role(self, role_arn: str) -> RolePolicies:
        """The role's identity policies and boundary in force."""
        found: RolePolicies = self._in_force(("role", role_arn))
        return found

    def of_resource(self, arn: str) -> str | None:
        """The resource's policy in force; for a role its trust policy, None where it has none."""
        found: str | None = self._in_force(("resource", _owner_of_policy(arn)))
        return found

    def grants_on(self, key_arn: str) -> tuple[Grant, ...]:
        """The key's grants in force."""
        found: tuple[Grant, ...] = self._in_force(("grants", key_arn))
        return found

    def key_state(self, key_arn: str) -> KeyState | None:
        """The key's state in force; None where there is no such key."""
        found: KeyState | None = self._in_force(("state", key_arn))
        return found

    def settle(self) -> None:
        """Take everything that is stored as in force now, as if it had long been so."""
        with self._lock:
            self._past.clear()

    def note(self) -> None:
        """Let what was changed behind the gate's back count from now."""
        with self._lock:
            for subject in tuple(self._past):
                self._note(subject)

    def _in_force(self, subject: Subject) -> Any:  # noqa: ANN401 - what the subject's kind says
        with self._lock:
            self._note(subject)
            kind, _ = subject
            delay = self._delay_of_grants if kind == "grants" else self.delay
            since = self._now() - delay
            return next(value for at, value in reversed(self._past[subject]) if at <= since)

    def _note(self, subject: Subject) -> None:
        value = self._read(subject)
        past = self._past.get(subject)
        if past is None:
            self._past[subject] = [(ALWAYS, value)]
        elif past[-1][1] != value:
            past.append((self._now(), value))

    def _read(self, subject: Subject) -> object:
        match subject:
            case ("role", arn):
                return self._stored.of_role(arn)
            case ("grants", arn):
                return self._stored.grants_on(arn)
            case ("state", arn):
                key = moto_world.key_of(arn)
                return KeyState(key.key_state) if key else None
            case (_, arn):
                return self._stored.of_resource(arn)

    def _note_call(self, call: ApiCall) -> None:
        with self._lock:
            for subject in (*self._past, *_subjects_of(call)):
                self._note(subject)

    def _note_change(self, call: ApiCall, _: HttpResponse) -> None:
        self._note_call(call)


def _owner_of_policy(arn: str) -> str:
    # The policy that decides about an object is its bucket's.
    return arn.split("/", 1)[0] if arn.split(":")[2] == "s3" else arn


def _subjects_of(call: ApiCall) -> tuple[Subject, ...]:
    """What the call is about to change, as far as its parameters say."""
    if call.service == "s3":
        return (("resource", f"arn:{moto_world.PARTITION}:s3:::{call.params['Bucket']}"),)
    if "RoleName" in call.params:
        arn = moto_world.role_arn(call.params["RoleName"], call.account)
        # A role about to be made has no past: it is in force from the start.
        is_there = moto_world.role_of(arn) is not None
        return (("role", arn), ("resource", arn)) if is_there else ()
    if "KeyId" in call.params:
        arn_of_key = moto_world.key_arn(call.params["KeyId"], call.account, call.region)
        if arn_of_key:
            return tuple((kind, arn_of_key) for kind in ("resource", "grants", "state"))
    return ()
