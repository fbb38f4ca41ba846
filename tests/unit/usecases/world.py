"""A stack in memory: every use case over the same fakes, and somebody to carry its messages."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from replimend.domain.batch import Batch, Heard, TriageRequest
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Bucket, Facts, Key, ObjectVersion, Role
from replimend.domain.incident import Incident
from replimend.domain.recopy.copying import Measures
from replimend.domain.recopy.methods import Consent
from replimend.domain.recopy.objects import JobPhase, TaskResult
from replimend.domain.repair.approvals import ApprovalTerms
from replimend.domain.repair.scope import SID_PREFIX
from replimend.domain.repair.verdicts import Limits
from replimend.domain.signals import Signal
from replimend.domain.work import (
    AdvanceRecopy,
    ApplyPlan,
    LapseApproval,
    RemindOfChanges,
    RollBackExpired,
    RollBackRound,
)
from replimend.usecases.checking import Checking
from replimend.usecases.copied_waves import CopiedWaves
from replimend.usecases.copy_methods import CopyMethods
from replimend.usecases.copying import CopyEngine
from replimend.usecases.edits import Editor
from replimend.usecases.gathering import Gathering
from replimend.usecases.inquiry import Inquiry
from replimend.usecases.intake import Intake
from replimend.usecases.investigation import Investigation
from replimend.usecases.recopy import Recopy
from replimend.usecases.reminders import Reminders
from replimend.usecases.repair import Repair
from replimend.usecases.single import SingleRecopy
from replimend.usecases.subjects import subjects_of
from replimend.usecases.sweep import Sweep
from replimend.usecases.triage import Triage
from replimend.usecases.verification import Verifier
from tests.facts import DESTINATION_KEY, HOME, flagship_facts
from tests.fakes import (
    FakeAnalyst,
    FakeBatchJobs,
    FakeBuckets,
    FakeChangeNotes,
    FakeChanges,
    FakeCopies,
    FakeHeldObjects,
    FakeHistory,
    FakeIncidents,
    FakeKeys,
    FakeManifests,
    FakeObjects,
    FakeOutbox,
    FakePace,
    FakeRoles,
    FakeSignals,
    FakeTags,
    FakeTally,
    FakeUploads,
    FakeWaves,
    FrozenClock,
    ManifestRow,
    Message,
)
from tests.incidents import LIMITS, a_batch

CONSISTENCY_WAIT = timedelta(seconds=60)
APPROVAL_VALID = timedelta(hours=24)
INVOCATION = timedelta(seconds=200)


class World:
    """The flagship pair before anybody repaired it, and a stack that may repair it."""

    def __init__(self, facts: Facts | None = None, limits: Limits = LIMITS) -> None:
        facts = facts or flagship_facts()
        self.limits = limits
        self.clock = FrozenClock()
        ends = (facts.source, facts.destination)
        keys = (facts.source_key, facts.destination_key)
        self.buckets = FakeBuckets(
            setups={facts.source_bucket: facts.setup},
            buckets={each.name: each for each in ends if isinstance(each, Bucket)},
        )
        self.keys = FakeKeys({each.arn: each for each in keys if isinstance(each, Key)})
        self.roles = FakeRoles({facts.role.arn: facts.role} if isinstance(facts.role, Role) else {})
        self.objects = FakeObjects()
        self.copies = FakeCopies(self.objects, self.clock)
        if isinstance(facts.object, ObjectVersion):
            self.objects.put(facts.object)
        self.manifests = FakeManifests()
        self.jobs = FakeBatchJobs(self.manifests)
        self.waves = FakeWaves()
        self.pace = FakePace()
        self.consent = Consent()
        self.incidents = FakeIncidents()
        self.signals = FakeSignals(self.incidents)
        self.held = FakeHeldObjects(self.signals)
        self.changes = FakeChanges()
        self.history = FakeHistory()
        self.tags = FakeTags()
        self.notes = FakeChangeNotes(self.changes)
        self.analyst = FakeAnalyst()
        self.outbox = FakeOutbox()
        self.tally = FakeTally()

    # the use cases, under the limits of the moment

    @property
    def investigation(self) -> Investigation:
        return Investigation(
            home_account=HOME,
            buckets=self.buckets,
            objects=self.objects,
            keys=self.keys,
            roles=self.roles,
            signals=self.signals,
            history=self.history,
            clock=self.clock,
        )

    @property
    def triage(self) -> Triage:
        return Triage(
            investigation=self.investigation,
            signals=self.signals,
            incidents=self.incidents,
            changes=self.changes,
            tags=self.tags,
            outbox=self.outbox,
            limits=self.limits,
            clock=self.clock,
            terms=ApprovalTerms(valid=APPROVAL_VALID, stack="replimend", region="eu-west-1"),
        )

    @property
    def intake(self) -> Intake:
        return Intake(
            triage=self.triage,
            signals=self.signals,
            incidents=self.incidents,
            held=self.held,
            outbox=self.outbox,
            tally=self.tally,
            clock=self.clock,
        )

    @property
    def inquiry(self) -> Inquiry:
        return Inquiry(
            home_account=HOME,
            triage=self.triage,
            buckets=self.buckets,
            objects=self.objects,
            signals=self.signals,
            clock=self.clock,
        )

    @property
    def editor(self) -> Editor:
        return Editor(
            subjects=subjects_of(keys=self.keys, roles=self.roles, buckets=self.buckets),
            changes=self.changes,
            clock=self.clock,
        )

    @property
    def repair(self) -> Repair:
        return Repair(
            investigation=self.investigation,
            incidents=self.incidents,
            changes=self.changes,
            tags=self.tags,
            notes=self.notes,
            analyst=self.analyst,
            editor=self.editor,
            outbox=self.outbox,
            limits=self.limits,
            clock=self.clock,
            consistency_wait=CONSISTENCY_WAIT,
            approval_valid=APPROVAL_VALID,
        )

    @property
    def verifier(self) -> Verifier:
        return Verifier(home_account=HOME, buckets=self.buckets, objects=self.objects)

    @property
    def methods(self) -> CopyMethods:
        return CopyMethods(
            engine=CopyEngine(
                copies=self.copies,
                uploads=FakeUploads(),
                clock=self.clock,
                measures=Measures(width=2),
            ),
            verifier=self.verifier,
            limits=self.limits,
            region="eu-west-1",
        )

    @property
    def recopy(self) -> Recopy:
        return Recopy(
            incidents=self.incidents,
            held=self.held,
            waves=self.waves,
            jobs=self.jobs,
            gathering=Gathering(held=self.held, manifests=self.manifests),
            checking=Checking(
                held=self.held,
                signals=self.signals,
                jobs=self.jobs,
                verifier=self.verifier,
                pace=self.pace,
                clock=self.clock,
                consent=self.consent,
                methods=self.methods,
            ),
            copied=CopiedWaves(held=self.held, methods=self.methods, clock=self.clock),
            consent=self.consent,
            outbox=self.outbox,
            clock=self.clock,
            consistency_wait=CONSISTENCY_WAIT,
        )

    @property
    def single(self) -> SingleRecopy:
        return SingleRecopy(
            buckets=self.buckets,
            manifests=self.manifests,
            jobs=self.jobs,
            verifier=self.verifier,
            limits=self.limits,
            clock=self.clock,
        )

    @property
    def sweep(self) -> Sweep:
        return Sweep(
            incidents=self.incidents,
            notes=self.notes,
            approval_valid=APPROVAL_VALID,
            outbox=self.outbox,
            tally=self.tally,
            limits=self.limits,
            clock=self.clock,
        )

    @property
    def reminders(self) -> Reminders:
        return Reminders(
            notes=self.notes,
            subjects=subjects_of(self.keys, self.roles, self.buckets),
            roles=self.roles,
            outbox=self.outbox,
            clock=self.clock,
        )

    # what happens in it

    def tell(self, *signals: Signal) -> frozenset[str]:
        """Deliver signals in one batch; the messages that are given back."""
        return self.intake.receive(a_batch(*signals))

    def deliver(self) -> list[Message]:
        """Hand each message that was sent to whom it is for; the messages."""
        messages = self.outbox.take()
        for message in messages:
            self.hand_over(message)
        return messages

    def hand_over(self, message: Message) -> None:
        match message:
            case TriageRequest():
                self.intake.receive(Batch.of([Heard(message_id="own", signal=message)]))
            case ApplyPlan(incident_id=incident_id, plan_hash=plan_hash):
                self.repair.apply(incident_id, plan_hash)
            case RollBackRound(incident_id=incident_id, round=round_):
                self.repair.roll_back_round(incident_id, round_)
            case LapseApproval(incident_id=incident_id, plan_hash=plan_hash):
                self.repair.lapse(incident_id, plan_hash)
            case RollBackExpired(change_id=change_id):
                self.repair.roll_back_expired(change_id)
            case RemindOfChanges():
                self.reminders.remind()
            case AdvanceRecopy(incident_id=incident_id, poll=poll):
                self.advance(incident_id, poll)
            case unreachable:
                assert_never(unreachable)

    def advance(self, incident_id: str, poll: str | None) -> None:
        """Take the re-copy's next steps in an invocation with time enough."""
        self.recopy.advance(incident_id, poll, self.deadline)

    @property
    def deadline(self) -> datetime:
        """When an invocation that begins now has to end."""
        return self.clock.now() + INVOCATION

    def settle(self) -> None:
        """Let everything happen until nothing is sent any more; every job succeeds."""
        for _ in range(50):
            if not self.outbox.sent:
                return
            self.clock.advance(CONSISTENCY_WAIT)
            self.deliver()
            for job_id, job in self.jobs.jobs.items():
                if job.state.phase is JobPhase.RUNNING:
                    self.finish(job_id)
        raise AssertionError("the stack keeps sending messages to itself")

    def add_object(self, **changes: Any) -> ObjectVersion:
        """One more failed version at the source."""
        version = replace(next(iter(self.objects.versions.values())), **changes)
        self.objects.put(version)
        return version

    def finish(self, job_id: str, *, failing: frozenset[str] = frozenset()) -> None:
        """Let a job replicate what exists at the source, but for these keys."""
        held = self.jobs.jobs[job_id].objects
        for each in held:
            if each.key not in failing:
                self.replicate(each.key, each.version_id)
        self.jobs.complete(job_id, [self._row(each, failing) for each in held])

    def replicate(self, key: str, version_id: str) -> None:
        """What S3 does with a version whose every call is allowed."""
        source = self.objects.version("orders-ireland", HOME, key, version_id)
        if isinstance(source, ObjectVersion):
            self.objects.put(replace(source, replication_status="COMPLETED"))
            self.objects.put(
                replace(
                    source,
                    bucket="orders-frankfurt",
                    replication_status="REPLICA",
                    kms_key_arn=DESTINATION_KEY,
                )
            )

    def _row(self, held: ManifestRow, failing: frozenset[str]) -> TaskResult:
        exists = (held.bucket, held.key, held.version_id) in self.objects.versions
        succeeded = exists and held.key not in failing
        return TaskResult(
            bucket=held.bucket,
            key=held.key,
            version_id=held.version_id,
            succeeded=succeeded,
            error_code="" if succeeded else "DstPutObjectNotPermitted",
            message="",
        )

    # what came of it

    @property
    def incident(self) -> Incident:
        """The only incident there is."""
        (incident,) = self.incidents.incidents.values()
        return incident

    def statements_of(self, key_arn: str = DESTINATION_KEY) -> list[str]:
        """The Sids of the key's policy, with one word for all of ours."""
        policy = self.keys.policy_of(key_arn)
        assert isinstance(policy, PolicyDocument)
        sids = [str(each.get("Sid")) for each in policy.statements]
        return ["Ours" if sid.startswith(SID_PREFIX) else sid for sid in sids]
