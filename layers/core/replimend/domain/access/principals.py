"""Who calls, whom a policy names, and how directly the one is meant by the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from replimend.domain.access.elements import mapping_at, strings_at
from replimend.errors import MalformedPolicyError


class Reach(IntEnum):
    """How directly a resource policy or a grant means the caller; more is more direct."""

    NONE = 0
    ACCOUNT = 1
    """It names the caller's account, which may pass the permission on by identity policies."""
    ROLE = 2
    """It names the role; the session stays within its boundary and session policy."""
    DIRECT = 3
    """It names the session, user or service itself, or everyone: nothing implicit limits it."""


class CallerKind(StrEnum):
    """What kind of principal calls, as its ARN says it."""

    SESSION = "assumed-role"
    ROLE = "role"
    """A session of this role, whose name is not known."""
    USER = "user"
    FEDERATED_USER = "federated-user"
    ROOT = "root"
    SERVICE = "service"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal of a request, under every name by which a policy can mean it.

    `role_arn` is None unless a role's session calls. A session ARN drops the path of its role, so
    without being told (`knows_path`) the path is open: role names are unique in their account.
    """

    arn: str
    kind: CallerKind
    account: str
    account_arn: str
    role_arn: str | None
    knows_path: bool
    has_boundary: bool

    @classmethod
    def of(
        cls, principal: str, account: str, *, role_arn: str | None, has_boundary: bool
    ) -> "Caller":
        """The caller of this ARN or service name.

        `role_arn` has the path that a session ARN lacks; it counts only if it is of that role.
        """
        partition, kind, role = _read(principal)
        knows_path = kind is CallerKind.ROLE or (role is not None and _is_same_role(role_arn, role))
        return cls(
            arn=principal,
            kind=kind,
            account=account,
            account_arn=f"arn:{partition}:iam::{account}:root",
            role_arn=role_arn if kind is CallerKind.SESSION and knows_path else role,
            knows_path=knows_path,
            has_boundary=has_boundary,
        )

    @property
    def principal_arn(self) -> str:
        """What AWS puts into `aws:PrincipalArn`: the role rather than its session."""
        return self.role_arn or self.arn

    @property
    def is_service_linked_role(self) -> bool:
        """Whether an AWS service's own role calls; SCPs and RCPs do not apply to those."""
        return self.role_arn is not None and (
            "/aws-service-role/" in self.role_arn or "/AWSServiceRoleFor" in self.role_arn
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """A `Principal` or `NotPrincipal` element: names as written, in no order.

    A unique id such as `AROA…` stands where a role or user was deleted and names nobody any more
    (IAM User Guide, "Principal"). A canonical user id cannot be told from here and names nobody.
    """

    is_everyone: bool
    aws: frozenset[str]
    others: frozenset[str]

    def reach(self, caller: Caller) -> Reach:
        """How directly the element means the caller."""
        if self.is_everyone:
            return Reach.DIRECT
        if caller.kind is CallerKind.SERVICE:
            return Reach.DIRECT if caller.arn in self.others else Reach.NONE
        if caller.arn in self.aws:
            return Reach.ROLE if caller.kind is CallerKind.ROLE else Reach.DIRECT
        if caller.role_arn is not None and self._names_role(caller):
            return Reach.ROLE
        if caller.account_arn in self.aws or caller.account in self.aws:
            return Reach.DIRECT if caller.kind is CallerKind.ROOT else Reach.ACCOUNT
        return Reach.DIRECT if caller.arn in self.others else Reach.NONE

    def spares(self, caller: Caller) -> bool:
        """Whether a `NotPrincipal` of these names leaves the caller out of its statement.

        The caller's account must be listed beside the caller, and no principal with a permissions
        boundary is ever left out (IAM User Guide, "NotPrincipal").
        """
        if caller.kind is CallerKind.SERVICE or self.is_everyone:
            return self.reach(caller) is not Reach.NONE
        has_account = caller.account_arn in self.aws or caller.account in self.aws
        return has_account and not caller.has_boundary and self.reach(caller) > Reach.ACCOUNT

    def _names_role(self, caller: Caller) -> bool:
        if caller.role_arn in self.aws:
            return True
        if caller.knows_path or caller.role_arn is None:
            return False
        return any(_is_same_role(each, caller.role_arn) for each in self.aws)


def parse_principals(element: object, path: str) -> Principals:
    """The names of a `Principal` or `NotPrincipal` element.

    Raises MalformedPolicyError with the path of the entry at fault.
    """
    if element == EVERYONE:
        return Principals(is_everyone=True, aws=frozenset(), others=frozenset())
    if isinstance(element, str):
        raise MalformedPolicyError(path, 'must be "*" or a JSON object')
    named = {
        kind: strings_at(names, f"{path}.{kind}")
        for kind, names in mapping_at(element, path).items()
    }
    if unknown := sorted(set(named) - {"AWS", *OTHER_KINDS}):
        raise MalformedPolicyError(f"{path}.{unknown[0]}", "is not a kind of principal")
    aws = frozenset(named.get("AWS", ()))
    return Principals(
        is_everyone=EVERYONE in aws,
        aws=aws,
        others=frozenset(_flatten(named.get(kind, ()) for kind in OTHER_KINDS)),
    )


EVERYONE = "*"
OTHER_KINDS = ("Service", "Federated", "CanonicalUser")


def _read(principal: str) -> tuple[str, CallerKind, str | None]:
    """The partition, the kind, and the ARN of the role (without its path, if a session calls)."""
    if not principal.startswith("arn:"):
        return "aws", CallerKind.SERVICE, None
    partition, _, _, account, name = (*principal.split(":", 5)[1:], "", "", "", "", "")[:5]
    word = name.partition("/")[0]
    kind = CallerKind(word) if word in CallerKind else CallerKind.OTHER
    match kind:
        case CallerKind.SESSION:
            role_name = name.removeprefix(f"{kind}/").partition("/")[0]
            return partition, kind, f"arn:{partition}:iam::{account}:role/{role_name}"
        case CallerKind.ROLE:
            return partition, kind, principal
        case _:
            return partition, kind, None


def _is_same_role(role_arn: str | None, without_path: str) -> bool:
    """Whether an ARN, which may have a path, is of the role with this ARN without one."""
    if role_arn is None:
        return False
    prefix, _, name = without_path.rpartition("/")
    return role_arn.startswith(f"{prefix}/") and role_arn.endswith(f"/{name}")


def _flatten(groups: Iterable[Iterable[str]]) -> Iterable[str]:
    return (name for group in groups for name in group)
