"""The stack's ledger as the command reads it, through the product's own gateways; never written."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cli.errors import CommandError
from replimend.domain.incident import Incident, Status
from replimend.gateways.change_notes import ChangeNotebook
from replimend.gateways.changes import ChangeLedger
from replimend.gateways.held_objects import HeldObjectLedger
from replimend.gateways.incidents import IncidentLedger
from replimend.gateways.signals import SignalLedger
from replimend.gateways.table import Table
from replimend.gateways.waves import WaveLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One state that an incident was in; `revision` numbers them."""

    revision: int
    at: datetime
    became: Status
    round: int
    summary: str

    @classmethod
    def into(cls, incident: Incident) -> Self:
        """The step that led to the incident's present state."""
        return cls(
            revision=incident.revision,
            at=incident.updated_at,
            became=incident.status,
            round=incident.round,
            summary=incident.summary,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The parts of the ledger over one table."""

    incidents: IncidentLedger
    signals: SignalLedger
    held: HeldObjectLedger
    waves: WaveLedger
    changes: ChangeLedger
    notes: ChangeNotebook

    @classmethod
    def over(cls, table: Table) -> Self:
        """The ledger that this table holds."""
        incidents, changes = IncidentLedger(table), ChangeLedger(table)
        return cls(
            incidents=incidents,
            signals=SignalLedger(table, incidents),
            held=HeldObjectLedger(table),
            waves=WaveLedger(table),
            changes=changes,
            notes=ChangeNotebook(table, changes),
        )

    def incident(self, incident_id: str) -> Incident:
        """The incident that is known to be there; CommandError if it is not."""
        incident = self.incidents.find(incident_id)
        if incident is None:
            raise CommandError(f"the ledger has no incident {incident_id}")
        return incident

    def steps_of(self, incident_id: str) -> tuple[Step, ...]:
        """Every state the incident was in, oldest first."""
        return tuple(
            Step(
                revision=int(item["sk"].rpartition("#")[2]),
                at=datetime.fromisoformat(item["at"]),
                became=Status(item["became"]),
                round=item["round"],
                summary=item["summary"],
            )
            for item in self.incidents.history_of(incident_id)
        )

    def successor_of(self, incident: Incident) -> Incident | None:
        """The incident that has all of this one's failures by now, as they were diagnosed anew."""
        if self.incidents.groups_of(incident.incident_id):
            return None
        return self.signals.incident_of(incident.group)
