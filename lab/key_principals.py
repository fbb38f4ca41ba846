"""Principals in key policies and grants, kept as KMS keeps them: by unique id, not by name.

A role that is deleted and made again has the same ARN and another id. What named the old one then
shows `AROA…` and matches nobody (facts §5.4).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends

from lab import moto_world

ANYONE = "*"
ACCOUNT = re.compile(r"\d{12}")
ACCOUNT_ROOT = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:root")
UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")


class KeyPrincipals:
    """Remembers whom each name in a key policy or grant meant when it was written."""

    def __init__(self) -> None:
        self._bound: dict[str, dict[str, str]] = {}

    def bind(self, subject: str, names: Iterator[str]) -> None:
        """Let these names, in the policy of a key or in a grant, mean whom they mean now."""
        self._bound[subject] = {name: found for name in names if (found := unique_id(name))}

    def shown(self, subject: str, name: str) -> str:
        """The name as KMS shows it now: itself, or the unique id of someone who is no more."""
        known = self._bound.setdefault(subject, {})
        now = unique_id(name)
        if name not in known and now is not None:
            known[name] = now
        return name if known.get(name, name) in {now, name} else known[name]

    def shown_policy(self, key_arn: str, text: str) -> str:
        """A key policy as `GetKeyPolicy` gives it; the very same text unless a principal died."""
        document = json.loads(text)
        dead = {
            name: shown
            for name in aws_principals(document)
            if (shown := self.shown(key_arn, name)) != name
        }
        return json.dumps(with_principals(document, dead)) if dead else text


def unique_id(name: str) -> str | None:
    """The id of the role, user or role session of this ARN; None where there is none."""
    parts = name.split(":", 5)
    if len(parts) < 6 or not ACCOUNT.fullmatch(parts[4]):  # noqa: PLR2004 - an ARN's parts
        return None
    kind, _, path = parts[5].partition("/")
    backend = iam_backends[parts[4]][moto_world.PARTITION]
    match kind:
        case "role":
            role = moto_world.role_of(name)
            return str(role.id) if role else None
        case "user":
            user: Any = backend.users.get(path.rsplit("/", 1)[-1])
            return str(user.id) if user and user.arn == name else None
        case "assumed-role":
            role_name, _, session = path.partition("/")
            role = next((r for r in backend.roles.values() if r.name == role_name), None)
            return f"{role.id}:{session}" if role and session else None
        case _:
            return None


def name_of(identifier: str) -> str | None:
    """The ARN of the role or user that has this unique id; None where nobody has."""
    for account in iam_backends.values():
        for backend in account.values():
            people: tuple[Any, ...] = (*backend.roles.values(), *backend.users.values())
            for each in people:
                if each.id == identifier:
                    return str(each.arn)
    return None


def is_known(kind: str, name: str) -> bool:
    """Whether KMS accepts the principal: someone who exists, an account, a service or everybody."""
    if name == ANYONE:
        return True
    if kind == "Service":
        return SERVICE.fullmatch(name) is not None
    if kind != "AWS":
        return True
    if ACCOUNT.fullmatch(name) or ACCOUNT_ROOT.fullmatch(name):
        return True
    if UNIQUE_ID.fullmatch(name):
        return name_of(name) is not None
    return unique_id(name) is not None


def named_principals(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every principal that the document names, with its kind: ("AWS", "arn:…")."""
    for statement in _listed(document.get("Statement", [])):
        principal = statement.get("Principal", {})
        if isinstance(principal, str):
            yield "AWS", principal
        else:
            for kind, names in principal.items():
                yield from ((kind, name) for name in _listed(names))


def aws_principals(document: Mapping[str, Any]) -> Iterator[str]:
    """The accounts, roles, users and sessions that the document names."""
    return (name for kind, name in named_principals(document) if kind == "AWS")


def with_principals(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The document with every AWS principal replaced that `names` has another name for."""
    return {
        **document,
        "Statement": [
            _statement_with(statement, names) for statement in _listed(document["Statement"])
        ],
    }


def _statement_with(statement: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping) or "AWS" not in principal:
        return dict(statement)
    listed = principal["AWS"]
    replaced = (
        names.get(listed, listed)
        if isinstance(listed, str)
        else [names.get(name, name) for name in listed]
    )
    return {**statement, "Principal": {**principal, "AWS": replaced}}


def _listed(value: list[Any] | str | Mapping[str, Any]) -> list[Any]:
    return value if isinstance(value, list) else [value]
