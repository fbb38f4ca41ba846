"""What S3 operations demand (Service Authorization Reference, "Amazon S3")."""

from collections.abc import Iterator
from urllib.parse import unquote

from lab import moto_world
from lab.demands import s3_keys
from lab.demands.identity import pass_role
from lab.demands.model import ANY, Context, Demand, Rule
from lab.wire import ApiCall

BUCKET_ACTIONS = {
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "GetBucketAcl": "GetBucketAcl",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetBucketTagging": "GetBucketTagging",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketPolicy": "PutBucketPolicy",
    "PutBucketVersioning": "PutBucketVersioning",
}
OBJECT_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "GetObjectLegalHold": "GetObjectLegalHold",
    "GetObjectRetention": "GetObjectRetention",
    "ListParts": "ListMultipartUploadParts",
    "PutObjectLegalHold": "PutObjectLegalHold",
    "PutObjectRetention": "PutObjectRetention",
    "RestoreObject": "RestoreObject",
    "UploadPart": "PutObject",
}
VERSIONED_OBJECT_ACTIONS = {
    "DeleteObject": "DeleteObject",
    "DeleteObjectTagging": "DeleteObjectTagging",
    "GetObject": "GetObject",
    "GetObjectAcl": "GetObjectAcl",
    "GetObjectTagging": "GetObjectTagging",
    "PutObjectAcl": "PutObjectAcl",
    "PutObjectTagging": "PutObjectTagging",
}
PUT_EXTRAS = {
    "ACL": "PutObjectAcl",
    "Tagging": "PutObjectTagging",
    "ObjectLockMode": "PutObjectRetention",
    "ObjectLockLegalHoldStatus": "PutObjectLegalHold",
}
CONDITION_KEYS = {
    "ACL": "s3:x-amz-acl",
    "CopySource": "s3:x-amz-copy-source",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "Prefix": "s3:prefix",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "VersionId": "s3:VersionId",
}


def owner_of(call: ApiCall) -> str:
    """The bucket's owner; the caller for a bucket that is not."""
    return _owner(call.params.get("Bucket", ""), call)


def list_bucket(call: ApiCall) -> Demand:
    """The permission without which S3 hides that an object is missing."""
    return _on_bucket(call, "s3:ListBucket")


def _owner(bucket: str, call: ApiCall) -> str:
    return moto_world.bucket_owner(bucket) or call.caller.account


def _on_bucket(call: ApiCall, action: str) -> Demand:
    return Demand(
        action=action,
        resource=f"arn:aws:s3:::{call.params['Bucket']}",
        owner=owner_of(call),
        context=_context(call),
    )


def _on_object(call: ApiCall, action: str) -> Demand:
    return Demand(
        action=action,
        resource=f"arn:aws:s3:::{call.params['Bucket']}/{call.params['Key']}",
        owner=owner_of(call),
        context=_context(call),
    )


def _context(call: ApiCall) -> Context:
    keys = {
        key: str(call.params[parameter])
        for parameter, key in CONDITION_KEYS.items()
        if parameter in call.params
    }
    return {**keys, "s3:ResourceAccount": owner_of(call)}


def _bucket_rule(action: str) -> Rule:
    return lambda call: [_on_bucket(call, f"s3:{action}")]


def _object_rule(action: str) -> Rule:
    return lambda call: [_on_object(call, f"s3:{action}")]


def _versioned(action: str, version_id: object) -> str:
    """`s3:GetObject` becomes `s3:GetObjectVersion` where the call names a version."""
    return f"s3:{action.replace('Object', 'ObjectVersion')}" if version_id else f"s3:{action}"


def _versioned_rule(action: str) -> Rule:
    return lambda call: [_on_object(call, _versioned(action, call.params.get("VersionId")))]


def _get_object(call: ApiCall) -> Iterator[Demand]:
    version_id = call.params.get("VersionId")
    yield _on_object(call, _versioned("GetObject", version_id))
    yield from s3_keys.decrypt(call, call.params["Bucket"], call.params["Key"], version_id)


