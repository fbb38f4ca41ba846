"""Reminders: what is managed elsewhere as well will drift back, until that code has our change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Role
from replimend.domain.repair.adoption import is_adopted
from replimend.domain.repair.changes import ChangeRecord
from replimend.domain.repair.notices import Notice, NoticeKind
from replimend.domain.repair.plan import OF_POLICIES, ChangeKind
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedPolicyError
from replimend.ports import ChangeNotes, Clock, Outbox, Roles
from replimend.usecases.subjects import Subjects

REMIND_EVERY = timedelta(days=7)
TIME_TO_ADOPT = timedelta(days=1)
"""No reminder of what was changed a moment ago: people were told of that."""


def is_due(notes: ChangeNotes, now: datetime) -> bool:
    """Whether there is something to remind of, and nobody looked for it within the week."""
    oldest = notes.oldest()
    if oldest is None or now - oldest < TIME_TO_ADOPT:
        return False
    last = notes.reminded_at()
    return last is None or now - last >= REMIND_EVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Reads the live policies, and changes none of them."""

    notes: ChangeNotes
    subjects: Subjects
    roles: Roles
    outbox: Outbox
    clock: Clock

    def remind(self) -> None:
        """Tell once a week, in one notice, which changes in force the user's code lacks."""
        now = self.clock.now()
        if not is_due(self.notes, now):
            return
        due = [each for each in self.notes.applied() if each.at <= now - TIME_TO_ADOPT]
        lacking = [each for each in due if not self._is_adopted(each)]
        if lacking:
            self.outbox.notify(_notice(lacking))
        self.notes.note_reminded(now)

    def _is_adopted(self, change: ChangeRecord) -> bool:
        """Whether the live policies show it; one that cannot be read does not."""
        try:
            adopted = self._shows(change)
        except MalformedPolicyError:
            return False
        if adopted:
            says = "the policies allow the same without what we added"
            self.notes.note_adopted(change.change_id, says, self.clock.now())
        return adopted

    def _shows(self, change: ChangeRecord) -> bool:
        """Whether the live policy shows it; of what is no policy, only a person can tell."""
        if change.kind not in OF_POLICIES:
            return False
        others = tuple(self._others(change)) if change.kind is ChangeKind.ROLE_POLICY else ()
        match self.subjects[change.kind].read(change):
            case Document() as live:
                return is_adopted(change, live, others)
            case Absent():
                return is_adopted(change, None, others)
            case Unavailable():
                return False

    def _others(self, change: ChangeRecord) -> Iterator[PolicyDocument]:
        """The role's other policies."""
        role = self.roles.describe(change.subject)
        if isinstance(role, Role) and isinstance(role.identity_policies, tuple):
            yield from (
                each.document for each in role.identity_policies if each.name != change.policy_name
            )


def _notice(lacking: list[ChangeRecord]) -> Notice:
    named = ", ".join(f"{each.change_id} ({each.kind} of {each.subject})" for each in lacking)
    return Notice(
        kind=NoticeKind.CHANGES_NOT_ADOPTED,
        says=f"{len(lacking)} change(s) are in force that your own code may not have yet, and "
        f"would undo: {named}. See each with: replimend patch CHANGE_ID. "
        "Once the code has it: replimend adopted CHANGE_ID",
        about=tuple(each.change_id for each in lacking),
    )
