"""What the use cases need of the outside world, in the domain's verbs.

Gateways fulfil these with AWS, tests with fakes that pass the same contract tests. A read that
AWS refuses is answered with `Unavailable`; something that does not exist with `Absent`; throttling
raises ThrottledError, so that the message is given back to its queue.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypedDict, Unpack

from replimend.domain.batch import Unusable
from replimend.domain.diagnosis.history import Act, Past, Subject
from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Bucket, Fact, Key, ObjectVersion, ReplicationSetup, Role
from replimend.domain.incident import FailureGroup, Incident, Status
from replimend.domain.recopy.copying import (
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
from replimend.domain.recopy.objects import (
    BatchJob,
    HeldObject,
    JobState,
    LedgerCursor,
    Manifest,
    Outcome,
    Page,
    ReportPosition,
    TaskResult,
)
from replimend.domain.recopy.waves import Wave
from replimend.domain.repair.approvals import ApprovalRequest
from replimend.domain.repair.changes import ChangeRecord, ChangeState
from replimend.domain.repair.notices import Notice
from replimend.domain.repair.plan import Change
from replimend.domain.repair.second_opinion import SecondOpinion
from replimend.domain.repair.verdicts import Approval, Rejection, Tags
from replimend.domain.signals import KeyAccessDenied, ReplicationFailed
from replimend.domain.unavailable import Unavailable


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
    unanswered: bool


class Clock(Protocol):
    """The time, as UTC."""

    def now(self) -> datetime:
        """The present moment, with a time zone."""


class Buckets(Protocol):
    """Reads how buckets are set up, and writes their policies and replication configurations."""

    def replication_of(self, bucket: str) -> Fact[ReplicationSetup]:
        """The bucket's replication configuration."""

    def describe(self, bucket: str, account: str) -> Fact[Bucket]:
        """The bucket, if it exists and belongs to this account."""

    def policy_of(self, bucket_arn: str, account: str, region: str) -> Fact[PolicyDocument]:
        """The bucket's policy at this moment."""

    def put_policy(
        self, bucket_arn: str, account: str, region: str, document: PolicyDocument | None
    ) -> None:
        """Replace the bucket's policy; without a document, remove it."""

    def configuration_of(self, bucket_arn: str) -> Fact[Document]:
        """The replication configuration at this moment, all of it, of a bucket of ours."""

    def put_configuration(self, bucket_arn: str, region: str, document: Document) -> None:
        """Replace the replication configuration of a bucket of ours."""


class Objects(Protocol):
    """Reads object versions; never their data."""

    def version(
        self, bucket: str, account: str, key: str, version_id: str | None
    ) -> Fact[ObjectVersion]:
        """One version as HeadObject shows it; the current one when no version is named."""


class Keys(Protocol):
    """Reads KMS keys, replaces a key policy, makes and revokes grants, and makes keys usable."""

    def describe(self, key: str, account: str, region: str) -> Fact[Key]:
        """The key that an id, ARN or alias names in this account and Region."""

    def policy_of(self, key_arn: str) -> Fact[PolicyDocument]:
        """The key's policy at this moment."""

    def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
        """Replace the key's policy; the lock-out check is never bypassed."""

    def grant_named(self, key_arn: str, name: str) -> Fact[Document]:
        """The key's grant of this name at this moment, as CreateGrant would take it."""

    def create_grant(self, key_arn: str, grant: Document) -> None:
        """Make the grant; making it again changes nothing."""

    def revoke_grant(self, key_arn: str, name: str) -> None:
        """Revoke every grant of this name; no error if there is none."""

    def state_of(self, key_arn: str) -> Fact[Document]:
        """The key's state at this moment, as `key_states` has it."""

    def enable(self, key_arn: str) -> None:
        """Have the key usable again."""

    def disable(self, key_arn: str) -> None:
        """Have the key unusable."""

    def cancel_deletion(self, key_arn: str) -> None:
        """Keep the key, which is disabled then."""


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


class History(Protocol):
    """Reads who changed what."""

    def changes_of(self, subject: Subject, acts: Collection[Act]) -> Past | Unavailable:
        """The subject's changes of these kinds, as far back as they could be read."""


class ResourceTags(Protocol):
    """Reads the tags of keys and roles."""

    def of(self, arn: str) -> Fact[Tags]:
        """The tags of the key or role at this moment."""


class Analyst(Protocol):
    """Gives a second opinion on a change, or says why it has none; it never raises."""

    def opinion_on(self, change: Change, ceiling: PolicyDocument | None) -> SecondOpinion:
        """What speaks against the change, if nothing must be allowed beyond the ceiling."""


class Manifests(Protocol):
    """Keeps manifests of jobs, written at once or in parts; ManifestLostError if parts are gone."""

    def put(self, name: str, content: bytes, objects: int) -> Manifest:
        """Store a manifest at once."""

    def begin(self, name: str) -> str:
        """Begin an upload in parts; its id."""

    def add(self, name: str, upload_id: str, number: int, content: bytes) -> str:
        """Upload one part, over an earlier try at it; its ETag."""

    def finish(self, name: str, upload_id: str, etags: Sequence[str], objects: int) -> Manifest:
        """The manifest of these parts; the same again if an earlier try had finished it."""


