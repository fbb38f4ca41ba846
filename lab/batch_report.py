"""The completion report of a batch job, as S3 writes it (facts §6.3)."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from moto.s3.models import s3_backends

from lab import moto_world
from lab.batch_jobs import Job, TaskResult
from lab.behaviour import ReportColumns
from lab.s3_calls import Encryption

SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"


def report_place(job: Job) -> tuple[str, str] | None:
    """The bucket of the report and the folder of this job in it; None where none is wanted."""
    report = job.asked["Report"]
    if not report["Enabled"]:
        return None
    prefix = str(report.get("Prefix") or "").strip("/")
    folder = f"job-{job.job_id}"
    bucket = str(report["Bucket"]).rsplit(":", 1)[-1]
    return bucket, f"{prefix}/{folder}" if prefix else folder


def write_report(job: Job, columns: ReportColumns, now: datetime) -> None:
    """Write the result files and the `manifest.json` that names them, always with SSE-S3."""
    place = report_place(job)
    if place is None:
        return
    bucket, folder = place
    results = []
    wanted = {"failed": True}
    if job.asked["Report"].get("ReportScope") != "FailedTasksOnly":
        wanted = {"succeeded": False, "failed": True}
    for status, has_failed in wanted.items():
        rows = [each for each in job.results if each.has_failed is has_failed]
        if not rows:
            continue
        body = _csv(rows, status, columns)
        key = f"{folder}/results/{hashlib.sha1(body, usedforsecurity=False).hexdigest()}.csv"
        _put(bucket, key, body)
        results.append(
            {
                "TaskExecutionStatus": status,
                "Bucket": bucket,
                "MD5Checksum": hashlib.md5(body, usedforsecurity=False).hexdigest(),
                "Key": key,
            }
        )
    manifest = {
        "Format": "Report_CSV_20180820",
        "ReportCreationDate": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "Results": results,
        "ReportSchema": SCHEMA,
    }
    _put(bucket, f"{folder}/manifest.json", json.dumps(manifest).encode())


def _csv(results: Iterable[TaskResult], status: str, columns: ReportColumns) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for result in results:
        row = result.row
        outcome = [result.error_code, str(result.http_status)]
        if columns is ReportColumns.AS_SAMPLED:
            outcome.reverse()
        writer.writerow(
            [row.bucket, row.written_key, row.version_id or "", status, *outcome, result.message]
        )
    return text.getvalue().encode()


def _put(bucket: str, key: str, body: bytes) -> None:
    owner = moto_world.bucket_owner(bucket) or ""
    backend = s3_backends[owner][moto_world.PARTITION]
    backend.put_object(bucket, key, body, encryption=Encryption.SSE_S3.value)
