"""The parameters of copying calls: what S3 keeps only if it is sent (aws-facts 6.4)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from replimend.domain.facts import Encryption
from replimend.domain.recopy.copying import (
    Blueprint,
    NothingThere,
    Original,
    StillThere,
    Written,
)

WHOLE = frozenset({"CRC32", "CRC32C", "CRC64NVME"})
GRANTS = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE_ACP": "GrantWriteACP",
}

type Request = dict[str, Any]
"""Parameters of an S3 call, built here and sent by boto3."""


def kept(blueprint: Blueprint) -> Request:
    """Where the copy goes, with all that S3 keeps only if it is sent."""
    original, encryption = blueprint.original, blueprint.encryption
    request: Request = {
        "Bucket": blueprint.target.bucket,
        "Key": blueprint.key,
        "ExpectedBucketOwner": blueprint.target.account,
        "StorageClass": original.version.storage_class,
    }
    if encryption.encryption is not Encryption.NONE:
        request["ServerSideEncryption"] = encryption.encryption.value
    if encryption.key_arn:
        request["SSEKMSKeyId"] = encryption.key_arn
    if encryption.encryption is Encryption.SSE_KMS:
        request["BucketKeyEnabled"] = encryption.bucket_key
    if original.redirect:
        request["WebsiteRedirectLocation"] = original.redirect
    if original.retention and original.retention.until > datetime.now(UTC):
        # S3 takes no date of the past; what has run out protects nothing.
        request["ObjectLockMode"] = original.retention.mode
        request["ObjectLockRetainUntilDate"] = original.retention.until
    if original.legal_hold:
        request["ObjectLockLegalHoldStatus"] = "ON"
    if algorithm := algorithm_of(original):
        request["ChecksumAlgorithm"] = algorithm
    return request


def pinned_source(blueprint: Blueprint) -> Request:
    """Exactly the version that was looked at: without its id the current one would be copied."""
    version = blueprint.original.version
    return {
        "CopySource": {
            "Bucket": blueprint.source.bucket,
            "Key": blueprint.key,
            "VersionId": version.version_id,
        },
        "CopySourceIfMatch": version.etag,
        "ExpectedSourceBucketOwner": blueprint.source.account,
    }


def guarded(blueprint: Blueprint) -> Request:
    """The condition at the destination, which CopyObject and CompleteMultipartUpload take."""
    match blueprint.guard:
        case NothingThere():
            return {"IfNoneMatch": "*"}
        case StillThere(etag=etag):
            return {"IfMatch": etag}


def described(original: Original) -> Request:
    """Metadata and content headers, for the calls that do not take them over by themselves."""
    request: Request = {"Metadata": dict(original.version.metadata), **original.headers}
    if original.version.content_type:
        request["ContentType"] = original.version.content_type
    if original.expires:
        request["Expires"] = original.expires
    return request


def algorithm_of(original: Original) -> str | None:
    """The checksum algorithm to keep, or None where the version shows none."""
    return next(iter(original.checksums), None)


def checksum_type(original: Original) -> Request:
    """Of an upload in parts, S3 computes only a CRC over the whole object."""
    algorithm = algorithm_of(original)
    if algorithm is None:
        return {}
    is_whole = algorithm in WHOLE and original.checksum_type != "COMPOSITE"
    return {"ChecksumType": "FULL_OBJECT" if is_whole else "COMPOSITE"}


def named_version(version_id: str) -> Request:
    """The version to read."""
    return {"VersionId": version_id}


def written(answer: Mapping[str, Any]) -> Written:
    """What S3 made; in a bucket without versioning, the version `null`."""
    return Written(version_id=answer.get("VersionId", "null"))


def granted(acl: Mapping[str, Any]) -> Request:
    """Grants as parameters; the owner's own alone is what S3 gives by itself."""
    owner = acl.get("Owner", {}).get("ID")
    others = [each for each in acl.get("Grants", []) if each["Grantee"].get("ID") != owner]
    if not others:
        return {}
    request: Request = {}
    for grant in acl["Grants"]:
        grantee = grant["Grantee"]
        named = f'id="{grantee["ID"]}"' if "ID" in grantee else f'uri="{grantee.get("URI")}"'
        name = GRANTS[grant["Permission"]]
        request[name] = f"{request[name]}, {named}" if name in request else named
    return request
