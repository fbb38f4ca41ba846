"""What the use cases need of the outside world, in the domain's verbs.

Gateways fulfil these with AWS, tests with fakes that pass the same contract tests. A read that
AWS refuses is answered with `Unavailable`; something that does not exist with `Absent`; throttling
raises ThrottledError, so that the message is given back to its queue.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypedDict, Unpack

from replimend.domain.batch import Unusable
from replimend.domain.changes import ChangeRecord, ChangeState
from replimend.domain.copying import (
    Attempt,
    Blueprint,
    CopiedPart,
    DeleteMarker,
    Part,
    Place,
    Refused,
    Stale,
    Top,
    Upload,
)
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Bucket, Fact, Key, ObjectVersion, ReplicationSetup, Role
from replimend.domain.incident import FailureGroup, Incident, Status
from replimend.domain.recopy import BatchJob, HeldObject, JobState, Outcome, TaskResult
from replimend.domain.signals import KeyAccessDenied, ReplicationFailed
from replimend.domain.verdicts import Approval, Rejection


class Details(TypedDict, total=False):
    """What may change of an incident together with its status, by the names it has there."""

    summary: str
    round: int
    approved_by: str
    repaired_at: datetime
    resolved_at: datetime
    job_id: str | None
    wave: int
    poll: str | None


class Clock(Protocol):
    """The time, as UTC."""

    def now(self) -> datetime:
        """The present moment, with a time zone."""


class Buckets(Protocol):
    """Reads how buckets are set up."""

    def replication_of(self, bucket: str) -> Fact[ReplicationSetup]:
        """The bucket's replication configuration."""

    def describe(self, bucket: str, account: str) -> Fact[Bucket]:
        """The bucket, if it exists and belongs to this account."""


class Objects(Protocol):
    """Reads object versions; never their data."""

    def version(
        self, bucket: str, account: str, key: str, version_id: str | None
    ) -> Fact[ObjectVersion]:
        """One version as HeadObject shows it; the current one when no version is named."""


class Keys(Protocol):
    """Reads KMS keys, and replaces a key policy."""

    def describe(self, key: str, account: str, region: str) -> Fact[Key]:
        """The key that an id, ARN or alias names in this account and Region."""

    def policy_of(self, key_arn: str) -> Fact[PolicyDocument]:
        """The key's policy at this moment."""

    def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
        """Replace the key's policy; the lock-out check is never bypassed."""


class Roles(Protocol):
    """Reads IAM roles, and writes the one inline policy that is ours."""

    def describe(self, role_arn: str) -> Fact[Role]:
        """The role with everything that shapes its sessions' access."""

    def inline_policy(self, role_arn: str, name: str) -> Fact[PolicyDocument]:
        """One inline policy at this moment."""

    def put_inline_policy(self, role_arn: str, name: str, document: PolicyDocument) -> None:
        """Create or replace one inline policy."""

    def delete_inline_policy(self, role_arn: str, name: str) -> None:
        """Remove one inline policy; no error if it is gone already."""


class BatchJobs(Protocol):
    """Runs S3 Batch Replication jobs."""

    def start(self, bucket: str, objects: Sequence[HeldObject], token: str) -> str:
        """Start a job over these versions and return its id; the same token is the same job."""

    def state_of(self, job_id: str) -> JobState:
        """Where the job stands."""

    def report_of(self, job_id: str) -> Iterator[TaskResult]:
        """The job's completion report, row by row."""


class Outbox(Protocol):
    """Sends messages on. Sending twice must be harmless to whoever receives."""

    def request_triage(self, group: FailureGroup) -> None:
        """Ask for a new diagnosis of this group."""

    def request_repair(self, incident_id: str, plan_hash: str) -> None:
        """Ask for an approved plan to be applied."""

    def request_roll_back(self, incident_id: str, round_: int) -> None:
        """Ask for the changes of the incident's round to be undone, since the canary failed."""

    def request_recopy(self, incident_id: str, poll: str | None, delay: timedelta) -> None:
        """Ask for the incident's re-copy to be advanced after the delay (15 minutes at most)."""

    def announce(self, incident: Incident) -> None:
        """Publish where the incident stands now, for people and programs that subscribe."""

    def bury(self, unusable: Unusable) -> None:
        """Keep an unusable message in the dead-letter queue, with what is wrong with it."""


