"""How buckets are set up, and the writes of a bucket policy and a replication configuration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Bucket, Fact, ReplicationSetup
from replimend.gateways.faults import read_fact, write_refusals_told_apart
from replimend.inbound.buckets import has_object_lock, is_versioned, region_of
from replimend.inbound.replication import configuration_document, replication_setup_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        ReplicationConfigurationOutputTypeDef,
        ReplicationConfigurationTypeDef,
    )

READS = frozenset(
    {
        "s3:GetBucketLocation",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
        "s3:GetReplicationConfiguration",
    }
)
WRITES = frozenset({"s3:DeleteBucketPolicy", "s3:PutBucketPolicy"})
CONFIGURATION_WRITES = frozenset({"iam:PassRole", "s3:PutReplicationConfiguration"})
"""Whoever puts a replication configuration passes its role to S3."""


@dataclass(frozen=True, slots=True)
class S3Buckets:
    """Buckets of the home account and of member accounts."""

    clients: Clients
    home_account: str

    def replication_of(self, bucket: str) -> Fact[ReplicationSetup]:
        """The replication configuration of a bucket of the home account."""
        return read_fact(lambda: self._replication(bucket), f"replication of {bucket}")

    def _replication(self, bucket: str) -> ReplicationSetup:
        configuration = self._configuration(bucket)
        return replication_setup_of(configuration, "ReplicationConfiguration")

    def _configuration(self, bucket: str) -> "ReplicationConfigurationOutputTypeDef":
        s3: S3Client = self.clients.own("s3")
        answer = s3.get_bucket_replication(Bucket=bucket, ExpectedBucketOwner=self.home_account)
        return answer["ReplicationConfiguration"]

    def configuration_of(self, bucket_arn: str) -> Fact[Document]:
        """The replication configuration at this moment, all of it, of a bucket of ours."""
        bucket = _name(bucket_arn)
        return read_fact(
            lambda: configuration_document(self._configuration(bucket), "ReplicationConfiguration"),
            f"replication of {bucket}",
        )

    def put_configuration(self, bucket_arn: str, region: str, document: Document) -> None:
        """Replace the replication configuration of a bucket of ours."""
        with write_refusals_told_apart():
            s3: S3Client = self.clients.own("s3", region)
            s3.put_bucket_replication(
                Bucket=_name(bucket_arn),
                ReplicationConfiguration=cast("ReplicationConfigurationTypeDef", document.content),
                ExpectedBucketOwner=self.home_account,
            )

    def describe(self, bucket: str, account: str) -> Fact[Bucket]:
        """The bucket, if it exists and belongs to this account."""
        return read_fact(lambda: self._describe(bucket, account), f"bucket {bucket}")

    def _describe(self, bucket: str, account: str) -> Bucket:
        s3: S3Client = self.clients.reading("s3", account)
        location = s3.get_bucket_location(Bucket=bucket, ExpectedBucketOwner=account)
        region = region_of(location, "GetBucketLocation")
        there: S3Client = self.clients.reading("s3", account, region)
        return Bucket(
            name=bucket,
            account=account,
            region=region,
            versioned=read_fact(
                lambda: _is_versioned(there, bucket, account), f"versioning of {bucket}"
            ),
            policy=read_fact(lambda: _policy(there, bucket, account), f"policy of {bucket}"),
            object_lock=_object_lock(there, bucket, account),
        )

    def policy_of(self, bucket_arn: str, account: str, region: str) -> Fact[PolicyDocument]:
        """The bucket's policy at this moment."""
        bucket = _name(bucket_arn)
        s3: S3Client = self.clients.reading("s3", account, region)
        return read_fact(lambda: _policy(s3, bucket, account), f"policy of {bucket}")

    def put_policy(
        self, bucket_arn: str, account: str, region: str, document: PolicyDocument | None
    ) -> None:
        """Replace the bucket's policy; without a document, remove it."""
        with write_refusals_told_apart():
            s3: S3Client = self.clients.repairing("s3", account, region, _only_this(bucket_arn))
            bucket = _name(bucket_arn)
            if document is None:
                s3.delete_bucket_policy(Bucket=bucket, ExpectedBucketOwner=account)
            else:
                s3.put_bucket_policy(
                    Bucket=bucket, Policy=document.text, ExpectedBucketOwner=account
                )


def _name(bucket_arn: str) -> str:
    name = Arn.parse(bucket_arn).bucket_name
    if name is None:
        raise ValueError(f"{bucket_arn} is not the ARN of a bucket")
    return name


def _only_this(bucket_arn: str) -> dict[str, object]:
    statement = {
        "Sid": "ReplaceThisPolicy",
        "Effect": "Allow",
        "Action": sorted(WRITES),
        "Resource": bucket_arn,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _is_versioned(s3: "S3Client", bucket: str, account: str) -> bool:
    return is_versioned(s3.get_bucket_versioning(Bucket=bucket, ExpectedBucketOwner=account))


def _policy(s3: "S3Client", bucket: str, account: str) -> PolicyDocument:
    return PolicyDocument(
        text=s3.get_bucket_policy(Bucket=bucket, ExpectedBucketOwner=account)["Policy"]
    )


def _object_lock(s3: "S3Client", bucket: str, account: str) -> Fact[bool]:
    found = read_fact(
        lambda: has_object_lock(
            s3.get_object_lock_configuration(Bucket=bucket, ExpectedBucketOwner=account),
            "GetObjectLockConfiguration",
        ),
        f"Object Lock of {bucket}",
    )
    # A bucket without Object Lock answers that it has no such configuration.
    return False if isinstance(found, Absent) else found
