"""Snapshots for the tests: the healthy set-up of the data files, and ways to change it."""

import copy
import json
from pathlib import Path
from typing import Any

from tests.builders import OBJECT_KEY, SOURCE_KEY_ARN, VERSION_ID, AwsJson

FOLDER = Path(__file__).parent / "data" / "setups"

RULE = ("source", "replication", "ReplicationConfiguration", "Rules", 0)
REPLICA_KEY = (*RULE, "Destination", "EncryptionConfiguration", "ReplicaKmsKeyID")
ROLE_STATEMENTS = ("role", "identityPolicies", 0, "document", "Statement")
READ_OBJECTS, WRITE_REPLICAS, DECRYPT, ENCRYPT = 1, 2, 3, 4
"""Where the role's statements stand in its policy."""
SOURCE_KEY, DESTINATION_KEY = 0, 1
"""Where the keys stand in the snapshot."""
ADMITTING = ("keys", DESTINATION_KEY, "policy", "Statement", 1)
"""The statement of the destination key's policy that admits the role."""
SELECTORS = ("trails", 0, "EventSelectors", 0)

OFF = False
OBJECT = {
    "Key": OBJECT_KEY,
    "VersionId": VERSION_ID,
    "ContentLength": 520080,
    "ETag": '"e12345ca7e88a38428305d3ff7fcb99f"',
    "LastModified": "2026-01-15T09:59:59+00:00",
    "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": SOURCE_KEY_ARN,
    "ReplicationStatus": "FAILED",
    "Metadata": {},
}


def snapshot_named(name: str) -> AwsJson:
    """A snapshot of the data files."""
    snapshot: AwsJson = json.loads((FOLDER / f"{name}.json").read_text())
    return snapshot


def healthy(**parts: object) -> AwsJson:
    """The snapshot of a set-up that replicates, with these top-level parts in place of its own."""
    return {**snapshot_named("healthy"), **parts}


def having(snapshot: AwsJson, value: object, *path: str | int) -> AwsJson:
    """The snapshot with this value at the path."""
    changed = copy.deepcopy(snapshot)
    _parent(changed, path)[path[-1]] = value
    return changed


def without(snapshot: AwsJson, *path: str | int) -> AwsJson:
    """The snapshot without what is at the path."""
    changed = copy.deepcopy(snapshot)
    del _parent(changed, path)[path[-1]]
    return changed


def with_statement(snapshot: AwsJson, statement: AwsJson, *path: str | int) -> AwsJson:
    """The snapshot with one more statement in the policy at the path."""
    changed = copy.deepcopy(snapshot)
    _parent(changed, (*path, "")).append(statement)
    return changed


def _parent(content: Any, path: tuple[str | int, ...]) -> Any:
    for name in path[:-1]:
        content = content[name]
    return content
