"""What S3 does with a KMS key in a caller's name, on top of the caller's own permissions for S3."""

from collections.abc import Iterator

from lab import moto_world
from lab.demands.model import Demand, account_of
from lab.wire import ApiCall

KMS_ENCRYPTION = frozenset({"aws:kms", "aws:kms:dsse"})


def decrypt(call: ApiCall, bucket: str, key: str, version_id: str | None) -> Iterator[Demand]:
    """What reading this object version demands on its key; nothing unless it is SSE-KMS."""
    version = moto_world.object_version(bucket, key, version_id)
    if version is not None and version.encryption in KMS_ENCRYPTION:
        uses_bucket_key = str(version.bucket_key_enabled).lower() == "true"
        yield from _with_key(
            call, "kms:Decrypt", version.kms_key_id, bucket, "" if uses_bucket_key else key
        )


def encrypt(call: ApiCall) -> Iterator[Demand]:
    """What a put demands on the key that it names or that the bucket's default names."""
    bucket = moto_world.bucket_of(call.params["Bucket"])
    default = ((bucket.encryption if bucket else None) or {}).get("Rule", {})
    by_default = default.get("ApplyServerSideEncryptionByDefault", {})
    algorithm = call.params.get("ServerSideEncryption", by_default.get("SSEAlgorithm"))
    if algorithm not in KMS_ENCRYPTION:
        return
    key_id = call.params.get("SSEKMSKeyId", by_default.get("KMSMasterKeyID"))
    bucket_key = str(call.params.get("BucketKeyEnabled", default.get("BucketKeyEnabled")))
    object_key = "" if bucket_key.lower() == "true" else call.params["Key"]
    yield from _with_key(call, "kms:GenerateDataKey", key_id, call.params["Bucket"], object_key)


def _with_key(
    call: ApiCall, action: str, key_id: str | None, bucket: str, object_key: str
) -> Iterator[Demand]:
    # Nothing for `aws/s3`: its policy admits everybody of its account who comes through S3.
    held_by = moto_world.bucket_of(bucket)
    if not key_id or "alias/aws/s3" in key_id or held_by is None:
        return
    region = held_by.region_name
    arn = moto_world.key_arn(key_id, call.caller.account, region)
    if arn is None:
        return
    subject = f"arn:aws:s3:::{bucket}/{object_key}" if object_key else f"arn:aws:s3:::{bucket}"
    yield Demand(
        action=action,
        resource=arn,
        owner=account_of(arn),
        context={
            "aws:ViaAWSService": "true",
            "kms:ViaService": f"s3.{region}.amazonaws.com",
            "kms:CallerAccount": call.caller.account,
            "kms:EncryptionContext:aws:s3:arn": subject,
            "kms:EncryptionContextKeys": ("aws:s3:arn",),
        },
    )
