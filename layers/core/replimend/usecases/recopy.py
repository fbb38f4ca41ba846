"""Recopy: one canary, a hundred, then the rest in one job; each version verified on both sides.

```
REPAIRED ── count ── canary gathered ─▶ CANARY ── report checked ── sample gathered ─▶ RECOPYING
      canary failed ─▶ OPEN (rolled back)     ── report checked ── rest gathered, until none waits
      tasks failed  ─▶ DIAGNOSED (next round)                                     ─▶ RESOLVED
```

Where S3 starts no job, and there is consent to copying, a wave's versions are copied instead.

`advance` looks at the ledger and takes steps, whichever message woke it: a delayed one of our own,
a job's change of status, or a duplicate of either. Each step ends in a conditional write of the
wave, so that whoever dies between two calls is taken up where it last wrote. A message is sent
before the state that it leads out of is written; that it comes twice is harmless.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Unpack, assert_never

from replimend.domain.incident import FailureGroup, Incident, Status
from replimend.domain.recopy.methods import Consent, Method, choose_without_job
from replimend.domain.recopy.objects import (
    BatchJob,
    JobPhase,
    JobState,
    LedgerCursor,
    OutcomeKind,
)
from replimend.domain.recopy.pacing import jittered
from replimend.domain.recopy.waves import (
    Stage,
    Wave,
    WaveKind,
    attempt_of,
    counts_of,
    next_kind,
)
from replimend.errors import PermanentError, ThrottledError
from replimend.ports import BatchJobs, Clock, Details, HeldObjects, Incidents, Outbox, Waves
from replimend.usecases.checking import (
    UNNAMED,
    Checking,
    regrouped,
    settled_outcome,
)
from replimend.usecases.copied_waves import CopiedWaves
from replimend.usecases.gathering import Gathering

COPIED_ON = timedelta(seconds=30)
"""How soon copies are gone on with that another invocation, or S3, held up."""

POLL, POLL_AT_LAST = timedelta(seconds=60), timedelta(minutes=5)
"""How often a job is looked at: its events usually come first."""

BUSY, BUSY_AT_LEAST = timedelta(minutes=5), timedelta(seconds=30)
"""How soon a job is tried again while S3 takes none: the sooner, the longer it has waited."""

PAUSED = timedelta(minutes=5)
THROTTLED_WAIT = timedelta(minutes=2)
OVERTAKEN = timedelta(seconds=5)
STRAGGLERS_WAIT = timedelta(minutes=15)
"""Failures that come while the rest is re-copied share a job, for each costs a quarter dollar."""

CHAIN_IS_DEAD_AFTER = timedelta(minutes=20)
"""Longer than any delay between two messages of a living chain."""

UNDER_WAY = frozenset({Status.REPAIRED, Status.CANARY, Status.RECOPYING})

type Next = Wave | timedelta | None
"""The wave to go on with at once; or how long to wait; or nothing more to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recopy:
    """Brings an incident's objects over after its cause was mended."""

    incidents: Incidents
    held: HeldObjects
    waves: Waves
    jobs: BatchJobs
    gathering: Gathering
    checking: Checking
    copied: CopiedWaves
    consent: Consent
    outbox: Outbox
    clock: Clock
    consistency_wait: timedelta

    def job_changed(self, job_id: str, deadline: datetime) -> None:
        """Advance the incident that the job works for; jobs that are not ours are not looked at."""
        job = self.held.job(job_id)
        incident = self.incidents.find(job.incident_id) if job else None
        if incident is not None and incident.job_id == job_id:
            self._go_on(incident, deadline)

    def advance(self, incident_id: str, poll: str | None, deadline: datetime) -> None:
        """Take the next steps of the incident's re-copy, if there are any to take.

        No step begins after the deadline; one that began before may take a minute longer.

        Only the newest chain of delayed messages is continued, so that duplicates die out. Without
        a poll, as from the sweep, a new chain begins if the present one has fallen silent.
        """
        incident = self.incidents.find(incident_id)
        if incident is None:
            return
        if poll is None:
            self._wake(incident, deadline)
        elif poll == incident.poll:
            again_after = self._go_on(incident, deadline)
            if again_after is not None:
                self.outbox.request_recopy(incident_id, poll, again_after)

    def _wake(self, incident: Incident, deadline: datetime) -> None:
        if incident.status not in UNDER_WAY:
            return
        wave = self._present(incident)
        alive = wave is not None and self.clock.now() - wave.looked_at < CHAIN_IS_DEAD_AFTER
        if alive:
            if self.incidents.frozen_by() is not None:
                self._go_on(incident, deadline)
            return
        poll = f"{incident.round}-woken-{incident.revision}"
        self.outbox.request_recopy(incident.incident_id, poll, timedelta())
        self.incidents.move(incident, incident.status, self.clock.now(), poll=poll)

    def _go_on(self, incident: Incident, deadline: datetime) -> timedelta | None:
        """Take steps while there is time; how long to wait before the next, if there is one."""
        if incident.status not in UNDER_WAY:
            self._hand_over(incident)
            return None
        try:
            return self._steps(incident, deadline)
        except ThrottledError:
            return jittered(THROTTLED_WAIT)
        except PermanentError as error:
            self._escalate(incident, str(error))
            return None

    def _steps(self, incident: Incident, deadline: datetime) -> timedelta | None:
        wave = self._present(incident)
        if (by := self.incidents.frozen_by()) is not None:
            return self._pause(wave, by)
        began = self.clock.now()
        ready = (incident.repaired_at or began) + self.consistency_wait
        if began < ready:
            return ready - began
        step: Next = wave or self._begin(incident, WaveKind.COUNT, after=None)
        while isinstance(step, Wave):
            if self.clock.now() > deadline:
                return timedelta()
            step = self._step(incident, step, deadline)
        return step

    def _present(self, incident: Incident) -> Wave | None:
        """The incident's newest wave, if it belongs to its newest repair."""
        wave = self.waves.newest(incident.incident_id)
        return wave if wave is not None and wave.attempt == attempt_of(incident) else None

    def _begin(self, incident: Incident, kind: WaveKind, after: Wave | None) -> Next:
        """Begin the next wave; whoever has begun it already is left to it."""
        now = self.clock.now()
        before = after or self.waves.newest(incident.incident_id)
        wave = Wave(
            incident_id=incident.incident_id,
            number=before.number + 1 if before else 1,
            kind=kind,
            attempt=attempt_of(incident),
            stage=Stage.GATHERING,
            began_at=now,
            looked_at=now,
        )
        return wave if self.waves.begin(wave) else OVERTAKEN

    def _step(self, incident: Incident, wave: Wave, deadline: datetime) -> Next:
        match wave.stage:
            case Stage.GATHERING:
                return self._gather(incident, wave)
            case Stage.READY:
                return self._start(incident, wave)
            case Stage.RUNNING:
                return self._follow(incident, wave, deadline)
            case Stage.COPYING:
                return self._copy(incident, wave, deadline)
            case Stage.DONE:
                return self._follow_up(incident, wave)
            case unreachable:
                assert_never(unreachable)

    def _save(self, wave: Wave) -> Next:
        """The wave as stored; if another invocation was faster, it goes on, and we look later."""
        return self.waves.save(replace(wave, looked_at=self.clock.now())) or OVERTAKEN

    def _wait(self, wave: Wave, delay: timedelta) -> Next:
        """Wait, and leave a sign of life."""
        self._save(wave)
        return delay

    # gathering

    def _gather(self, incident: Incident, wave: Wave) -> Next:
        groups = self.incidents.groups_of(incident.incident_id)
        match wave.kind:
            case WaveKind.COUNT:
                return self._save(self.gathering.count(wave, groups))
            case WaveKind.CANARY:
                return self._save(self._seek_canary(incident, wave, groups))
            case WaveKind.SAMPLE | WaveKind.REST:
                return self._save(self.gathering.gather(wave, groups, incident.group.bucket))
            case unreachable:
                assert_never(unreachable)

    def _seek_canary(self, incident: Incident, wave: Wave, groups: Sequence[FailureGroup]) -> Wave:
        """The first page's first version that is neither over there nor beyond help already.

        A key's oldest version comes first, so that the canary is never the newer of two.
        """
        rule = self.checking.verifier.rule_of(incident.group)
        page = next(iter(self.held.pages(groups, wave.cursor, wave.attempt)))
        beforehand = dict(wave.beforehand)
        for held in page.objects:
            verified = self.checking.verifier.verify(held, rule)
            outcome = settled_outcome(verified, wave, self.clock.now())
            if outcome is None:
                found = replace(wave, beforehand=beforehand)
                return self.gathering.hold(found, [held], incident.group.bucket)
            self.held.record_outcomes([(held, outcome)])
            beforehand[outcome.kind] = beforehand.get(outcome.kind, 0) + 1
        cursor = page.next or LedgerCursor()
        stage = wave.stage if page.next else Stage.DONE
        return replace(wave, beforehand=beforehand, cursor=cursor, stage=stage)

    # the job

    def _start(self, incident: Incident, wave: Wave) -> Next:
        """Start the wave's job and with it a new chain of messages."""
        if wave.manifest is None:
            raise PermanentError(f"wave {wave.number} is ready without a manifest")
        now = self.clock.now()
        try:
            job_id = self.jobs.start(incident.group.bucket, wave.manifest, wave.token)
        except ThrottledError:
            # S3 takes six active jobs of an account at most (aws-facts 6.3).
            waited = now - wave.began_at
            return self._wait(wave, max(BUSY - waited / 4, BUSY_AT_LEAST))
        except PermanentError as error:
            return self._start_without_job(wave, str(error))
        self.held.record_job(
            BatchJob(
                job_id=job_id,
                incident_id=incident.incident_id,
                round=incident.round,
                wave=wave.number,
                objects=wave.objects,
                started_at=now,
            )
        )
        return self._save(replace(wave, stage=Stage.RUNNING, job_id=job_id, started_at=now))

    def _start_without_job(self, wave: Wave, refusal: str) -> Next:
        """Copy what S3 starts no job for, or leave it to a person with the proposal to do so."""
        choice = choose_without_job(refusal, self.consent)
        if choice.method is not Method.COPY:
            raise PermanentError(choice.says)
        now = self.clock.now()
        return self._save(
            replace(
                wave,
                stage=Stage.COPYING,
                method=choice.says,
                cursor=LedgerCursor(),
                started_at=now,
            )
        )

    def _copy(self, incident: Incident, wave: Wave, deadline: datetime) -> Next:
        """Copy one more page, once the incident's record shows what is done."""
        if incident.wave != wave.number:
            return self._show_copying(incident, wave)
        groups = self.incidents.groups_of(incident.incident_id)
        rule = self.checking.verifier.rule_of(incident.group)
        seen, is_unfinished = self.copied.copy(wave, groups, rule, deadline)
        return self._wait(seen, COPIED_ON) if is_unfinished else self._save(seen)

    def _show_copying(self, incident: Incident, wave: Wave) -> Next:
        """Show in the incident's record what is done; a new chain of messages follows from here."""
        poll = f"{incident.round}-{wave.number}"
        status = Status.CANARY if wave.kind is WaveKind.CANARY else Status.RECOPYING
        self.outbox.request_recopy(incident.incident_id, poll, timedelta())
        self._move(
            incident,
            status,
            job_id=None,
            wave=wave.number,
            poll=poll,
            summary=f"{wave.objects} version(s) are copied; {wave.method}",
        )
        return None

    def _follow(self, incident: Incident, wave: Wave, deadline: datetime) -> Next:
        if incident.job_id != wave.job_id:
            return self._show_job(incident, wave)
        state = self.jobs.state_of(wave.job_id or "")
        match state.phase:
            case JobPhase.RUNNING:
                elapsed = self.clock.now() - (wave.started_at or wave.began_at)
                return self._wait(wave, min(max(POLL, elapsed / 10), POLL_AT_LAST))
            case JobPhase.COMPLETE | JobPhase.STOPPED:
                return self._check(incident, wave, state, deadline)
            case unreachable:
                assert_never(unreachable)

    def _show_job(self, incident: Incident, wave: Wave) -> Next:
        """Show the job in the incident's record; from here on a new chain of messages follows."""
        poll = f"{incident.round}-{wave.number}"
        rules = self.checking.verifier.rule_of(incident.group).rules
        # A job knows no single rule (aws-facts 6.3).
        others = f"; S3 tries all {rules} rules of the bucket" if rules > 1 else ""
        status = Status.CANARY if wave.kind is WaveKind.CANARY else Status.RECOPYING
        self.outbox.request_recopy(incident.incident_id, poll, POLL)
        self._move(
            incident,
            status,
            job_id=wave.job_id,
            wave=wave.number,
            poll=poll,
            summary=f"job {wave.job_id} re-copies {wave.objects} version(s){others}",
        )
        return None

    def _check(self, incident: Incident, wave: Wave, state: JobState, deadline: datetime) -> Next:
        """Go through the report; complete is not the same as replicated."""
        ended = replace(wave, ended_at=wave.ended_at or self.clock.now())
        rule = self.checking.verifier.rule_of(incident.group)
        checked = self.checking.check(ended, incident, rule, deadline)
        seen = checked.wave
        if not checked.is_over:
            return self._wait(seen, checked.wait) if checked.wait else self._save(seen)
        if seen.kind is WaveKind.CANARY and self._has_failed(seen, state):
            self._canary_failed(incident)
            return None
        if not seen.done and seen.paused_by is None:
            says = f"job {wave.job_id} is complete and reported nothing"
            self._escalate(incident, _because(wave, state) or says)
            return None
        if state.phase is JobPhase.STOPPED and not (seen.paused_by or seen.is_stopped_by_failures):
            self._escalate(incident, _because(wave, state))
            return None
        return self._save(replace(seen, stage=Stage.DONE))

    def _has_failed(self, canary: Wave, state: JobState) -> bool:
        stopped = state.phase is JobPhase.STOPPED and canary.paused_by is None
        return OutcomeKind.FAILED in canary.counts or (stopped and not canary.done)

    def _pause(self, wave: Wave | None, by: str) -> timedelta:
        """Let the job of a paused incident do no more; after `resume` its rest is taken up."""
        running = wave is not None and wave.stage is Stage.RUNNING and wave.job_id is not None
        if wave is not None and running and wave.paused_by is None and wave.ended_at is None:
            self.jobs.cancel(wave.job_id or "", f"paused by {by}")
            self._save(replace(wave, paused_by=by))
        elif wave is not None:
            self._save(wave)
        return PAUSED

    # what comes next

    def _follow_up(self, incident: Incident, wave: Wave) -> Next:
        """Widen after success only; stop where too much failed; end where nothing waits."""
        nothing_waits = wave.objects == 0
        if nothing_waits:
            self._conclude(incident)
            return None
        if wave.too_many_copies_failed:
            failed = wave.counts[OutcomeKind.FAILED]
            self._escalate(incident, f"{failed} of {wave.objects} copies failed; {wave.method}")
            return None
        if wave.kind is not WaveKind.COUNT and wave.is_stopped_by_failures:
            self._reopen(incident, [wave])
            return None
        if wave.kind is WaveKind.REST and wave.paused_by is None:
            ready = (wave.started_at or wave.began_at) + STRAGGLERS_WAIT
            remaining = ready - self.clock.now()
            if remaining > timedelta() and self._anything_waits(incident, wave):
                return self._wait(wave, remaining)
        return self._begin(incident, next_kind(wave), after=wave)

    def _anything_waits(self, incident: Incident, wave: Wave) -> bool:
        groups = self.incidents.groups_of(incident.incident_id)
        return next(iter(self.held.waiting(groups, wave.attempt)), None) is not None

    def _conclude(self, incident: Incident) -> None:
        """End the incident, or its round where tasks were refused."""
        waves = self._waves_of(incident)
        if any(wave.reasons for wave in waves):
            self._reopen(incident, waves)
            return
        counts = counts_of(waves)
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

    def _waves_of(self, incident: Incident) -> Sequence[Wave]:
        attempt = attempt_of(incident)
        waves = self.waves.of_incident(incident.incident_id)
        return [wave for wave in waves if wave.attempt == attempt]

    def _reopen(self, incident: Incident, waves: Sequence[Wave]) -> None:
        """Begin the next round with what was refused; the versions concerned wait for it."""
        reasons: dict[str, int] = {}
        for wave in waves:
            for reason, count in wave.reasons.items():
                reasons[reason] = reasons.get(reason, 0) + count
        says = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        moved = self._move(
            incident,
            Status.DIAGNOSED,
            round=incident.round + 1,
            job_id=None,
            summary=f"tasks failed ({says}): the cause is looked for again",
        )
        if moved is not None:
            self._hand_over(moved)

    def _canary_failed(self, incident: Incident) -> None:
        """Take the change back and begin the next round with what the canary showed."""
        moved = self._move(
            incident,
            Status.OPEN,
            job_id=None,
            summary="the canary failed: the change is rolled back and the cause looked for again",
        )
        if moved is not None:
            self._hand_over(moved)

    def _hand_over(self, incident: Incident) -> None:
        """Send what leads out of the state in which a re-copy left the incident.

        The chain's last message is known until then, so that its second delivery sends it again.
        """
        match incident.status:
            case Status.OPEN:
                self.outbox.request_roll_back(incident.incident_id, incident.round)
            case Status.DIAGNOSED:
                known = self.incidents.groups_of(incident.incident_id)
                for group in dict.fromkeys([*known, *self._refused_groups(incident)]):
                    self.outbox.request_triage(group)
            case _:
                pass

    def _refused_groups(self, incident: Incident) -> Sequence[FailureGroup]:
        """The groups in which the newest attempt's refused tasks were recorded as failures."""
        waves = self.waves.of_incident(incident.incident_id)
        reasons = (
            reason for wave in waves if wave.attempt == waves[-1].attempt for reason in wave.reasons
        )
        return [regrouped(incident.group, each) for each in reasons if each != UNNAMED]

    def _escalate(self, incident: Incident, because: str) -> None:
        self._move(incident, Status.ESCALATED, poll=None, summary=because)

    def _move(self, incident: Incident, to: Status, **details: Unpack[Details]) -> Incident | None:
        """Move the incident and announce it; None if it is no longer as it was known."""
        moved = self.incidents.move(incident, to, self.clock.now(), **details)
        if moved is not None:
            self.outbox.announce(moved)
        return moved


def _because(wave: Wave, state: JobState) -> str:
    """Why the wave's job stopped, or nothing if it is complete."""
    if state.phase is not JobPhase.STOPPED:
        return ""
    return f"job {wave.job_id} {state.status}: {state.because}"
