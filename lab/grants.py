"""KMS grants as KMS keeps them: idempotent by name, listed with who issued them and when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.session import get_session
from moto.kms.models import Grant, Key

from lab import moto_world
from lab.key_principals import ACCOUNT_ROOT, KeyPrincipals, is_known
from lab.key_store import find_key
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

NAME = re.compile(r"[a-zA-Z0-9:/_-]{1,256}")
OPERATIONS = frozenset(
    get_session().get_service_model("kms").shape_for("GrantOperation").enum  # type: ignore[attr-defined]  # stubs lack StringShape.enum
)
DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What moto forgets of a grant."""

    account: str
    at: datetime


class Grants:
    """Every grant of the world; moto stores them, this knows the rest."""

    def __init__(self, principals: KeyPrincipals) -> None:
        self._principals = principals
        self._issues: dict[str, Issue] = {}

    def listed(self, key: Key) -> tuple[dict[str, Any], ...]:
        """The key's grants as `ListGrants` shows them, oldest first."""
        return tuple(self._entry(key, grant) for grant in key.grants.values())

    def create(self, call: ApiCall) -> HttpResponse:
        """`CreateGrant`: the same name and parameters give the grant that already is."""
        key = key_named(call)
        asked = call.params
        _check_operations(asked["Operations"])
        name = asked.get("Name") or ""
        if name and not NAME.fullmatch(name):
            raise ApiError("ValidationException", "1 validation error detected: 'name' is invalid")
        for role in ("GranteePrincipal", "RetiringPrincipal"):
            _check_principal(asked.get(role))
        refuse_dry_run(call)
        grant = self._existing(key, name, asked) or self._new(key, name, call)
        return result_response(call, {"GrantId": grant.id, "GrantToken": grant.token})

    def list_(self, call: ApiCall) -> HttpResponse:
        """`ListGrants`: by grant or grantee, in pages."""
        entries = [
            entry
            for entry in self.listed(key_named(call))
            if call.params.get("GrantId") in {None, entry["GrantId"]}
            and call.params.get("GranteePrincipal") in {None, entry["GranteePrincipal"]}
        ]
        start = int(call.params.get("Marker") or 0)
        end = start + int(call.params.get("Limit") or DEFAULT_PAGE)
        more = {"NextMarker": str(end)} if end < len(entries) else {}
        return result_response(
            call, {"Grants": entries[start:end], "Truncated": bool(more), **more}
        )

    def revoke(self, call: ApiCall) -> HttpResponse:
        """`RevokeGrant`: gone at once for readers, and for S3 after the usual delay."""
        key = key_named(call)
        grant_id = call.params["GrantId"]
        if grant_id not in key.grants:
            raise ApiError("NotFoundException", f"Grant ID {grant_id} not found")
        refuse_dry_run(call)
        del key.grants[grant_id]
        return result_response(call, {})

    def _existing(self, key: Key, name: str, asked: Mapping[str, Any]) -> Grant | None:
        return next(
            (
                grant
                for grant in key.grants.values()
                if name
                and grant.name == name
                and grant.grantee_principal == asked["GranteePrincipal"]
                and sorted(grant.operations) == sorted(asked["Operations"])
                and (grant.constraints or {}) == (asked.get("Constraints") or {})
                and grant.retiring_principal == asked.get("RetiringPrincipal")
            ),
            None,
        )

    def _new(self, key: Key, name: str, call: ApiCall) -> Grant:
        asked = call.params
        grant = key.add_grant(
            name,
            asked["GranteePrincipal"],
            asked["Operations"],
            asked.get("Constraints") or {},
            asked.get("RetiringPrincipal"),  # type: ignore[arg-type]  # moto stores None for none
        )
        self._issues[grant.id] = Issue(account=call.caller.account, at=datetime.now(UTC))
        self._principals.bind(grant.id, iter([asked["GranteePrincipal"]]))
        return grant

    def _entry(self, key: Key, grant: Grant) -> dict[str, Any]:
        issue = self._issues.setdefault(
            grant.id, Issue(account=key.account_id, at=datetime.now(UTC))
        )
        entry = {
            "KeyId": key.arn,
            "GrantId": grant.id,
            "Name": grant.name or None,
            "CreationDate": issue.at,
            "GranteePrincipal": self._principals.shown(grant.id, grant.grantee_principal),
            "RetiringPrincipal": grant.retiring_principal,
            "IssuingAccount": f"arn:{moto_world.PARTITION}:iam::{issue.account}:root",
            "Operations": list(grant.operations),
            "Constraints": grant.constraints or None,
        }
        return {name: value for name, value in entry.items() if value is not None}


def key_named(call: ApiCall) -> Key:
    """The key that the call's `KeyId` names; NotFoundException as KMS words it."""
    name = call.params["KeyId"]
    key = find_key(name, call.account, call.region)
    if key is None:
        raise _not_found(name)
    return key


def refuse_dry_run(call: ApiCall) -> None:
    """KMS answers a dry run that would have succeeded with an error of its own."""
    if call.params.get("DryRun"):
        raise ApiError(
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
            status=412,
        )


def _not_found(name: str) -> ApiError:
    if "alias/" in name:
        return ApiError("NotFoundException", f"Alias {name} is not found.")
    if name.startswith("arn:"):
        return ApiError("NotFoundException", f"Key '{name}' does not exist")
    return ApiError("NotFoundException", f"Invalid keyId '{name}'")


def _check_operations(operations: list[str]) -> None:
    if unknown := [each for each in operations if each not in OPERATIONS]:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{unknown}' at 'operations' failed to satisfy"
            " constraint: Member must satisfy enum value set",
        )


def _check_principal(name: str | None) -> None:
    if name is not None and (ACCOUNT_ROOT.fullmatch(name) or not is_known("AWS", name)):
        raise ApiError("InvalidArnException", f"{name} is not a principal that a grant can name")
