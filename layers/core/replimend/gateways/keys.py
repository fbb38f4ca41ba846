"""KMS keys: their state, policy and grants, and the one write to a key policy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Fact, Key
from replimend.gateways.faults import read_fact, write_refusals_told_apart
from replimend.inbound.keys import key_of

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

READS = frozenset({"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"})
WRITES = frozenset({"kms:PutKeyPolicy"})

ONLY_POLICY_NAME = "default"


@dataclass(frozen=True, slots=True)
class KmsKeys:
    """Keys of the home account and of member accounts.

    `GetKeyPolicy` and `PutKeyPolicy` do not work across accounts (aws-facts 5.6), so every call is
    made with a role of the key's own account.
    """

    clients: Clients

    def describe(self, key: str, account: str, region: str) -> Fact[Key]:
        """The key that an id, ARN or alias names in this account and Region."""
        return read_fact(lambda: self._describe(key, account, region), f"key {key}")

    def _describe(self, key: str, account: str, region: str) -> Key:
        kms: KMSClient = self.clients.reading("kms", account, region)
        metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
        arn = metadata["Arn"]
        return key_of(
            metadata,
            "KeyMetadata",
            policy=self.policy_of(arn),
            grants=read_fact(lambda: self._grants(kms, arn), f"grants of {arn}"),
        )

    def policy_of(self, key_arn: str) -> Fact[PolicyDocument]:
        """The key's policy at this moment."""
        return read_fact(lambda: self._policy(key_arn), f"policy of {key_arn}")

    def _policy(self, key_arn: str) -> PolicyDocument:
        key = Arn.parse(key_arn)
        kms: KMSClient = self.clients.reading("kms", key.account, key.region)
        answer = kms.get_key_policy(KeyId=key_arn, PolicyName=ONLY_POLICY_NAME)
        return PolicyDocument(text=answer["Policy"])

    def _grants(self, kms: "KMSClient", key_arn: str) -> tuple[dict[str, Any], ...]:
        pages = kms.get_paginator("list_grants").paginate(KeyId=key_arn)
        return tuple(dict(grant) for page in pages for grant in page["Grants"])

    def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
        """Replace the key's policy; the lock-out check is never bypassed."""
        key = Arn.parse(key_arn)
        with write_refusals_told_apart():
            kms: KMSClient = self.clients.repairing(
                "kms", key.account, key.region, _only_this_key(key_arn)
            )
            kms.put_key_policy(
                KeyId=key_arn,
                PolicyName=ONLY_POLICY_NAME,
                Policy=document.text,
                BypassPolicyLockoutSafetyCheck=False,
            )


def _only_this_key(key_arn: str) -> dict[str, object]:
    statement = {
        "Sid": "ReplaceThisPolicy",
        "Effect": "Allow",
        "Action": sorted(WRITES),
        "Resource": key_arn,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
