"""What a person is sent who is to approve a plan: all that the decision needs, as plain text."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from replimend.domain.diagnosis.causes import Diagnosis
from replimend.domain.incident import Incident
from replimend.domain.repair.changes import diff_of
from replimend.domain.repair.plan import Change, Plan
from replimend.domain.repair.verdicts import Refused

LONGEST_SUBJECT = 100
"""Characters that SNS takes of a subject, which is one line of printable ASCII (Publish)."""
LONGEST_TEXT = 200_000
"""Bytes, well under the 262,144 that SNS takes of a message with its attributes (Publish)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTerms:
    """How long an answer is waited for, and where whoever answers finds the stack."""

    valid: timedelta
    stack: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A message to people; whoever answers names the incident and the plan's hash."""

    incident_id: str
    plan_hash: str
    expires: datetime
    subject: str
    text: str


def approval_request(
    incident: Incident, diagnosis: Diagnosis, plan: Plan, verdict: Refused, terms: ApprovalTerms
) -> ApprovalRequest:
    """The request for approval of this plan; text beyond what SNS takes is cut, and says so."""
    expires = incident.updated_at + terms.valid
    at = f"--stack {terms.stack} --region {terms.region}"
    whole = f"replimend incident {incident.incident_id} {at}"
    head = "\n".join(
        [
            f"Replimend waits for your decision on incident {incident.incident_id}.",
            "",
            f"Cause:      {incident.cause} ({incident.confidence})",
            f"            {diagnosis.headline}",
            f"Pair:       {plan.source_bucket} -> {plan.destination_bucket}",
            f"Role:       {plan.role_arn}",
            f"Plan hash:  {plan.hash}",
            *(f"Objection:  {each.says}" for each in verdict.objections),
            f"Expires:    {expires:%Y-%m-%d %H:%M %Z}; unanswered, the plan is refused then",
            "",
            f"To approve: replimend approve {incident.incident_id} {plan.hash} {at}",
            f"To reject:  replimend reject {incident.incident_id} {at}",
            f"To look:    {whole}",
            "",
        ]
    )
    tail = "\n".join(_told(i, each) for i, each in enumerate(plan.changes, start=1))
    return ApprovalRequest(
        incident_id=incident.incident_id,
        plan_hash=plan.hash,
        expires=expires,
        subject=_ascii(
            f"Replimend: approve {len(plan.changes)} change(s) for {plan.source_bucket}?"
        ),
        text=_cut(f"{head}\n{tail}", f"\n... cut here; see the rest with: {whole}\n"),
    )


def _told(number: int, change: Change) -> str:
    return "\n".join(
        [
            f"Change {number}: {change.kind} of {change.subject}",
            f"Reach:    {change.blast_radius}",
            f"Undo:     {change.reverses}",
            "",
            diff_of(change.before, change.after, change.subject),
            "",
        ]
    )


def _ascii(subject: str) -> str:
    return subject.encode("ascii", "replace").decode()[:LONGEST_SUBJECT]


def _cut(text: str, note: str) -> str:
    """The text, or as much of it as leaves room for the note; no character is cut in two."""
    if len(text.encode()) <= LONGEST_TEXT:
        return text
    kept = text.encode()[: LONGEST_TEXT - len(note.encode())]
    return kept.decode(errors="ignore") + note
