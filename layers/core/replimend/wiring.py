"""The one place where the use cases are given AWS, and what each function may therefore call."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aws_lambda_powertools import Logger

from replimend.clients import Clients
from replimend.domain.recopy.copying import Measures
from replimend.domain.repair.approvals import ApprovalTerms
from replimend.gateways import (
    analyst,
    batch_jobs,
    buckets,
    change_notes,
    changes,
    copies,
    held_objects,
    history,
    incidents,
    keys,
    manifests,
    objects,
    outbox,
    pace,
    paced,
    roles,
    signals,
    table,
    tags,
    tally,
    turns,
    uploads,
    waves,
)
from replimend.settings import Settings
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
from replimend.usecases.subjects import Subjects, subjects_of
from replimend.usecases.sweep import Sweep
from replimend.usecases.triage import Triage
from replimend.usecases.verification import Verifier

ASSUME_MEMBER = frozenset({"sts:AssumeRole"})
LEDGER = table.READS | table.WRITES
VERIFIED_AT_ONCE = 16
"""Versions looked at side by side: a HEAD takes tens of milliseconds, and waits on nothing here."""

COPYING = copies.READS | copies.WRITES
"""What RecopyFunction calls besides, where `copy` or `in_place` is among the methods."""

SET_UP = keys.READS | roles.READS | tags.READS | buckets.READS | objects.READS

ACTIONS = {
    "TriageFunction": LEDGER | SET_UP | history.READS | outbox.WRITES | outbox.ASKS | ASSUME_MEMBER,
    "RepairFunction": LEDGER
    | SET_UP
    | history.READS
    | analyst.CHECKS
    | keys.WRITES
    | keys.GRANT_WRITES
    | keys.STATE_WRITES
    | roles.WRITES
    | buckets.WRITES
    | buckets.CONFIGURATION_WRITES
    | outbox.WRITES
    | ASSUME_MEMBER,
    "RecopyFunction": LEDGER
    | objects.READS
    | frozenset({"s3:GetReplicationConfiguration"})
    | batch_jobs.READS
    | batch_jobs.WRITES
    | manifests.READS
    | manifests.WRITES
    | outbox.WRITES
    | ASSUME_MEMBER,
    "SweepFunction": frozenset({"dynamodb:Query"}) | outbox.WRITES - {"events:PutEvents"},
}
"""Every IAM action each function calls; a test holds the template's statements against it."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """The gateways of one function, all from the same settings."""

    settings: Settings
    logger: Logger

    @classmethod
    def from_env(cls, logger: Logger) -> "Parts":
        """The gateways for this environment; MissingSettingError names what is not set."""
        return cls(Settings.from_env(), logger)

    def intake(self) -> Intake:
        """What hears the signal queue."""
        ledgers = self._ledgers()
        return Intake(
            triage=self._triage(ledgers),
            signals=ledgers.signals,
            incidents=ledgers.incidents,
            held=ledgers.held,
            outbox=ledgers.outbox,
            tally=tally.MetricTally(self.logger),
            clock=SystemClock(),
        )

    def inquiry(self) -> Inquiry:
        """What answers a person."""
        ledgers = self._ledgers()
        return Inquiry(
            home_account=self.settings.home_account,
            triage=self._triage(ledgers),
            buckets=self._buckets(ledgers.clients),
            objects=objects.S3Objects(ledgers.clients),
            signals=ledgers.signals,
            clock=SystemClock(),
        )

    def repair(self) -> Repair:
        """What changes access."""
        ledgers = self._ledgers()
        return Repair(
            investigation=self._investigation(ledgers),
            incidents=ledgers.incidents,
            changes=ledgers.changes,
            editor=Editor(
                subjects=self._subjects(ledgers.clients),
                changes=ledgers.changes,
                clock=SystemClock(),
            ),
            tags=tags.AwsTags(ledgers.clients),
            notes=ledgers.notes,
            analyst=analyst.AccessAnalyzer(ledgers.clients),
            outbox=ledgers.outbox,
            limits=self.settings.limits,
            clock=SystemClock(),
            consistency_wait=self.settings.consistency_wait,
            approval_valid=self.settings.approval_valid,
        )

    def reminders(self) -> Reminders:
        """What reminds people of changes that their own code lacks."""
        ledgers = self._ledgers()
        return Reminders(
            notes=ledgers.notes,
            subjects=self._subjects(ledgers.clients),
            roles=roles.IamRoles(ledgers.clients),
            outbox=ledgers.outbox,
            clock=SystemClock(),
        )

    def recopy(self) -> Recopy:
        """What brings an incident's objects over."""
        ledgers = self._ledgers()
        methods = self._methods(ledgers)
        return Recopy(
            incidents=ledgers.incidents,
            held=ledgers.held,
            waves=ledgers.waves,
            jobs=self._jobs(ledgers.clients),
            gathering=Gathering(held=ledgers.held, manifests=self._manifests(ledgers.clients)),
            checking=Checking(
                held=ledgers.held,
                signals=ledgers.signals,
                jobs=self._jobs(ledgers.clients),
                verifier=self._verifier(ledgers.clients),
                pace=ledgers.pace,
                clock=SystemClock(),
                consent=self.settings.consent,
                methods=methods,
            ),
            copied=CopiedWaves(held=ledgers.held, methods=methods, clock=SystemClock()),
            consent=self.settings.consent,
            outbox=ledgers.outbox,
            clock=SystemClock(),
            consistency_wait=self.settings.consistency_wait,
        )

    def single_recopy(self) -> SingleRecopy:
        """What brings one object over."""
        clients = Clients(self.settings)
        return SingleRecopy(
            buckets=self._buckets(clients),
            manifests=self._manifests(clients),
            jobs=self._jobs(clients),
            verifier=self._verifier(clients),
            limits=self.settings.limits,
            clock=SystemClock(),
        )

    def sweep(self) -> Sweep:
        """What wakes the stuck."""
        ledgers = self._ledgers()
        return Sweep(
            incidents=ledgers.incidents,
            notes=ledgers.notes,
            approval_valid=self.settings.approval_valid,
            outbox=ledgers.outbox,
            tally=tally.MetricTally(self.logger),
            limits=self.settings.limits,
            clock=SystemClock(),
        )

    def _triage(self, ledgers: "Ledgers") -> Triage:
        return Triage(
            investigation=self._investigation(ledgers),
            signals=ledgers.signals,
            incidents=ledgers.incidents,
            changes=ledgers.changes,
            tags=tags.AwsTags(ledgers.clients),
            outbox=ledgers.outbox,
            limits=self.settings.limits,
            clock=SystemClock(),
            terms=ApprovalTerms(
                valid=self.settings.approval_valid,
                stack=self.settings.stack,
                region=self.settings.region,
            ),
        )

    def _investigation(self, ledgers: "Ledgers") -> Investigation:
        return Investigation(
            home_account=self.settings.home_account,
            buckets=self._buckets(ledgers.clients),
            objects=objects.S3Objects(ledgers.clients),
            keys=keys.KmsKeys(ledgers.clients),
            roles=roles.IamRoles(ledgers.clients),
            signals=ledgers.signals,
            history=history.TrailHistory(
                ledgers.clients, self.settings.repairer_role, SystemClock()
            ),
            clock=SystemClock(),
            allowed_changes=self.settings.limits.allowed_changes,
        )

    def _subjects(self, clients: Clients) -> Subjects:
        return subjects_of(
            keys=keys.KmsKeys(clients),
            roles=roles.IamRoles(clients),
            buckets=self._buckets(clients),
        )

    def _verifier(self, clients: Clients) -> Verifier:
        return Verifier(
            home_account=self.settings.home_account,
            buckets=self._buckets(clients),
            objects=objects.S3Objects(clients),
            at_once=VERIFIED_AT_ONCE,
        )

    def _methods(self, ledgers: "Ledgers") -> CopyMethods:
        measures = Measures()
        shared = turns.SharedTurns(ledgers.pace, SystemClock())
        clients = paced.CopyingClients(connections=3 * measures.width)
        return CopyMethods(
            engine=CopyEngine(
                copies=copies.S3Copies(paced.PacedS3(clients.client_in, shared)),
                uploads=ledgers.uploads,
                clock=SystemClock(),
                measures=measures,
            ),
            verifier=self._verifier(ledgers.clients),
            limits=self.settings.limits,
            region=self.settings.region,
        )

    def _manifests(self, clients: Clients) -> manifests.S3Manifests:
        return manifests.S3Manifests(
            clients=clients,
            account=self.settings.home_account,
            work_bucket=self.settings.work_bucket,
        )

    def _jobs(self, clients: Clients) -> batch_jobs.S3BatchJobs:
        return batch_jobs.S3BatchJobs(
            clients=clients,
            account=self.settings.home_account,
            work_bucket=self.settings.work_bucket,
            role_arn=self.settings.batch_role,
        )

    def _buckets(self, clients: Clients) -> buckets.S3Buckets:
        return buckets.S3Buckets(clients, self.settings.home_account)

    def _ledgers(self) -> "Ledgers":
        clients = Clients(self.settings)
        store = table.Table(client=clients.own("dynamodb"), name=self.settings.table)
        incident_ledger = incidents.IncidentLedger(store)
        change_ledger = changes.ChangeLedger(store)
        return Ledgers(
            clients=clients,
            incidents=incident_ledger,
            signals=signals.SignalLedger(store, incident_ledger),
            held=held_objects.HeldObjectLedger(store),
            waves=waves.WaveLedger(store),
            uploads=uploads.UploadLedger(store),
            pace=pace.SharedPace(table=store, ceiling=self.settings.requests_per_second),
            changes=change_ledger,
            notes=change_notes.ChangeNotebook(store, change_ledger),
            outbox=outbox.AwsOutbox(
                clients=clients,
                bus=self.settings.bus,
                signal_queue=self.settings.signal_queue,
                signal_dead_letter_queue=self.settings.signal_dead_letter_queue,
                repair_queue=self.settings.repair_queue,
                recopy_queue=self.settings.recopy_queue,
                topic=self.settings.topic,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgers:
    """The table's parts and the way out, over the same clients."""

    clients: Clients
    incidents: incidents.IncidentLedger
    signals: signals.SignalLedger
    held: held_objects.HeldObjectLedger
    waves: waves.WaveLedger
    uploads: uploads.UploadLedger
    pace: pace.SharedPace
    changes: changes.ChangeLedger
    notes: change_notes.ChangeNotebook
    outbox: outbox.AwsOutbox
