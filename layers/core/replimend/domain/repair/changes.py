"""A change of access as the ledger keeps it: enough to undo it, for ever."""

import difflib
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from replimend.domain.documents import Document
from replimend.domain.repair.key_states import PENDING_DELETION, document_of
from replimend.domain.repair.plan import Change, ChangeKind


class ChangeState(StrEnum):
    """What became of a change."""

    INTENDED = "intended"
    ABANDONED = "abandoned"
    """Never made, since somebody else edited the policy first."""
    APPLIED = "applied"
    OVERWRITTEN = "overwritten"
    """Made, and lost at once to somebody else's edit."""
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """One change: who, why, when, before, after; `before` is None where there was no document.

    `expires` is when the change is to be rolled back at the latest; None means never. `state_since`
    is when it came to be in its state; None while nothing more came of it than was intended.
    """

    change_id: str
    incident_id: str
    round: int
    plan_hash: str
    kind: ChangeKind
    subject: str
    account: str
    region: str
    policy_name: str | None
    sid: str
    before: Document | None
    after: Document
    approved_by: str | None
    why: str
    at: datetime
    state: ChangeState
    expires: datetime | None = None
    state_since: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether no program may undo it: nobody's deletion is ever scheduled by one."""
        return self.kind is ChangeKind.KEY_STATE and self.before == document_of(PENDING_DELETION)


def record_of(
    change: Change,
    *,
    incident_id: str,
    round_: int,
    plan_hash: str,
    approved_by: str | None,
    why: str,
    at: datetime,
) -> ChangeRecord:
    """The record of a change about to be made; its id is the same each time it is tried."""
    named = f"{incident_id} {round_} {plan_hash} {change.subject} {change.policy_name}"
    return ChangeRecord(
        change_id=hashlib.sha256(named.encode()).hexdigest()[:12],
        incident_id=incident_id,
        round=round_,
        plan_hash=plan_hash,
        kind=change.kind,
        subject=change.subject,
        account=change.account,
        region=change.region,
        policy_name=change.policy_name,
        sid=change.sid,
        before=change.before,
        after=change.after,
        approved_by=approved_by,
        why=why,
        at=at,
        state=ChangeState.INTENDED,
        expires=at + change.lives if change.lives is not None else None,
    )


def diff_of(before: Document | None, after: Document, subject: str) -> str:
    """A unified diff of the two documents, one JSON value a line, as people review them."""
    return "\n".join(
        difflib.unified_diff(
            _lines(before), _lines(after), f"{subject} (before)", f"{subject} (after)", lineterm=""
        )
    )


def _lines(document: Document | None) -> list[str]:
    return json.dumps(document.content, indent=2).splitlines() if document else []
