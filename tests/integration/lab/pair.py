"""A source and a destination bucket in two accounts and Regions, with a role that may replicate."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.behaviour import Behaviour
from lab.clock import Clock
from lab.gate import Gate
from lab.key_store import make_key
from lab.role_access import Organization
from lab.storage import Storage, install_storage

SOURCE_ACCOUNT, SOURCE_REGION = "111111111111", "eu-west-1"
TARGET_ACCOUNT, TARGET_REGION = "222222222222", "eu-central-1"
SOURCE, TARGET = "orders-ireland", "orders-frankfurt"
SOURCE_KEY = (
    f"arn:aws:kms:{SOURCE_REGION}:{SOURCE_ACCOUNT}:key/11111111-1111-4111-8111-111111111111"
)
TARGET_KEY = (
    f"arn:aws:kms:{TARGET_REGION}:{TARGET_ACCOUNT}:key/22222222-2222-4222-8222-222222222222"
)
ROLE = f"arn:aws:iam::{SOURCE_ACCOUNT}:role/replication/orders-replication"
SESSION = f"arn:aws:sts::{SOURCE_ACCOUNT}:assumed-role/orders-replication/s3-replication"
RULE = "to-frankfurt"
QUEUE = f"arn:aws:sqs:{SOURCE_REGION}:{SOURCE_ACCOUNT}:failures"
START = datetime(2026, 1, 15, 10, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Pair:
    """The two buckets in their world; `told` is what S3 notified, `trail` what CloudTrail said."""

    gate: Gate
    clock: Clock
    storage: Storage
    told: list[dict[str, Any]] = field(default_factory=list)
    trail: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def source(self) -> Any:
        return self.gate.client("s3", SOURCE_ACCOUNT, SOURCE_REGION)

    @property
    def target(self) -> Any:
        return self.gate.client("s3", TARGET_ACCOUNT, TARGET_REGION)

    @property
    def iam(self) -> Any:
        return self.gate.client("iam", SOURCE_ACCOUNT, SOURCE_REGION)

    @property
    def jobs(self) -> Any:
        return self.gate.client("s3control", SOURCE_ACCOUNT, SOURCE_REGION)

    def kms(self, account: str = TARGET_ACCOUNT, region: str = TARGET_REGION) -> Any:
        return self.gate.client("kms", account, region)

    def put(self, key: str = "orders/1.json", body: bytes = b"{}", **more: Any) -> str:
        """Put an SSE-KMS object into the source bucket; answers its version id."""
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": SOURCE_KEY}
        response = self.source.put_object(Bucket=SOURCE, Key=key, Body=body, **(encryption | more))
        return str(response["VersionId"])

    def wait(self) -> None:
        """Let everything that is under way come to its end."""
        self.clock.run(HOUR)

    def settle(self) -> None:
        """Let what was written take effect at once."""
        self.storage.policies.settle()

    def status(self, key: str = "orders/1.json", version_id: str | None = None) -> str | None:
        """The replication status that S3 shows at the source."""
        return self.head(SOURCE, key, version_id).get("ReplicationStatus")

    def head(self, bucket: str, key: str, version_id: str | None = None) -> dict[str, Any]:
        client = self.source if bucket == SOURCE else self.target
        version = {"VersionId": version_id} if version_id else {}
        head: dict[str, Any] = client.head_object(Bucket=bucket, Key=key, **version)
        return head

    def reasons(self) -> list[str]:
        """The failure reasons that S3 notified, in order."""
        return [
            message["Records"][0]["replicationEventData"]["failureReason"] for message in self.told
        ]

    def denials(self) -> list[dict[str, Any]]:
        """The details of the KMS denials that CloudTrail told, in order."""
        return [event["detail"] for _, _, event in self.trail if event["source"] == "aws.kms"]

    def set_role(self, *statements: dict[str, Any]) -> None:
        """Replace the replication role's policy, in force at once."""
        self.iam.put_role_policy(
            RoleName="orders-replication",
            PolicyName="replication",
            PolicyDocument=document(*statements),
        )
        self.settle()

    def set_target_key_policy(self, *statements: dict[str, Any]) -> None:
        """Replace the destination key's policy, in force at once."""
        self.kms().put_key_policy(KeyId=TARGET_KEY, Policy=document(*statements))
        self.settle()

    def set_rule(self, *rules: dict[str, Any]) -> None:
        """Replace the replication configuration."""
        self.source.put_bucket_replication(
            Bucket=SOURCE, ReplicationConfiguration={"Role": ROLE, "Rules": list(rules)}
        )


