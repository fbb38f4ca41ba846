"""Server-side copies of object versions: CopyObject, and multipart copies in byte ranges."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from replimend.domain.facts import Absent
from replimend.domain.recopy.copying import (
    Attempt,
    Blueprint,
    CopiedPart,
    DeleteMarker,
    Part,
    Place,
    Refused,
    Stale,
    Top,
)
from replimend.domain.unavailable import Unavailable
from replimend.gateways.copy_requests import (
    Request,
    algorithm_of,
    checksum_type,
    described,
    granted,
    guarded,
    kept,
    named_version,
    pinned_source,
    written,
)
from replimend.gateways.faults import MISSING, code_of, read_fact
from replimend.gateways.paced import PacedS3
from replimend.gateways.tops import Tops

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

NO_CONTROLS = frozenset({"OwnershipControlsNotFoundError"})
CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class S3Copies:
    """Copies with the function's own role, which must read the source and write the destination.

    Calls go to the Region of the bucket that they concern; a copy goes to its destination's.
    """

    s3: PacedS3
    _acls: dict[str, bool] = field(default_factory=dict)

    def current(self, place: Place, key: str) -> Top:
        """What stands on top of the key."""
        return Tops(self.s3).current(place, key)

    def version(self, place: Place, key: str, version_id: str) -> Top:
        """One version of the key, current or not."""
        return Tops(self.s3).version(place, key, version_id)

    def without_current(
        self, place: Place, keys: Collection[str]
    ) -> Mapping[str, Absent | DeleteMarker]:
        """Those of the keys that a few pages of the bucket's listing show to have no object."""
        return Tops(self.s3).without_current(place, keys)

    def copy(self, blueprint: Blueprint) -> Attempt:
        """One CopyObject of exactly the version and ETag that were looked at.

        What CopyObject does not keep by itself is sent: encryption, storage class, redirect, lock,
        checksum algorithm, grants (aws-facts 6.4).
        """
        kept = self._all_kept(blueprint)
        if isinstance(kept, Refused):
            return kept
        request = {
            **kept,
            **pinned_source(blueprint),
            **guarded(blueprint),
            "TaggingDirective": "COPY",
            "MetadataDirective": "COPY",
        }
        if blueprint.onto_itself:
            request |= {"MetadataDirective": "REPLACE", **described(blueprint.original)}
        s3 = self.s3.client_in(blueprint.target.region)
        answer = self.s3.write(lambda: s3.copy_object(**request))
        return answer if isinstance(answer, Stale | Refused) else written(answer)

    def begin(self, blueprint: Blueprint) -> str | Refused:
        """CreateMultipartUpload: all but the bytes has to be sent here (aws-facts 6.4)."""
        kept = self._all_kept(blueprint)
        if isinstance(kept, Refused):
            return kept
        request = {**kept, **described(blueprint.original)}
        if blueprint.original.version.tag_count:
            request["Tagging"] = self._tags(blueprint)
        request |= checksum_type(blueprint.original)
        s3 = self.s3.client_in(blueprint.target.region)
        answer = self.s3.write(lambda: s3.create_multipart_upload(**request))
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
            **pinned_source(blueprint),
            "Bucket": blueprint.target.bucket,
            "Key": blueprint.key,
            "ExpectedBucketOwner": blueprint.target.account,
            "UploadId": upload_id,
            "PartNumber": part.number,
            "CopySourceRange": f"bytes={part.first}-{part.last}",
        }
        s3 = self.s3.client_in(blueprint.target.region)
        answer = self.s3.write(lambda: s3.upload_part_copy(**request))
        if isinstance(answer, Stale | Refused):
            return answer
        made: Mapping[str, Any] = answer["CopyPartResult"]
        algorithm = algorithm_of(blueprint.original)
        return CopiedPart(
            number=part.number,
            etag=made["ETag"],
            checksum=made.get(f"Checksum{algorithm}") if algorithm else None,
        )

    def finish(self, blueprint: Blueprint, upload_id: str, parts: Sequence[CopiedPart]) -> Attempt:
        """CompleteMultipartUpload, which is where S3 looks at the guard of a multipart copy."""
        algorithm = algorithm_of(blueprint.original)
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
            "MpuObjectSize": blueprint.original.version.size,
            **guarded(blueprint),
            **checksum_type(blueprint.original),
        }
        s3 = self.s3.client_in(blueprint.target.region)
        answer = self.s3.write(lambda: s3.complete_multipart_upload(**request))
        return answer if isinstance(answer, Stale | Refused) else written(answer)

    def abort(self, place: Place, key: str, upload_id: str) -> None:
        """Give an upload up with its parts; no error if it is gone."""
        s3 = self.s3.client_in(place.region)
        try:
            self.s3.call(
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
        s3 = self.s3.client_in(place.region)
        probe = self.s3.write(
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
        s3 = self.s3.client_in(place.region)
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            page = self.s3.call(
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

    def _all_kept(self, blueprint: Blueprint) -> Request | Refused:
        """Where the copy goes, with all that S3 keeps only if it is sent."""
        grants = self._grants(blueprint)
        return grants if isinstance(grants, Refused) else kept(blueprint) | grants

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
        s3 = self.s3.client_in(blueprint.source.region)
        version = blueprint.original.version
        acl = read_fact(
            lambda: self.s3.call(
                lambda: s3.get_object_acl(
                    Bucket=blueprint.source.bucket,
                    Key=blueprint.key,
                    ExpectedBucketOwner=blueprint.source.account,
                    **named_version(version.version_id),
                )
            ),
            "the version's ACL",
        )
        if isinstance(acl, Absent | Unavailable):
            return Refused(says=f"the version's grants are unread: {acl}")
        return granted(acl)

    def _has_acls(self, place: Place) -> bool | Unavailable:
        """Whether the bucket has ACLs at all; asked once. No controls is what old buckets have."""
        if place.bucket not in self._acls:
            s3 = self.s3.client_in(place.region)
            try:
                controls = self.s3.call(
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
        s3 = self.s3.client_in(blueprint.source.region)
        answer = self.s3.call(
            lambda: s3.get_object_tagging(
                Bucket=blueprint.source.bucket,
                Key=blueprint.key,
                ExpectedBucketOwner=blueprint.source.account,
                **named_version(blueprint.original.version.version_id),
            )
        )
        return urlencode([(tag["Key"], tag["Value"]) for tag in answer["TagSet"]])
