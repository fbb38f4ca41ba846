"""What IAM and STS operations demand."""

from collections.abc import Iterator

from lab import moto_world
from lab.demands.model import Demand, Rule, account_of
from lab.wire import ApiCall

ROLE_OPERATIONS = (
    "DeleteRolePolicy",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListRolePolicies",
    "ListRoleTags",
    "PutRolePolicy",
)
ROLE_WRITES = frozenset({"DeleteRolePolicy", "PutRolePolicy"})
POLICY_OPERATIONS = ("GetPolicy", "GetPolicyVersion", "ListPolicyVersions")


def role_owner(call: ApiCall) -> str:
    """The account in the ARN of the role to assume, else the caller's."""
    role = call.params.get("RoleArn")
    return account_of(role) if role else call.caller.account


def pass_role(call: ApiCall, role_arn: str, service: str) -> Demand:
    """The permission to hand this role to a service."""
    return Demand(
        action="iam:PassRole",
        resource=role_arn,
        owner=call.caller.account,
        context={"iam:PassedToService": service},
    )


def _on_role(call: ApiCall) -> Iterator[Demand]:
    arn = moto_world.role_arn(call.params["RoleName"], call.caller.account)
    role = moto_world.role_of(arn)
    boundary = role.permissions_boundary_arn if role else None
    context = {"iam:PermissionsBoundary": boundary} if boundary else {}
    is_write = call.operation in ROLE_WRITES
    yield Demand(
        action=f"iam:{call.operation}",
        resource=arn,
        owner=call.caller.account,
        context={**moto_world.role_tags(arn), **(context if is_write else {})},
    )


def _on_policy(call: ApiCall) -> Iterator[Demand]:
    yield Demand(
        action=f"iam:{call.operation}",
        resource=call.params["PolicyArn"],
        owner=call.caller.account,
    )


def _assume_role(call: ApiCall) -> Iterator[Demand]:
    external_id = call.params.get("ExternalId")
    context = {
        "sts:RoleSessionName": str(call.params["RoleSessionName"]),
        **({"sts:ExternalId": external_id} if external_id else {}),
    }
    arn = call.params["RoleArn"]
    yield Demand(action="sts:AssumeRole", resource=arn, owner=role_owner(call), context=context)
    if call.params.get("Tags"):
        yield Demand(action="sts:TagSession", resource=arn, owner=role_owner(call), context=context)


def _nothing(_: ApiCall) -> tuple[Demand, ...]:
    return ()


IAM_RULES: dict[str, Rule] = {
    **dict.fromkeys(ROLE_OPERATIONS, _on_role),
    **dict.fromkeys(POLICY_OPERATIONS, _on_policy),
}
STS_RULES: dict[str, Rule] = {
    "AssumeRole": _assume_role,
    "GetCallerIdentity": _nothing,  # needs no permission, and a Deny does not stop it
}
