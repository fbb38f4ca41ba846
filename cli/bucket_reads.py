"""Reads of buckets and object versions for a snapshot; never of an object's data."""

from dataclasses import dataclass
from typing import Any

from cli.accounts import Accounts
from cli.reading import Part, Reading
from replimend.inbound.buckets import region_of

PARTS = {
    "policy": "get_bucket_policy",
    "encryption": "get_bucket_encryption",
    "versioning": "get_bucket_versioning",
    "objectLock": "get_object_lock_configuration",
}
SOURCE_PARTS = {
    "replication": "get_bucket_replication",
    "notification": "get_bucket_notification_configuration",
    **PARTS,
}
"""The parts of a bucket in a snapshot, and the call that reads each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketReader:
    """Reads one bucket of one account, which must be its owner; `at` is where it goes."""

    name: str
    account: str
    at: str
    accounts: Accounts
    reading: Reading

    def parts(self, operations: dict[str, str]) -> Part:
        """Where the bucket is and how it is set up; its Region is null if there is none."""
        part: Part = {"bucket": self.name, "account": self.account}
        self.reading.put(part, "region", self.at, self._region)
        region = part.get("region", self.accounts.region)
        for field, operation in operations.items() if region else ():
            self._put(part, field, operation, region)
        return part

    def version(self, key: str, version_id: str | None, region: str | None, into: Part) -> None:
        """Put one version as HeadObject shows it, with its key; null if there is none."""
        which = {"VersionId": version_id} if version_id else {}

        def head() -> Part:
            answer = self._call("head_object", region, Key=key, **which)
            return {"Key": key, **answer}

        self.reading.put(into, "object", "", head)

    def _put(self, part: Part, field: str, operation: str, region: str) -> None:
        self.reading.put(part, field, self.at, lambda: self._call(operation, region))

    def _region(self) -> str:
        return region_of(self._call("get_bucket_location", None), "GetBucketLocation")

    def _call(self, operation: str, region: str | None, **which: str) -> dict[str, Any]:
        s3 = self.accounts.client("s3", self.account, region or self.accounts.region)
        answer: dict[str, Any] = getattr(s3, operation)(
            Bucket=self.name, ExpectedBucketOwner=self.account, **which
        )
        return answer
