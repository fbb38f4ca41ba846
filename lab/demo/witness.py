"""An eyewitness: what the lab's AWS and the application's ledger look like, read as an operator."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.ledger import Ledger
from cli.records import incident_record
from lab.lab import Lab
from replimend.domain.incident import Incident, Status
from replimend.gateways.table import Table

CHANGES_ACCESS = frozenset(
    {"CreateGrant", "DeleteRolePolicy", "PutBucketPolicy", "PutKeyPolicy", "PutRolePolicy"}
)
MOVES_DATA = frozenset({"CopyObject", "CreateJob", "UploadPartCopy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One object version in one bucket, as HEAD shows it."""

    status: str
    size: int
    key_arn: str
    tags: int
    metadata: Mapping[str, str]
    content_type: str


class Witness:
    """Looks at both ends and at the ledger with an administrator's eyes; changes nothing."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.world = lab.scenario.world

    @property
    def ledger(self) -> Ledger:
        """The ledger, through the product's own gateways."""
        stack = self._lab.home.stack
        assert stack is not None  # noqa: S101 - the lab is open
        name = stack.outputs["IncidentsTableName"]
        return Ledger.over(Table(client=self._lab.client("dynamodb"), name=name))

    def incidents(self) -> list[Incident]:
        """Every incident, in whatever status."""
        ledger = self.ledger
        return [each for status in Status for each in ledger.incidents.in_status(status)]

    def record(self, incident: Incident) -> dict[str, Any]:
        """All that the ledger holds of the incident."""
        return incident_record(incident, self.ledger)

    def key_policies(self) -> dict[str, dict[str, Any]]:
        """Every key's policy, by ARN."""
        return dict(self._key_policies())

    def _key_policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for key in self.world.keys.values():
            kms = self._lab.client("kms", key.arn.account, key.arn.region)
            try:
                answer = kms.get_key_policy(KeyId=str(key.arn), PolicyName="default")
            except ClientError:
                continue  # a key that is not there has no policy
            yield str(key.arn), json.loads(answer["Policy"])

    def role_policies(self) -> dict[str, dict[str, Any]]:
        """The replication role's inline policies, by name."""
        iam = self._lab.client("iam")
        role = self.world.role.name
        try:
            names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        except ClientError:
            return {}  # a role that is not there has none
        return {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in names
        }

    def side(self, bucket: str, key: str, version_id: str) -> Side | None:
        """One version in one bucket, or None if it is not there."""
        owner = next(each for each in self.world.buckets.values() if each.name == bucket)
        s3 = self._lab.client("s3", owner.account, owner.region)
        try:
            head = s3.head_object(Bucket=bucket, Key=key, VersionId=version_id)
        except ClientError:
            return None
        tags = s3.get_object_tagging(Bucket=bucket, Key=key, VersionId=version_id)["TagSet"]
        return Side(
            status=head.get("ReplicationStatus", ""),
            size=head["ContentLength"],
            key_arn=head.get("SSEKMSKeyId", ""),
            tags=len(tags),
            metadata=head["Metadata"],
            content_type=head["ContentType"],
        )

    def order(self, bucket: str, key: str) -> list[str]:
        """The ids of an object's versions in a bucket, newest first."""
        owner = next(each for each in self.world.buckets.values() if each.name == bucket)
        s3 = self._lab.client("s3", owner.account, owner.region)
        listed = s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
        return [each["VersionId"] for each in listed if each["Key"] == key]

    def writes_of_functions(self, operations: frozenset[str]) -> list[str]:
        """Which of these calls the application's functions, or roles they assumed, have made."""
        return [
            call.operation
            for call in self._lab.calls
            if call.operation in operations and call.allowed and "replimend" in call.caller.role_arn
        ]

    def refused_calls(self) -> list[str]:
        """The calls of the application that its own permissions did not cover."""
        return [
            f"{call.caller.role_arn} {call.operation}"
            for call in self._lab.calls
            if not call.allowed and "replimend" in call.caller.role_arn
        ]
