"""Object versions with everything that a copy has to keep, as HeadObject shows them."""

from datetime import datetime

from replimend.domain.recopy.copying import Original, Retention
from replimend.inbound.fields import JsonObject, optional_count, optional_text
from replimend.inbound.head_object import object_version_of

HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")
ALGORITHMS = (
    "CRC64NVME",
    "CRC32",
    "CRC32C",
    "SHA1",
    "SHA256",
    "SHA512",
    "MD5",
    "XXHASH64",
    "XXHASH3",
    "XXHASH128",
)
"""S3's checksum algorithms, under the names that its parameters have."""


def original_of(head: JsonObject, at: str, *, bucket: str, key: str) -> Original:
    """The version that a HeadObject answer describes, checksums included where they were asked."""
    version = object_version_of(head, at, bucket=bucket, key=key)
    expires = head.get("Expires")
    return Original(
        version=version,
        headers={
            name: value for name in HEADERS if (value := optional_text(head, name, at)) is not None
        },
        expires=expires if isinstance(expires, datetime) else None,
        redirect=optional_text(head, "WebsiteRedirectLocation", at),
        checksums={
            name: value
            for name in ALGORITHMS
            if (value := optional_text(head, f"Checksum{name}", at)) is not None
        },
        checksum_type=optional_text(head, "ChecksumType", at),
        retention=_retention(head, at),
        legal_hold=optional_text(head, "ObjectLockLegalHoldStatus", at) == "ON",
        unreadable=_unreadable(head, at),
    )


def _retention(head: JsonObject, at: str) -> Retention | None:
    mode, until = optional_text(head, "ObjectLockMode", at), head.get("ObjectLockRetainUntilDate")
    if mode is None or not isinstance(until, datetime):
        return None
    return Retention(mode=mode, until=until)


def _unreadable(head: JsonObject, at: str) -> str | None:
    """What must not be sent anew, since HeadObject does not show all of it."""
    if optional_count(head, "MissingMeta", at):
        return "metadata that no header can show"
    if optional_text(head, "ExpiresString", at) and not isinstance(head.get("Expires"), datetime):
        return "an Expires header that is no date"
    return None
