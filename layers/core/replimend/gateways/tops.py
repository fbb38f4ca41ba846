"""What stands on top of a key, and what does not: looked at one by one, or by listing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

from replimend.domain.facts import Absent
from replimend.domain.recopy.copying import CustomerKeyed, DeleteMarker, Place, Top
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError
from replimend.gateways.faults import DENIED, MISSING, code_of
from replimend.gateways.paced import PacedS3
from replimend.inbound.originals import original_of

PAGES, KEYS_PER_PAGE = 3, 250
"""Listing pages that are worth it: these, and one more for so many keys."""


@dataclass(frozen=True, slots=True)
class Tops:
    """Keys as HeadObject and ListObjectVersions show them."""

    s3: PacedS3

    def current(self, place: Place, key: str) -> Top:
        """What stands on top of the key."""
        return self._top(place, key, {})

    def version(self, place: Place, key: str, version_id: str) -> Top:
        """One version of the key, current or not."""
        return self._top(place, key, {"VersionId": version_id})

    def _top(self, place: Place, key: str, which: dict[str, Any]) -> Top:
        """One HeadObject; without the tagging permission S3 leaves the count of tags out."""
        s3 = self.s3.client_in(place.region)
        try:
            head = self.s3.call(
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
        s3 = self.s3.client_in(place.region)
        try:
            self.s3.call(
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
        s3 = self.s3.client_in(place.region)
        return self.s3.call(
            lambda: s3.list_object_versions(
                Bucket=place.bucket, Prefix=prefix, ExpectedBucketOwner=place.account, **more
            )
        )


def _shared_start(one: str, other: str) -> str:
    """The characters that both begin with."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in pairs)


def _http_moment(text: str | None) -> datetime | None:
    """The moment of an HTTP date, or None where there is none to read."""
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
