"""Reads of the replication role and the keys for a snapshot."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.accounts import Accounts
from cli.reading import Part, Reading
from replimend.domain.arn import Arn
from replimend.domain.destinations import replica_key_named

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_kms.client import KMSClient


def read_role(role_arn: str, accounts: Accounts, reading: Reading, into: Part) -> None:
    """Put the role with everything that shapes its sessions' access; null if there is none."""
    role = Arn.parse(role_arn)
    found: Part = {}

    def described() -> object:
        iam: IAMClient = accounts.client("iam", role.account, accounts.region)
        return iam.get_role(RoleName=str(role.role_name))["Role"]

    reading.put(found, "role", "", described)
    if not (answer := found.get("role")):
        into.update(found)
        return
    iam: IAMClient = accounts.client("iam", role.account, accounts.region)
    part: Part = {"arn": answer["Arn"], "trust": answer["AssumeRolePolicyDocument"]}
    reading.put(part, "identityPolicies", "role", lambda: _policies(iam, answer["RoleName"]))
    boundary = answer.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    part["boundary"] = None
    if boundary is not None:
        del part["boundary"]
        reading.put(part, "boundary", "role", lambda: _managed(iam, boundary))
    into["role"] = part


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """A key by its id, ARN or alias, and where to ask for it."""

    name: str
    account: str
    region: str

    def arn(self, partition: str) -> str:
        """The name as an ARN, of the key or of the alias."""
        if replica_key_named(self.name) is not None:
            return self.name
        resource = self.name if self.name.startswith("alias/") else f"key/{self.name}"
        return f"arn:{partition}:kms:{self.region}:{self.account}:{resource}"


def read_key(key: KeyName, at: str, accounts: Accounts, reading: Reading) -> Part:
    """The key's metadata, null if there is no such key, its policy and its grants."""
    asked = key.arn(accounts.partition)
    part: Part = {"arn": asked}

    def kms() -> "KMSClient":
        client: KMSClient = accounts.client("kms", key.account, key.region)
        return client

    reading.put(part, "metadata", at, lambda: kms().describe_key(KeyId=asked)["KeyMetadata"])
    if part.get("metadata", asked) is None:
        return part
    known: str = part.get("metadata", {}).get("Arn", asked)
    if accounts.can_read(key.account):
        reading.put(
            part,
            "policy",
            at,
            lambda: kms().get_key_policy(KeyId=known, PolicyName="default")["Policy"],
        )
    else:
        # The call does not work across accounts (aws-facts 5.6), whatever the policy says.
        why = f"only account {key.account} may read it: give --reader-role-name"
        reading.leave_out(at, "policy", why)
    reading.put(part, "grants", at, lambda: _grants(kms(), known))
    return part


def _policies(iam: "IAMClient", role_name: str) -> list[Part]:
    inline = iam.get_paginator("list_role_policies").paginate(RoleName=role_name)
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name)
    return [
        *(_inline(iam, role_name, name) for page in inline for name in page["PolicyNames"]),
        *(
            _managed(iam, each["PolicyArn"])
            for page in attached
            for each in page["AttachedPolicies"]
        ),
    ]


def _inline(iam: "IAMClient", role_name: str, name: str) -> Part:
    answer = iam.get_role_policy(RoleName=role_name, PolicyName=name)
    return {"name": name, "document": answer["PolicyDocument"]}


def _managed(iam: "IAMClient", arn: str) -> Part:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
    return {"name": arn, "document": answer["PolicyVersion"]["Document"]}


def _grants(kms: "KMSClient", key: str) -> list[Any]:
    pages = kms.get_paginator("list_grants").paginate(KeyId=key)
    return [grant for page in pages for grant in page["Grants"]]
