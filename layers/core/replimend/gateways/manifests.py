"""Manifests in the work bucket, written at once or in parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from replimend.clients import Clients
from replimend.domain.recopy.objects import Manifest
from replimend.errors import ManifestLostError
from replimend.gateways.faults import code_of, write_refusals_told_apart

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

READS = frozenset({"s3:GetObject", "s3:ListBucket"})
WRITES = frozenset({"s3:PutObject"})

FOLDER = "manifests"
CONTENT_TYPE = "text/csv"
LOST = frozenset({"InvalidPart", "NoSuchUpload"})


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Manifests:
    """Objects under `manifests/`, in SSE-S3: one under SSE-KMS is no manifest (aws-facts 6.3)."""

    clients: Clients
    account: str
    work_bucket: str

    def put(self, name: str, content: bytes, objects: int) -> Manifest:
        """Store a manifest at once."""
        with write_refusals_told_apart():
            stored = self._s3.put_object(
                Bucket=self.work_bucket,
                Key=f"{FOLDER}/{name}",
                Body=content,
                ContentType=CONTENT_TYPE,
                ServerSideEncryption="AES256",
                ExpectedBucketOwner=self.account,
            )
        return Manifest(object_key=f"{FOLDER}/{name}", etag=stored["ETag"], objects=objects)

    def begin(self, name: str) -> str:
        """Begin an upload in parts; its id."""
        with write_refusals_told_apart():
            upload = self._s3.create_multipart_upload(
                Bucket=self.work_bucket,
                Key=f"{FOLDER}/{name}",
                ContentType=CONTENT_TYPE,
                ServerSideEncryption="AES256",
                ExpectedBucketOwner=self.account,
            )
        return upload["UploadId"]

    def add(self, name: str, upload_id: str, number: int, content: bytes) -> str:
        """Upload one part, over an earlier try at it; its ETag. ManifestLostError if none is open.

        A part but the last has at least 5 MiB.
        """
        try:
            with write_refusals_told_apart():
                part = self._s3.upload_part(
                    Bucket=self.work_bucket,
                    Key=f"{FOLDER}/{name}",
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=content,
                    ExpectedBucketOwner=self.account,
                )
        except ClientError as error:
            if code_of(error) in LOST:
                raise ManifestLostError(f"the upload of {name} is gone") from error
            raise
        return part["ETag"]

    def finish(self, name: str, upload_id: str, etags: Sequence[str], objects: int) -> Manifest:
        """The manifest of these parts; the same again if an earlier try had finished it.

        ManifestLostError if it can only be written anew.
        """
        key = f"{FOLDER}/{name}"
        try:
            with write_refusals_told_apart():
                done = self._s3.complete_multipart_upload(
                    Bucket=self.work_bucket,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={
                        "Parts": [
                            {"PartNumber": number, "ETag": etag}
                            for number, etag in enumerate(etags, start=1)
                        ]
                    },
                    ExpectedBucketOwner=self.account,
                )
            etag = done["ETag"]
        except ClientError as error:
            if code_of(error) not in LOST:
                raise
            etag = self._etag_of(key, len(etags))
        return Manifest(object_key=key, etag=etag, objects=objects)

    def _etag_of(self, key: str, parts: int) -> str:
        """The ETag of what an earlier try finished; it ends in the count of its parts."""
        try:
            head = self._s3.head_object(
                Bucket=self.work_bucket, Key=key, ExpectedBucketOwner=self.account
            )
        except ClientError as error:
            raise ManifestLostError(f"the upload of {key} is gone") from error
        if not head["ETag"].strip('"').endswith(f"-{parts}"):
            raise ManifestLostError(f"the upload of {key} is gone, and another is there")
        return head["ETag"]

    @property
    def _s3(self) -> "S3Client":
        client: S3Client = self.clients.own("s3")
        return client
