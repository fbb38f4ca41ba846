"""S3 Batch Replication jobs: the manifest in, the completion report out."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.recopy import HeldObject, JobPhase, JobState, TaskResult, manifest_of
from replimend.gateways.faults import throttling_told_apart, write_refusals_told_apart

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3control.client import S3ControlClient

READS = frozenset({"s3:DescribeJob", "s3:GetObject", "s3:ListBucket"})
WRITES = frozenset({"iam:PassRole", "s3:CreateJob", "s3:PutObject"})

MANIFESTS, REPORTS = "manifests", "reports"
REPORT_COLUMNS = 7
PRIORITY = 10

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

    def start(self, bucket: str, objects: Sequence[HeldObject], token: str) -> str:
        """Start a job over these versions of the bucket; the same token is the same job.

        The manifest must not be encrypted with KMS, and a job that a program makes needs
        `ConfirmationRequired` false to run at all (aws-facts 6.3). ThrottledError while S3 has as
        many active jobs as it takes.
        """
        s3: S3Client = self.clients.own("s3")
        control: S3ControlClient = self.clients.own("s3control")
        partition = Arn.parse(self.role_arn).partition
        work = Arn.of_bucket(self.work_bucket, partition=partition)
        manifest = f"{MANIFESTS}/{bucket}/{token}.csv"
        with write_refusals_told_apart():
            stored = s3.put_object(
                Bucket=self.work_bucket,
                Key=manifest,
                Body=manifest_of(objects).encode(),
                ContentType="text/csv",
                ServerSideEncryption="AES256",
                ExpectedBucketOwner=self.account,
            )
            job = control.create_job(
                AccountId=self.account,
                ConfirmationRequired=False,
                Operation={"S3ReplicateObject": {}},
                Manifest={
                    "Spec": {
                        "Format": "S3BatchOperations_CSV_20180820",
                        "Fields": ["Bucket", "Key", "VersionId"],
                    },
                    "Location": {"ObjectArn": f"{work}/{manifest}", "ETag": stored["ETag"]},
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
                Description=f"Replimend re-copies {len(objects)} version(s) of {bucket}",
            )
        return job["JobId"]

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

    def report_of(self, job_id: str) -> Iterator[TaskResult]:
        """The job's completion report, row by row; nothing if no task was invoked."""
        s3: S3Client = self.clients.own("s3")
        folder = f"{REPORTS}/job-{job_id}"
        try:
            index = self._read(s3, f"{folder}/manifest.json")
        except s3.exceptions.NoSuchKey:
            return
        for part in json.loads(index)["Results"]:
            rows = io.StringIO(self._read(s3, part["Key"]), newline="")
            for row in csv.reader(rows):
                if len(row) == REPORT_COLUMNS:
                    yield _result(row)

    def _read(self, s3: "S3Client", key: str) -> str:
        with throttling_told_apart():
            answer = s3.get_object(
                Bucket=self.work_bucket, Key=key, ExpectedBucketOwner=self.account
            )
        return answer["Body"].read().decode()


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
