"""S3 Batch Operations' API: jobs that replicate existing versions (facts §6.3).

No emulator has it, so all of it is the lab's; operations other than `S3ReplicateObject`, and
manifests that S3 would generate, are refused in so many words.
"""

import uuid
from collections import defaultdict, deque
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from lab.batch_jobs import Job, JobStatus
from lab.batch_runner import BatchRunner
from lab.behaviour import Behaviour
from lab.clock import Clock
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

if TYPE_CHECKING:
    from lab.gate import Gate

MOST_ACTIVE_JOBS = 6
LONGEST_TOKEN = 64
DEFAULT_PAGE = 1000
CSV_FORMAT = "S3BatchOperations_CSV_20180820"
CSV_FIELDS = (["Bucket", "Key"], ["Bucket", "Key", "VersionId"])


class BatchOperations:
    """`CreateJob`, `DescribeJob`, `UpdateJobStatus`, `UpdateJobPriority` and `ListJobs`.

    `fail_next` makes the next calls of an operation fail, as AWS sometimes does.
    """

    def __init__(self, clock: Clock, behaviour: Behaviour, runner: BatchRunner) -> None:
        self.jobs: dict[str, Job] = {}
        self._clock = clock
        self._runner = runner
        self._random = Random(f"jobs {behaviour.seed}")
        self._faults: defaultdict[str, deque[ApiError]] = defaultdict(deque)

    def install(self, gate: "Gate") -> None:
        """Answer the API."""
        for operation, handler in (
            ("CreateJob", self._create),
            ("DescribeJob", self._describe),
            ("ListJobs", self._list),
            ("UpdateJobPriority", self._update_priority),
            ("UpdateJobStatus", self._update_status),
        ):
            gate.override("s3control", operation, self._inject)
            gate.override("s3control", operation, handler)

    def fail_next(self, operation: str, code: str, *, times: int = 1) -> None:
        """Let the next calls of this operation fail with this code before they do anything."""
        status = 429 if code == "TooManyRequestsException" else 500
        error = ApiError(code, "injected by the lab", status=status)
        self._faults[operation].extend([error] * times)

    def _inject(self, call: ApiCall) -> None:
        if self._faults[call.operation]:
            raise self._faults[call.operation].popleft()

    def _create(self, call: ApiCall) -> HttpResponse:
        asked = {name: value for name, value in call.params.items() if name != "AccountId"}
        _check(asked)
        earlier = self._with_token(call, asked["ClientRequestToken"])
        if earlier is not None:
            if earlier.asked != asked:
                raise ApiError("IdempotencyException", "The token was used for another request")
            return result_response(call, {"JobId": earlier.job_id})
        active = [job for job in self._jobs_of(call) if not job.status.is_final]
        if len(active) >= MOST_ACTIVE_JOBS:
            raise ApiError(
                "TooManyRequestsException", "The account has 6 active jobs already", status=429
            )
        job = Job(
            job_id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            account=call.caller.account,
            region=call.region,
            asked=asked,
            created_at=self._clock.now(),
        )
        self.jobs[job.job_id] = job
        self._runner.begin(job)
        return result_response(call, {"JobId": job.job_id})

    def _describe(self, call: ApiCall) -> HttpResponse:
        return result_response(call, {"Job": self._job(call).described(self._clock.now())})

    def _update_status(self, call: ApiCall) -> HttpResponse:
        job = self._job(call)
        wanted = call.params["RequestedJobStatus"]
        if wanted == JobStatus.READY and job.status is JobStatus.SUSPENDED:
            change = self._runner.confirm
        elif wanted == JobStatus.CANCELLED and not _is_ending(job):
            change = self._runner.cancel
        else:
            raise ApiError("JobStatusException", f"A job that is {job.status} cannot be {wanted}")
        job.update_reason = call.params.get("StatusUpdateReason")
        change(job)
        answer = {"JobId": job.job_id, "Status": job.status.value}
        reason = {"StatusUpdateReason": job.update_reason} if job.update_reason else {}
        return result_response(call, answer | reason)

    def _update_priority(self, call: ApiCall) -> HttpResponse:
        job = self._job(call)
        job.asked["Priority"] = call.params["Priority"]
        return result_response(call, {"JobId": job.job_id, "Priority": job.asked["Priority"]})

    def _list(self, call: ApiCall) -> HttpResponse:
        wanted = call.params.get("JobStatuses") or list(JobStatus)
        jobs = [job for job in self._jobs_of(call) if job.status in wanted]
        jobs.sort(key=lambda job: job.created_at, reverse=True)
        start = int(call.params.get("NextToken") or 0)
        end = start + int(call.params.get("MaxResults") or DEFAULT_PAGE)
        more = {"NextToken": str(end)} if end < len(jobs) else {}
        listed = [job.listed(self._clock.now()) for job in jobs[start:end]]
        return result_response(call, {"Jobs": listed, **more})

    def _job(self, call: ApiCall) -> Job:
        job = self.jobs.get(call.params["JobId"])
        if job is None or (job.account, job.region) != (call.caller.account, call.region):
            raise ApiError("NotFoundException", "The job does not exist", status=404)
        return job

    def _jobs_of(self, call: ApiCall) -> list[Job]:
        here = (call.caller.account, call.region)
        return [job for job in self.jobs.values() if (job.account, job.region) == here]

    def _with_token(self, call: ApiCall, token: str) -> Job | None:
        return next(
            (job for job in self._jobs_of(call) if job.asked["ClientRequestToken"] == token), None
        )


def _is_ending(job: Job) -> bool:
    ending = {JobStatus.COMPLETING, JobStatus.CANCELLING, JobStatus.FAILING}
    return job.status.is_final or job.status in ending


def _check(asked: Mapping[str, Any]) -> None:
    if set(asked["Operation"]) != {"S3ReplicateObject"}:
        raise _bad_request("the lab's batch jobs know S3ReplicateObject only")
    if "ManifestGenerator" in asked:
        raise _bad_request("the lab's batch jobs take a Manifest, not a ManifestGenerator")
    if "Manifest" not in asked:
        raise _bad_request("a job needs a Manifest")
    specification = asked["Manifest"]["Spec"]
    if specification["Format"] != CSV_FORMAT or specification.get("Fields") not in CSV_FIELDS:
        raise _bad_request(f"the manifest must be {CSV_FORMAT} of Bucket, Key[, VersionId]")
    report = asked["Report"]
    if report["Enabled"] and not {"Bucket", "Format", "ReportScope"} <= set(report):
        raise _bad_request("an enabled report needs Bucket, Format and ReportScope")
    if asked["Priority"] < 0:
        raise _bad_request("Priority must not be negative")
    if not 1 <= len(asked["ClientRequestToken"]) <= LONGEST_TOKEN:
        raise _bad_request("ClientRequestToken must have 1 to 64 characters")


def _bad_request(message: str) -> ApiError:
    return ApiError("BadRequestException", message)
