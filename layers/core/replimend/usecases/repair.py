"""Repair: apply an approved plan to policies that did not change meanwhile, or leave them be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Unpack, assert_never

from replimend.domain.commands import (
    AdoptChange,
    ApprovePlan,
    PauseRepairs,
    RejectPlan,
    RepairCommand,
    ResumeRepairs,
    RollBackChange,
)
from replimend.domain.incident import Incident, Status
from replimend.domain.repair.changes import ChangeRecord, record_of
from replimend.domain.repair.guardrails import review
from replimend.domain.repair.notices import Notice, NoticeKind
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.repair.second_opinion import ceiling_of
from replimend.domain.repair.verdicts import Approval, Approved, Limits, Refused, Rejection
from replimend.errors import PermanentError
from replimend.ports import (
    Analyst,
    ChangeNotes,
    Changes,
    Clock,
    Details,
    Incidents,
    Outbox,
    ResourceTags,
)
from replimend.usecases.breaker import Breaker
from replimend.usecases.circumstances import circumstances_of
from replimend.usecases.edits import Editor, Undone
from replimend.usecases.investigation import Finding, Investigation
from replimend.usecases.triage import incident_answer, reason_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """The only use case that changes access."""

    investigation: Investigation
    incidents: Incidents
    changes: Changes
    tags: ResourceTags
    notes: ChangeNotes
    analyst: Analyst
    editor: Editor
    outbox: Outbox
    limits: Limits
    clock: Clock
    consistency_wait: timedelta
    approval_valid: timedelta

    def apply(self, incident_id: str, plan_hash: str) -> None:
        """Apply the incident's plan if it still is exactly the approved one, then re-copy.

        The facts are read and reviewed afresh. A plan that comes out differently by now goes back
        to triage instead; asking twice changes nothing the second time.
        """
        incident = self.incidents.find(incident_id)
        if incident is None or incident.plan_hash != plan_hash:
            return
        if incident.status is Status.REPAIRED:
            # An earlier try ended between the state and the message: the message is sent again.
            self.outbox.request_recopy(incident_id, incident.poll, self.consistency_wait)
            return
        if incident.status is not Status.APPROVED:
            return
        try:
            self._carry_out(incident)
        except PermanentError as error:
            self._move(incident, Status.ESCALATED, summary=str(error))

    def _carry_out(self, incident: Incident) -> None:
        """Apply the plan if the facts, read afresh, still lead to it."""
        finding = self.investigation.investigate(
            incident.group, incident.sample, reason_of(incident.group)
        )
        match finding.plan:
            case Plan() as plan if plan.hash == incident.plan_hash:
                self._apply(incident, plan, finding)
            case Plan() | NoPlan():
                self._ask_again(incident, "the facts changed since the diagnosis; it is made again")
            case unreachable:
                assert_never(unreachable)

    def _ask_again(self, incident: Incident, because: str) -> None:
        moved = self.incidents.move(incident, Status.DIAGNOSED, self.clock.now(), summary=because)
        if moved is not None:
            self._triage_again(incident)

    def _triage_again(self, incident: Incident) -> None:
        """Have every group looked at: they may turn out to have different causes after all."""
        for group in self.incidents.groups_of(incident.incident_id):
            self.outbox.request_triage(group)

    def _apply(self, incident: Incident, plan: Plan, finding: Finding) -> None:
        circumstances = circumstances_of(
            incident.incident_id,
            plan,
            replayed=incident.replayed,
            finding=finding,
            clock=self.clock,
            incidents=self.incidents,
            changes=self.changes,
            tags=self.tags,
        )
        verdict = review(plan, self.limits, circumstances)
        Breaker(incidents=self.incidents, outbox=self.outbox, clock=self.clock).heed(verdict)
        match verdict:
            case Refused(objections=objections) as refused:
                because = "; ".join(each.says for each in objections)
                # Nobody was asked yet; an approval that ran out is not asked for again.
                asks = refused.is_for_people and not circumstances.approval
                status = Status.AWAITING_APPROVAL if asks else Status.REFUSED
                if refused.waits_until is not None:
                    self._ask_again(incident, because)
                else:
                    self._move(incident, status, summary=because)
            case Approved(by=by):
                records = [
                    record_of(
                        change,
                        incident_id=incident.incident_id,
                        round_=incident.round,
                        plan_hash=plan.hash,
                        approved_by=by,
                        why=finding.diagnosis.next,
                        at=self.clock.now(),
                    )
                    for change in plan.changes
                ]
                if against := self._second_opinions(plan, records):
                    self._move(incident, Status.REFUSED, summary="; ".join(against))
                    return
                for record in records:
                    if record.expires is not None:
                        self.notes.note_expiry(record.change_id, record.expires)
                    self.editor.make(record)
                self._repaired(incident, plan)
            case unreachable:
                assert_never(unreachable)

    def _second_opinions(self, plan: Plan, records: Sequence[ChangeRecord]) -> list[str]:
        """What Access Analyzer has against any of the changes; each opinion is kept first."""
        objections: list[str] = []
        for change, record in zip(plan.changes, records, strict=True):
            opinion = self.analyst.opinion_on(change, ceiling_of(change, plan))
            self.notes.note_opinion(record.change_id, opinion)
            objections += opinion.objections
        return objections

    def _repaired(self, incident: Incident, plan: Plan) -> None:
        now = self.clock.now()
        poll = f"{incident.round}-0"
        moved = self._move(
            incident,
            Status.REPAIRED,
            repaired_at=now,
            poll=poll,
            wave=0,
            job_id=None,
            summary=f"{len(plan.changes)} change(s) made; the canary is next",
        )
        if moved is not None:
            self.outbox.request_recopy(incident.incident_id, poll, self.consistency_wait)

    def obey(self, command: RepairCommand) -> Mapping[str, Any]:
        """Do what a person commands, and answer as JSON what came of it."""
        match command:
            case ApprovePlan():
                return self._approve(command)
            case RejectPlan():
                return self._reject(command)
            case RollBackChange():
                return self._roll_back(command)
            case AdoptChange():
                return self._adopt(command)
            case PauseRepairs():
                return self._pause(command)
            case ResumeRepairs():
                return self._resume(command)
            case unreachable:
                assert_never(unreachable)

    def _approve(self, command: ApprovePlan) -> Mapping[str, Any]:
        """Approve the one plan that the command names by hash, and have it applied."""
        incident = self.incidents.find(command.incident_id)
        if incident is None:
            return _no_incident(command.incident_id)
        if incident.plan_hash != command.plan_hash:
            return _refusal(incident, f"the plan is {incident.plan_hash} now: look at it again")
        if incident.status is not Status.AWAITING_APPROVAL:
            return _refusal(incident, f"the incident is {incident.status}, not awaiting approval")
        expires = self.clock.now() + self.approval_valid
        self.incidents.approve(
            incident.incident_id,
            Approval(plan_hash=command.plan_hash, by=command.by, expires=expires),
        )
        moved = self._move(
            incident,
            Status.APPROVED,
            approved_by=command.by,
            summary=f"approved by {command.by}",
        )
        if moved is not None:
            self.outbox.request_repair(moved.incident_id, command.plan_hash)
        return incident_answer(moved or incident)

    def _reject(self, command: RejectPlan) -> Mapping[str, Any]:
        """Refuse the plan for good: it is not proposed again, whatever the mode."""
        incident = self.incidents.find(command.incident_id)
        if incident is None:
            return _no_incident(command.incident_id)
        if incident.status is not Status.AWAITING_APPROVAL:
            return _refusal(incident, f"the incident is {incident.status}, not awaiting approval")
        because = f"rejected by {command.by}" + (f": {command.reason}" if command.reason else "")
        self.incidents.reject(
            incident.incident_id, Rejection(plan_hash=incident.plan_hash or "", says=because)
        )
        moved = self._move(incident, Status.REFUSED, summary=because)
        return incident_answer(moved or incident)

    def _roll_back(self, command: RollBackChange) -> Mapping[str, Any]:
        """Undo one change, unless somebody edited the same statement since."""
        record = self.changes.find(command.change_id)
        if record is None:
            return {"error": f"there is no change {command.change_id}"}
        undone = self.editor.undo(record)
        incident = self.incidents.find(record.incident_id)
        if undone.done and incident is not None:
            because = f"change {record.change_id} was rolled back by {command.by}"
            self.incidents.reject(
                incident.incident_id, Rejection(plan_hash=record.plan_hash, says=because)
            )
            self._move(incident, Status.ESCALATED, summary=because)
        return {"changeId": record.change_id, "rolledBack": undone.done, "says": undone.says}

    def _adopt(self, command: AdoptChange) -> Mapping[str, Any]:
        """Remind nobody of this change any more, since the user's own code has it."""
        record = self.changes.find(command.change_id)
        if record is None:
            return {"error": f"there is no change {command.change_id}"}
        says = f"{command.by} says so"
        self.notes.note_adopted(record.change_id, says, self.clock.now())
        return {"changeId": record.change_id, "adopted": True, "says": says}

    def lapse(self, incident_id: str, plan_hash: str) -> None:
        """Refuse the plan if nobody has answered for as long as an approval is valid."""
        incident = self.incidents.find(incident_id)
        if incident is None or incident.plan_hash != plan_hash:
            return
        if incident.status is not Status.AWAITING_APPROVAL:
            return
        if self.clock.now() - incident.updated_at < self.approval_valid:
            return
        self._move(
            incident,
            Status.REFUSED,
            unanswered=True,
            summary=f"nobody answered since {incident.updated_at:%Y-%m-%d %H:%M %Z}; "
            "`replimend remediate` on an object asks again",
        )

    def roll_back_expired(self, change_id: str) -> None:
        """Undo a change whose time is over, and tell people, whether it could be undone or not.

        Its incident keeps its state: objects that fail without it again open their own.
        """
        record = self.changes.find(change_id)
        if record is None or record.expires is None or record.expires > self.clock.now():
            return
        try:
            undone = self.editor.undo(record)
        except PermanentError as error:
            undone = Undone(done=False, says=str(error))
        became = "was rolled back" if undone.done else "could not be rolled back"
        self.outbox.notify(
            Notice(
                kind=NoticeKind.CHANGE_EXPIRED,
                says=f"Change {change_id} ({record.kind} of {record.subject}) expired and "
                f"{became}: {undone.says}",
                about=(change_id,),
            )
        )
        self.notes.note_expired(change_id, record.expires)

    def roll_back_round(self, incident_id: str, round_: int) -> None:
        """Undo what this round changed, since its canary failed, and have triage look again."""
        incident = self.incidents.find(incident_id)
        if incident is None or incident.status is not Status.OPEN or incident.round != round_:
            return
        try:
            refusals = self._undo_round(incident)
        except PermanentError as error:
            refusals = [str(error)]
        if refusals:
            self._move(incident, Status.ESCALATED, summary="; ".join(refusals))
        elif self._move(incident, Status.DIAGNOSED, round=round_ + 1, summary="rolled back"):
            self._triage_again(incident)

    def _undo_round(self, incident: Incident) -> Sequence[str]:
        """Undo the changes of the incident's round, the last one first; why some could not be."""
        changes = reversed(self.changes.of_incident(incident.incident_id))
        undone = [self.editor.undo(each) for each in changes if each.round == incident.round]
        return [each.says for each in undone if not each.done]

    def _pause(self, command: PauseRepairs) -> Mapping[str, Any]:
        """Let no change happen until `resume`, and have running re-copies stop their jobs."""
        self.incidents.freeze(command.by, self.clock.now())
        for status in (Status.CANARY, Status.RECOPYING):
            for incident in self.incidents.in_status(status):
                self.outbox.request_recopy(incident.incident_id, None, timedelta())
        return {"paused": True, "by": self.incidents.frozen_by() or command.by}

    def _resume(self, command: ResumeRepairs) -> Mapping[str, Any]:
        """Let changes happen again; the next sweep has what was refused meanwhile looked at."""
        self.incidents.unfreeze(self.clock.now())
        return {"paused": False, "by": command.by}

    def _move(self, incident: Incident, to: Status, **details: Unpack[Details]) -> Incident | None:
        """Move the incident and announce it; None if it is no longer as it was known."""
        moved = self.incidents.move(incident, to, self.clock.now(), **details)
        if moved is not None:
            self.outbox.announce(moved)
        return moved


def _no_incident(incident_id: str) -> Mapping[str, Any]:
    return {"error": f"there is no incident {incident_id}"}


def _refusal(incident: Incident, because: str) -> Mapping[str, Any]:
    return {**incident_answer(incident), "error": because}
