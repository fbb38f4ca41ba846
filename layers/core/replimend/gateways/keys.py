"""KMS keys: their state, policy and grants, and the writes to each of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Fact, Key
from replimend.domain.repair.key_states import document_of
from replimend.gateways.faults import read_fact, write_refusals_told_apart
from replimend.inbound.keys import key_of

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

READS = frozenset({"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"})
WRITES = frozenset({"kms:PutKeyPolicy"})
GRANT_WRITES = frozenset({"kms:CreateGrant", "kms:RevokeGrant"})

STATE_WRITES = frozenset({"kms:CancelKeyDeletion", "kms:DisableKey", "kms:EnableKey"})

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
                "kms", key.account, key.region, _only_this_key(key_arn, WRITES)
            )
            kms.put_key_policy(
                KeyId=key_arn,
                PolicyName=ONLY_POLICY_NAME,
                Policy=document.text,
                BypassPolicyLockoutSafetyCheck=False,
            )

    def grant_named(self, key_arn: str, name: str) -> Fact[Document]:
        """The key's grant of this name at this moment, as CreateGrant would take it.

        Of several by one name, which KMS allows where they differ, the first that KMS lists.
        """
        found = read_fact(lambda: self._grants_named(key_arn, name), f"grants of {key_arn}")
        match found:
            case tuple() as grants:
                return _document_of(grants[0]) if grants else Absent(what=f"grant {name}")
            case unread:
                return unread

    def _grants_named(self, key_arn: str, name: str) -> tuple[dict[str, Any], ...]:
        key = Arn.parse(key_arn)
        kms: KMSClient = self.clients.reading("kms", key.account, key.region)
        return tuple(each for each in self._grants(kms, key_arn) if each.get("Name") == name)

    def create_grant(self, key_arn: str, grant: Document) -> None:
        """Make the grant; its name makes a second call the same grant (aws-facts 5.7)."""
        content = grant.content
        with write_refusals_told_apart():
            self._granting(key_arn).create_grant(
                KeyId=key_arn,
                Name=content["Name"],
                GranteePrincipal=content["GranteePrincipal"],
                Operations=content["Operations"],
                Constraints=content["Constraints"],
            )

    def revoke_grant(self, key_arn: str, name: str) -> None:
        """Revoke every grant of this name; no error if there is none."""
        for grant in self._grants_named(key_arn, name):
            with write_refusals_told_apart():
                self._granting(key_arn).revoke_grant(KeyId=key_arn, GrantId=grant["GrantId"])

    def state_of(self, key_arn: str) -> Fact[Document]:
        """The key's state at this moment, as `key_states` has it."""
        return read_fact(lambda: self._state(key_arn), f"state of {key_arn}")

    def _state(self, key_arn: str) -> Document:
        key = Arn.parse(key_arn)
        kms: KMSClient = self.clients.reading("kms", key.account, key.region)
        return document_of(kms.describe_key(KeyId=key_arn)["KeyMetadata"]["KeyState"])

    def enable(self, key_arn: str) -> None:
        """Have the key usable again."""
        with write_refusals_told_apart():
            self._switching(key_arn).enable_key(KeyId=key_arn)

    def disable(self, key_arn: str) -> None:
        """Have the key unusable."""
        with write_refusals_told_apart():
            self._switching(key_arn).disable_key(KeyId=key_arn)

    def cancel_deletion(self, key_arn: str) -> None:
        """Keep the key, which is disabled then (CancelKeyDeletion)."""
        with write_refusals_told_apart():
            self._switching(key_arn).cancel_key_deletion(KeyId=key_arn)

    def _switching(self, key_arn: str) -> "KMSClient":
        key = Arn.parse(key_arn)
        client: KMSClient = self.clients.repairing(
            "kms", key.account, key.region, _only_this_key(key_arn, STATE_WRITES)
        )
        return client

    def _granting(self, key_arn: str) -> "KMSClient":
        key = Arn.parse(key_arn)
        client: KMSClient = self.clients.repairing(
            "kms", key.account, key.region, _only_this_key(key_arn, GRANT_WRITES)
        )
        return client


def _document_of(listed: dict[str, Any]) -> Document:
    """A listed grant without what KMS adds to it; the operations in one order."""
    return Document.of(
        {
            "Name": listed.get("Name"),
            "GranteePrincipal": listed.get("GranteePrincipal"),
            "Operations": sorted(listed.get("Operations", ())),
            "Constraints": listed.get("Constraints", {}),
        }
    )


def _only_this_key(key_arn: str, actions: frozenset[str]) -> dict[str, object]:
    statement = {
        "Sid": "ChangeThisKey",
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": key_arn,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
