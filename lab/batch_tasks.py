"""One task of a batch job: replicate one version again, and say how it went."""

from dataclasses import dataclass

from lab import moto_world
from lab.batch_jobs import Job, Row, TaskResult
from lab.object_notes import find_version
from lab.outcomes import Failed, NotEligible, Outcome
from lab.replication import Replication
from lab.role_access import RoleAccess
from lab.s3_calls import S3Call

BATCH_SERVICE = "batchoperations.s3.amazonaws.com"
SESSION_NAME = "s3-batch-operations"
FORBIDDEN, NOT_FOUND, BAD_REQUEST = 403, 404, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Runs tasks as the job's role, which may only ask; the replication role does the work."""

    replication: Replication
    access: RoleAccess

    def run(self, job: Job, row: Row) -> TaskResult:
        """The result of this row, tried under every rule of its bucket (facts §6.3)."""
        reason = self._objection(job, row) or self._failure(row)
        if reason is None:
            return TaskResult(row=row)
        return TaskResult(
            row=row,
            error_code=reason,
            http_status=_http_status(reason),
            message=f"Replication failed: {reason}",
        )

    def _objection(self, job: Job, row: Row) -> str | None:
        bucket = moto_world.bucket_of(row.bucket)
        if bucket is None:
            return "SrcBucketNotFound"
        if bucket.region_name != job.region:
            return "SrcBucketInvalidRegion"
        asking = S3Call(
            action="s3:InitiateReplication",
            resource=f"{bucket.arn}/{row.key}",
            resource_account=bucket.account_id,
            region=job.region,
            refused_as="InitiateReplicationNotPermitted",
        )
        refused = self.access.refusal(job.role_arn, SESSION_NAME, asking)
        return asking.refused_as if refused else None

    def _failure(self, row: Row) -> str | None:
        version_id = row.version_id or _current_version(row)
        outcomes = self.replication.replicate(row.bucket, row.key, version_id)
        return _reason(outcomes)


def _reason(outcomes: tuple[Outcome, ...]) -> str | None:
    """The failure that the report names: that of the first rule which failed."""
    failed = next((each for each in outcomes if isinstance(each, Failed)), None)
    if failed is not None:
        return failed.reason
    if all(isinstance(each, NotEligible) for each in outcomes):
        return "SrcObjectNotEligible"
    return None


def _current_version(row: Row) -> str:
    bucket = moto_world.bucket_of(row.bucket)
    stored = find_version(bucket, row.key, None) if bucket else None
    return stored.version_id if stored else ""


def _http_status(reason: str) -> int:
    if reason.endswith("NotPermitted"):
        return FORBIDDEN
    return NOT_FOUND if reason.endswith("NotFound") else BAD_REQUEST
