"""Facts for the domain's tests: a healthy pair across two accounts, and ways to break it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import (
    Absent,
    Bucket,
    Encryption,
    Facts,
    Key,
    NamedPolicy,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
    Role,
)

HOME, MEMBER = "111111111111", "222222222222"
ROLE_ARN = f"arn:aws:iam::{HOME}:role/replication/orders-replication"
SOURCE_KEY = f"arn:aws:kms:eu-west-1:{HOME}:key/11111111-1111-4111-8111-111111111111"
DESTINATION_KEY = f"arn:aws:kms:eu-central-1:{MEMBER}:key/22222222-2222-4222-8222-222222222222"
OBJECT_KEY = "reports/2026 Q1 übersicht.pdf"
VERSION = "Lab.Version.00000000000000000001"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def administered_by(account: str) -> dict[str, Any]:
    return {
        "Sid": "Administer",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:role/key-admin"},
        "Action": "kms:*",
        "Resource": "*",
    }


def delegated_to(account: str) -> dict[str, Any]:
    return {
        "Sid": "Delegate",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def admitting_the_role(*actions: str, **extra: object) -> dict[str, Any]:
    return {
        "Sid": "AdmitReplication",
        "Effect": "Allow",
        "Principal": {"AWS": ROLE_ARN},
        "Action": list(actions),
        "Resource": "*",
        **extra,
    }


def role_policy(*, without: frozenset[str] = frozenset(), **extra: object) -> PolicyDocument:
    actions = {
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
        "s3:ReplicateDelete",
        "kms:Decrypt",
        "kms:Encrypt",
    }
    statement = {
        "Sid": "Replicate",
        "Effect": "Allow",
        "Action": sorted(actions - without),
        "Resource": "*",
    }
    return document(statement, *([extra] if extra else []))


def trust(service: str = "s3.amazonaws.com") -> PolicyDocument:
    return document(
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    )


def an_object(**changes: Any) -> ObjectVersion:
    version = ObjectVersion(
        bucket="orders-ireland",
        key=OBJECT_KEY,
        version_id=VERSION,
        size=1_024,
        etag='"e12345ca7e88a38428305d3ff7fcb99f"',
        last_modified=NOON,
        encryption=Encryption.SSE_KMS,
        kms_key_arn=SOURCE_KEY,
        replication_status="FAILED",
    )
    return replace(version, **changes)


def a_rule(**changes: Any) -> ReplicationRule:
    rule = ReplicationRule(
        rule_id="to-frankfurt",
        enabled=True,
        destination_bucket="orders-frankfurt",
        destination_account=MEMBER,
        replica_key=DESTINATION_KEY,
        replicates_kms_objects=True,
        metrics=True,
    )
    return replace(rule, **changes)


def a_key(arn: str = DESTINATION_KEY, **changes: Any) -> Key:
    account = arn.split(":")[4]
    key = Key(
        arn=arn,
        state="Enabled",
        customer_managed=True,
        policy=document(administered_by(account), delegated_to(account)),
        grants=(),
    )
    return replace(key, **changes)


def a_bucket(**changes: Any) -> Bucket:
    bucket = Bucket(
        name="orders-frankfurt",
        account=MEMBER,
        region="eu-central-1",
        versioned=True,
        policy=document(
            {
                "Sid": "AdmitReplication",
                "Effect": "Allow",
                "Principal": {"AWS": ROLE_ARN},
                "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                "Resource": "arn:aws:s3:::orders-frankfurt/*",
            }
        ),
        object_lock=False,
    )
    return replace(bucket, **changes)


def a_role(**changes: Any) -> Role:
    role = Role(
        arn=ROLE_ARN,
        trust=trust(),
        identity_policies=(NamedPolicy(name="replicate", document=role_policy()),),
        boundary=Absent(what="a permissions boundary"),
    )
    return replace(role, **changes)


def healthy_facts(**changes: Any) -> Facts:
    """A pair that replicates: the destination key's policy admits the role."""
    facts = Facts(
        home_account=HOME,
        source_bucket="orders-ireland",
        rule_id="to-frankfurt",
        destination_bucket="orders-frankfurt",
        setup=ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(),)),
        object=an_object(),
        source=a_bucket(
            name="orders-ireland",
            account=HOME,
            region="eu-west-1",
            policy=Absent(what="policy of orders-ireland"),
        ),
        destination=a_bucket(),
        role=a_role(),
        source_key=a_key(SOURCE_KEY),
        destination_key=a_key(
            policy=document(
                administered_by(MEMBER), delegated_to(MEMBER), admitting_the_role("kms:Encrypt")
            )
        ),
    )
    return replace(facts, **changes)


def flagship_facts(**changes: Any) -> Facts:
    """The same pair, but the destination key's policy knows nothing of the role."""
    return healthy_facts(destination_key=a_key(), **changes)


def configured(facts: Facts) -> Facts:
    """The facts with the whole replication configuration, as S3 would have returned it."""
    if not isinstance(facts.setup, ReplicationSetup):
        return facts
    rules = [_written(each) for each in facts.setup.rules]
    content = Document.of({"Role": facts.setup.role_arn, "Rules": rules})
    return replace(facts, setup=replace(facts.setup, document=content))


def _written(rule: ReplicationRule) -> dict[str, Any]:
    key = {"EncryptionConfiguration": {"ReplicaKmsKeyID": rule.replica_key}}
    bucket = {"Bucket": f"arn:aws:s3:::{rule.destination_bucket}"}
    opted = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}
    return {
        "ID": rule.rule_id,
        "Status": "Enabled" if rule.enabled else "Disabled",
        "Priority": 1,
        "Filter": {"Prefix": rule.prefix},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        **(opted if rule.replicates_kms_objects else {}),
        "Destination": {**bucket, **(key if rule.replica_key else {})},
    }
