"""The keys that moto stores, as the lab's world makes them and puts them into states."""

import json
from contextlib import AbstractContextManager
from enum import StrEnum
from unittest.mock import patch

from moto.kms.models import Key, kms_backends

MANAGED = "alias/aws/"
MULTI_REGION = "mrk-"
"""How the id of a multi-Region key begins, and of no other."""

USAGE, SPEC = "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"


class KeyState(StrEnum):
    """The states of a KMS key, in KMS's words."""

    CREATING = "Creating"
    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"
    PENDING_IMPORT = "PendingImport"
    PENDING_REPLICA_DELETION = "PendingReplicaDeletion"
    UNAVAILABLE = "Unavailable"
    UPDATING = "Updating"


def key_at(arn: str) -> Key:
    """The key of this ARN; KeyError where there is none."""
    _, _, _, region, account, resource = arn.split(":", 5)
    key: Key = kms_backends[account][region].keys[resource.removeprefix("key/")]
    return key


def make_key(arn: str, *, policy: str | None = None, alias: str | None = None) -> Key:
    """A key that has exactly this ARN, made by the world rather than by a caller.

    Without a policy it gets the default one, which delegates to the key's account.
    """
    _, _, _, region, account, resource = arn.split(":", 5)
    backend = kms_backends[account][region]
    with _without_key_pairs():
        key = backend.create_key(policy, USAGE, SPEC, "", None)
    del backend.keys[key.id]
    key.id = resource.removeprefix("key/")
    key.arn = arn
    if key.id.startswith(MULTI_REGION):
        _make_multi_region(key)
    backend.keys[key.id] = key
    if alias:
        backend.create_alias(key.id, alias)
    return key


def find_key(name: str, account: str, region: str) -> Key | None:
    """The key that this id, ARN, alias name or alias ARN names, as seen from an account.

    A key ARN of another Region names nothing here; an alias of AWS makes AWS's key on first use.
    """
    if name.startswith("arn:"):
        _, _, _, of_region, account, name = name.split(":", 5)
        if of_region != region:
            return None
    backend = kms_backends[account][region]
    if name.startswith(MANAGED):
        return aws_managed_key(account, region, name.removeprefix(MANAGED))
    if name.startswith("alias/"):
        name = backend.get_key_id_from_alias(name) or ""
    return backend.keys.get(name.removeprefix("key/"))


def aws_managed_key(account: str, region: str, service: str = "s3") -> Key:
    """The account's AWS managed key for a service in that Region, such as `aws/s3`.

    Its policy admits the account's own principals through that service only.
    """
    backend = kms_backends[account][region]
    alias = f"{MANAGED}{service}"
    key = next((key for key in backend.keys.values() if alias in key.aliases), None)
    if key is None or key.key_manager != "AWS":
        with _without_key_pairs():
            key = key or backend.create_key(None, USAGE, SPEC, "", None)
        let_aws_manage(key, service)
    return key


def let_aws_manage(key: Key, service: str = "s3") -> None:
    """Make this key the account's AWS managed key for a service, such as `aws/s3`."""
    key.key_manager = "AWS"
    key.policy = _managed_policy(key.account_id, f"{service}.{key.region}.amazonaws.com")
    kms_backends[key.account_id][key.region].create_alias(key.id, f"{MANAGED}{service}")


def set_state(arn: str, state: KeyState) -> None:
    """Put a key into a state that no caller can put it into, such as `Creating`."""
    key = key_at(arn)
    key.key_state = state
    key.enabled = state is KeyState.ENABLED


def delete_key(arn: str) -> None:
    """Let a key be gone, as after the end of its waiting period."""
    key = key_at(arn)
    del kms_backends[key.account_id][key.region].keys[key.id]


def _make_multi_region(key: Key) -> None:
    """The first key of an id is the primary; a replica has a policy of its own (facts §5.4)."""
    regions = kms_backends[key.account_id]
    primary = next((each.keys[key.id] for each in regions.values() if key.id in each.keys), key)
    key.multi_region = True
    key.multi_region_configuration = {
        "MultiRegionKeyType": "PRIMARY" if primary is key else "REPLICA",
        "PrimaryKey": {"Arn": primary.arn, "Region": primary.region},
        "ReplicaKeys": [],
    }


def _without_key_pairs() -> AbstractContextManager[object]:
    # moto makes an RSA pair for every key, which takes longer than the rest of a small world.
    return patch("moto.kms.models.generate_private_key", return_value=None)


def _managed_policy(account: str, via_service: str) -> str:
    """The policy that AWS gives its own keys."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Id": "auto-managed",
            "Statement": [
                {
                    "Sid": "Allow access through the service for all principals in the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [
                        "kms:Encrypt",
                        "kms:Decrypt",
                        "kms:ReEncrypt*",
                        "kms:GenerateDataKey*",
                        "kms:DescribeKey",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:ViaService": via_service,
                            "kms:CallerAccount": account,
                        }
                    },
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                    "Resource": "*",
                },
            ],
        }
    )