class Tally(Protocol):
    """Counts what happened, for metrics and logs; never an object's key."""

    def ignored(self, kind: str) -> None:
        """A well-formed message of this kind called for nothing."""

    def unusable(self, path: str) -> None:
        """A message had no usable value at this path."""

    def given_back(self, group_id: str, error: Exception) -> None:
        """A group's messages went back to their queue because of this error."""

    def woken(self, status: str) -> None:
        """The sweep woke an incident that was stuck in this status."""


class Signals(Protocol):
    """The ledger's part for what AWS told: failures, denials, and the groups they form."""

    def record_failures(self, failures: Sequence[tuple[FailureGroup, ReplicationFailed]]) -> None:
        """Note each failed version once per failure time; noting it again changes nothing."""

    def record_denial(self, denial: KeyAccessDenied) -> bool:
        """Keep a denial as evidence; whether one of its kind was new to the role."""

    def denials_of(self, role_arn: str) -> tuple[KeyAccessDenied, ...]:
        """The kept denials of the role, oldest first."""

    def knows_unusable(self, unusable: Unusable) -> bool:
        """Whether the message is kept already."""

    def record_unusable(self, unusable: Unusable, at: datetime) -> None:
        """Keep an unusable message with what is wrong with it."""

    def incident_of(self, group: FailureGroup) -> Incident | None:
        """The incident that holds this group, if it has been diagnosed."""

    def claim_diagnosis(self, group: FailureGroup, now: datetime, until: datetime) -> bool:
        """Whether the caller is the one to diagnose the group until then."""

    def release_diagnosis(self, group: FailureGroup) -> None:
        """Let others diagnose the group again."""


class Incidents(Protocol):
    """The ledger's part for incidents; state moves by conditional writes only."""

    def find(self, incident_id: str) -> Incident | None:
        """The incident, or None."""

    def save_diagnosis(
        self, incident: Incident, known: Incident | None, group: FailureGroup, answer: str
    ) -> bool:
        """Store a newly diagnosed incident with its answer as JSON, and link the group to it.

        False if the incident is being mended, or is no longer as it was known: it then keeps its
        state, and the group is linked all the same.
        """

    def move(
        self, incident: Incident, to: Status, at: datetime, **details: Unpack[Details]
    ) -> Incident | None:
        """The incident in its new status, or None if it is no longer as the caller knew it."""

    def of_role(self, role_arn: str) -> tuple[Incident, ...]:
        """The incidents whose objects this role replicates."""

    def in_status(self, status: Status) -> Iterator[Incident]:
        """The incidents that stand so, longest unchanged first; eventually consistent."""

    def groups_of(self, incident_id: str) -> tuple[FailureGroup, ...]:
        """The groups whose failures have this cause."""

    def answer_of(self, incident_id: str) -> str:
        """The stored diagnosis, plan and verdict as JSON."""

    def approve(self, incident_id: str, approval: Approval) -> None:
        """Keep a person's approval with the incident."""

    def approval_of(self, incident_id: str) -> Approval | None:
        """The newest approval."""

    def reject(self, incident_id: str, rejection: Rejection) -> None:
        """Keep a person's rejection of a plan with the incident."""

    def rejection_of(self, incident_id: str) -> Rejection | None:
        """The newest rejection."""

    def frozen_by(self) -> str | None:
        """Who paused all changes, or None."""

    def freeze(self, by: str, at: datetime) -> None:
        """Pause all changes."""

    def unfreeze(self) -> None:
        """Let changes happen again."""


class HeldObjects(Protocol):
    """The ledger's part for objects: which ones wait, and how each ended."""

    def waiting(self, groups: Iterable[FailureGroup]) -> Iterator[HeldObject]:
        """The versions without an outcome since their newest failure, each once."""

    def waits(self, group: FailureGroup, failures: Sequence[ReplicationFailed]) -> bool:
        """Whether any of these has no outcome since it failed."""

    def record_outcomes(self, outcomes: Iterable[tuple[HeldObject, Outcome]]) -> None:
        """Note how each version ended."""

    def outcomes(
        self, groups: Iterable[FailureGroup]
    ) -> Iterator[tuple[HeldObject, Outcome | None]]:
        """Every version of the groups once, with its outcome, if it has one."""

    def record_job(self, job: BatchJob) -> None:
        """Note which incident a job works for."""

    def job(self, job_id: str) -> BatchJob | None:
        """The job, if it is ours."""


