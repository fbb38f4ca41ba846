"""Object versions as HeadObject shows them; never their data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replimend.clients import Clients
from replimend.domain.facts import Fact, ObjectVersion
from replimend.gateways.faults import read_fact
from replimend.inbound.head_object import object_version_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# Without s3:ListBucket S3 answers 403, not 404, for what is not there; without the tagging
# permission it leaves the count of tags out.
READS = frozenset(
    {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:ListBucket"}
)


@dataclass(frozen=True, slots=True)
class S3Objects:
    """Versions in buckets of the home account and of member accounts."""

    clients: Clients

    def version(
        self, bucket: str, account: str, key: str, version_id: str | None
    ) -> Fact[ObjectVersion]:
        """One version; the current one when no version is named."""
        return read_fact(
            lambda: self._version(bucket, account, key, version_id),
            f"version {version_id or 'current'} of an object in {bucket}",
        )

    def _version(
        self, bucket: str, account: str, key: str, version_id: str | None
    ) -> ObjectVersion:
        s3: S3Client = self.clients.reading("s3", account)
        which: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        head = s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account, **which)
        return object_version_of(head, "HeadObject", bucket=bucket, key=key)
