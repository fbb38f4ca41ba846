"""S3's side of every object write and read that moto gets wrong or leaves out."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from moto.kms.models import Key
from moto.s3.models import FakeBucket, FakeKey
from werkzeug.datastructures import Headers

from lab import moto_world
from lab.demands.s3 import copy_source
from lab.key_store import KeyState, find_key
from lab.object_notes import (
    ObjectNotes,
    Stored,
    VersionId,
    find_version,
    identity,
    set_tags,
    tags_of,
)
from lab.s3_calls import Encryption
from lab.wire import ApiCall, ApiError, HttpResponse

if TYPE_CHECKING:
    from lab.gate import Gate

type Written = Callable[[VersionId], None]

ENCRYPTION_HEADER = "x-amz-server-side-encryption"
KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
BUCKET_KEY_HEADER = "x-amz-server-side-encryption-bucket-key-enabled"
STATUS_HEADER = "x-amz-replication-status"
WRITES = ("PutObject", "CopyObject", "CompleteMultipartUpload")
TICK = timedelta(milliseconds=1)


class ObjectWrites:
    """Stands between moto's S3 and its callers; `written` hears of every new version or marker."""

    def __init__(self, notes: ObjectNotes, written: Written) -> None:
        self._notes = notes
        self._written = written

    def install(self, gate: "Gate") -> None:
        """Mend what the gate's callers write and read."""
        for operation in (*WRITES, "CreateMultipartUpload"):
            gate.override("s3", operation, _refuse_unusable_key)
        gate.override("s3", "GetObject", self._refuse_unreadable)
        for operation in WRITES:
            gate.after("s3", operation, self._finish)
        gate.after("s3", "CreateMultipartUpload", self._remember_upload)
        gate.after("s3", "DeleteObject", self._deleted)
        gate.after("s3", "DeleteObjects", self._deleted_many)
        for operation in ("HeadObject", "GetObject"):
            gate.after("s3", operation, self._show_status)

    def _finish(self, call: ApiCall, response: HttpResponse) -> None:
        bucket = _bucket(call)
        stored = bucket.keys[call.params["Key"]]
        if call.operation == "CopyObject":
            _bring_tags(call, stored)
        if call.params.get("UploadId") in self._notes.bucket_key_uploads:
            stored.bucket_key_enabled = "true"
        if "SSECustomerAlgorithm" in call.params:
            self._notes.customer_keys.add(identity(stored))
        elif stored.encryption is None and bucket.name not in self._notes.plaintext_buckets:
            # Since 2023 S3 encrypts whatever nobody asked to have encrypted.
            stored.encryption = Encryption.SSE_S3.value
        if stored.encryption and Encryption(stored.encryption).uses_kms:
            asker = call.caller.account if "SSEKMSKeyId" in call.params else bucket.account_id
            stored.kms_key_id = _key_arn(stored.kms_key_id, asker, bucket)
        _show_encryption(response.headers, stored)
        self._new_version(bucket, stored)

    def _new_version(self, bucket: FakeBucket, stored: Stored) -> None:
        versions: list[Stored] = bucket.keys.getlist(stored.name, [])
        earlier = [each for each in versions if each is not stored]
        # Lab time stands still between events, and two versions of one time have no order.
        if earlier and stored.last_modified <= earlier[-1].last_modified:
            stored.last_modified = earlier[-1].last_modified + TICK
        if bucket.is_versioned:
            self._written(VersionId(bucket.name, stored.name, stored.version_id))

    def _remember_upload(self, call: ApiCall, response: HttpResponse) -> None:
        if not call.params.get("BucketKeyEnabled"):
            return
        uploads = _bucket(call).multiparts
        self._notes.bucket_key_uploads |= {
            upload for upload in uploads if f">{upload}<".encode() in response.body
        }

    def _deleted(self, call: ApiCall, _: HttpResponse) -> None:
        self._note_deletion(call, call.params["Key"], call.params.get("VersionId"))

    def _deleted_many(self, call: ApiCall, _: HttpResponse) -> None:
        for each in call.params["Delete"]["Objects"]:
            self._note_deletion(call, each["Key"], each.get("VersionId"))

    def _note_deletion(self, call: ApiCall, key: str, version_id: str | None) -> None:
        bucket = _bucket(call)
        if version_id is not None:
            self._notes.deleted_for_good.add(VersionId(bucket.name, key, version_id))
        elif (marker := find_version(bucket, key, None)) is not None and bucket.is_versioned:
            self._new_version(bucket, marker)

    def _refuse_unreadable(self, call: ApiCall) -> None:
        stored = find_version(_bucket(call), call.params["Key"], call.params.get("VersionId"))
        if isinstance(stored, FakeKey) and stored.kms_key_id:
            _refuse_unusable(moto_world.key_of(stored.kms_key_id), stored.kms_key_id)

    def _show_status(self, call: ApiCall, response: HttpResponse) -> None:
        stored = find_version(_bucket(call), call.params["Key"], call.params.get("VersionId"))
        if not isinstance(stored, FakeKey):
            return
        _show_encryption(response.headers, stored)
        if status := self._notes.statuses.get(identity(stored)):
            response.headers[STATUS_HEADER] = status.value


def _bucket(call: ApiCall) -> FakeBucket:
    bucket = moto_world.bucket_of(call.params["Bucket"])
    if bucket is None:
        raise ApiError("NoSuchBucket", "The specified bucket does not exist", status=404)
    return bucket


def _refuse_unusable_key(call: ApiCall) -> None:
    bucket = _bucket(call)
    if not str(call.params.get("ServerSideEncryption", "")).startswith("aws:kms"):
        return
    name = call.params.get("SSEKMSKeyId") or "alias/aws/s3"
    _refuse_unusable(find_key(name, call.caller.account, bucket.region_name), name)


def _refuse_unusable(key: Key | None, name: str) -> None:
    if key is None:
        raise ApiError("KMS.NotFoundException", f"Key '{name}' does not exist")
    if key.key_state == KeyState.DISABLED:
        raise ApiError("KMS.DisabledException", f"{key.arn} is disabled.")
    if key.key_state != KeyState.ENABLED:
        raise ApiError("KMS.KMSInvalidStateException", f"{key.arn} is {key.key_state}.")


def _key_arn(name: str | None, asker: str, bucket: FakeBucket) -> str:
    """S3 shows a key's ARN; a bare id or alias is looked up in the asking account (facts §6.4)."""
    key = find_key(name or "alias/aws/s3", asker, bucket.region_name)
    return key.arn if key else name or ""


def _show_encryption(headers: Headers, stored: FakeKey) -> None:
    for name in (ENCRYPTION_HEADER, KEY_HEADER, BUCKET_KEY_HEADER):
        headers.remove(name)
    if stored.encryption is None:
        return
    headers[ENCRYPTION_HEADER] = stored.encryption
    if Encryption(stored.encryption).uses_kms and stored.kms_key_id:
        headers[KEY_HEADER] = stored.kms_key_id
    # S3 says so only where a Bucket Key is used.
    if str(stored.bucket_key_enabled).lower() == "true":
        headers[BUCKET_KEY_HEADER] = "true"


def _bring_tags(call: ApiCall, stored: FakeKey) -> None:
    # moto looks for the tags of another account's object in the wrong place.
    if call.params.get("TaggingDirective") == "REPLACE":
        return
    name, key, version_id = copy_source(call)
    source_bucket = moto_world.bucket_of(name)
    source = find_version(source_bucket, key, version_id) if source_bucket else None
    if isinstance(source, FakeKey):
        set_tags(stored, tags_of(source))