@contextmanager
def pair(
    behaviour: Behaviour | None = None, organization: Organization | None = None
) -> Generator[Pair]:
    """A pair in which everything is right and in force."""
    with Clock(START) as clock, Gate() as gate:
        told: list[dict[str, Any]] = []
        trail: list[tuple[str, str, dict[str, Any]]] = []
        storage = install_storage(
            gate,
            clock,
            behaviour or Behaviour(),
            deliver_notification=lambda _, message: told.append(message),
            publish=lambda account, region, event: trail.append((account, region, event)),
            organization=organization,
        )
        made = Pair(gate=gate, clock=clock, storage=storage, told=told, trail=trail)
        _furnish(made)
        storage.policies.settle()
        yield made


def document(*statements: dict[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: list[str], *resources: str, **more: Any) -> dict[str, Any]:
    """An Allow statement of an identity policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


def admit(principal: str, *actions: str, **more: Any) -> dict[str, Any]:
    """An Allow statement of a key policy."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": list(actions),
        "Resource": "*",
        **more,
    }


def root_of(account: str) -> dict[str, Any]:
    """The statement by which a key policy delegates to its account."""
    return admit(f"arn:aws:iam::{account}:root", "kms:*")


READ_SOURCE = allow(
    [
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
    ],
    f"arn:aws:s3:::{SOURCE}",
    f"arn:aws:s3:::{SOURCE}/*",
)
WRITE_TARGET = allow(
    ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], f"arn:aws:s3:::{TARGET}/*"
)
USE_SOURCE_KEY = allow(["kms:Decrypt"], SOURCE_KEY)
USE_TARGET_KEY = allow(["kms:Encrypt"], TARGET_KEY)
ROLE_STATEMENTS = (READ_SOURCE, WRITE_TARGET, USE_SOURCE_KEY, USE_TARGET_KEY)
TARGET_KEY_STATEMENTS = (root_of(TARGET_ACCOUNT), admit(ROLE, "kms:Encrypt"))
BUCKET_KEY_ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"]
BUCKET_KEY_ROLE = (READ_SOURCE, WRITE_TARGET, USE_SOURCE_KEY, allow(BUCKET_KEY_ACTIONS, TARGET_KEY))
BUCKET_KEY_STATEMENTS = (root_of(TARGET_ACCOUNT), admit(ROLE, *BUCKET_KEY_ACTIONS))


def rule(**more: Any) -> dict[str, Any]:
    """The pair's one rule, with metrics, taking everything; `more` replaces elements of it."""
    return {
        "ID": RULE,
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": destination(),
    } | more


def destination(**more: Any) -> dict[str, Any]:
    """The rule's destination; `more` replaces elements of it."""
    return {
        "Bucket": f"arn:aws:s3:::{TARGET}",
        "Account": TARGET_ACCOUNT,
        "EncryptionConfiguration": {"ReplicaKmsKeyID": TARGET_KEY},
        "Metrics": {"Status": "Enabled"},
    } | more


def trust(service: str) -> str:
    """A trust policy for a service."""
    return document(
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    )


def _furnish(world: Pair) -> None:
    make_key(SOURCE_KEY)
    make_key(TARGET_KEY)
    world.iam.create_role(
        RoleName="orders-replication",
        Path="/replication/",
        AssumeRolePolicyDocument=trust("s3.amazonaws.com"),
    )
    for client, bucket, region in (
        (world.source, SOURCE, SOURCE_REGION),
        (world.target, TARGET, TARGET_REGION),
    ):
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region}
        )
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    world.target.put_bucket_policy(
        Bucket=TARGET,
        Policy=document(
            {**WRITE_TARGET, "Principal": {"AWS": ROLE}, "Resource": f"arn:aws:s3:::{TARGET}/*"}
        ),
    )
    world.set_role(*ROLE_STATEMENTS)
    world.set_target_key_policy(*TARGET_KEY_STATEMENTS)
    world.source.put_bucket_notification_configuration(
        Bucket=SOURCE,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "failures",
                    "QueueArn": QUEUE,
                    "Events": ["s3:Replication:OperationFailedReplication"],
                }
            ]
        },
    )
    world.set_rule(rule())
