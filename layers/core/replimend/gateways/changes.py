"""Changes of access in the ledger, kept for ever, and the leases under which they are made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.repair.changes import ChangeRecord, ChangeState
from replimend.domain.repair.plan import OF_POLICIES, ChangeKind
from replimend.gateways.table import Item, Table

CHANGE, LEASE = "CHANGE", "LEASE"


@dataclass(frozen=True, slots=True)
class ChangeLedger:
    """Records come before writes, so that no change is ever without its inverse."""

    table: Table

    def record(self, change: ChangeRecord) -> None:
        """Store a change before it is made; storing it again changes nothing.

        An earlier try may have ended between the writes, so the pointers are written each time,
        with the time of the record that stands.
        """
        self.table.put_new(_item(change))
        stands = self.find(change.change_id) or change
        named = f"{stands.at.isoformat()}#{stands.change_id}"
        pointer = {"change_id": stands.change_id, "at": stands.at.isoformat()}
        self.table.put({"pk": f"INCIDENT#{stands.incident_id}", "sk": f"CHANGE#{named}", **pointer})
        self.table.put({"pk": "CHANGES", "sk": named, **pointer})

    def mark(self, change_id: str, state: ChangeState, at: datetime) -> None:
        """Note what became of the change."""
        self.table.update(
            f"CHANGE#{change_id}", CHANGE, {"state": state.value, "state_since": at.isoformat()}
        )

    def find(self, change_id: str) -> ChangeRecord | None:
        """The change, or None."""
        item = self.table.get(f"CHANGE#{change_id}", CHANGE)
        return _from(item) if item else None

    def of_incident(self, incident_id: str) -> tuple[ChangeRecord, ...]:
        """The incident's changes, oldest first."""
        items = self.table.query(f"INCIDENT#{incident_id}", "CHANGE#")
        found = (self.find(item["change_id"]) for item in items)
        return tuple(change for change in found if change is not None)

    def count_since(self, since: datetime) -> int:
        """How many changes were made since then, over all incidents."""
        return sum(1 for _ in self.table.query_from("CHANGES", since.isoformat()))

    def lease(self, subject: str, owner: str, now: datetime, until: datetime) -> bool:
        """Whether the caller now is the only one to edit the subject, until then."""
        nobody_holds_it = "attribute_not_exists(#until) OR #until < :now"
        i_hold_it = "#holder = :me"
        return self.table.update(
            f"LEASE#{subject}",
            LEASE,
            {"holder": owner, "until": until.isoformat()},
            only_if=f"{nobody_holds_it} OR {i_hold_it}",
            given={"now": now.isoformat(), "me": owner},
        )

    def release(self, subject: str, owner: str) -> None:
        """Give the lease back, if it still is the caller's."""
        self.table.update(
            f"LEASE#{subject}",
            LEASE,
            {"holder": None, "until": None},
            only_if="#holder = :me",
            given={"me": owner},
        )


def _item(change: ChangeRecord) -> dict[str, Any]:
    return {
        "pk": f"CHANGE#{change.change_id}",
        "sk": CHANGE,
        "change_id": change.change_id,
        "incident_id": change.incident_id,
        "round": change.round,
        "plan_hash": change.plan_hash,
        "kind": change.kind.value,
        "subject": change.subject,
        "account": change.account,
        "region": change.region,
        "policy_name": change.policy_name,
        "sid": change.sid,
        "before": change.before.text if change.before else None,
        "after": change.after.text,
        "approved_by": change.approved_by,
        "why": change.why,
        "at": change.at.isoformat(),
        "state": change.state.value,
        "expires": change.expires.isoformat() if change.expires else None,
    }


def _from(item: Item) -> ChangeRecord:
    kind = ChangeKind(item["kind"])
    document = PolicyDocument if kind in OF_POLICIES else Document
    return ChangeRecord(
        change_id=item["change_id"],
        incident_id=item["incident_id"],
        round=item["round"],
        plan_hash=item["plan_hash"],
        kind=kind,
        subject=item["subject"],
        account=item["account"],
        region=item["region"],
        policy_name=item.get("policy_name"),
        sid=item["sid"],
        before=document(text=item["before"]) if "before" in item else None,
        after=document(text=item["after"]),
        approved_by=item.get("approved_by"),
        why=item["why"],
        at=datetime.fromisoformat(item["at"]),
        state=ChangeState(item["state"]),
        expires=datetime.fromisoformat(item["expires"]) if "expires" in item else None,
        state_since=datetime.fromisoformat(item["state_since"]) if "state_since" in item else None,
    )
