"""What the ledger holds as JSON: the same documents that `--json` prints and people are shown."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cli.ledger import Ledger, Step
from replimend.domain.incident import FailureGroup, Incident
from replimend.domain.recopy.objects import HeldObject, Outcome
from replimend.domain.recopy.waves import Progress, Wave, progress_of
from replimend.domain.repair.changes import ChangeRecord, diff_of

WAITING = "waiting"
"""Stands for the outcome of a version that has none since it last failed."""


def incident_record(incident: Incident, ledger: Ledger) -> dict[str, Any]:
    """All that is known of an incident: how it came, what was found and done, every object."""
    answer = json.loads(ledger.incidents.answer_of(incident.incident_id))
    groups = ledger.incidents.groups_of(incident.incident_id)
    return {
        "incident": incident_entry(incident),
        "diagnosis": answer.get("diagnosis"),
        "plan": answer.get("plan"),
        "verdict": answer.get("verdict"),
        "groups": [_group(each) for each in groups],
        "history": [step_entry(each) for each in ledger.steps_of(incident.incident_id)],
        "changes": [
            {**change_entry(each), **_notes_on(each, ledger)}
            for each in ledger.changes.of_incident(incident.incident_id)
        ],
        "progress": _progress(ledger.waves.of_incident(incident.incident_id)),
        "objects": [
            object_entry(held, outcome)
            for held, outcome in sorted(
                ledger.held.outcomes(groups),
                key=lambda pair: (pair[0].key, pair[0].requested_at),
            )
        ],
    }


def _progress(waves: Sequence[Wave]) -> dict[str, Any] | None:
    """How far the newest re-copy has come; None where none has begun."""
    return progress_entry(progress_of(waves)) if waves else None


def progress_entry(progress: Progress) -> dict[str, Any]:
    """The progress of a re-copy: sizes in bytes, times in seconds, costs in dollars."""
    return {
        "total": progress.total,
        "done": progress.done,
        "remaining": progress.remaining,
        "heldBytes": progress.held_size,
        "perSecond": round(progress.per_second, 2),
        "readyInSeconds": progress.ready_in.total_seconds() if progress.ready_in else None,
        "oldestFailure": _time(progress.oldest),
        "outcomes": {kind.value: count for kind, count in progress.counts.items()},
        "jobs": progress.jobs,
        "jobsCost": round(progress.cost, 2),
        "methods": list(progress.methods),
    }


def incident_entry(incident: Incident) -> dict[str, Any]:
    """One incident, without what belongs to it."""
    return {
        "incidentId": incident.incident_id,
        "status": incident.status.value,
        "round": incident.round,
        "cause": incident.cause,
        "confidence": incident.confidence,
        "summary": incident.summary,
        **_group(incident.group),
        "sample": {"key": incident.sample.key, "versionId": incident.sample.version_id},
        "roleArn": incident.role_arn,
        "planHash": incident.plan_hash,
        "approvedBy": incident.approved_by,
        "replayed": incident.replayed,
        "openedAt": incident.opened_at.isoformat(),
        "updatedAt": incident.updated_at.isoformat(),
        "repairedAt": _time(incident.repaired_at),
        "resolvedAt": _time(incident.resolved_at),
        "jobId": incident.job_id,
        "wave": incident.wave,
    }


def step_entry(step: Step) -> dict[str, Any]:
    """One state that an incident was in."""
    return {
        "at": step.at.isoformat(),
        "became": step.became.value,
        "round": step.round,
        "summary": step.summary,
    }


def change_entry(change: ChangeRecord) -> dict[str, Any]:
    """One change of access with both documents and their difference."""
    return {
        "changeId": change.change_id,
        "state": change.state.value,
        "at": change.at.isoformat(),
        "kind": change.kind.value,
        "subject": change.subject,
        "account": change.account,
        "region": change.region,
        "policyName": change.policy_name,
        "sid": change.sid,
        "before": change.before.content if change.before else None,
        "after": change.after.content,
        "diff": diff_of(change.before, change.after, change.subject),
        "why": change.why,
        "approvedBy": change.approved_by,
        "round": change.round,
        "planHash": change.plan_hash,
    }


def _notes_on(change: ChangeRecord, ledger: Ledger) -> dict[str, Any]:
    """What was learnt of the change beside making it; null where nothing was."""
    opinion = ledger.notes.opinion_of(change.change_id)
    checks = [
        {"name": each.name, "result": each.result.value, "says": each.says}
        for each in (opinion.checks if opinion else ())
    ]
    return {
        "secondOpinion": checks if opinion else None,
        "adopted": ledger.notes.adopted(change.change_id),
    }


def object_entry(held: HeldObject, outcome: Outcome | None) -> dict[str, Any]:
    """One object version with how it ended; an outcome older than the newest failure is none."""
    ended = outcome if outcome is not None and outcome.at >= held.failed_at else None
    return {
        "bucket": held.bucket,
        "destinationBucket": held.destination_bucket,
        "key": held.key,
        "versionId": held.version_id,
        "size": held.size,
        "requestedAt": held.requested_at.isoformat(),
        "failedAt": held.failed_at.isoformat(),
        "outcome": ended.kind.value if ended else WAITING,
        "at": ended.at.isoformat() if ended else None,
        "says": ended.says if ended else None,
    }


def _group(group: FailureGroup) -> dict[str, str]:
    return {
        "bucket": group.bucket,
        "destinationBucket": group.destination_bucket,
        "ruleId": group.rule_id,
        "reason": group.reason,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
