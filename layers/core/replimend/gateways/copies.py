"""Server-side copies of object versions: CopyObject, and multipart copies in byte ranges."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import (
    ConnectionError as UnreachableError,
)

from replimend.domain.copying import (
    Attempt,
    Blueprint,
    CopiedPart,
    CustomerKeyed,
    DeleteMarker,
    NothingThere,
    Original,
    Part,
    Place,
    Refused,
    Stale,
    StillThere,
    Top,
    Written,
)
from replimend.domain.facts import Absent, Encryption
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError, ThrottledError, TransientError
from replimend.gateways.faults import DENIED, MISSING, THROTTLED, code_of, read_fact
from replimend.inbound.originals import original_of
from replimend.ports import Pace

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

READS = frozenset(
    {
        "s3:GetBucketOwnershipControls",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectLegalHold",
        "s3:GetObjectRetention",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "kms:Decrypt",
    }
)
WRITES = frozenset(
    {
        "kms:GenerateDataKey",
        "s3:AbortMultipartUpload",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectLegalHold",
        "s3:PutObjectRetention",
        "s3:PutObjectTagging",
    }
)

STALE = frozenset(
    {
        "409",
        "412",
        "ConditionalRequestConflict",
        "NoSuchKey",
        "NoSuchUpload",
        "NoSuchVersion",
        "PreconditionFailed",
    }
)
"""The source or the destination is no longer what it was; or the upload is finished or given up."""
BUSY = frozenset(
    {"500", "InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable"}
)
"""S3 stumbled, perhaps behind a 200 that carried the error; the client's own tries are used up."""
NO_CONTROLS = frozenset({"OwnershipControlsNotFoundError"})
PAGES, KEYS_PER_PAGE = 3, 250
"""Listing pages that are worth it: these, and one more for so many keys."""
CLOCK_SKEW = timedelta(minutes=1)
WHOLE = frozenset({"CRC32", "CRC32C", "CRC64NVME"})
GRANTS = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE_ACP": "GrantWriteACP",
}

type Request = dict[str, Any]
"""Parameters of an S3 call, built here and sent by boto3."""


def copying_client(region: str, *, connections: int) -> "S3Client":
    """A client that holds this many connections open and waits for a copy of several GB."""
    config = Config(
        retries={"mode": "standard", "max_attempts": 3},
        connect_timeout=5,
        read_timeout=120,
        max_pool_connections=connections,
        user_agent_extra="replimend",
    )
    return boto3.client("s3", region_name=region, config=config)


