"""The tags of keys and roles, as they are at this moment."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.facts import Fact
from replimend.domain.repair.verdicts import Tags
from replimend.domain.unavailable import Unavailable
from replimend.gateways.faults import read_fact

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_kms.client import KMSClient

READS = frozenset({"iam:ListRoleTags", "kms:ListResourceTags"})


@dataclass(frozen=True, slots=True)
class AwsTags:
    """Tags of resources of the home account and of member accounts.

    `ListResourceTags` does not work across accounts, so a role of the key's own account asks.
    """

    clients: Clients

    def of(self, arn: str) -> Fact[Tags]:
        """The tags of the key or role; Unavailable for what is neither."""
        parsed = Arn.parse(arn)
        if parsed.is_kms_key:
            return read_fact(lambda: self._of_key(arn, parsed), f"tags of {arn}")
        name = parsed.role_name
        if name is None:
            return Unavailable(reason=f"{arn} is neither a key nor a role")
        return read_fact(lambda: self._of_role(name, parsed), f"tags of {arn}")

    def _of_key(self, arn: str, key: Arn) -> Tags:
        kms: KMSClient = self.clients.reading("kms", key.account, key.region)
        pages = kms.get_paginator("list_resource_tags").paginate(KeyId=arn)
        return {each["TagKey"]: each["TagValue"] for page in pages for each in page["Tags"]}

    def _of_role(self, name: str, role: Arn) -> Tags:
        iam: IAMClient = self.clients.reading("iam", role.account)
        pages = iam.get_paginator("list_role_tags").paginate(RoleName=name)
        return {each["Key"]: each["Value"] for page in pages for each in page["Tags"]}
