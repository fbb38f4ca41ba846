"""A batch job's life: prepare, perhaps wait for confirmation, run tasks, report, end."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from lab import moto_world
from lab.batch_jobs import Job, JobStatus
from lab.batch_manifest import ManifestError, location_of, read_manifest
from lab.batch_report import report_place, write_report
from lab.batch_tasks import BATCH_SERVICE, SESSION_NAME, Tasks
from lab.behaviour import Behaviour
from lab.clock import Clock
from lab.cloudtrail import JobChange, job_event
from lab.role_access import RoleAccess
from lab.s3_calls import S3Call
from lab.trail import Trail

MOST_FAILURES = 0.5
JUDGED_FROM_TASKS = 1000
SLICE = 1000


class BatchRunner:
    """Carries jobs from status to status; every change is told to CloudTrail."""

    def __init__(
        self, clock: Clock, behaviour: Behaviour, access: RoleAccess, *, tasks: Tasks, trail: Trail
    ) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._access = access
        self._tasks = tasks
        self._trail = trail
        self._random = Random(f"batch {behaviour.seed}")

    def begin(self, job: Job) -> None:
        """A job was created."""
        self._tell(job, "JobCreated")
        self._later(job, lambda: self._prepare(job))

    def confirm(self, job: Job) -> None:
        """Somebody confirmed a suspended job."""
        self._enter(job, JobStatus.READY)
        self._later(job, lambda: self._activate(job))

    def cancel(self, job: Job) -> None:
        """Somebody cancelled the job: no further task starts."""
        self._enter(job, JobStatus.CANCELLING)
        self._later(job, lambda: self._end(job, JobStatus.CANCELLED))

    def _prepare(self, job: Job) -> None:
        self._enter(job, JobStatus.PREPARING)
        self._later(job, lambda: self._make_ready(job))

    def _make_ready(self, job: Job) -> None:
        failure = self._set_up_failure(job)
        if failure is not None:
            self._fail(job, *failure)
            return
        try:
            job.rows = read_manifest(job.asked["Manifest"])
        except ManifestError as error:
            self._fail(job, error.code, str(error))
            return
        # Tasks have no order; the seed makes the disorder repeat.
        job.waiting = self._random.sample(job.rows, len(job.rows))
        if job.asked.get("ConfirmationRequired", True):
            job.suspended_at = self._clock.now()
            self._enter(job, JobStatus.SUSPENDED)
        else:
            self.confirm(job)

    def _activate(self, job: Job) -> None:
        job.active_since = self._clock.now()
        self._enter(job, JobStatus.ACTIVE)
        self._run_slice(job)

    def _run_slice(self, job: Job) -> None:
        now, job.waiting = job.waiting[:SLICE], job.waiting[SLICE:]
        duration = timedelta(seconds=len(now) / self._behaviour.batch_tasks_per_second)
        job.results += [self._tasks.run(job, row) for row in now]
        self._later(job, lambda: self._finish_slice(job), duration)

    def _finish_slice(self, job: Job) -> None:
        done = len(job.results)
        if done >= JUDGED_FROM_TASKS and job.failed_tasks > done * MOST_FAILURES:
            self._fail(job, "JobFailureThresholdExceeded", "More than 50% of the tasks have failed")
        elif job.waiting:
            self._run_slice(job)
        else:
            self._enter(job, JobStatus.COMPLETING)
            self._later(job, lambda: self._end(job, JobStatus.COMPLETE))

    def _fail(self, job: Job, code: str, reason: str) -> None:
        job.failures.append((code, reason))
        self._enter(job, JobStatus.FAILING)
        self._later(job, lambda: self._end(job, JobStatus.FAILED))

    def _end(self, job: Job, status: JobStatus) -> None:
        """A report is written only if at least one task was run."""
        if job.results and report_place(job) is not None:
            if self._may_report(job):
                write_report(job, self._behaviour.report_columns, self._clock.now())
            else:
                job.failures.append(("AccessDenied", "The role may not write the report"))
                status = JobStatus.FAILED
        job.ended_at = self._clock.now()
        self._enter(job, status)

    def _set_up_failure(self, job: Job) -> tuple[str, str] | None:
        assuming = S3Call(
            action="sts:AssumeRole",
            resource=job.role_arn,
            resource_account=job.account,
            region=job.region,
            refused_as="AssumeRoleNotPermitted",
            context={"aws:SourceAccount": job.account},
        )
        if self._access.refusal_of_assumption(BATCH_SERVICE, assuming) is not None:
            return "AssumeRoleNotPermitted", f"S3 Batch Operations may not assume {job.role_arn}"
        bucket, key = location_of(job.asked["Manifest"])
        is_version = "ObjectVersionId" in job.asked["Manifest"]["Location"]
        action = "s3:GetObjectVersion" if is_version else "s3:GetObject"
        if not self._may(job, action, bucket, key):
            return "AccessDenied", f"The role may not read the manifest {bucket}/{key}"
        return None

    def _may_report(self, job: Job) -> bool:
        place = report_place(job)
        return place is None or self._may(
            job, "s3:PutObject", place[0], f"{place[1]}/manifest.json"
        )

    def _may(self, job: Job, action: str, bucket: str, key: str) -> bool:
        call = S3Call(
            action=action,
            resource=f"arn:aws:s3:::{bucket}/{key}",
            resource_account=moto_world.bucket_owner(bucket) or job.account,
            region=job.region,
            refused_as="AccessDenied",
        )
        return self._access.refusal(job.role_arn, SESSION_NAME, call) is None

    def _later(self, job: Job, step: Callable[[], None], delay: timedelta | None = None) -> None:
        """Take the step after a while, unless the job has gone elsewhere by then."""
        status = job.status
        self._clock.after(
            self._behaviour.batch_steps_take if delay is None else delay,
            f"batch job {job.job_id} after {status}",
            lambda: step() if job.status is status else None,
        )

    def _enter(self, job: Job, status: JobStatus) -> None:
        job.status = status
        self._tell(job, "JobStatusChanged")

    def _tell(self, job: Job, event_name: str) -> None:
        change = JobChange(
            event_name=event_name,
            job_id=job.job_id,
            job_arn=job.arn,
            status=job.status,
            at=self._clock.now(),
            failure_codes=tuple(code for code, _ in job.failures),
            reasons=tuple(reason for _, reason in job.failures),
        )
        self._trail.later(job.account, job.region, job_event(change, self._random))