@dataclass(frozen=True, slots=True)
class S3Copies:
    """Copies with the function's own role, which must read the source and write the destination.

    Calls go to the Region of the bucket that they concern; a copy goes to its destination's. Each
    call waits for the pace.
    """

    client_in: Callable[[str], "S3Client"]
    pace: Pace
    _acls: dict[str, bool] = field(default_factory=dict)

    def current(self, place: Place, key: str) -> Top:
        """What stands on top of the key."""
        return self._top(place, key, {})

    def version(self, place: Place, key: str, version_id: str) -> Top:
        """One version of the key, current or not."""
        return self._top(place, key, {"VersionId": version_id})

    def _top(self, place: Place, key: str, which: dict[str, Any]) -> Top:
        """One HeadObject; without the tagging permission S3 leaves the count of tags out."""
        s3 = self.client_in(place.region)
        try:
            head = self._call(
                lambda: s3.head_object(
                    Bucket=place.bucket,
                    Key=key,
                    ExpectedBucketOwner=place.account,
                    ChecksumMode="ENABLED",
                    **which,
                )
            )
            return original_of(head, "HeadObject", bucket=place.bucket, key=key)
        except MalformedEventError as error:
            return Unavailable(reason=str(error))
        except ClientError as error:
            return self._no_top(error, place, key)

    def _no_top(self, error: ClientError, place: Place, key: str) -> Top:
        """What a HEAD without content means: its headers tell a delete marker from nothing."""
        answer = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if answer.get("x-amz-delete-marker") == "true":
            return self._marker(place, key, answer.get("x-amz-version-id", "null"))
        code = code_of(error)
        if code in MISSING:
            return Absent(what=f"an object in {place.bucket}")
        if code in DENIED:
            return Unavailable(reason=f"HeadObject in {place.bucket} was denied to us")
        if code == "400":
            return CustomerKeyed()
        raise error

    def _marker(self, place: Place, key: str, version_id: str) -> DeleteMarker:
        """S3 dates a delete marker only in its 405 to whoever asks for it by version."""
        s3 = self.client_in(place.region)
        try:
            self._call(
                lambda: s3.head_object(
                    Bucket=place.bucket,
                    Key=key,
                    VersionId=version_id,
                    ExpectedBucketOwner=place.account,
                )
            )
        except ClientError as error:
            answer = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            since = _http_moment(answer.get("last-modified"))
            return DeleteMarker(version_id=version_id, since=since)
        return DeleteMarker(version_id=version_id, since=None)

    def without_current(
        self, place: Place, keys: Collection[str]
    ) -> Mapping[str, Absent | DeleteMarker]:
        """Those of the keys that a few pages of the bucket's listing show to have no object.

        A page shows a thousand versions; where other keys lie between, only a part is answered.
        """
        wanted = sorted(keys, key=str.encode)
        seen: dict[str, Absent | DeleteMarker] = {}
        more: dict[str, Any] = {}
        # A listing begins behind its marker, which must therefore come before the first key.
        prefix, before = _shared_start(wanted[0], wanted[-1]), wanted[0][:-1]
        shown: dict[str, DeleteMarker | None] = {}
        end: str | None = wanted[0]
        for _ in range(PAGES + len(wanted) // KEYS_PER_PAGE):
            try:
                page = self._versions(place, prefix, more)
            except ClientError as error:
                if code_of(error) in DENIED | MISSING:
                    return seen
                raise
            # A key of which only older versions are listed so far stays unknown.
            shown |= {each["Key"]: None for each in page.get("Versions", [])}
            shown |= {
                each["Key"]: DeleteMarker(version_id=each["VersionId"], since=each["LastModified"])
                for each in page.get("DeleteMarkers", [])
                if each["IsLatest"]
            }
            end = page.get("NextKeyMarker") if page.get("IsTruncated") else None
            if end is None or end.encode() > wanted[-1].encode():
                break
            more = {"KeyMarker": end, "VersionIdMarker": page["NextVersionIdMarker"]}
            if end.encode() < before.encode():
                more = {"KeyMarker": before}
        for key in wanted:
            if end is not None and key.encode() >= end.encode():
                break
            standing = shown.get(key, Absent(what=f"an object in {place.bucket}"))
            if standing is not None:
                seen[key] = standing
        return seen

    def _versions(self, place: Place, prefix: str, more: Mapping[str, Any]) -> Mapping[str, Any]:
        s3 = self.client_in(place.region)
        return self._call(
            lambda: s3.list_object_versions(
                Bucket=place.bucket, Prefix=prefix, ExpectedBucketOwner=place.account, **more
            )
        )

    def copy(self, blueprint: Blueprint) -> Attempt:
        """One CopyObject of exactly the version and ETag that were looked at.

        What CopyObject does not keep by itself is sent: encryption, storage class, redirect, lock,
        checksum algorithm, grants (aws-facts 6.4).
        """
        kept = self._kept(blueprint)
        if isinstance(kept, Refused):
            return kept
        request = {
            **kept,
            **_source(blueprint),
            **_guard(blueprint),
            "TaggingDirective": "COPY",
            "MetadataDirective": "COPY",
        }
        if blueprint.onto_itself:
            request |= {"MetadataDirective": "REPLACE", **_described(blueprint.original)}
        s3 = self.client_in(blueprint.target.region)
        answer = self._write(lambda: s3.copy_object(**request))
        return answer if isinstance(answer, Stale | Refused) else _written(answer)

    def begin(self, blueprint: Blueprint) -> str | Refused:
        """CreateMultipartUpload: all but the bytes has to be sent here (aws-facts 6.4)."""
        kept = self._kept(blueprint)
        if isinstance(kept, Refused):
            return kept
        request = {**kept, **_described(blueprint.original)}
        if blueprint.original.version.tag_count:
            request["Tagging"] = self._tags(blueprint)
        request |= _checksum_type(blueprint.original)
        s3 = self.client_in(blueprint.target.region)
        answer = self._write(lambda: s3.create_multipart_upload(**request))
        match answer:
            case Stale(says=says):
                return Refused(says=says)
            case Refused():
                return answer
            case _:
                return str(answer["UploadId"])

    def copy_part(
        self, blueprint: Blueprint, upload_id: str, part: Part
    ) -> CopiedPart | Stale | Refused:
        """One UploadPartCopy."""
        request = {
            **_source(blueprint),
            "Bucket": blueprint.target.bucket,
            "Key": blueprint.key,
            "ExpectedBucketOwner": blueprint.target.account,
            "UploadId": upload_id,
            "PartNumber": part.number,
            "CopySourceRange": f"bytes={part.first}-{part.last}",
        }
        s3 = self.client_in(blueprint.target.region)
        answer = self._write(lambda: s3.upload_part_copy(**request))
        if isinstance(answer, Stale | Refused):
            return answer
        made: Mapping[str, Any] = answer["CopyPartResult"]
        algorithm = _algorithm(blueprint.original)
        return CopiedPart(
            number=part.number,
            etag=made["ETag"],
            checksum=made.get(f"Checksum{algorithm}") if algorithm else None,
        )

    def finish(self, blueprint: Blueprint, upload_id: str, parts: Sequence[CopiedPart]) -> Attempt:
        """CompleteMultipartUpload, which is where S3 looks at the guard of a multipart copy."""
        algorithm = _algorithm(blueprint.original)
        listed = [
            {"PartNumber": part.number, "ETag": part.etag}
            | ({f"Checksum{algorithm}": part.checksum} if part.checksum else {})
            for part in parts
        ]
        request: Request = {
            "Bucket": blueprint.target.bucket,
            "Key": blueprint.key,
            "ExpectedBucketOwner": blueprint.target.account,
            "UploadId": upload_id,
            "MultipartUpload": {"Parts": listed},
            **_guard(blueprint),
            **_checksum_type(blueprint.original),
        }
        s3 = self.client_in(blueprint.target.region)
        answer = self._write(lambda: s3.complete_multipart_upload(**request))
        return answer if isinstance(answer, Stale | Refused) else _written(answer)

    def abort(self, place: Place, key: str, upload_id: str) -> None:
        """Give an upload up with its parts; no error if it is gone."""
        s3 = self.client_in(place.region)
        try:
            self._call(
                lambda: s3.abort_multipart_upload(
                    Bucket=place.bucket,
                    Key=key,
                    UploadId=upload_id,
                    ExpectedBucketOwner=place.account,
                )
            )
        except ClientError as error:
            if code_of(error) not in MISSING | {"NoSuchUpload"}:
                raise

    def abort_forgotten(self, place: Place, key: str, since: datetime) -> Refused | None:
        """Give up what an invocation of ours began and died before noting.

        Who we are to S3 is told by an upload begun for this alone, and given up with the rest.
        """
        s3 = self.client_in(place.region)
        probe = self._write(
            lambda: s3.create_multipart_upload(
                Bucket=place.bucket, Key=key, ExpectedBucketOwner=place.account
            )
        )
        match probe:
            case Stale(says=says) | Refused(says=says):
                return Refused(says=says)
            case _:
                self._abort_like(place, key, probe["UploadId"], since)
        return None

    def _abort_like(self, place: Place, key: str, probe: str, since: datetime) -> None:
        uploads = [each for each in self._uploads(place, key) if each["Key"] == key]
        us = next(each.get("Initiator") for each in uploads if each["UploadId"] == probe)
        for each in uploads:
            if each.get("Initiator") == us and each["Initiated"] >= since - CLOCK_SKEW:
                self.abort(place, key, each["UploadId"])

    def _uploads(self, place: Place, key: str) -> list[Any]:
        s3 = self.client_in(place.region)
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            page = self._call(
                lambda: s3.list_multipart_uploads(
                    Bucket=place.bucket,
                    Prefix=key,
                    ExpectedBucketOwner=place.account,
                    **more,  # noqa: B023 - called before the next turn
                )
            )
            found += page.get("Uploads", [])
            if not page.get("IsTruncated"):
                return found
            more = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    def _kept(self, blueprint: Blueprint) -> Request | Refused:
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
        if algorithm := _algorithm(original):
            request["ChecksumAlgorithm"] = algorithm
        grants = self._grants(blueprint)
        return grants if isinstance(grants, Refused) else request | grants

    def _grants(self, blueprint: Blueprint) -> Request | Refused:
        """The grants of the version where both buckets have ACLs; where one has none, none."""
        for place in (blueprint.target, blueprint.source):
            match self._has_acls(place):
                case Unavailable(reason=reason):
                    return Refused(says=f"whether {place.bucket} has ACLs is unknown: {reason}")
                case False:
                    return {}
                case _:
                    pass
        s3 = self.client_in(blueprint.source.region)
        version = blueprint.original.version
        acl = read_fact(
            lambda: self._call(
                lambda: s3.get_object_acl(
                    Bucket=blueprint.source.bucket,
                    Key=blueprint.key,
                    ExpectedBucketOwner=blueprint.source.account,
                    **_named(version.version_id),
                )
            ),
            "the version's ACL",
        )
        if isinstance(acl, Absent | Unavailable):
            return Refused(says=f"the version's grants are unread: {acl}")
        return _grant_headers(acl)

    def _has_acls(self, place: Place) -> bool | Unavailable:
        """Whether the bucket has ACLs at all; asked once. No controls is what old buckets have."""
        if place.bucket not in self._acls:
            s3 = self.client_in(place.region)
            try:
                controls = self._call(
                    lambda: s3.get_bucket_ownership_controls(
                        Bucket=place.bucket, ExpectedBucketOwner=place.account
                    )
                )
            except ClientError as error:
                if code_of(error) not in NO_CONTROLS:
                    return Unavailable(reason=f"{error.operation_name}: {code_of(error)}")
                self._acls[place.bucket] = True
            else:
                rules = controls["OwnershipControls"]["Rules"]
                self._acls[place.bucket] = all(
                    rule["ObjectOwnership"] != "BucketOwnerEnforced" for rule in rules
                )
        return self._acls[place.bucket]

    def _tags(self, blueprint: Blueprint) -> str:
        s3 = self.client_in(blueprint.source.region)
        answer = self._call(
            lambda: s3.get_object_tagging(
                Bucket=blueprint.source.bucket,
                Key=blueprint.key,
                ExpectedBucketOwner=blueprint.source.account,
                **_named(blueprint.original.version.version_id),
            )
        )
        return urlencode([(tag["Key"], tag["Value"]) for tag in answer["TagSet"]])

    def _write[T](self, call: Callable[[], T]) -> T | Stale | Refused:
        """What S3 answers, or its refusal as a value.

        boto3 raises the error that a copy's 200 may carry like any other (aws-facts 6.4).
        """
        try:
            return self._call(call)
        except ClientError as error:
            says = f"{error.operation_name}: {code_of(error)}: {_message(error)}"
            return Stale(says=says) if code_of(error) in STALE else Refused(says=says)

    def _call[T](self, call: Callable[[], T]) -> T:
        self.pace.acquire()
        try:
            return call()
        except (HTTPClientError, UnreachableError) as error:
            raise TransientError(f"S3 was not reached: {error}") from error
        except ClientError as error:
            if code_of(error) in THROTTLED:
                self.pace.throttled()
                raise ThrottledError(f"{error.operation_name}: {code_of(error)}") from error
            if code_of(error) in BUSY:
                raise TransientError(f"{error.operation_name}: {code_of(error)}") from error
            raise


def _shared_start(one: str, other: str) -> str:
    """The characters that both begin with."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in pairs)


def _source(blueprint: Blueprint) -> Request:
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


def _guard(blueprint: Blueprint) -> Request:
    match blueprint.guard:
        case NothingThere():
            return {"IfNoneMatch": "*"}
        case StillThere(etag=etag):
            return {"IfMatch": etag}


def _described(original: Original) -> Request:
    """Metadata and content headers, for the calls that do not take them over by themselves."""
    request: Request = {"Metadata": dict(original.version.metadata), **original.headers}
    if original.version.content_type:
        request["ContentType"] = original.version.content_type
    if original.expires:
        request["Expires"] = original.expires
    return request


def _algorithm(original: Original) -> str | None:
    return next(iter(original.checksums), None)


def _checksum_type(original: Original) -> Request:
    """Of an upload in parts, S3 computes only a CRC over the whole object."""
    algorithm = _algorithm(original)
    if algorithm is None:
        return {}
    is_whole = algorithm in WHOLE and original.checksum_type != "COMPOSITE"
    return {"ChecksumType": "FULL_OBJECT" if is_whole else "COMPOSITE"}


def _named(version_id: str) -> dict[str, Any]:
    return {"VersionId": version_id}


def _written(answer: Mapping[str, Any]) -> Written:
    return Written(version_id=answer.get("VersionId", "null"))


def _grant_headers(acl: Mapping[str, Any]) -> Request:
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


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def _http_moment(text: str | None) -> datetime | None:
    """The moment of an HTTP date, or None where there is none to read."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
