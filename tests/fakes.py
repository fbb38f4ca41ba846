"""Every port in memory. The ledger's parts pass the same contract tests as the table's gateways.

A test shapes the world by the fakes' public attributes and reads what came of it from them.
"""

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Unpack, cast
from urllib.parse import unquote

from replimend.domain.batch import TriageRequest, Unusable
from replimend.domain.diagnosis.history import Act, ChangeEvent, Past, Subject
from replimend.domain.documents import Document, Json, PolicyDocument
from replimend.domain.facts import (
    Absent,
    Bucket,
    Fact,
    Key,
    NamedPolicy,
    ObjectVersion,
    ReplicationSetup,
    Role,
)
from replimend.domain.incident import FailureGroup, Incident, Status
from replimend.domain.recopy.copying import (
    Attempt,
    Blueprint,
    CopiedPart,
    DeleteMarker,
    NothingThere,
    Original,
    Part,
    Place,
    Refused,
    Stale,
    StillThere,
    Top,
    Upload,
    Written,
)
from replimend.domain.recopy.objects import (
    BatchJob,
    HeldObject,
    JobPhase,
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
from replimend.domain.repair.key_states import document_of
from replimend.domain.repair.notices import Notice
from replimend.domain.repair.plan import Change
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion
from replimend.domain.repair.verdicts import Approval, Rejection, Tags
from replimend.domain.signals import KeyAccessDenied, ReplicationFailed
from replimend.domain.unavailable import Sealed, Unavailable
from replimend.domain.work import (
    AdvanceRecopy,
    ApplyPlan,
    LapseApproval,
    RemindOfChanges,
    RollBackExpired,
    RollBackRound,
)
from replimend.errors import AccessLostError, ManifestLostError, ThrottledError
from replimend.inbound.replication import replication_setup_of
from replimend.ports import Details
from tests.facts import NOON

DENIAL_IS_NEWS_AFTER = timedelta(hours=1)


class FrozenClock:
    """Stands still until a test advances it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class FakeBuckets:
    setups: dict[str, Fact[ReplicationSetup]]
    buckets: dict[str, Fact[Bucket]]

    def replication_of(self, bucket: str) -> Fact[ReplicationSetup]:
        return self.setups.get(bucket, Absent(what=f"replication of {bucket}"))

    def describe(self, bucket: str, account: str) -> Fact[Bucket]:
        found = self.buckets.get(bucket, Absent(what=f"bucket {bucket}"))
        if isinstance(found, Bucket) and found.account != account:
            return Unavailable(reason=f"{bucket} is not of account {account}")
        return found

    def policy_of(
        self,
        bucket_arn: str,
        account: str,
        region: str,  # noqa: ARG002 - the port's
    ) -> Fact[PolicyDocument]:
        found = self.describe(bucket_arn.rpartition(":")[2], account)
        return found.policy if isinstance(found, Bucket) else found

    def put_policy(
        self,
        bucket_arn: str,
        account: str,
        region: str,  # noqa: ARG002 - the port's
        document: PolicyDocument | None,
    ) -> None:
        name = bucket_arn.rpartition(":")[2]
        found = self.describe(name, account)
        assert isinstance(found, Bucket)
        self.buckets[name] = replace(found, policy=document or Absent(what=f"policy of {name}"))

    def configuration_of(self, bucket_arn: str) -> Fact[Document]:
        found = self.replication_of(bucket_arn.rpartition(":")[2])
        return found.document if isinstance(found, ReplicationSetup) else found

    def put_configuration(
        self,
        bucket_arn: str,
        region: str,  # noqa: ARG002 - the port's
        document: Document,
    ) -> None:
        name = bucket_arn.rpartition(":")[2]
        self.setups[name] = replication_setup_of(document.content, "ReplicationConfiguration")


class FakeObjects:
    """Versions in the order in which they were put; the last of a key is its current one."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str, str], ObjectVersion] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.throttled = 0
        self.sealed: set[str] = set()

    def put(self, version: ObjectVersion) -> None:
        self.versions[version.bucket, version.key, version.version_id] = version

    def delete(self, bucket: str, key: str, version_id: str) -> None:
        del self.versions[bucket, key, version_id]

    def version(
        self,
        bucket: str,
        account: str,  # noqa: ARG002 - the port's
        key: str,
        version_id: str | None,
    ) -> Fact[ObjectVersion]:
        self.asked.append((bucket, key, version_id))
        if self.throttled:
            self.throttled -= 1
            raise ThrottledError("HeadObject: SlowDown")
        if key in self.sealed:
            return Sealed(reason="HeadObject is no request S3 takes")
        if version_id is not None:
            return self.versions.get((bucket, key, version_id), Absent(what="version"))
        named = [
            each for each in self.versions.values() if (each.bucket, each.key) == (bucket, key)
        ]
        return named[-1] if named else Absent(what="version")


@dataclass
class FakeKeys:
    keys: dict[str, Fact[Key]]
    written: list[PolicyDocument] = field(default_factory=list)

    def describe(self, key: str, account: str, region: str) -> Fact[Key]:  # noqa: ARG002 - the port's
        return self.keys.get(key, Absent(what=f"key {key}"))

    def policy_of(self, key_arn: str) -> Fact[PolicyDocument]:
        key = self.keys.get(key_arn, Absent(what=f"key {key_arn}"))
        return key.policy if isinstance(key, Key) else key

    def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
        self.written.append(document)
        self.edit(key_arn, document)

    def grant_named(self, key_arn: str, name: str) -> Fact[Document]:
        named = [each for each in self._grants(key_arn) if each.get("Name") == name]
        if not named:
            return Absent(what=f"grant {name}")
        shown = ("Name", "GranteePrincipal", "Operations", "Constraints")
        return Document.of({each: _json(named[0][each]) for each in shown})

    def create_grant(self, key_arn: str, grant: Document) -> None:
        entry: Mapping[str, object] = {**grant.content, "KeyId": key_arn}
        if entry not in self._grants(key_arn):
            self._set_grants(key_arn, (*self._grants(key_arn), entry))

    def revoke_grant(self, key_arn: str, name: str) -> None:
        left = (each for each in self._grants(key_arn) if each.get("Name") != name)
        self._set_grants(key_arn, tuple(left))

    def _grants(self, key_arn: str) -> tuple[Mapping[str, object], ...]:
        key = self.keys[key_arn]
        assert isinstance(key, Key)
        assert isinstance(key.grants, tuple)
        return key.grants

    def _set_grants(self, key_arn: str, grants: tuple[Mapping[str, object], ...]) -> None:
        key = self.keys[key_arn]
        assert isinstance(key, Key)
        self.keys[key_arn] = replace(key, grants=grants)

    def state_of(self, key_arn: str) -> Fact[Document]:
        key = self.keys.get(key_arn, Absent(what=f"key {key_arn}"))
        return document_of(key.state) if isinstance(key, Key) else key

    def enable(self, key_arn: str) -> None:
        self._switch(key_arn, "Enabled")

    def disable(self, key_arn: str) -> None:
        self._switch(key_arn, "Disabled")

    def cancel_deletion(self, key_arn: str) -> None:
        self._switch(key_arn, "Disabled")

    def _switch(self, key_arn: str, state: str) -> None:
        key = self.keys[key_arn]
        assert isinstance(key, Key)
        self.keys[key_arn] = replace(key, state=state)

    def edit(self, key_arn: str, document: PolicyDocument) -> None:
        """What anybody else's PutKeyPolicy does."""
        key = self.keys[key_arn]
        assert isinstance(key, Key)
        self.keys[key_arn] = replace(key, policy=document)


@dataclass
class FakeRoles:
    roles: dict[str, Fact[Role]]

    def describe(self, role_arn: str) -> Fact[Role]:
        return self.roles.get(role_arn, Absent(what=f"role {role_arn}"))

    def inline_policy(self, role_arn: str, name: str) -> Fact[PolicyDocument]:
        named = {each.name: each.document for each in self._policies(role_arn)}
        return named.get(name, Absent(what=f"inline policy {name}"))

    def put_inline_policy(self, role_arn: str, name: str, document: PolicyDocument) -> None:
        others = self._without(role_arn, name)
        self._set(role_arn, (*others, NamedPolicy(name=name, document=document)))

    def delete_inline_policy(self, role_arn: str, name: str) -> None:
        self._set(role_arn, self._without(role_arn, name))

    def _without(self, role_arn: str, name: str) -> tuple[NamedPolicy, ...]:
        return tuple(each for each in self._policies(role_arn) if each.name != name)

    def _policies(self, role_arn: str) -> tuple[NamedPolicy, ...]:
        role = self.roles[role_arn]
        assert isinstance(role, Role)
        assert isinstance(role.identity_policies, tuple)
        return role.identity_policies

    def _set(self, role_arn: str, policies: tuple[NamedPolicy, ...]) -> None:
        role = self.roles[role_arn]
        assert isinstance(role, Role)
        self.roles[role_arn] = replace(role, identity_policies=policies)


class FakeManifests:
    """Keeps manifests and their parts; a finished upload can be finished once more."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}

    def put(self, name: str, content: bytes, objects: int) -> Manifest:
        self.stored[name] = content
        return Manifest(object_key=name, etag=_etag(content), objects=objects)

    def begin(self, name: str) -> str:
        upload_id = f"{name}-{len(self.uploads)}"
        self.uploads[upload_id] = {}
        return upload_id

    def add(self, name: str, upload_id: str, number: int, content: bytes) -> str:  # noqa: ARG002 - the port's
        if upload_id not in self.uploads:
            raise ManifestLostError(upload_id)
        self.uploads[upload_id][number] = content
        return _etag(content)

    def finish(self, name: str, upload_id: str, etags: Sequence[str], objects: int) -> Manifest:
        parts = self.uploads.get(upload_id, {})
        whole = [parts.get(number, b"") for number in range(1, len(etags) + 1)]
        if [_etag(part) for part in whole] != list(etags):
            raise ManifestLostError(upload_id)
        return self.put(name, b"".join(whole), objects)


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """A version as a manifest names it."""

    bucket: str
    key: str
    version_id: str


@dataclass
class FakeHistory:
    """Knows the events that a test puts into it; a subject among the unreadable is denied to us."""

    events: list[ChangeEvent] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    told_until: datetime | None = None
    asked: list[Subject] = field(default_factory=list)

    def changes_of(self, subject: Subject, acts: Collection[Act]) -> Past | Unavailable:
        self.asked.append(subject)
        if subject.arn in self.unreadable:
            return Unavailable(reason=f"LookupEvents for {subject.arn} was denied to us")
        found = [each for each in self.events if each.subject == subject.arn and each.act in acts]
        return Past(
            subject=subject,
            events=tuple(sorted(found, key=lambda event: event.at)),
            told_until=self.told_until,
        )


@dataclass
class FakeTags:
    """What is not tagged by a test bears no tags."""

    tags: dict[str, Fact[Tags]] = field(default_factory=dict)

    def of(self, arn: str) -> Fact[Tags]:
        return self.tags.get(arn, {})


@dataclass
class FakeAnalyst:
    """Cannot be reached, as in most accounts, until a test has it find something."""

    check: Check = field(
        default_factory=lambda: Check(
            name="all checks", result=CheckResult.NOT_AVAILABLE, says="AccessDeniedException"
        )
    )
    ceilings: list[PolicyDocument | None] = field(default_factory=list)

    def opinion_on(
        self,
        change: Change,  # noqa: ARG002 - the port's
        ceiling: PolicyDocument | None,
    ) -> SecondOpinion:
        self.ceilings.append(ceiling)
        return SecondOpinion(checks=(self.check,))


@dataclass
class StartedJob:
    """A job with the versions of its manifest; a test says how it ends."""

    bucket: str
    objects: tuple[ManifestRow, ...]
    state: JobState
    report: tuple[TaskResult, ...] = ()
    cancelled: str | None = None


class FakeBatchJobs:
    """Takes jobs as S3 does: the same token is the same job, and at most six are active."""

    most_active = 6

    def __init__(self, manifests: FakeManifests) -> None:
        self.jobs: dict[str, StartedJob] = {}
        self.refused = ""
        self._manifests = manifests
        self._by_token: dict[str, tuple[str, Manifest]] = {}

    def start(self, bucket: str, manifest: Manifest, token: str) -> str:
        if self.refused:
            raise AccessLostError(self.refused)
        if token in self._by_token:
            job_id, before = self._by_token[token]
            assert manifest == before, "one token was used for two requests"
            return job_id
        active = [each for each in self.jobs.values() if each.state.phase is JobPhase.RUNNING]
        if len(active) >= self.most_active:
            raise ThrottledError("CreateJob: TooManyRequestsException")
        job_id = f"job-{len(self.jobs) + 1}"
        self._by_token[token] = job_id, manifest
        text = self._manifests.stored[manifest.object_key].decode()
        rows = tuple(
            ManifestRow(bucket=name, key=unquote(key), version_id=version_id)
            for name, key, version_id in csv.reader(text.splitlines())
        )
        assert len(rows) == manifest.objects
        self.jobs[job_id] = StartedJob(bucket, rows, _state(JobPhase.RUNNING, "Active"))
        return job_id

    def state_of(self, job_id: str) -> JobState:
        return self.jobs[job_id].state

    def cancel(self, job_id: str, because: str) -> None:
        job = self.jobs[job_id]
        if job.state.phase is JobPhase.RUNNING:
            job.cancelled = because
            job.state = _state(JobPhase.STOPPED, "Cancelled")

    def report_of(
        self, job_id: str, after: ReportPosition
    ) -> Iterator[tuple[TaskResult, ReportPosition]]:
        for number, row in enumerate(self.jobs[job_id].report, start=1):
            if number > after.offset:
                yield row, ReportPosition(offset=number)

    def complete(self, job_id: str, report: Iterable[TaskResult]) -> None:
        self.jobs[job_id].state = _state(JobPhase.COMPLETE, "Complete")
        self.jobs[job_id].report = tuple(report)

    def stop(self, job_id: str, because: str, report: Iterable[TaskResult] = ()) -> None:
        self.jobs[job_id].state = _state(JobPhase.STOPPED, "Failed", because)
        self.jobs[job_id].report = tuple(report)


class FakeCopies:
    """Copies over the same versions that everybody sees; only the small, in one call each."""

    def __init__(self, objects: FakeObjects, clock: FrozenClock) -> None:
        self.refused: set[str] = set()
        self.throttled: set[str] = set()
        self.made: list[str] = []
        self._objects = objects
        self._clock = clock

    def current(self, place: Place, key: str) -> Top:
        return self._top(self._objects.version(place.bucket, place.account, key, None))

    def version(self, place: Place, key: str, version_id: str) -> Top:
        return self._top(self._objects.version(place.bucket, place.account, key, version_id))

    def without_current(
        self, place: Place, keys: Collection[str]
    ) -> Mapping[str, Absent | DeleteMarker]:
        known = {key for bucket, key, _ in self._objects.versions if bucket == place.bucket}
        return {key: Absent(what="object") for key in keys if key not in known}

    def copy(self, blueprint: Blueprint) -> Attempt:
        if blueprint.key in self.throttled:
            raise ThrottledError("CopyObject: SlowDown")
        if blueprint.key in self.refused:
            return Refused(says="CopyObject: AccessDenied")
        there = self.current(blueprint.target, blueprint.key)
        match blueprint.guard:
            case NothingThere() if isinstance(there, Original):
                return Stale(says="PreconditionFailed")
            case NothingThere():
                pass
            case StillThere(etag=etag):
                assert isinstance(there, Original)
                assert there.version.etag == etag
        self.made.append(blueprint.key)
        version_id = f"copy-{len(self.made)}"
        self._objects.put(
            replace(
                blueprint.original.version,
                bucket=blueprint.target.bucket,
                version_id=version_id,
                last_modified=self._clock.now(),
                kms_key_arn=blueprint.encryption.key_arn,
                replication_status="PENDING" if blueprint.onto_itself else None,
            )
        )
        return Written(version_id=version_id)

    def begin(self, blueprint: Blueprint) -> str | Refused:
        raise AssertionError(f"{blueprint.key} is small")

    def copy_part(
        self,
        blueprint: Blueprint,
        upload_id: str,  # noqa: ARG002 - the port's
        part: Part,  # noqa: ARG002 - the port's
    ) -> CopiedPart | Stale | Refused:
        raise AssertionError(f"{blueprint.key} is small")

    def finish(
        self,
        blueprint: Blueprint,
        upload_id: str,  # noqa: ARG002 - the port's
        parts: Sequence[CopiedPart],  # noqa: ARG002 - the port's
    ) -> Attempt:
        raise AssertionError(f"{blueprint.key} is small")

    def abort(self, place: Place, key: str, upload_id: str) -> None:  # noqa: ARG002 - the port's
        raise AssertionError(f"{key} is small")

    def abort_forgotten(self, place: Place, key: str, since: datetime) -> Refused | None:  # noqa: ARG002 - the port's
        raise AssertionError(f"{key} is small")

    def _top(self, found: Fact[ObjectVersion]) -> Top:
        return Original(version=found) if isinstance(found, ObjectVersion) else found


class FakeUploads:
    """Nothing is ever under way: what is copied here is small."""

    def claim(self, copy_id: str, owner: str, now: datetime, until: datetime) -> bool:  # noqa: ARG002 - the port's
        return True

    def release(self, copy_id: str, owner: str) -> None:
        """Nothing is claimed."""

    def find(self, copy_id: str) -> Upload | None:  # noqa: ARG002 - the port's
        return None

    def intend(self, upload: Upload) -> None:
        raise AssertionError(upload.copy_id)

    def started(self, upload: Upload) -> None:
        raise AssertionError(upload.copy_id)

    def add_parts(self, upload: Upload, parts: Sequence[CopiedPart]) -> None:  # noqa: ARG002 - the port's
        raise AssertionError(upload.copy_id)

    def parts(self, upload: Upload) -> tuple[CopiedPart, ...]:
        raise AssertionError(upload.copy_id)

    def forget(self, copy_id: str) -> None:
        raise AssertionError(copy_id)


@dataclass
class FakePace:
    """Grants what is asked for, in bites if a test says so."""

    most: int = 1_000_000
    waits: list[timedelta] = field(default_factory=list)
    throttlings: int = 0

    def take(self, most: int, now: datetime) -> tuple[int, timedelta]:  # noqa: ARG002 - the port's
        if self.waits:
            return 0, self.waits.pop()
        return min(most, self.most), timedelta()

    def throttled(self, now: datetime) -> None:  # noqa: ARG002 - the port's
        self.throttlings += 1


class FakeWaves:
    def __init__(self) -> None:
        self.waves: dict[tuple[str, int], Wave] = {}

    def of_incident(self, incident_id: str) -> tuple[Wave, ...]:
        return tuple(self.waves[each] for each in sorted(self.waves) if each[0] == incident_id)

    def newest(self, incident_id: str) -> Wave | None:
        return next(reversed(self.of_incident(incident_id)), None)

    def begin(self, wave: Wave) -> bool:
        named = wave.incident_id, wave.number
        return self.waves.setdefault(named, wave) is wave

    def save(self, wave: Wave) -> Wave | None:
        named = wave.incident_id, wave.number
        if self.waves[named].revision != wave.revision:
            return None
        self.waves[named] = replace(wave, revision=wave.revision + 1)
        return self.waves[named]


def _state(phase: JobPhase, status: str, because: str = "") -> JobState:
    return JobState(phase=phase, status=status, succeeded=0, failed=0, total=0, because=because)


type Message = (
    TriageRequest
    | ApplyPlan
    | RollBackRound
    | RollBackExpired
    | LapseApproval
    | RemindOfChanges
    | AdvanceRecopy
)


@dataclass
class FakeOutbox:
    """Keeps what is sent, in order, until a test takes it out."""

    sent: list[Message] = field(default_factory=list)
    delays: list[timedelta] = field(default_factory=list)
    announced: list[Status] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    asked: list[ApprovalRequest] = field(default_factory=list)
    buried: list[Unusable] = field(default_factory=list)

    def request_triage(self, group: FailureGroup, delay: timedelta = timedelta()) -> None:
        self._send(TriageRequest(group=group), delay)

    def request_repair(self, incident_id: str, plan_hash: str) -> None:
        self._send(ApplyPlan(incident_id=incident_id, plan_hash=plan_hash))

    def request_roll_back(self, incident_id: str, round_: int) -> None:
        self._send(RollBackRound(incident_id=incident_id, round=round_))

    def request_recopy(self, incident_id: str, poll: str | None, delay: timedelta) -> None:
        self._send(AdvanceRecopy(incident_id=incident_id, poll=poll), delay)

    def request_lapse(self, incident_id: str, plan_hash: str) -> None:
        self._send(LapseApproval(incident_id=incident_id, plan_hash=plan_hash))

    def request_expiry(self, change_id: str) -> None:
        self._send(RollBackExpired(change_id=change_id))

    def request_reminder(self) -> None:
        self._send(RemindOfChanges())

    def ask_for_approval(self, request: ApprovalRequest) -> None:
        self.asked.append(request)

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    def announce(self, incident: Incident) -> None:
        self.announced.append(incident.status)

    def bury(self, unusable: Unusable) -> None:
        self.buried.append(unusable)

    def take(self) -> list[Message]:
        """What was sent and not taken yet."""
        taken, self.sent = self.sent, []
        self.delays.clear()
        return taken

    def _send(self, message: Message, delay: timedelta = timedelta()) -> None:
        self.sent.append(message)
        self.delays.append(delay)


class FakeTally:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def ignored(self, kind: str) -> None:
        self.counts[f"ignored {kind}"] += 1

    def unusable(self, path: str) -> None:
        self.counts[f"unusable {path}"] += 1

    def given_back(self, group_id: str, error: Exception) -> None:  # noqa: ARG002 - the port's
        self.counts[f"given back: {type(error).__name__}"] += 1

    def woken(self, status: str) -> None:
        self.counts[f"woken {status}"] += 1


class FakeIncidents:
    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.of_group: dict[FailureGroup, str] = {}
        self.frozen: str | None = None
        self.resumed: datetime | None = None
        self._answers: dict[str, str] = {}
        self._approvals: dict[str, Approval] = {}
        self._rejections: dict[str, Rejection] = {}
        self._roles: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def find(self, incident_id: str) -> Incident | None:
        return self.incidents.get(incident_id)

    def save_diagnosis(
        self, incident: Incident, known: Incident | None, group: FailureGroup, answer: str
    ) -> bool:
        saved = self._save(incident, known)
        if saved:
            self._answers[incident.incident_id] = answer
        self.of_group[group] = incident.incident_id
        if incident.role_arn:
            self._roles[incident.role_arn][incident.incident_id] = None
        return saved

    def _save(self, incident: Incident, known: Incident | None) -> bool:
        present = self.incidents.get(incident.incident_id)
        if present != known or (known is not None and known.status.is_mending):
            return False
        revision = known.revision + 1 if known else 1
        self.incidents[incident.incident_id] = replace(incident, revision=revision)
        return True

    def move(
        self, incident: Incident, to: Status, at: datetime, **details: Unpack[Details]
    ) -> Incident | None:
        present = self.incidents.get(incident.incident_id)
        if present is None or present.revision != incident.revision:
            return None
        revision = incident.revision + 1
        after = replace(incident, status=to, updated_at=at, revision=revision, **details)
        self.incidents[incident.incident_id] = after
        return after

    def of_role(self, role_arn: str) -> tuple[Incident, ...]:
        return tuple(self.incidents[each] for each in self._roles[role_arn])

    def in_status(self, status: Status) -> Iterator[Incident]:
        found = [each for each in self.incidents.values() if each.status is status]
        yield from sorted(found, key=lambda incident: incident.updated_at)

    def groups_of(self, incident_id: str) -> tuple[FailureGroup, ...]:
        return tuple(group for group, holder in self.of_group.items() if holder == incident_id)

    def answer_of(self, incident_id: str) -> str:
        return self._answers.get(incident_id, "{}")

    def reject(self, incident_id: str, rejection: Rejection) -> None:
        self._rejections[incident_id] = rejection

    def rejection_of(self, incident_id: str) -> Rejection | None:
        return self._rejections.get(incident_id)

    def approve(self, incident_id: str, approval: Approval) -> None:
        self._approvals[incident_id] = approval

    def approval_of(self, incident_id: str) -> Approval | None:
        return self._approvals.get(incident_id)

    def frozen_by(self) -> str | None:
        return self.frozen

    def freeze(self, by: str, at: datetime) -> bool:  # noqa: ARG002 - the port's
        was_free = self.frozen is None
        self.frozen = self.frozen or by
        return was_free

    def unfreeze(self, at: datetime) -> None:
        self.frozen = None
        self.resumed = at

    def resumed_at(self) -> datetime | None:
        return self.resumed


class FakeSignals:
    def __init__(self, incidents: FakeIncidents) -> None:
        self.failures: dict[FailureGroup, dict[tuple[str, str, datetime], ReplicationFailed]] = {}
        self.unusable: dict[tuple[str, str, str], Unusable] = {}
        self._incidents = incidents
        self._denials: dict[tuple[str, ...], KeyAccessDenied] = {}
        self._claims: dict[FailureGroup, datetime] = {}

    def record_failures(self, failures: Sequence[tuple[FailureGroup, ReplicationFailed]]) -> None:
        for group, failure in failures:
            named = (failure.key, failure.version_id, failure.event_time)
            self.failures.setdefault(group, {})[named] = failure

    def record_denial(self, denial: KeyAccessDenied) -> bool:
        kind = (
            denial.role_arn or "",
            denial.action,
            denial.region,
            denial.key_arn or "",
            denial.message,
        )
        kept = self._denials.get(kind)
        if kept is not None and kept.event_time >= denial.event_time - DENIAL_IS_NEWS_AFTER:
            return False
        # As the table keeps it: without the context, which may hold an object's key.
        self._denials[kind] = denial._replace(encryption_context=None, invoked_by=None)
        return True

    def denials_of(self, role_arn: str) -> tuple[KeyAccessDenied, ...]:
        found = [each for each in self._denials.values() if each.role_arn == role_arn]
        return tuple(sorted(found, key=lambda denial: denial.event_time))

    def knows_unusable(self, unusable: Unusable) -> bool:
        return (unusable.message_id, unusable.path, unusable.body) in self.unusable

    def record_unusable(self, unusable: Unusable, at: datetime) -> None:  # noqa: ARG002 - the port's
        self.unusable[unusable.message_id, unusable.path, unusable.body] = unusable

    def incident_of(self, group: FailureGroup) -> Incident | None:
        return self._incidents.find(self._incidents.of_group.get(group, ""))

    def claim_diagnosis(self, group: FailureGroup, now: datetime, until: datetime) -> bool:
        if group in self._claims and self._claims[group] >= now:
            return False
        self._claims[group] = until
        return True

    def release_diagnosis(self, group: FailureGroup) -> None:
        self._claims.pop(group, None)


class FakeHeldObjects:
    page = 1_000

    def __init__(self, signals: FakeSignals) -> None:
        self._signals = signals
        self._outcomes: dict[tuple[str, str, str, str], Outcome] = {}
        self._jobs: dict[str, BatchJob] = {}

    def waiting(self, groups: Iterable[FailureGroup], attempt: str = "") -> Iterator[HeldObject]:
        for page in self.pages(groups, LedgerCursor(), attempt):
            yield from page.objects

    def pages(
        self, groups: Iterable[FailureGroup], after: LedgerCursor, attempt: str
    ) -> Iterator[Page]:
        """A page holds so many keys; its place is the count of those before it."""
        by_key: dict[str, list[HeldObject]] = {}
        for held in self._held(groups):
            by_key.setdefault(held.key, []).append(held)
        keys = list(by_key)
        for begins in range(int(after.after or 0), max(len(keys), 1), self.page):
            ends = begins + self.page
            found = (
                held
                for key in keys[begins:ends]
                for held in sorted(by_key[key], key=lambda held: held.requested_at)
            )
            yield Page(
                objects=tuple(held for held in found if self._waits(held, attempt)),
                next=LedgerCursor(after=str(ends)) if ends < len(keys) else None,
            )

    def _waits(self, held: HeldObject, attempt: str) -> bool:
        outcome = self._outcomes.get(_named(held))
        return outcome is None or outcome.leaves_waiting(held.failed_at, attempt)

    def waits(self, group: FailureGroup, failures: Sequence[ReplicationFailed]) -> bool:
        ended = (
            (each.event_time, self._outcomes.get(_named(_held(group, each)))) for each in failures
        )
        return any(outcome is None or outcome.at < failed_at for failed_at, outcome in ended)

    def record_outcomes(self, outcomes: Iterable[tuple[HeldObject, Outcome]]) -> None:
        self._outcomes.update((_named(held), outcome) for held, outcome in outcomes)

    def outcomes(
        self, groups: Iterable[FailureGroup]
    ) -> Iterator[tuple[HeldObject, Outcome | None]]:
        for held in self._held(groups):
            yield held, self._outcomes.get(_named(held))

    def outcomes_of(self, objects: Sequence[HeldObject]) -> Sequence[Outcome | None]:
        return [self._outcomes.get(_named(held)) for held in objects]

    def _held(self, groups: Iterable[FailureGroup]) -> Iterator[HeldObject]:
        """Every version once, at its newest failure, with the time of its first request."""
        found: dict[tuple[str, str], HeldObject] = {}
        for group in groups:
            for failure in self._signals.failures.get(group, {}).values():
                held = _held(group, failure)
                version = held.key, held.version_id
                known = found.get(version, held)
                newer = max(known, held, key=lambda each: each.failed_at)
                first = min(known.requested_at, held.requested_at)
                size = newer.size if newer.size is not None else known.size or held.size
                found[version] = replace(newer, size=size, requested_at=first)
        yield from found.values()

    def record_job(self, job: BatchJob) -> None:
        self._jobs[job.job_id] = job

    def job(self, job_id: str) -> BatchJob | None:
        return self._jobs.get(job_id)


def _held(group: FailureGroup, failure: ReplicationFailed) -> HeldObject:
    return HeldObject(
        bucket=failure.bucket,
        destination_bucket=group.destination_bucket,
        key=failure.key,
        version_id=failure.version_id,
        size=failure.size,
        requested_at=failure.request_time,
        failed_at=failure.event_time,
    )


def _named(held: HeldObject) -> tuple[str, str, str, str]:
    return held.bucket, held.destination_bucket, held.key, held.version_id


class FakeChanges:
    def __init__(self) -> None:
        self.records: dict[str, ChangeRecord] = {}
        self._leases: dict[str, tuple[str, datetime]] = {}

    def record(self, change: ChangeRecord) -> None:
        self.records.setdefault(change.change_id, change)

    def mark(self, change_id: str, state: ChangeState, at: datetime) -> None:
        record = self.records[change_id]
        self.records[change_id] = replace(record, state=state, state_since=at)

    def find(self, change_id: str) -> ChangeRecord | None:
        return self.records.get(change_id)

    def of_incident(self, incident_id: str) -> tuple[ChangeRecord, ...]:
        found = [each for each in self.records.values() if each.incident_id == incident_id]
        return tuple(sorted(found, key=lambda change: change.at))

    def count_since(self, since: datetime) -> int:
        return sum(1 for each in self.records.values() if each.at >= since)

    def lease(self, subject: str, owner: str, now: datetime, until: datetime) -> bool:
        holder, held_until = self._leases.get(subject, (owner, now))
        if holder != owner and held_until >= now:
            return False
        self._leases[subject] = (owner, until)
        return True

    def release(self, subject: str, owner: str) -> None:
        if self._leases.get(subject, ("", None))[0] == owner:
            del self._leases[subject]


class FakeChangeNotes:
    def __init__(self, changes: FakeChanges) -> None:
        self.opinions: dict[str, SecondOpinion] = {}
        self.adopted_by: dict[str, str] = {}
        self.reminded: datetime | None = None
        self.expiries: dict[tuple[str, datetime], bool] = {}
        self._changes = changes

    def note_opinion(self, change_id: str, opinion: SecondOpinion) -> None:
        self.opinions[change_id] = opinion

    def opinion_of(self, change_id: str) -> SecondOpinion | None:
        return self.opinions.get(change_id)

    def note_adopted(self, change_id: str, says: str, at: datetime) -> None:  # noqa: ARG002 - the port's
        self.adopted_by[change_id] = says

    def adopted(self, change_id: str) -> str | None:
        return self.adopted_by.get(change_id)

    def note_expiry(self, change_id: str, at: datetime) -> None:
        self.expiries.setdefault((change_id, at), False)

    def note_expired(self, change_id: str, at: datetime) -> None:
        self.expiries[change_id, at] = True

    def expired(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        for (change_id, at), seen_to in sorted(self.expiries.items(), key=lambda each: each[0][1]):
            if at <= now and not seen_to:
                yield change_id, at

    def applied(self) -> Iterator[ChangeRecord]:
        for change in sorted(self._changes.records.values(), key=lambda each: each.at):
            if change.state is ChangeState.APPLIED and change.change_id not in self.adopted_by:
                yield change

    def oldest(self) -> datetime | None:
        return min((each.at for each in self._changes.records.values()), default=None)

    def reminded_at(self) -> datetime | None:
        return self.reminded

    def note_reminded(self, at: datetime) -> None:
        self.reminded = at


def _json(value: object) -> Json:
    """What a grant holds is JSON, whatever the port calls it."""
    return cast("Json", value)
