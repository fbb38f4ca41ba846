"""Triage: from a group of failures to one incident with a cause, a plan and a verdict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from replimend.domain.answers import diagnosis_answer, plan_answer, verdict_answer
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import (
    MOST_ROUNDS,
    FailureGroup,
    Incident,
    Sample,
    Status,
    incident_id_for,
)
from replimend.domain.repair.approvals import ApprovalTerms, approval_request
from replimend.domain.repair.guardrails import review
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.repair.verdicts import Approved, Limits, ObjectionKind, Refused, Verdict
from replimend.ports import Changes, Clock, Incidents, Outbox, ResourceTags, Signals
from replimend.usecases.breaker import Breaker
from replimend.usecases.circumstances import circumstances_of
from replimend.usecases.investigation import Finding, Investigation

DIAGNOSIS_LEASE = timedelta(minutes=2)
"""Longer than the function's timeout, so that a group is never diagnosed twice at once."""

SOON = timedelta(seconds=1)
"""What a second look waits at least, should its time be over already."""

SAME_TROUBLE = timedelta(days=7)
"""A cause that returns within this time counts as one more round, not as a new beginning."""

ASKED_BY_HAND = "ManualRequest"
"""Stands for the failure reason where a person, not S3, reported the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """Diagnoses a group by one sample, reviews the plan, records both, and hands the plan on."""

    investigation: Investigation
    signals: Signals
    incidents: Incidents
    changes: Changes
    tags: ResourceTags
    outbox: Outbox
    limits: Limits
    clock: Clock
    terms: ApprovalTerms

    def triage(
        self, group: FailureGroup, samples: Sequence[Sample], *, replayed: bool = False
    ) -> Mapping[str, Any] | None:
        """Diagnose the group by one of the samples and act on the verdict; the answer as JSON.

        None if another invocation is at it: then its answer stands.
        """
        now = self.clock.now()
        if not self.signals.claim_diagnosis(group, now, now + DIAGNOSIS_LEASE):
            return None
        try:
            sample = self.investigation.live_sample(group, samples)
            return self._triage(group, sample, replayed=replayed)
        finally:
            self.signals.release_diagnosis(group)

    def _triage(self, group: FailureGroup, sample: Sample, *, replayed: bool) -> Mapping[str, Any]:
        finding = self.investigation.investigate(group, sample, reason_of(group))
        before = self.signals.incident_of(group)
        incident_id = self._incident_id(group, finding, before)
        verdict = self._review(finding, incident_id, replayed=replayed)
        Breaker(incidents=self.incidents, outbox=self.outbox, clock=self.clock).heed(verdict)
        known = self.incidents.find(incident_id)
        now = self.clock.now()
        round_ = _next_round(known, now)
        status = status_under(verdict) if round_ <= MOST_ROUNDS else Status.QUARANTINED
        incident = Incident(
            incident_id=incident_id,
            status=status,
            round=round_,
            # A person's question joins the incident; what S3 reported stays its face. The sample
            # is the one this diagnosis was made by: an older one may be replicated by now.
            group=known.group if known else group,
            sample=sample,
            cause=finding.diagnosis.cause.value,
            confidence=finding.diagnosis.confidence.value,
            summary=_summary(finding, verdict),
            next_step=finding.diagnosis.next,
            role_arn=finding.role_arn,
            plan_hash=finding.plan.hash if isinstance(finding.plan, Plan) else None,
            replayed=replayed,
            opened_at=known.opened_at if known else now,
            updated_at=now,
        )
        answer = {
            "diagnosis": diagnosis_answer(finding.diagnosis),
            "plan": plan_answer(finding.plan),
            "verdict": verdict_answer(verdict),
        }
        saved = self.incidents.save_diagnosis(incident, known, group, json.dumps(answer))
        if before is not None and before.incident_id != incident_id:
            self._supersede(before, incident)
        if saved:
            self._hand_on(incident, finding.plan, known)
            if known is None or not _waits_for_the_same(known, incident):
                self._ask(incident, finding, verdict)
        look_again = _waits_until(verdict) or finding.untold_until
        if look_again is not None:
            self.outbox.request_triage(group, max(look_again - now, SOON))
        stands = incident if saved or known is None else known
        return {**answer, "incident": incident_answer(stands)}

    def _incident_id(self, group: FailureGroup, finding: Finding, before: Incident | None) -> str:
        """The cause's incident; what only lacks re-copying stays with the one that sees to it."""
        if finding.diagnosis.cause.needs_only_replay:
            seen_to_by = before or self._being_mended(group, finding.role_arn)
            if seen_to_by is not None:
                return seen_to_by.incident_id
        return incident_id_for(group, finding.diagnosis, finding.role_arn)

    def _being_mended(self, group: FailureGroup, role_arn: str) -> Incident | None:
        """The incident whose repair or re-copy of the same pair is under way."""
        return next(
            (
                incident
                for incident in self.incidents.of_role(role_arn)
                if incident.status.is_mending and incident.group.pair == group.pair
            ),
            None,
        )

    def _review(self, finding: Finding, incident_id: str, *, replayed: bool) -> Verdict | None:
        match finding.plan:
            case NoPlan():
                return None
            case Plan() as plan:
                circumstances = circumstances_of(
                    incident_id,
                    plan,
                    replayed=replayed,
                    finding=finding,
                    clock=self.clock,
                    incidents=self.incidents,
                    changes=self.changes,
                    tags=self.tags,
                )
                return review(plan, self.limits, circumstances)
            case unreachable:
                assert_never(unreachable)

    def _supersede(self, before: Incident, after: Incident) -> None:
        """Close an incident whose last group turned out to have another cause."""
        if before.status.awaits_news and not self.incidents.groups_of(before.incident_id):
            self.incidents.move(
                before,
                Status.RESOLVED,
                self.clock.now(),
                summary=f"diagnosed again: see incident {after.incident_id}",
            )

    def _ask(self, incident: Incident, finding: Finding, verdict: Verdict | None) -> None:
        """Send people what they need to decide, if it is theirs to decide."""
        if incident.status is not Status.AWAITING_APPROVAL:
            return
        if isinstance(finding.plan, Plan) and isinstance(verdict, Refused):
            self.outbox.ask_for_approval(
                approval_request(incident, finding.diagnosis, finding.plan, verdict, self.terms)
            )

    def _hand_on(self, incident: Incident, plan: Plan | NoPlan, known: Incident | None) -> None:
        """Have an approved plan carried out; tell of the incident unless it stands as it did.

        One that waits for CloudTrail for a few minutes is told of after that.
        """
        if incident.status is Status.APPROVED and isinstance(plan, Plan):
            self.outbox.request_repair(incident.incident_id, plan.hash)
        waits = incident.status is Status.DIAGNOSED
        if not waits and (known is None or _stand(incident) != _stand(known)):
            self.outbox.announce(incident)


