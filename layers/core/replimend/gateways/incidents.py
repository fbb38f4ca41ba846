"""Incidents in the ledger: every move is one conditional write, and leaves a line of history.

```
two invocations         first                       second
read revision 4         read revision 4             read revision 4
move to `canary`        revision 4 → 5, written
move to `canary`                                    revision is 5, not 4: nothing happens
```
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Unpack

from replimend.domain.incident import FailureGroup, Incident, Sample, Status
from replimend.domain.repair.verdicts import Approval, Rejection
from replimend.gateways.table import Item, Table
from replimend.ports import Details

META = "META"


@dataclass(frozen=True, slots=True)
class IncidentLedger:
    """Incidents, their groups and approvals, and the switch that pauses changes."""

    table: Table

    def find(self, incident_id: str) -> Incident | None:
        """The incident, or None."""
        item = self.table.get(f"INCIDENT#{incident_id}", META)
        return incident_from(item) if item else None

    def save_diagnosis(
        self, incident: Incident, known: Incident | None, group: FailureGroup, answer: str
    ) -> bool:
        """Store a newly diagnosed incident and link the group; False if it is being mended."""
        saved = self._save(incident, known, answer)
        pk = f"INCIDENT#{incident.incident_id}"
        self._link(group, incident.incident_id)
        self.table.put({"pk": pk, "sk": f"GROUP#{group.group_id}", **_group_item(group)})
        if incident.role_arn:
            of_role = {"pk": f"ROLE#{incident.role_arn}", "sk": pk}
            self.table.put({**of_role, "incident_id": incident.incident_id})
        return saved

    def _save(self, incident: Incident, known: Incident | None, answer: str) -> bool:
        if known is not None:
            after = replace(incident, revision=known.revision + 1)
            return not known.status.is_mending and self._replace(known, after, answer=answer)
        first = replace(incident, revision=1)
        key = {"pk": f"INCIDENT#{first.incident_id}", "sk": META}
        saved = self.table.put_new({**key, **_values(first), "answer": answer})
        if saved:
            self._note(first)
        return saved

    def _replace(self, known: Incident, after: Incident, **more: str) -> bool:
        """Write the new state over the known one; whether that still was the state."""
        replaced = self.table.update(
            f"INCIDENT#{known.incident_id}",
            META,
            {**_values(after), **more},
            only_if="#revision = :revision",
            given={"revision": known.revision},
        )
        if replaced:
            self._note(after)
        return replaced

    def _note(self, incident: Incident) -> None:
        """Write the line of history of the incident's present state."""
        self.table.put(
            {
                "pk": f"INCIDENT#{incident.incident_id}",
                "sk": f"HISTORY#{incident.revision:06d}",
                "at": incident.updated_at.isoformat(),
                "became": incident.status.value,
                "summary": incident.summary,
                "round": incident.round,
            }
        )

    def _link(self, group: FailureGroup, incident_id: str) -> None:
        """Point the group to its incident, and take it from the one it belonged to before."""
        pk = f"GROUP#{group.group_id}"
        before = self.table.get(pk, META)
        self.table.update(pk, META, {"incident_id": incident_id})
        earlier = before.get("incident_id") if before else None
        if earlier is not None and earlier != incident_id:
            self.table.update(
                f"INCIDENT#{earlier}", f"GROUP#{group.group_id}", {"moved_to": incident_id}
            )

    def move(
        self, incident: Incident, to: Status, at: datetime, **details: Unpack[Details]
    ) -> Incident | None:
        """The incident in its new status, or None if it is no longer as the caller knew it."""
        revision = incident.revision + 1
        after = replace(incident, status=to, updated_at=at, revision=revision, **details)
        return after if self._replace(incident, after) else None

    def of_role(self, role_arn: str) -> tuple[Incident, ...]:
        """The incidents whose objects this role replicates."""
        items = self.table.query(f"ROLE#{role_arn}", "INCIDENT#")
        found = (self.find(item["incident_id"]) for item in items)
        return tuple(incident for incident in found if incident is not None)

    def in_status(self, status: Status) -> Iterator[Incident]:
        """The incidents that stand so, longest unchanged first; eventually consistent."""
        return (incident_from(item) for item in self.table.query_status(status.value))

    def groups_of(self, incident_id: str) -> tuple[FailureGroup, ...]:
        """The groups whose failures have this cause."""
        items = self.table.query(f"INCIDENT#{incident_id}", "GROUP#")
        return tuple(group_from(item) for item in items if "moved_to" not in item)

    def answer_of(self, incident_id: str) -> str:
        """The stored diagnosis, plan and verdict as JSON; an empty object if there is none."""
        item = self.table.get(f"INCIDENT#{incident_id}", META)
        return str(item.get("answer", "{}")) if item else "{}"

    def history_of(self, incident_id: str) -> tuple[Item, ...]:
        """Every state the incident was in, oldest first."""
        return tuple(self.table.query(f"INCIDENT#{incident_id}", "HISTORY#"))

    def approve(self, incident_id: str, approval: Approval) -> None:
        """Keep a person's approval with the incident."""
        kept = {
            "plan_hash": approval.plan_hash,
            "by": approval.by,
            "expires": approval.expires.isoformat(),
        }
        self.table.update(f"INCIDENT#{incident_id}", META, {"approval": json.dumps(kept)})

    def approval_of(self, incident_id: str) -> Approval | None:
        """The newest approval."""
        item = self.table.get(f"INCIDENT#{incident_id}", META)
        if item is None or "approval" not in item:
            return None
        kept = json.loads(item["approval"])
        return Approval(
            plan_hash=kept["plan_hash"],
            by=kept["by"],
            expires=datetime.fromisoformat(kept["expires"]),
        )

    def reject(self, incident_id: str, rejection: Rejection) -> None:
        """Keep a person's rejection of a plan with the incident."""
        kept = {"plan_hash": rejection.plan_hash, "says": rejection.says}
        self.table.update(f"INCIDENT#{incident_id}", META, {"rejection": json.dumps(kept)})

    def rejection_of(self, incident_id: str) -> Rejection | None:
        """The newest rejection."""
        item = self.table.get(f"INCIDENT#{incident_id}", META)
        if item is None or "rejection" not in item:
            return None
        kept = json.loads(item["rejection"])
        return Rejection(plan_hash=kept["plan_hash"], says=kept["says"])

    def frozen_by(self) -> str | None:
        """Who paused all changes, or None."""
        item = self.table.get("CONTROL", "FREEZE")
        return item.get("frozen_by") if item else None

    def freeze(self, by: str, at: datetime) -> bool:
        """Pause all changes; False if they were paused already, by whomever."""
        return self.table.update(
            "CONTROL",
            "FREEZE",
            {"frozen_by": by, "since": at.isoformat()},
            only_if="attribute_not_exists(#frozen_by)",
        )

    def unfreeze(self, at: datetime) -> None:
        """Let changes happen again."""
        self.table.update("CONTROL", "FREEZE", {"frozen_by": None, "resumed_at": at.isoformat()})

    def resumed_at(self) -> datetime | None:
        """When changes were last let happen again; None if they never had to be."""
        return next(
            (
                datetime.fromisoformat(item["resumed_at"])
                for item in self.table.query("CONTROL", "FREEZE")
                if "resumed_at" in item
            ),
            None,
        )