class BatchJobs(Protocol):
    """Runs S3 Batch Replication jobs."""

    def start(self, bucket: str, manifest: Manifest, token: str) -> str:
        """Start a job over this manifest and return its id; the same token is the same job."""

    def state_of(self, job_id: str) -> JobState:
        """Where the job stands."""

    def cancel(self, job_id: str, because: str) -> None:
        """Let no further task of the job start; no error if it is ending already."""

    def report_of(
        self, job_id: str, after: ReportPosition
    ) -> Iterator[tuple[TaskResult, ReportPosition]]:
        """The completion report's rows behind this place, each with the place behind it."""


class Pace(Protocol):
    """How fast AWS may be called, by all invocations together."""

    def take(self, most: int, now: datetime) -> tuple[int, timedelta]:
        """How many calls may be made now, or how long to wait where it is none."""

    def throttled(self, now: datetime) -> None:
        """AWS asked us to slow down: everybody does."""


class Outbox(Protocol):
    """Sends messages on. Sending twice must be harmless to whoever receives."""

    def request_triage(self, group: FailureGroup, delay: timedelta = timedelta()) -> None:
        """Ask for a new diagnosis of this group after the delay (15 minutes at most)."""

    def request_repair(self, incident_id: str, plan_hash: str) -> None:
        """Ask for an approved plan to be applied."""

    def request_roll_back(self, incident_id: str, round_: int) -> None:
        """Ask for the changes of the incident's round to be undone, since the canary failed."""

    def request_lapse(self, incident_id: str, plan_hash: str) -> None:
        """Ask for a plan to be refused that nobody answered in time."""

    def request_expiry(self, change_id: str) -> None:
        """Ask for a change to be undone whose time is over."""

    def request_reminder(self) -> None:
        """Ask for people to be told of changes that their own code does not have yet."""

    def request_recopy(self, incident_id: str, poll: str | None, delay: timedelta) -> None:
        """Ask for the incident's re-copy to be advanced after the delay (15 minutes at most)."""

    def announce(self, incident: Incident) -> None:
        """Publish where the incident stands now, for people and programs that subscribe."""

    def ask_for_approval(self, request: ApprovalRequest) -> None:
        """Send people the request, as they are to read it."""

    def notify(self, notice: Notice) -> None:
        """Publish what is not about one incident, for people and programs that subscribe."""

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

    def freeze(self, by: str, at: datetime) -> bool:
        """Pause all changes; False if they were paused already, by whomever."""

    def unfreeze(self, at: datetime) -> None:
        """Let changes happen again."""

    def resumed_at(self) -> datetime | None:
        """When changes were last let happen again; None if they never had to be."""


class HeldObjects(Protocol):
    """The ledger's part for objects: which ones wait, and how each ended.

    A version waits that has no outcome since its newest failure, or that failed in an attempt
    before the one that is named. Versions come page by page, each once, a key's oldest first.
    """

    def waiting(self, groups: Iterable[FailureGroup], attempt: str = "") -> Iterator[HeldObject]:
        """The versions that wait."""

    def pages(
        self, groups: Iterable[FailureGroup], after: LedgerCursor, attempt: str
    ) -> Iterator[Page]:
        """The waiting versions behind this place; a page may be empty, the last has no next."""

    def waits(self, group: FailureGroup, failures: Sequence[ReplicationFailed]) -> bool:
        """Whether any of these has no outcome since it failed."""

    def record_outcomes(self, outcomes: Iterable[tuple[HeldObject, Outcome]]) -> None:
        """Note how each version ended."""

    def outcomes(
        self, groups: Iterable[FailureGroup]
    ) -> Iterator[tuple[HeldObject, Outcome | None]]:
        """Every version of the groups once, with its outcome, if it has one."""

    def outcomes_of(self, objects: Sequence[HeldObject]) -> Sequence[Outcome | None]:
        """The outcome of each of these, if it has one."""

    def record_job(self, job: BatchJob) -> None:
        """Note which incident a job works for."""

    def job(self, job_id: str) -> BatchJob | None:
        """The job, if it is ours."""


class Waves(Protocol):
    """The ledger's part for waves; each is replaced only by whoever knows its newest state."""

    def of_incident(self, incident_id: str) -> tuple[Wave, ...]:
        """The incident's waves, oldest first."""

    def newest(self, incident_id: str) -> Wave | None:
        """The wave that was begun last, or None."""

    def begin(self, wave: Wave) -> bool:
        """Store a new wave; False if another invocation has begun one of this number."""

    def save(self, wave: Wave) -> Wave | None:
        """The wave as it is stored now; None if it is no longer as the caller knew it."""


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


class ChangeNotes(Protocol):
    """The ledger's part for what is learnt of a change beside making it."""

    def note_opinion(self, change_id: str, opinion: SecondOpinion) -> None:
        """Keep a second opinion with the change, in place of an earlier one."""

    def note_adopted(self, change_id: str, says: str, at: datetime) -> None:
        """Keep that the user's own code has the change."""

    def note_expiry(self, change_id: str, at: datetime) -> None:
        """Keep that the change is to be undone then."""

    def note_expired(self, change_id: str, at: datetime) -> None:
        """Keep that the change that was to be undone then has been seen to."""

    def expired(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """The changes to be undone by now and not seen to, with when they were to be."""

    def applied(self) -> Iterator[ChangeRecord]:
        """The changes that are in force and not known to be adopted, oldest first."""

    def oldest(self) -> datetime | None:
        """When the first change of all was made; None if there was none."""

    def reminded_at(self) -> datetime | None:
        """When people were last reminded; None if they never were."""

    def note_reminded(self, at: datetime) -> None:
        """Keep that people were reminded."""


class Turns(Protocol):
    """Gives each call its turn, one by one, at the pace that all invocations share."""

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