def _head_object(call: ApiCall) -> Iterator[Demand]:
    version_id = call.params.get("VersionId")
    yield _on_object(call, _versioned("GetObject", version_id))
    if "ChecksumMode" in call.params:
        # The checksum of an SSE-KMS object is shown to who may decrypt it (HeadObject).
        yield from s3_keys.decrypt(call, call.params["Bucket"], call.params["Key"], version_id)


def _get_object_attributes(call: ApiCall) -> Iterator[Demand]:
    version_id = call.params.get("VersionId")
    yield _on_object(call, _versioned("GetObject", version_id))
    yield _on_object(call, _versioned("GetObjectAttributes", version_id))


def _put_object(call: ApiCall) -> Iterator[Demand]:
    yield _on_object(call, "s3:PutObject")
    for parameter, action in PUT_EXTRAS.items():
        if parameter in call.params:
            yield _on_object(call, f"s3:{action}")
    yield from s3_keys.encrypt(call)


def _copy_object(call: ApiCall) -> Iterator[Demand]:
    yield from _read_copy_source(call)
    bucket, key, version_id = copy_source(call)
    copies_tags = call.params.get("TaggingDirective", "COPY") == "COPY"
    if copies_tags and moto_world.has_tags(bucket, key, version_id):
        yield _on_source(call, _versioned("GetObjectTagging", version_id))
        yield _on_object(call, "s3:PutObjectTagging")
    yield from _put_object(call)


def _upload_part_copy(call: ApiCall) -> Iterator[Demand]:
    yield from _read_copy_source(call)
    yield _on_object(call, "s3:PutObject")


def _read_copy_source(call: ApiCall) -> Iterator[Demand]:
    bucket, key, version_id = copy_source(call)
    yield _on_source(call, _versioned("GetObject", version_id))
    yield from s3_keys.decrypt(call, bucket, key, version_id)


def _on_source(call: ApiCall, action: str) -> Demand:
    bucket, key, version_id = copy_source(call)
    owner = _owner(bucket, call)
    return Demand(
        action=action,
        resource=f"arn:aws:s3:::{bucket}/{key}",
        owner=owner,
        context={
            "s3:ResourceAccount": owner,
            **({"s3:VersionId": version_id} if version_id else {}),
        },
    )


def copy_source(call: ApiCall) -> tuple[str, str, str | None]:
    """Bucket, key and version id (None without one) of what a copy reads."""
    source, _, version_id = str(call.params["CopySource"]).partition("?versionId=")
    bucket, _, key = unquote(source).lstrip("/").partition("/")
    return bucket, key, version_id or None


def _delete_objects(call: ApiCall) -> Iterator[Demand]:
    for entry in call.params["Delete"]["Objects"]:
        yield Demand(
            action=_versioned("DeleteObject", entry.get("VersionId")),
            resource=f"arn:aws:s3:::{call.params['Bucket']}/{entry['Key']}",
            owner=owner_of(call),
            context=_context(call),
        )


def _replication_with_role(call: ApiCall) -> Iterator[Demand]:
    yield _on_bucket(call, "s3:PutReplicationConfiguration")
    yield pass_role(call, call.params["ReplicationConfiguration"]["Role"], "s3.amazonaws.com")


def _list_buckets(call: ApiCall) -> Iterator[Demand]:
    yield Demand(action="s3:ListAllMyBuckets", resource=ANY, owner=call.caller.account)


S3_RULES: dict[str, Rule] = {
    **{operation: _bucket_rule(action) for operation, action in BUCKET_ACTIONS.items()},
    **{operation: _object_rule(action) for operation, action in OBJECT_ACTIONS.items()},
    **{operation: _versioned_rule(name) for operation, name in VERSIONED_OBJECT_ACTIONS.items()},
    "CopyObject": _copy_object,
    "CreateMultipartUpload": _put_object,
    "DeleteObjects": _delete_objects,
    "GetObject": _get_object,
    "GetObjectAttributes": _get_object_attributes,
    "HeadObject": _head_object,
    "ListBuckets": _list_buckets,
    "PutBucketReplication": _replication_with_role,
    "PutObject": _put_object,
    "UploadPartCopy": _upload_part_copy,
}