def group_from(item: Item) -> FailureGroup:
    """The failure group that an item holds."""
    return FailureGroup(
        bucket=item["bucket"],
        rule_id=item["rule_id"],
        destination_bucket=item["destination_bucket"],
        reason=item["reason"],
    )


def incident_from(item: Item) -> Incident:
    """The incident that an item holds."""
    return Incident(
        incident_id=item["incident_id"],
        status=Status(item["status"]),
        round=item["round"],
        group=group_from(item),
        sample=Sample(
            key=item["sample_key"],
            version_id=item["sample_version"],
            failed_at=_moment(item, "sample_failed_at"),
        ),
        cause=item["cause"],
        confidence=item["confidence"],
        summary=item["summary"],
        role_arn=item["role_arn"],
        plan_hash=item.get("plan_hash"),
        replayed=item["replayed"],
        opened_at=datetime.fromisoformat(item["opened_at"]),
        updated_at=datetime.fromisoformat(item["updated_at"]),
        repaired_at=_moment(item, "repaired_at"),
        resolved_at=_moment(item, "resolved_at"),
        approved_by=item.get("approved_by"),
        job_id=item.get("job_id"),
        wave=item.get("wave") or 0,
        poll=item.get("poll"),
        next_step=item.get("next_step", ""),
        unanswered=item.get("unanswered", False),
        revision=item["revision"],
    )


def _values(incident: Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "status": incident.status.value,
        "round": incident.round,
        **_group_item(incident.group),
        "sample_key": incident.sample.key,
        "sample_version": incident.sample.version_id,
        "sample_failed_at": incident.sample.failed_at.isoformat()
        if incident.sample.failed_at
        else None,
        "cause": incident.cause,
        "confidence": incident.confidence,
        "summary": incident.summary,
        "role_arn": incident.role_arn,
        "plan_hash": incident.plan_hash,
        "replayed": incident.replayed,
        "opened_at": incident.opened_at.isoformat(),
        "updated_at": incident.updated_at.isoformat(),
        "repaired_at": incident.repaired_at.isoformat() if incident.repaired_at else None,
        "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
        "approved_by": incident.approved_by,
        "job_id": incident.job_id,
        "wave": incident.wave,
        "poll": incident.poll,
        "next_step": incident.next_step,
        "unanswered": incident.unanswered,
        "revision": incident.revision,
    }


def _group_item(group: FailureGroup) -> dict[str, str]:
    return {
        "bucket": group.bucket,
        "rule_id": group.rule_id,
        "destination_bucket": group.destination_bucket,
        "reason": group.reason,
    }


def _moment(item: Item, name: str) -> datetime | None:
    value = item.get(name)
    return datetime.fromisoformat(value) if value else None
