"""What is learnt of changes beside making them: items next to the change's own, never in it.

| pk | sk | holds |
| --- | --- | --- |
| `CHANGE#id` | `OPINION` | the second opinion, before the change was made |
| `CHANGE#id` | `ADOPTED` | that the user's own code has the change, and who or what says so |
| `EXPIRING` | `time#id` | when a change is to be undone, and whether that was seen to |
| `CONTROL` | `REMINDER` | when people were last reminded |
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from replimend.domain.repair.changes import ChangeRecord, ChangeState
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion
from replimend.gateways.changes import ChangeLedger
from replimend.gateways.table import Table


@dataclass(frozen=True, slots=True)
class ChangeNotebook:
    """Notes on the changes of the ledger."""

    table: Table
    changes: ChangeLedger

    def note_opinion(self, change_id: str, opinion: SecondOpinion) -> None:
        """Keep a second opinion with the change, in place of an earlier one."""
        checks = [
            {"name": each.name, "result": each.result.value, "says": each.says}
            for each in opinion.checks
        ]
        self.table.put({"pk": f"CHANGE#{change_id}", "sk": "OPINION", "checks": json.dumps(checks)})

    def opinion_of(self, change_id: str) -> SecondOpinion | None:
        """The second opinion on the change; None where nobody was asked."""
        item = self.table.get(f"CHANGE#{change_id}", "OPINION")
        if item is None:
            return None
        return SecondOpinion(
            checks=tuple(
                Check(
                    name=each["name"], result=CheckResult(each["result"]), says=each.get("says", "")
                )
                for each in json.loads(item["checks"])
            )
        )

    def note_adopted(self, change_id: str, says: str, at: datetime) -> None:
        """Keep that the user's own code has the change."""
        noted = {"says": says, "at": at.isoformat()}
        self.table.put({"pk": f"CHANGE#{change_id}", "sk": "ADOPTED", **noted})

    def adopted(self, change_id: str) -> str | None:
        """Who or what says that the user's own code has the change; None if nothing does."""
        items = self.table.query(f"CHANGE#{change_id}", "ADOPTED")
        return next((str(item["says"]) for item in items), None)

    def note_expiry(self, change_id: str, at: datetime) -> None:
        """Keep that the change is to be undone then."""
        self.table.put_new(_expiry(change_id, at))

    def note_expired(self, change_id: str, at: datetime) -> None:
        """Keep that the change that was to be undone then has been seen to."""
        self.table.put({**_expiry(change_id, at), "seen_to": True})

    def expired(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """The changes to be undone by now and not seen to, with when they were to be."""
        for item in self.table.query("EXPIRING"):
            at = datetime.fromisoformat(item["at"])
            if at > now:
                return
            if not item.get("seen_to", False):
                yield item["change_id"], at

    def applied(self) -> Iterator[ChangeRecord]:
        """The changes that are in force and not known to be adopted, oldest first."""
        for item in self.table.query("CHANGES"):
            change = self.changes.find(item["change_id"])
            if (
                change is not None
                and change.state is ChangeState.APPLIED
                and self.adopted(change.change_id) is None
            ):
                yield change

    def oldest(self) -> datetime | None:
        """When the first change of all was made; None if there was none."""
        items = self.table.query("CHANGES")
        return next((datetime.fromisoformat(item["at"]) for item in items), None)

    def reminded_at(self) -> datetime | None:
        """When people were last reminded; None if they never were."""
        items = self.table.query("CONTROL", "REMINDER")
        return next((datetime.fromisoformat(item["at"]) for item in items), None)

    def note_reminded(self, at: datetime) -> None:
        """Keep that people were reminded."""
        self.table.put({"pk": "CONTROL", "sk": "REMINDER", "at": at.isoformat()})


def _expiry(change_id: str, at: datetime) -> dict[str, str]:
    named = {"pk": "EXPIRING", "sk": f"{at.isoformat()}#{change_id}"}
    return {**named, "change_id": change_id, "at": at.isoformat()}
