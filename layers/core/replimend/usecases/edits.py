"""Edit a policy so that nobody's work is lost: lease, read, compare, store, write, read back.

`PutKeyPolicy` and `PutRolePolicy` have no conditional write (aws-facts 5.6 and 5.8). The lease
keeps our own invocations apart; the fingerprints find everybody else.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from replimend.domain.changes import ChangeRecord, ChangeState, diff_of
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Fact
from replimend.domain.plan import ChangeKind
from replimend.domain.unavailable import Unavailable
from replimend.errors import (
    AccessLostError,
    IncidentBusyError,
    NotYetEffectiveError,
    PolicyChangedError,
)
from replimend.ports import Changes, Clock, Keys, Roles

LEASE = timedelta(minutes=5)
"""Longer than the function's timeout: a lease outlives whoever took it, never the other way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Whether a change was undone, and how or why not."""

    done: bool
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Makes and undoes changes, one editor of a subject at a time."""

    keys: Keys
    roles: Roles
    changes: Changes
    clock: Clock

    def make(self, record: ChangeRecord) -> None:
        """Make the change, or raise PolicyChangedError if the document is not what it was.

        IncidentBusyError while another invocation edits the same subject. The record is stored
        before the write, and marked after it has been read back. Between the last look and the
        write lies one call, and AWS offers nothing to close that gap.
        """
        self._lease(record)
        try:
            self.changes.record(record)
            if not self._is_made(record):
                self._write(record, record.after)
            self._confirm(record, ChangeState.APPLIED, wanted=record.after, replaced=record.before)
        finally:
            self.changes.release(record.subject, record.change_id)

    def _is_made(self, record: ChangeRecord) -> bool:
        """Whether the document is as it shall be; PolicyChangedError if it is not as it was."""
        current = self._read(record)
        if _same(current, record.after):
            return True
        if not _same(current, record.before):
            self.changes.mark(record.change_id, ChangeState.ABANDONED, self.clock.now())
            raise PolicyChangedError(f"{record.subject} was edited since the plan was made")
        return False

    def undo(self, record: ChangeRecord) -> Undone:
        """Put back what was there; with others' edits since, take out only what we added."""
        match record.state:
            case ChangeState.ROLLED_BACK:
                return Undone(done=True, says="it was rolled back before")
            case ChangeState.ABANDONED:
                return Undone(done=True, says="it was never made")
            case ChangeState.INTENDED | ChangeState.APPLIED | ChangeState.OVERWRITTEN:
                return self._take_back(record)
            case unreachable:
                assert_never(unreachable)

    def _take_back(self, record: ChangeRecord) -> Undone:
        self._lease(record)
        try:
            return self._undo(record, self._read(record))
        finally:
            self.changes.release(record.subject, record.change_id)

    def _undo(self, record: ChangeRecord, current: Fact[PolicyDocument]) -> Undone:
        if _same(current, record.before):
            self.changes.mark(record.change_id, ChangeState.ROLLED_BACK, self.clock.now())
            return Undone(done=True, says="the policy is as it was before the change")
        if _same(current, record.after):
            self._put_back(record, record.before, replaced=record.after)
            return Undone(done=True, says="the stored policy was put back")
        if isinstance(current, PolicyDocument) and _has_ours(current, record):
            left = _less_ours(current, record)
            self._put_back(record, left if left.statements else None, replaced=current)
            return Undone(done=True, says="others edited since: only what we added was removed")
        return Undone(done=False, says=_three_way(record, current))

    def _put_back(
        self, record: ChangeRecord, wanted: PolicyDocument | None, *, replaced: PolicyDocument
    ) -> None:
        self._write(record, wanted)
        self._confirm(record, ChangeState.ROLLED_BACK, wanted=wanted, replaced=replaced)

    def _lease(self, record: ChangeRecord) -> None:
        now = self.clock.now()
        if not self.changes.lease(record.subject, record.change_id, now, now + LEASE):
            raise IncidentBusyError(f"{record.subject} is being edited by another invocation")

    def _read(self, record: ChangeRecord) -> Fact[PolicyDocument]:
        match record.kind:
            case ChangeKind.KEY_POLICY:
                current = self.keys.policy_of(record.subject)
            case ChangeKind.ROLE_POLICY:
                current = self.roles.inline_policy(record.subject, record.policy_name or "")
            case unreachable:
                assert_never(unreachable)
        if isinstance(current, Unavailable):
            raise AccessLostError(f"{record.subject} could not be read: {current.reason}")
        return current

    def _write(self, record: ChangeRecord, document: PolicyDocument | None) -> None:
        match record.kind:
            case ChangeKind.KEY_POLICY:
                if document is None:
                    # A key always has a policy, so that none can have been stored.
                    raise PolicyChangedError(f"{record.subject} had no stored policy to put back")
                self.keys.put_policy(record.subject, document)
            case ChangeKind.ROLE_POLICY:
                self._write_inline(record.subject, record.policy_name or "", document)
            case unreachable:
                assert_never(unreachable)

    def _write_inline(self, role: str, name: str, document: PolicyDocument | None) -> None:
        if document is None:
            self.roles.delete_inline_policy(role, name)
        else:
            self.roles.put_inline_policy(role, name, document)

    def _confirm(
        self,
        record: ChangeRecord,
        state: ChangeState,
        *,
        wanted: PolicyDocument | None,
        replaced: PolicyDocument | None,
    ) -> None:
        """Read back: whoever wrote between our last look and now shows here."""
        current = self._read(record)
        if _same(current, wanted):
            self.changes.mark(record.change_id, state, self.clock.now())
        elif _same(current, replaced):
            # IAM and KMS are eventually consistent (aws-facts 5.6 and 5.8).
            raise NotYetEffectiveError(f"{record.subject} does not show yet what we wrote")
        else:
            self.changes.mark(record.change_id, ChangeState.OVERWRITTEN, self.clock.now())
            raise PolicyChangedError(f"{record.subject} was edited while we wrote it")


def _same(current: Fact[PolicyDocument], wanted: PolicyDocument | None) -> bool:
    match current:
        case PolicyDocument():
            return wanted is not None and current.fingerprint == wanted.fingerprint
        case Absent():
            return wanted is None
        case Unavailable():
            return False


def _has_ours(current: PolicyDocument, record: ChangeRecord) -> bool:
    """Whether every statement that we added is still there as we wrote it."""
    return all(each in current.statements for each in record.after.added_to(record.before))


def _less_ours(current: PolicyDocument, record: ChangeRecord) -> PolicyDocument:
    """The document without what we added; what stood there under the same Sid comes back."""
    for statement in record.after.added_to(record.before):
        sid = str(statement["Sid"])
        earlier = record.before.statement_named(sid) if record.before else None
        current = current.with_statement(earlier) if earlier else current.without_statement(sid)
    return current


def _three_way(record: ChangeRecord, current: Fact[PolicyDocument]) -> str:
    now = current if isinstance(current, PolicyDocument) else None
    ours = diff_of(record.before, record.after, record.subject)
    theirs = diff_of(record.after, now, record.subject) if now else "the document is gone"
    return f"others changed our statement since.\nWe changed:\n{ours}\nOthers changed:\n{theirs}"
