"""Recopy: one canary, then the rest in one job, each version verified on both sides.

`advance` looks at the ledger and takes the next step, whichever message woke it: a delayed one of
our own, a job's change of status, or a duplicate of either. Only the newest chain of delayed
messages is continued, so that duplicates die out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Unpack, assert_never

from replimend.domain.incident import Incident, Status
from replimend.domain.recopy import (
    BatchJob,
    HeldObject,
    JobPhase,
    Outcome,
    OutcomeKind,
    TaskResult,
    Verification,
    Verified,
    job_token,
    manifest_of,
)
from replimend.errors import PermanentError, ThrottledError
from replimend.ports import BatchJobs, Clock, Details, HeldObjects, Incidents, Outbox
from replimend.usecases.verification import Verifier

POLL = timedelta(seconds=60)
BUSY = timedelta(minutes=5)
SETTLE = timedelta(hours=1)
"""How long a version may stay unreplicated after its task succeeded (aws-facts 6.5)."""

AT_ONCE = 1_000
"""Versions verified in one invocation; the next one goes on where this one stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recopy:
    """Brings an incident's objects over after its cause was mended."""

    incidents: Incidents
    held: HeldObjects
    jobs: BatchJobs
    verifier: Verifier
    outbox: Outbox
    clock: Clock
    consistency_wait: timedelta

    def job_changed(self, job_id: str) -> None:
        """Advance the incident that the job works for; jobs that are not ours are not looked at."""
        job = self.held.job(job_id)
        if job is not None:
            self.advance(job.incident_id, poll=None)

    def advance(self, incident_id: str, poll: str | None) -> None:
        """Take the next step of the incident's re-copy, if there is one to take.

        Without a poll, as for a job's event, no chain of messages begins beside the present one.
        """
        incident = self.incidents.find(incident_id)
        if incident is None or (poll is not None and poll != incident.poll):
            return
        try:
            again_after = self._step(incident)
        except PermanentError as error:
            self._escalate(incident, str(error))
            return
        if again_after is not None and poll is not None:
            self.outbox.request_recopy(incident_id, poll, again_after)

    def _step(self, incident: Incident) -> timedelta | None:
        """Take one step; how long to wait before the same state is looked at again."""
        match incident.status:
            case Status.REPAIRED:
                return self._begin(incident)
            case Status.CANARY | Status.RECOPYING:
                return self._look_at_job(incident)
            case _:
                return None

    def _begin(self, incident: Incident) -> timedelta | None:
        """Wait until the change has taken effect, then send the canary."""
        now = self.clock.now()
        ready = (incident.repaired_at or now) + self.consistency_wait
        return ready - now if now < ready else self._send_canary(incident)

    def _send_canary(self, incident: Incident) -> timedelta | None:
        """Try the repair on one version that still waits."""
        canary = next(self._still_waiting(incident), None)
        if canary is None:
            self._resolve(incident)
            return None
        return self._start(incident, [canary], Status.CANARY)

    def _send_rest(self, incident: Incident) -> timedelta | None:
        """Re-copy everything that still waits in one job."""
        rest = list(self._waiting(incident))
        if not rest:
            self._resolve(incident)
            return None
        return self._start(incident, rest, Status.RECOPYING)

    def _start(
        self, incident: Incident, objects: Sequence[HeldObject], status: Status
    ) -> timedelta | None:
        """Start a job and with it a new chain of messages."""
        now = self.clock.now()
        wave = incident.wave + 1
        # A round may be repaired again after a person freed it, and then needs a job of its own.
        attempt = f"{incident.incident_id} {incident.round} {incident.repaired_at}"
        token = job_token(attempt, wave, manifest_of(objects))
        try:
            job_id = self.jobs.start(incident.group.bucket, objects, token)
        except ThrottledError:
            # S3 takes six active jobs of an account at most (aws-facts 6.3).
            return BUSY
        self.held.record_job(
            BatchJob(
                job_id=job_id,
                incident_id=incident.incident_id,
                round=incident.round,
                wave=wave,
                objects=len(objects),
                started_at=now,
            )
        )
        poll = f"{incident.round}-{wave}"
        moved = self._move(
            incident,
            status,
            job_id=job_id,
            wave=wave,
            poll=poll,
            summary=f"job {job_id} re-copies {len(objects)} version(s)",
        )
        if moved is not None:
            self.outbox.request_recopy(incident.incident_id, poll, POLL)
        return None

    def _still_waiting(self, incident: Incident) -> Iterator[HeldObject]:
        """The waiting versions, less those that turn out to be gone or over there already."""
        rule = self.verifier.rule_of(incident.group)
        for held in self._waiting(incident):
            verified = self.verifier.verify(held, rule)
            if (outcome := _settled(verified, self.clock.now())) is not None:
                self.held.record_outcomes([(held, outcome)])
            else:
                yield held

    def _waiting(self, incident: Incident) -> Iterator[HeldObject]:
        return self.held.waiting(self.incidents.groups_of(incident.incident_id))

    def _look_at_job(self, incident: Incident) -> timedelta | None:
        job = self.held.job(incident.job_id or "")
        if job is None:
            self._escalate(incident, f"the ledger does not know job {incident.job_id}")
            return None
        state = self.jobs.state_of(job.job_id)
        match state.phase:
            case JobPhase.RUNNING:
                return POLL
            case JobPhase.STOPPED:
                self._job_stopped(incident, f"job {job.job_id} {state.status}: {state.because}")
                return None
            case JobPhase.COMPLETE:
                return self._verify(incident, job)
            case unreachable:
                assert_never(unreachable)

    def _verify(self, incident: Incident, job: BatchJob) -> timedelta | None:
        """Give every version of the job its outcome; complete is not the same as replicated."""
        results = {(row.key, row.version_id): row for row in self.jobs.report_of(job.job_id)}
        if not results:
            self._escalate(incident, f"job {job.job_id} is complete and reported nothing")
            return None
        outcomes, unsettled = self._outcomes(incident, job, results)
        kinds = {outcome.kind for _, outcome in outcomes}
        is_canary = incident.status is Status.CANARY
        if is_canary and OutcomeKind.FAILED in kinds:
            # No outcome is kept: the version waits for the next round.
            self._canary_failed(incident)
            return None
        self.held.record_outcomes(outcomes)
        if unsettled or len(outcomes) == AT_ONCE:
            return POLL
        if is_canary and OutcomeKind.REPLICATED not in kinds:
            # A canary that was deleted meanwhile proves nothing.
            return self._send_canary(incident)
        return self._send_rest(incident)

    def _outcomes(
        self,
        incident: Incident,
        job: BatchJob,
        results: Mapping[tuple[str, str], TaskResult],
    ) -> tuple[list[tuple[HeldObject, Outcome]], int]:
        """The outcomes that are clear by now, and how many versions are not settled yet."""
        now = self.clock.now()
        late = now > job.started_at + SETTLE
        rule = self.verifier.rule_of(incident.group)
        outcomes, unsettled = [], 0
        todo = (held for held in self._waiting(incident) if (held.key, held.version_id) in results)
        for held in islice(todo, AT_ONCE):
            verified = self.verifier.verify(held, rule)
            result = results[held.key, held.version_id]
            outcome = _settled(verified, now) or _unsettled(verified, result, now, late=late)
            if outcome is None:
                unsettled += 1
            else:
                outcomes.append((held, outcome))
        return outcomes, unsettled

    def _canary_failed(self, incident: Incident) -> None:
        """Take the change back and begin the next round with what the canary showed."""
        moved = self._move(
            incident,
            Status.OPEN,
            job_id=None,
            poll=None,
            summary="the canary failed: the change is rolled back and the cause looked for again",
        )
        if moved is not None:
            self.outbox.request_roll_back(moved.incident_id, moved.round)

    def _job_stopped(self, incident: Incident, because: str) -> None:
        if incident.status is Status.CANARY:
            self._canary_failed(incident)
        else:
            self._escalate(incident, because)

    def _resolve(self, incident: Incident) -> None:
        """End the incident; failures among the outcomes are left to a person."""
        counts = self._counts(incident)
        says = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing waited"
        if OutcomeKind.FAILED in counts:
            self._escalate(incident, says)
            return
        self._move(
            incident,
            Status.RESOLVED,
            resolved_at=self.clock.now(),
            job_id=None,
            poll=None,
            summary=says,
        )

    def _escalate(self, incident: Incident, because: str) -> None:
        self._move(incident, Status.ESCALATED, poll=None, summary=because)

    def _move(self, incident: Incident, to: Status, **details: Unpack[Details]) -> Incident | None:
        """Move the incident and announce it; None if it is no longer as it was known."""
        moved = self.incidents.move(incident, to, self.clock.now(), **details)
        if moved is not None:
            self.outbox.announce(moved)
        return moved

    def _counts(self, incident: Incident) -> Mapping[OutcomeKind, int]:
        counts: dict[OutcomeKind, int] = {}
        groups = self.incidents.groups_of(incident.incident_id)
        for _, outcome in self.held.outcomes(groups):
            if outcome is not None:
                counts[outcome.kind] = counts.get(outcome.kind, 0) + 1
        return counts


def _settled(verified: Verified, now: datetime) -> Outcome | None:
    """The outcome that looking at both sides settles by itself."""
    match verified.verification:
        case Verification.REPLICATED:
            return Outcome(kind=OutcomeKind.REPLICATED, at=now, says=verified.says)
        case Verification.GONE:
            return Outcome(kind=OutcomeKind.GONE, at=now, says=verified.says)
        case Verification.PENDING | Verification.DIFFERS | Verification.FAILED:
            return None
        case unreachable:
            assert_never(unreachable)


def _unsettled(
    verified: Verified, result: TaskResult, now: datetime, *, late: bool
) -> Outcome | None:
    """The outcome after its task: a failed task decides, a successful one is waited for."""
    if not result.succeeded:
        return Outcome(kind=OutcomeKind.FAILED, at=now, says=result.error_code or result.message)
    if verified.verification is Verification.FAILED or late:
        return Outcome(kind=OutcomeKind.FAILED, at=now, says=verified.says)
    return None