class Changes(Protocol):
    """The ledger's part for changes of access: each is kept for ever."""

    def record(self, change: ChangeRecord) -> None:
        """Store a change before it is made; storing it again changes nothing."""

    def mark(self, change_id: str, state: ChangeState, at: datetime) -> None:
        """Note what became of the change."""

    def find(self, change_id: str) -> ChangeRecord | None:
        """The change, or None."""

    def of_incident(self, incident_id: str) -> tuple[ChangeRecord, ...]:
        """The incident's changes, oldest first."""

    def count_since(self, since: datetime) -> int:
        """How many changes were made since then, over all incidents."""

    def lease(self, subject: str, owner: str, now: datetime, until: datetime) -> bool:
        """Whether the caller now is the only one to edit the subject, until then."""

    def release(self, subject: str, owner: str) -> None:
        """Give the lease back, if it still is the caller's."""


class Pace(Protocol):
    """How fast AWS may be called; shared by whoever calls it."""

    def acquire(self) -> None:
        """Return when one more call may be made."""

    def throttled(self) -> None:
        """AWS asked to slow down."""


class Copies(Protocol):
    """Copies object versions server-side; their bytes never come here.

    ThrottledError when S3 asks to slow down, TransientError when it stumbles; whatever else it
    says against a copy is a value.
    """

    def current(self, place: Place, key: str) -> Top:
        """What stands on top of the key."""

    def version(self, place: Place, key: str, version_id: str) -> Top:
        """One version of the key, current or not."""

    def without_current(
        self, place: Place, keys: Collection[str]
    ) -> Mapping[str, Absent | DeleteMarker]:
        """Those of the keys that are known, at the cost of few calls, to have no current version.

        A key that is not in the answer has to be looked at by itself.
        """

    def copy(self, blueprint: Blueprint) -> Attempt:
        """Make the copy in one call; 5 GB at most."""

    def begin(self, blueprint: Blueprint) -> str | Refused:
        """Start a multipart copy that will keep everything; its upload id."""

    def copy_part(
        self, blueprint: Blueprint, upload_id: str, part: Part
    ) -> CopiedPart | Stale | Refused:
        """Copy one byte range; doing so again replaces the part."""

    def finish(self, blueprint: Blueprint, upload_id: str, parts: Sequence[CopiedPart]) -> Attempt:
        """Make the parts an object, under the blueprint's guard."""

    def abort(self, place: Place, key: str, upload_id: str) -> None:
        """Give an upload up with its parts; no error if it is gone."""

    def abort_forgotten(self, place: Place, key: str, since: datetime) -> Refused | None:
        """Give up all uploads of this key that we began since; Refused if S3 does not tell."""


class Uploads(Protocol):
    """The ledger's part for multipart copies under way, so that any invocation can go on."""

    def claim(self, copy_id: str, owner: str, now: datetime, until: datetime) -> bool:
        """Whether the caller now is the only one to work on this copy, until then."""

    def release(self, copy_id: str, owner: str) -> None:
        """Let others work on it, if the claim still is the caller's."""

    def find(self, copy_id: str) -> Upload | None:
        """The upload under way, or intended, or None."""

    def intend(self, upload: Upload) -> None:
        """Note that an upload is about to be started, in place of any earlier one."""

    def started(self, upload: Upload) -> None:
        """Note the id that S3 gave to the intended upload."""

    def add_parts(self, upload: Upload, parts: Sequence[CopiedPart]) -> None:
        """Note parts that S3 has; noting them again changes nothing."""

    def parts(self, upload: Upload) -> tuple[CopiedPart, ...]:
        """The noted parts of exactly this upload, by number."""

    def forget(self, copy_id: str) -> None:
        """Note that nothing is under way any more."""
