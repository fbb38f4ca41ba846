"""S3 Batch Operations jobs: what one is, and where it stands."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobStatus(StrEnum):
    """The statuses of a job; the last three are final."""

    NEW = "New"
    PREPARING = "Preparing"
    SUSPENDED = "Suspended"
    READY = "Ready"
    ACTIVE = "Active"
    COMPLETING = "Completing"
    CANCELLING = "Cancelling"
    FAILING = "Failing"
    COMPLETE = "Complete"
    CANCELLED = "Cancelled"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        """Whether the job is over; `Complete` says nothing about the success of its tasks."""
        return self in {JobStatus.COMPLETE, JobStatus.CANCELLED, JobStatus.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a manifest; `written_key` is the key as the manifest spells it."""

    bucket: str
    key: str
    written_key: str
    version_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """How one task ended; `error_code` is empty where it succeeded."""

    row: Row
    error_code: str = ""
    http_status: int = 200
    message: str = "Successful"

    @property
    def has_failed(self) -> bool:
        """Whether the task failed."""
        return self.error_code != ""


@dataclass(slots=True, kw_only=True)
class Job:
    """One job: what was asked for (`asked`, as boto3 gave it), and what became of it."""

    job_id: str
    account: str
    region: str
    asked: dict[str, Any]
    created_at: datetime
    status: JobStatus = JobStatus.NEW
    rows: list[Row] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    results: list[TaskResult] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    update_reason: str | None = None
    suspended_at: datetime | None = None
    active_since: datetime | None = None
    ended_at: datetime | None = None

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return f"arn:aws:s3:{self.region}:{self.account}:job/{self.job_id}"

    @property
    def role_arn(self) -> str:
        """The job's role."""
        return str(self.asked["RoleArn"])

    @property
    def failed_tasks(self) -> int:
        """How many tasks have failed so far."""
        return sum(result.has_failed for result in self.results)

    def progress(self, now: datetime) -> dict[str, Any]:
        """The `ProgressSummary` of the API."""
        end = self.ended_at or now
        active = int((end - self.active_since).total_seconds()) if self.active_since else 0
        return {
            "TotalNumberOfTasks": len(self.rows),
            "NumberOfTasksSucceeded": len(self.results) - self.failed_tasks,
            "NumberOfTasksFailed": self.failed_tasks,
            "Timers": {"ElapsedTimeInActiveSeconds": active},
        }

    def described(self, now: datetime) -> dict[str, Any]:
        """The job as `DescribeJob` shows it."""
        shown = {
            "JobId": self.job_id,
            "ConfirmationRequired": self.asked.get("ConfirmationRequired", True),
            "Description": self.asked.get("Description"),
            "JobArn": self.arn,
            "Status": self.status.value,
            "Manifest": self.asked["Manifest"],
            "Operation": self.asked["Operation"],
            "Priority": self.asked["Priority"],
            "ProgressSummary": self.progress(now),
            "StatusUpdateReason": self.update_reason,
            "FailureReasons": [
                {"FailureCode": code, "FailureReason": reason} for code, reason in self.failures
            ],
            "Report": self.asked["Report"],
            "CreationTime": self.created_at,
            "TerminationDate": self.ended_at,
            "RoleArn": self.role_arn,
            "SuspendedDate": self.suspended_at,
            "SuspendedCause": "Awaiting confirmation" if self.suspended_at else None,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def listed(self, now: datetime) -> dict[str, Any]:
        """The job as `ListJobs` shows it."""
        shown = {
            "JobId": self.job_id,
            "Description": self.asked.get("Description"),
            "Operation": next(iter(self.asked["Operation"])),
            "Priority": self.asked["Priority"],
            "Status": self.status.value,
            "CreationTime": self.created_at,
            "TerminationDate": self.ended_at,
            "ProgressSummary": self.progress(now),
        }
        return {name: value for name, value in shown.items() if value is not None}
