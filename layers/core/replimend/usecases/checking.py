"""Go through a job's report: every version gets an outcome from both sides, not from S3's word."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import assert_never

from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import FailureGroup, Incident
from replimend.domain.recopy.comparison import Verification, Verified
from replimend.domain.recopy.copying import CopyKind, CopyResult
from replimend.domain.recopy.methods import Choice, Consent, Method
from replimend.domain.recopy.objects import (
    HeldObject,
    Outcome,
    OutcomeKind,
    ReportPosition,
    TaskResult,
)
from replimend.domain.recopy.pacing import jittered
from replimend.domain.recopy.waves import Wave, WaveKind
from replimend.domain.signals import ReplicationFailed
from replimend.errors import ThrottledError
from replimend.ports import BatchJobs, Clock, HeldObjects, Pace, Signals
from replimend.usecases.copy_methods import CopyMethods
from replimend.usecases.verification import CALLS_A_VERSION, RuleInForce, Verifier

SETTLE = timedelta(hours=1)
"""How long a version may stay unreplicated after its job ended (aws-facts 6.5)."""

LOOK_AGAIN, LOOK_AGAIN_AT_LAST = timedelta(minutes=1), timedelta(minutes=15)
"""Between two passes; each is twice as long as the one before."""

AT_ONCE = 500
"""Rows in one step: what a crash makes us look at again."""

THROTTLED_WAIT = timedelta(seconds=60)

UNNAMED = "unnamed"
"""Stands for the code of a failed task that S3 gave none."""

SETTLED = {
    Verification.REPLICATED: OutcomeKind.REPLICATED,
    Verification.COPIED: OutcomeKind.COPIED,
    Verification.GONE: OutcomeKind.GONE,
    Verification.NOT_ELIGIBLE: OutcomeKind.NOT_ELIGIBLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The wave after a step, and how long to wait before the next; over once every row is."""

    wave: Wave
    wait: timedelta = timedelta()
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of the report between its places there, with the version that it speaks of."""

    begins: ReportPosition
    ends: ReportPosition
    result: TaskResult
    held: HeldObject


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rescue:
    """By which method a refused version was tried next, and how that ended; None: not tried."""

    choice: Choice
    result: CopyResult | None = None

    @property
    def says(self) -> str:
        return f"{self.choice.says}: {self.result.says}" if self.result else self.choice.says


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """Takes one step through a report; the same step again records the same."""

    held: HeldObjects
    signals: Signals
    jobs: BatchJobs
    verifier: Verifier
    pace: Pace
    clock: Clock
    consent: Consent
    methods: CopyMethods

    def check(
        self, wave: Wave, incident: Incident, rule: RuleInForce, deadline: datetime
    ) -> Checked:
        """The wave after some more rows; what they showed is in the ledger.

        What the job was refused is brought over by another method where there is consent to it;
        what the deadline leaves undone is taken up by the next pass.
        """
        granted, wait = self.pace.take(AT_ONCE * CALLS_A_VERSION, self.clock.now())
        most = granted // CALLS_A_VERSION
        if not most:
            return Checked(wave=wave, wait=wait)
        rows = list(islice(self._rows(wave, incident.group), most))
        try:
            seen = self._see(wave, incident, rule, rows, deadline)
        except ThrottledError:
            self.pace.throttled(self.clock.now())
            return Checked(wave=wave, wait=jittered(THROTTLED_WAIT))
        if len(rows) == most:
            return Checked(wave=seen)
        if not seen.look.unsettled:
            return Checked(wave=seen, is_over=True)
        wait = min(LOOK_AGAIN * 2**seen.look.number, LOOK_AGAIN_AT_LAST)
        return Checked(wave=replace(seen, look=seen.look.once_more()), wait=wait)

    def _rows(self, wave: Wave, group: FailureGroup) -> Iterator[_Row]:
        """The rows of this pass that are still to be seen."""
        at = wave.look.at
        asked_at = wave.started_at or wave.began_at
        for result, ends in self.jobs.report_of(wave.job_id or "", at):
            if wave.look.until is not None and ends > wave.look.until:
                return
            held = HeldObject(
                bucket=result.bucket,
                destination_bucket=group.destination_bucket,
                key=result.key,
                version_id=result.version_id,
                size=None,
                requested_at=asked_at,
                failed_at=wave.ended_at or asked_at,
            )
            yield _Row(begins=at, ends=ends, result=result, held=held)
            at = ends

    def _see(
        self,
        wave: Wave,
        incident: Incident,
        rule: RuleInForce,
        rows: Sequence[_Row],
        deadline: datetime,
    ) -> Wave:
        todo = self._unseen(wave, rows)
        verified = dict(
            zip(
                (row.held for row in todo),
                self.verifier.verify_all([row.held for row in todo], rule),
                strict=True,
            )
        )
        rescues = self._rescues(
            wave,
            [row for row in todo if self._is_refused(wave, row, verified[row.held])],
            rule,
            self.consent.in_incident(incident.approved_by),
            deadline,
        )
        look = wave.look
        outcomes: dict[HeldObject, Outcome] = {}
        refused: list[_Row] = []
        for row in rows:
            found = verified.get(row.held)
            outcome = self._outcome(wave, row, found, rescues.get(row.held)) if found else None
            look = look.after(row.begins, row.ends, settled=found is None or outcome is not None)
            if outcome is not None:
                outcomes[row.held] = outcome
                if outcome.kind is OutcomeKind.FAILED and not row.result.succeeded:
                    refused.append(row)
        self._record(wave, incident.group, outcomes, refused)
        done = (size for held in outcomes if (size := verified[held].size) is not None)
        kinds = Counter(outcome.kind for outcome in outcomes.values())
        reasons = Counter(row.result.error_code or UNNAMED for row in refused)
        return replace(
            wave,
            look=look,
            counts=dict(Counter(wave.counts) + kinds),
            done_size=wave.done_size + sum(done),
            reasons=dict(Counter(wave.reasons) + reasons),
        )

    def _unseen(self, wave: Wave, rows: Sequence[_Row]) -> Sequence[_Row]:
        """The rows that no earlier pass has settled."""
        if wave.look.number == 0:
            return rows
        known = self.held.outcomes_of([row.held for row in rows])
        return [
            row
            for row, outcome in zip(rows, known, strict=True)
            if outcome is None
            or outcome.attempt != wave.attempt
            or outcome.look == wave.seen_as
            or outcome.look.partition(".")[0] != str(wave.number)
        ]

    def _is_refused(self, wave: Wave, row: _Row, verified: Verified) -> bool:
        settled = settled_outcome(verified, wave, self.clock.now())
        return settled is None and not row.result.succeeded and row.result.error_code != ""

    def _rescues(
        self,
        wave: Wave,
        refused: Sequence[_Row],
        rule: RuleInForce,
        consent: Consent,
        deadline: datetime,
    ) -> dict[HeldObject, _Rescue]:
        """What was tried of each refused version; a canary that a copy saved would prove nothing.

        One that was deleted for good over there is no canary's failure: its code says nothing
        against the repair.
        """
        choices = {
            row.held: self.verifier.choose(row.held, row.result.error_code, consent)
            for row in refused
        }
        rescues = {held: _Rescue(choice=choice) for held, choice in choices.items()}
        to_copy = [held for held, choice in choices.items() if choice.method is Method.COPY]
        if wave.kind is not WaveKind.CANARY:
            for held, result in self.methods.copy(to_copy, rule, deadline):
                rescues[held] = _Rescue(choice=choices[held], result=result)
        for held, choice in choices.items():
            if choice.method is Method.IN_PLACE:
                result = self.methods.rewrite(held, rule, deadline)
                rescues[held] = _Rescue(choice=choice, result=result)
        return rescues

    def _outcome(
        self, wave: Wave, row: _Row, verified: Verified, rescue: _Rescue | None
    ) -> Outcome | None:
        """What both sides settle; else a failed task decides, a successful one is waited for."""
        now = self.clock.now()
        settled = settled_outcome(verified, wave, now)
        if settled is not None:
            return settled
        is_late = now > (wave.ended_at or now) + SETTLE
        if rescue is not None and rescue.result is not None:
            is_waiting = rescue.result.kind is CopyKind.UNFINISHED
            # A large copy may take longer; what S3 is to replicate must not.
            if is_waiting and not (is_late and rescue.choice.method is Method.IN_PLACE):
                return None
            says = f"{row.result.error_code}; {rescue.says}"
            return _seen(copy_outcome(rescue.result), says, wave, now)
        if not row.result.succeeded:
            code = row.result.error_code
            says = f"{code}; {rescue.says}" if rescue else row.result.message
            return _seen(OutcomeKind.FAILED, says, wave, now)
        if verified.verification is Verification.FAILED or is_late:
            return _seen(OutcomeKind.FAILED, verified.says, wave, now)
        return None

    def _record(
        self,
        wave: Wave,
        group: FailureGroup,
        outcomes: dict[HeldObject, Outcome],
        refused: Sequence[_Row],
    ) -> None:
        """Keep the outcomes, and what was refused as signals of a next round; not of a canary.

        A failed canary gets no outcome: it waits, like all the others, for the next round.
        """
        is_canary = wave.kind is WaveKind.CANARY
        self.held.record_outcomes(
            (held, outcome)
            for held, outcome in outcomes.items()
            if not (is_canary and outcome.kind is OutcomeKind.FAILED)
        )
        if refused and not is_canary:
            self.signals.record_failures(
                [
                    (regrouped(group, row.result.error_code), _failure(row, group))
                    for row in refused
                    if row.result.error_code
                ]
            )


def settled_outcome(verified: Verified, wave: Wave, now: datetime) -> Outcome | None:
    """The outcome that looking at both sides settles by itself."""
    match verified.verification:
        case (
            Verification.REPLICATED
            | Verification.COPIED
            | Verification.GONE
            | Verification.NOT_ELIGIBLE as seen
        ):
            return _seen(SETTLED[seen], verified.says, wave, now)
        case Verification.PENDING | Verification.DIFFERS | Verification.FAILED:
            return None
        case unreachable:
            assert_never(unreachable)


def copy_outcome(result: CopyResult) -> OutcomeKind:
    """The ledger's word for how a copy ended; what is never finished has failed."""
    match result.kind:
        case CopyKind.UNFINISHED:
            return OutcomeKind.FAILED
        case ended:
            return OutcomeKind(ended.value)


def regrouped(group: FailureGroup, code: str) -> FailureGroup:
    """The group of the same pair whose failures have this reason."""
    return replace(group, reason=FailureReason.parse(code).code)


def _seen(kind: OutcomeKind, says: str, wave: Wave, now: datetime) -> Outcome:
    return Outcome(kind=kind, at=now, says=says, attempt=wave.attempt, look=wave.seen_as)


def _failure(row: _Row, group: FailureGroup) -> ReplicationFailed:
    """The refused task as the failure that it is; the same however often it is recorded."""
    return ReplicationFailed(
        bucket=row.held.bucket,
        key=row.held.key,
        version_id=row.held.version_id,
        size=None,
        etag=None,
        rule_id=group.rule_id,
        destination_bucket=group.destination_bucket,
        reason=FailureReason.parse(row.result.error_code),
        operation="S3ReplicateObject",
        request_time=row.held.requested_at,
        event_time=row.held.failed_at,
        region="",
        sequencer=None,
        replayed=False,
    )
