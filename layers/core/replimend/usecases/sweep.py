"""Sweep: find what no event reported any more, and wake what got stuck."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.incident import Incident, Status
from replimend.domain.repair.verdicts import Limits, Mode
from replimend.ports import ChangeNotes, Clock, Incidents, Outbox, Tally
from replimend.usecases.reminders import is_due

STUCK_AFTER = timedelta(minutes=30)
"""Longer than any state lasts but that of a running job, which it harms nobody to look at."""

ASK_AGAIN_AFTER = timedelta(hours=6)
"""How often an incident that a person or other limits might free is diagnosed again."""

WAKEABLE = (
    Status.OPEN,
    Status.DIAGNOSED,
    Status.APPROVED,
    Status.REPAIRED,
    Status.CANARY,
    Status.RECOPYING,
)
"""The states out of which a message of ours leads, which may have been lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Requeues stuck incidents; reads the ledger only and changes nothing else."""

    incidents: Incidents
    notes: ChangeNotes
    outbox: Outbox
    tally: Tally
    limits: Limits
    clock: Clock
    approval_valid: timedelta

    def sweep(self) -> int:
        """Wake every stuck incident; how many there were."""
        woken = 0
        for status in WAKEABLE:
            for incident in self._unchanged(status, STUCK_AFTER):
                self._wake(incident)
                self.tally.woken(status.value)
                woken += 1
        self._let_lapse()
        self._let_expire()
        self._remind()
        return woken + self._ask_again()

    def _wake(self, incident: Incident) -> None:
        """Send again the message that leads out of the incident's state."""
        match incident.status:
            case Status.OPEN:
                self.outbox.request_roll_back(incident.incident_id, incident.round)
            case Status.APPROVED if incident.plan_hash is not None:
                self.outbox.request_repair(incident.incident_id, incident.plan_hash)
            case Status.REPAIRED | Status.CANARY | Status.RECOPYING:
                self.outbox.request_recopy(incident.incident_id, None, timedelta())
            case _:
                self._triage_again(incident)

    def _ask_again(self) -> int:
        """Diagnose again what was observed, refused or may have settled, if the mode lets mend."""
        if self.limits.mode is Mode.OBSERVE:
            return 0
        asked = 0
        for status in (Status.OBSERVED, Status.REFUSED):
            for incident in self._before(status, self._news()):
                if not incident.unanswered:
                    self._triage_again(incident)
                    asked += 1
        for incident in self._unchanged(Status.ESCALATED, STUCK_AFTER):
            if Cause(incident.cause).may_settle and self._is_time_for(incident):
                self._triage_again(incident)
                asked += 1
        return asked

    def _is_time_for(self, incident: Incident) -> bool:
        """Whether to look: after as long again as it has been looked at, six hours at most."""
        looked_at_for = incident.updated_at - incident.opened_at
        pause = min(max(looked_at_for, STUCK_AFTER), ASK_AGAIN_AFTER)
        return self.clock.now() - incident.updated_at >= pause

    def _news(self) -> datetime:
        """What was refused before this may fare better now.

        It is the opening of the window that is open, or the end of the last pause, if there was
        one within the time after which anything is looked at again.
        """
        now = self.clock.now()
        opened = self.limits.hours.opening_of(now) if self.limits.hours else None
        resumed = self.incidents.resumed_at()
        return max(filter(None, (now - ASK_AGAIN_AFTER, opened, resumed)))

    def _let_lapse(self) -> None:
        """Have plans refused that nobody answered."""
        for incident in self._unchanged(Status.AWAITING_APPROVAL, self.approval_valid):
            if incident.plan_hash is not None:
                self.outbox.request_lapse(incident.incident_id, incident.plan_hash)

    def _let_expire(self) -> None:
        """Have changes undone whose time is over; a pause does not hold back what takes access."""
        for change_id, _ in self.notes.expired(self.clock.now()):
            self.outbox.request_expiry(change_id)

    def _remind(self) -> None:
        """Have people reminded of changes in force, if it is time."""
        if is_due(self.notes, self.clock.now()):
            self.outbox.request_reminder()

    def _triage_again(self, incident: Incident) -> None:
        for group in self.incidents.groups_of(incident.incident_id):
            self.outbox.request_triage(group)

    def _unchanged(self, status: Status, since: timedelta) -> Iterator[Incident]:
        """The incidents that stand so for longer; the ledger gives the longest unchanged first."""
        return self._before(status, self.clock.now() - since)

    def _before(self, status: Status, moment: datetime) -> Iterator[Incident]:
        """The incidents that have stood so since before that moment."""
        return takewhile(lambda each: each.updated_at < moment, self.incidents.in_status(status))
