"""S3 Batch Replication jobs: started over a manifest, followed, cancelled, and their reports."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from botocore.exceptions import ClientError

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.recopy.objects import (
    JobPhase,
    JobState,
    Manifest,
    ReportPosition,
    TaskResult,
)
from replimend.gateways.faults import (
    code_of,
    throttling_told_apart,
    write_refusals_told_apart,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3control.client import S3ControlClient

READS = frozenset({"s3:DescribeJob", "s3:GetObject", "s3:ListBucket"})
WRITES = frozenset({"iam:PassRole", "s3:CreateJob", "s3:UpdateJobStatus"})

REPORTS = "reports"
REPORT_COLUMNS = 7
PRIORITY = 10
LONGEST_REASON = 256

PHASES = {
    "Complete": JobPhase.COMPLETE,
    "Cancelled": JobPhase.STOPPED,
    "Failed": JobPhase.STOPPED,
}
"""S3's terminal statuses; a job in any other is still running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3BatchJobs:
    """Jobs of the home account, in the stack's Region, which is the source bucket's."""

    clients: Clients
    account: str
    work_bucket: str
    role_arn: str

    def start(self, bucket: str, manifest: Manifest, token: str) -> str:
        """Start a job over this manifest of the bucket's versions; the same token is the same job.

        A job that a program makes needs `ConfirmationRequired` false to run at all (aws-facts 6.3).
        ThrottledError while S3 has as many active jobs as it takes.
        """
        control: S3ControlClient = self.clients.own("s3control")
        partition = Arn.parse(self.role_arn).partition
        work = Arn.of_bucket(self.work_bucket, partition=partition)
        with write_refusals_told_apart():
            job = control.create_job(
                AccountId=self.account,
                ConfirmationRequired=False,
                Operation={"S3ReplicateObject": {}},
                Manifest={
                    "Spec": {
                        "Format": "S3BatchOperations_CSV_20180820",
                        "Fields": ["Bucket", "Key", "VersionId"],
                    },
                    "Location": {
                        "ObjectArn": f"{work}/{manifest.object_key}",
                        "ETag": manifest.etag,
                    },
                },
                Report={
                    "Bucket": str(work),
                    "Prefix": REPORTS,
                    "Format": "Report_CSV_20180820",
                    "Enabled": True,
                    "ReportScope": "AllTasks",
                },
                Priority=PRIORITY,
                RoleArn=self.role_arn,
                ClientRequestToken=token,
                Description=f"Replimend re-copies {manifest.objects} version(s) of {bucket}",
            )
        return job["JobId"]

    def cancel(self, job_id: str, because: str) -> None:
        """Let no further task of the job start; no error if it is ending already."""
        control: S3ControlClient = self.clients.own("s3control")
        try:
            with write_refusals_told_apart():
                control.update_job_status(
                    AccountId=self.account,
                    JobId=job_id,
                    RequestedJobStatus="Cancelled",
                    StatusUpdateReason=because[:LONGEST_REASON],
                )
        except ClientError as error:
            if code_of(error) != "JobStatusException":
                raise

    def state_of(self, job_id: str) -> JobState:
        """Where the job stands."""
        control: S3ControlClient = self.clients.own("s3control")
        with throttling_told_apart():
            job = control.describe_job(AccountId=self.account, JobId=job_id)["Job"]
        progress = job.get("ProgressSummary", {})
        reasons = [
            f"{failure.get('FailureCode', '')} {failure.get('FailureReason', '')}".strip()
            for failure in job.get("FailureReasons", [])
        ]
        return JobState(
            phase=PHASES.get(job["Status"], JobPhase.RUNNING),
            status=job["Status"],
            succeeded=progress.get("NumberOfTasksSucceeded", 0),
            failed=progress.get("NumberOfTasksFailed", 0),
            total=progress.get("TotalNumberOfTasks", 0),
            because="; ".join(reasons),
        )

    def report_of(
        self, job_id: str, after: ReportPosition
    ) -> Iterator[tuple[TaskResult, ReportPosition]]:
        """The completion report's rows behind this place, each with the place behind it.

        Nothing if no task was invoked. The report is read as it is used, never held.
        """
        s3: S3Client = self.clients.own("s3")
        try:
            with throttling_told_apart():
                answer = s3.get_object(
                    Bucket=self.work_bucket,
                    Key=f"{REPORTS}/job-{job_id}/manifest.json",
                    ExpectedBucketOwner=self.account,
                )
        except s3.exceptions.NoSuchKey:
            return
        for number, part in enumerate(json.loads(answer["Body"].read())["Results"]):
            if number >= after.file:
                offset = after.offset if number == after.file else 0
                yield from self._rows(s3, part["Key"], number, offset)

    def _rows(
        self, s3: "S3Client", key: str, file: int, offset: int
    ) -> Iterator[tuple[TaskResult, ReportPosition]]:
        """The rows of one file from this byte on."""
        try:
            with throttling_told_apart():
                answer = s3.get_object(
                    Bucket=self.work_bucket,
                    Key=key,
                    ExpectedBucketOwner=self.account,
                    Range=f"bytes={offset}-",
                )
        except ClientError as error:
            if code_of(error) == "InvalidRange":  # the place is the file's end
                return
            raise
        # Closed, not drained: whoever reads stops long before the end of a large report.
        with closing(answer["Body"]) as body:
            lines = _Lines(body.iter_lines(keepends=True), offset)
            for row in csv.reader(lines):
                if len(row) == REPORT_COLUMNS:
                    yield _result(row), ReportPosition(file=file, offset=lines.offset)


class _Lines:
    """Lines as text, with the count of the bytes handed out: a row may take several lines."""

    def __init__(self, lines: Iterable[bytes], offset: int) -> None:
        self.offset = offset
        self._lines = iter(lines)

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.offset += len(line)
            yield line.decode()


def _result(row: Sequence[str]) -> TaskResult:
    bucket, key, version_id, status, error_code, http_status, message = row
    if error_code.strip().isdecimal():
        # AWS's documentation names these two columns in one order and samples them in the other.
        error_code = http_status
    return TaskResult(
        bucket=bucket,
        key=unquote(key),
        version_id=version_id,
        succeeded=status.strip().lower() == "succeeded",
        error_code=error_code.strip(),
        message=message,
    )