def _waits_for_the_same(known: Incident, now: Incident) -> bool:
    """Whether people have been asked about this very plan and have not answered yet."""
    return known.status is Status.AWAITING_APPROVAL and known.plan_hash == now.plan_hash


def reason_of(group: FailureGroup) -> FailureReason | None:
    """The failure reason that the group shares, or None where a person asked."""
    return None if group.reason == ASKED_BY_HAND else FailureReason.parse(group.reason)


def status_under(verdict: Verdict | None) -> Status:
    """Where a verdict leaves its incident; without a plan there is none, and a person must act."""
    match verdict:
        case None:
            return Status.ESCALATED
        case Approved():
            return Status.APPROVED
        case Refused(is_for_people=True):
            return Status.AWAITING_APPROVAL
        case Refused(only=ObjectionKind.WAITING):
            return Status.DIAGNOSED
        case Refused() as refused if refused.is_observing:
            return Status.OBSERVED
        case Refused():
            return Status.REFUSED
        case unreachable:
            assert_never(unreachable)


def _waits_until(verdict: Verdict | None) -> datetime | None:
    return verdict.waits_until if isinstance(verdict, Refused) else None


def _summary(finding: Finding, verdict: Verdict | None) -> str:
    """The diagnosis in a few words, and how long its plan waits for CloudTrail, if it does."""
    until = _waits_until(verdict)
    waits = f"; waits until {until:%H:%M %Z} for CloudTrail" if until is not None else ""
    return f"{finding.diagnosis.headline}{waits}"


def incident_answer(incident: Incident) -> dict[str, Any]:
    """The incident as a caller follows it."""
    return {
        "incidentId": incident.incident_id,
        "status": incident.status.value,
        "round": incident.round,
        "cause": incident.cause,
        "confidence": incident.confidence,
        "planHash": incident.plan_hash,
    }


def _next_round(known: Incident | None, now: datetime) -> int:
    """The first round for a new cause or one long settled; one more when trouble returns."""
    if known is None:
        return 1
    if known.status is not Status.RESOLVED:
        return known.round
    settled = known.resolved_at or known.updated_at
    return 1 if now - settled > SAME_TROUBLE else known.round + 1


def _stand(incident: Incident) -> tuple[object, ...]:
    """What people are told of an incident, as far as a new diagnosis may change it."""
    return incident.status, incident.round, incident.summary, incident.plan_hash
