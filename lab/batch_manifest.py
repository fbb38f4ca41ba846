"""The manifest of a batch job: found, judged and read, or why not (facts §6.3)."""

import csv
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from moto.s3.models import FakeKey

from lab import moto_world
from lab.batch_jobs import Row
from lab.object_notes import find_version
from lab.s3_calls import Encryption


class ManifestError(Exception):
    """The job cannot use its manifest; `code` and the message end up in its failure reasons."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def location_of(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The bucket and key of the manifest object."""
    bucket, _, key = manifest["Location"]["ObjectArn"].partition(":::")[2].partition("/")
    return bucket, key


def read_manifest(manifest: Mapping[str, Any]) -> list[Row]:
    """The rows of the manifest that `CreateJob` named; ManifestError where it cannot be used."""
    stored = _found(manifest)
    if stored.encryption and Encryption(stored.encryption).uses_kms:
        # Only a manifest that S3 made itself may be encrypted with KMS.
        raise ManifestError("ManifestEncryption", "A CSV manifest with SSE-KMS is not supported")
    fields: list[str] = manifest["Spec"]["Fields"]
    try:
        lines = list(csv.reader(io.StringIO(stored.value.decode("utf-8")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError("InvalidManifest", f"The manifest is not CSV: {error}") from error
    rows = [_row(line, fields, number) for number, line in enumerate(lines, 1) if line]
    if not rows:
        raise ManifestError("InvalidManifest", "The manifest has no rows")
    if len({row.version_id is None for row in rows}) > 1:
        raise ManifestError("InvalidManifest", "Version ids must be given for all rows or for none")
    return rows


def _found(manifest: Mapping[str, Any]) -> FakeKey:
    name, key = location_of(manifest)
    bucket = moto_world.bucket_of(name)
    version_id = manifest["Location"].get("ObjectVersionId")
    stored = find_version(bucket, key, version_id) if bucket else None
    if not isinstance(stored, FakeKey):
        raise ManifestError("ManifestNotFound", "The manifest object does not exist")
    if stored.etag.strip('"') != manifest["Location"]["ETag"].strip('"'):
        raise ManifestError("ManifestETag", "The manifest object's ETag is not the one given")
    return stored


def _row(line: list[str], fields: list[str], number: int) -> Row:
    if len(line) != len(fields):
        raise ManifestError(
            "InvalidManifest", f"Line {number} has {len(line)} fields instead of {len(fields)}"
        )
    values = dict(zip(fields, line, strict=True))
    return Row(
        bucket=values["Bucket"],
        key=unquote(values["Key"]),
        written_key=values["Key"],
        version_id=values.get("VersionId") or None,
    )
