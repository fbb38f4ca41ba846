"""Edit a document so that nobody's work is lost: lease, read, compare, store, write, read back.

None of AWS's policy writes is conditional (aws-facts 5.6 and 5.8). The lease keeps our own
invocations apart; the fingerprints find everybody else.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Fact
from replimend.domain.repair.changes import ChangeRecord, ChangeState, diff_of
from replimend.domain.unavailable import Unavailable
from replimend.errors import (
    AccessLostError,
    IncidentBusyError,
    NotYetEffectiveError,
    PolicyChangedError,
)
from replimend.ports import Changes, Clock
from replimend.usecases.subjects import Subjects

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

    subjects: Subjects
    changes: Changes
    clock: Clock

    def make(self, record: ChangeRecord) -> None:
        """Make the change, or raise PolicyChangedError if the document is not what it was.

        IncidentBusyError while another invocation edits the same subject. The record is stored
        before the write, and marked after it has been read back. Between the last look and the
        write lies one call, and AWS offers nothing to close that gap.
        """
        holder = self._lease(record)
        try:
            self.changes.record(record)
            if not self._is_made(record):
                self._write(record, record.after)
            self._confirm(record, ChangeState.APPLIED, wanted=record.after, replaced=record.before)
        finally:
            self.changes.release(record.subject, holder)

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
        holder = self._lease(record)
        try:
            return self._undo(record, self._read(record))
        finally:
            self.changes.release(record.subject, holder)

    def _undo(self, record: ChangeRecord, current: Fact[Document]) -> Undone:
        if _same(current, record.before):
            self.changes.mark(record.change_id, ChangeState.ROLLED_BACK, self.clock.now())
            return Undone(done=True, says="it is as it was before the change")
        if record.is_final:
            return Undone(done=False, says=_by_hand(record))
        if _same(current, record.after):
            self._put_back(record, record.before, replaced=record.after)
            return Undone(done=True, says="what was stored was put back")
        left = _less_ours(current, record)
        if left is not None and isinstance(current, PolicyDocument):
            self._put_back(record, left if left.statements else None, replaced=current)
            return Undone(done=True, says="others edited since: only what we added was removed")
        return Undone(done=False, says=_three_way(record, current))

    def _put_back(
        self, record: ChangeRecord, wanted: Document | None, *, replaced: Document
    ) -> None:
        self._write(record, wanted)
        self._confirm(record, ChangeState.ROLLED_BACK, wanted=wanted, replaced=replaced)

    def _lease(self, record: ChangeRecord) -> str:
        """Take the subject's lease, and say as whom.

        Each try has a name of its own: a message may come twice at once, and of two that hold the
        lease for the same change, the second would write over whatever came after the first.
        """
        now, holder = self.clock.now(), f"{record.change_id}-{secrets.token_hex(8)}"
        if not self.changes.lease(record.subject, holder, now, now + LEASE):
            raise IncidentBusyError(f"{record.subject} is being edited by another invocation")
        return holder

    def _read(self, record: ChangeRecord) -> Fact[Document]:
        current = self.subjects[record.kind].read(record)
        if isinstance(current, Unavailable):
            raise AccessLostError(f"{record.subject} could not be read: {current.reason}")
        return current

    def _write(self, record: ChangeRecord, document: Document | None) -> None:
        self.subjects[record.kind].write(record, document)

    def _confirm(
        self,
        record: ChangeRecord,
        state: ChangeState,
        *,
        wanted: Document | None,
        replaced: Document | None,
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


def _same(current: Fact[Document], wanted: Document | None) -> bool:
    match current:
        case Document():
            return wanted is not None and current.fingerprint == wanted.fingerprint
        case Absent():
            return wanted is None
        case Unavailable():
            return False


def _less_ours(current: Fact[Document], record: ChangeRecord) -> PolicyDocument | None:
    """The policy without what we added and with what stood there before; None if ours is gone."""
    if not isinstance(current, PolicyDocument) or not isinstance(record.after, PolicyDocument):
        return None
    before = record.before if isinstance(record.before, PolicyDocument) else None
    return current.less(record.after.edits_since(before))


def _by_hand(record: ChangeRecord) -> str:
    return (
        f"the deletion of {record.subject} was cancelled, and is never scheduled again by "
        "Replimend: do so by hand (kms:ScheduleKeyDeletion) if the key is to go after all"
    )


def _three_way(record: ChangeRecord, current: Fact[Document]) -> str:
    now = current if isinstance(current, Document) else None
    ours = diff_of(record.before, record.after, record.subject)
    theirs = diff_of(record.after, now, record.subject) if now else "the document is gone"
    return f"others changed our statement since.\nWe changed:\n{ours}\nOthers changed:\n{theirs}"
