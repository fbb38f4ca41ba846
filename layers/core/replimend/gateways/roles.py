"""IAM roles: everything that shapes their sessions' access, and the one inline policy of ours."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Fact, NamedPolicy, Role
from replimend.gateways.faults import MISSING, code_of, read_fact, write_refusals_told_apart
from replimend.inbound.documents import document_of

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef

READS = frozenset(
    {
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
    }
)
WRITES = frozenset({"iam:DeleteRolePolicy", "iam:PutRolePolicy"})


@dataclass(frozen=True, slots=True)
class IamRoles:
    """Roles of the home account: a replication role belongs to its source bucket's account."""

    clients: Clients

    def describe(self, role_arn: str) -> Fact[Role]:
        """The role with everything that shapes its sessions' access.

        IAM finds a role by its name alone; an ARN that leaves out its path is no role's.
        """
        found = read_fact(lambda: self._describe(role_arn), f"role {role_arn}")
        is_another = isinstance(found, Role) and found.arn != role_arn
        return Absent(what=f"role {role_arn}") if is_another else found

    def _describe(self, role_arn: str) -> Role:
        iam = self._iam(role_arn)
        name = _name(role_arn)
        role = iam.get_role(RoleName=name)["Role"]
        return Role(
            arn=role["Arn"],
            trust=document_of(role["AssumeRolePolicyDocument"], "AssumeRolePolicyDocument"),
            identity_policies=read_fact(
                lambda: (*self._inline(iam, name), *self._attached(iam, name)),
                f"policies of {role_arn}",
            ),
            boundary=self._boundary(iam, role),
        )

    def _inline(self, iam: "IAMClient", role_name: str) -> tuple[NamedPolicy, ...]:
        pages = iam.get_paginator("list_role_policies").paginate(RoleName=role_name)
        names = [name for page in pages for name in page["PolicyNames"]]
        return tuple(
            NamedPolicy(
                name=name,
                document=document_of(
                    iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"],
                    "PolicyDocument",
                ),
            )
            for name in names
        )

    def _attached(self, iam: "IAMClient", role_name: str) -> tuple[NamedPolicy, ...]:
        pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name)
        arns = [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]
        return tuple(self._managed(iam, arn) for arn in arns)

    def _managed(self, iam: "IAMClient", arn: str) -> NamedPolicy:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return NamedPolicy(
            name=arn, document=document_of(document["PolicyVersion"]["Document"], "PolicyVersion")
        )

    def _boundary(self, iam: "IAMClient", role: "RoleTypeDef") -> Fact[NamedPolicy]:
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        if boundary is None:
            return Absent(what="a permissions boundary")
        return read_fact(lambda: self._managed(iam, boundary), f"boundary {boundary}")

    def inline_policy(self, role_arn: str, name: str) -> Fact[PolicyDocument]:
        """One inline policy at this moment."""
        return read_fact(
            lambda: document_of(
                self._iam(role_arn).get_role_policy(RoleName=_name(role_arn), PolicyName=name)[
                    "PolicyDocument"
                ],
                "PolicyDocument",
            ),
            f"inline policy {name} of {role_arn}",
        )

    def put_inline_policy(self, role_arn: str, name: str, document: PolicyDocument) -> None:
        """Create or replace one inline policy."""
        with write_refusals_told_apart():
            self._iam(role_arn).put_role_policy(
                RoleName=_name(role_arn), PolicyName=name, PolicyDocument=document.text
            )

    def delete_inline_policy(self, role_arn: str, name: str) -> None:
        """Remove one inline policy; no error if it is gone already."""
        try:
            with write_refusals_told_apart():
                self._iam(role_arn).delete_role_policy(RoleName=_name(role_arn), PolicyName=name)
        except ClientError as error:
            if code_of(error) not in MISSING:
                raise

    def _iam(self, role_arn: str) -> "IAMClient":
        client: IAMClient = self.clients.reading("iam", Arn.parse(role_arn).account)
        return client


def _name(role_arn: str) -> str:
    name = Arn.parse(role_arn).role_name
    if name is None:
        raise ValueError(f"{role_arn} is not the ARN of a role")
    return name
