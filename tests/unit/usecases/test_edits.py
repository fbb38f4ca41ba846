"""Nobody's edit is lost: not ours, and not that of whoever edits at the same time."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, NamedPolicy, Role
from replimend.domain.repair.changes import ChangeRecord, ChangeState, record_of
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import ROLE_POLICY_NAME, Plan
from replimend.domain.unavailable import Unavailable
from replimend.errors import (
    AccessLostError,
    IncidentBusyError,
    NotYetEffectiveError,
    PolicyChangedError,
)
from replimend.ports import Keys
from replimend.usecases.edits import LEASE, Editor
from replimend.usecases.subjects import Subjects, subjects_of
from tests.facts import (
    DESTINATION_KEY,
    MEMBER,
    NOON,
    ROLE_ARN,
    SOURCE_KEY,
    a_key,
    a_role,
    administered_by,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
    role_policy,
)
from tests.fakes import FakeBuckets, FakeChanges, FakeKeys, FakeRoles, FrozenClock

SILENT_ROLE = a_role(
    identity_policies=(
        NamedPolicy(
            name="replicate",
            document=role_policy(without=frozenset({"kms:Encrypt", "kms:Decrypt"})),
        ),
    )
)
SOMEBODY_ELSES: dict[str, Any] = {
    "Sid": "SomebodyElses",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{MEMBER}:role/auditor"},
    "Action": "kms:DescribeKey",
    "Resource": "*",
}


class Desk:
    """An editor over one key and one role, and a change for it to make."""

    def __init__(self, facts: Facts | None = None) -> None:
        facts = facts or flagship_facts()
        plan = plan_for(diagnose(facts, None), facts)
        assert isinstance(plan, Plan)
        assert isinstance(facts.role, Role)
        self.record = record_of(
            plan.changes[0],
            incident_id="0123456789ab",
            round_=1,
            plan_hash=plan.hash,
            approved_by=None,
            why="the key policy does not admit the role",
            at=NOON,
        )
        self.keys = FakeKeys({DESTINATION_KEY: facts.destination_key})
        self.roles = FakeRoles({ROLE_ARN: facts.role})
        self.changes = FakeChanges()
        self.clock = FrozenClock()
        self.editor = Editor(
            subjects=self.subjects(self.keys), changes=self.changes, clock=self.clock
        )

    def subjects(self, keys: Keys) -> Subjects:
        return subjects_of(keys=keys, roles=self.roles, buckets=FakeBuckets({}, {}))

    @property
    def policy(self) -> PolicyDocument:
        policy = self.keys.policy_of(DESTINATION_KEY)
        assert isinstance(policy, PolicyDocument)
        return policy

    @property
    def kept(self) -> ChangeRecord:
        return self.changes.records[self.record.change_id]

    def edit(self, *statements: dict[str, Any]) -> None:
        """Somebody adds statements to the key policy."""
        edited = self.policy
        for statement in statements:
            edited = edited.with_statement(statement)
        self.keys.edit(DESTINATION_KEY, edited)


@pytest.fixture
def desk() -> Desk:
    return Desk()


# making a change


def test_a_change_is_made_recorded_and_read_back(desk: Desk) -> None:
    desk.editor.make(desk.record)

    assert desk.policy == desk.record.after
    assert desk.kept == replace(desk.record, state=ChangeState.APPLIED, state_since=NOON)


def test_making_it_again_writes_nothing_again(desk: Desk) -> None:
    desk.editor.make(desk.record)
    desk.editor.make(desk.record)

    assert len(desk.keys.written) == 1
    assert desk.kept.state is ChangeState.APPLIED


def test_the_spelling_of_a_policy_is_no_edit(desk: Desk) -> None:
    spelt = json.dumps(desk.policy.content, indent=2, sort_keys=True)
    desk.keys.edit(DESTINATION_KEY, PolicyDocument(text=spelt))

    desk.editor.make(desk.record)

    assert desk.kept.state is ChangeState.APPLIED


def test_the_record_is_stored_before_anything_is_written() -> None:
    class RefusingKeys(FakeKeys):
        def put_policy(self, key_arn: str, document: PolicyDocument) -> None:
            raise AccessLostError(f"{key_arn}: {document.size}")

    desk = Desk()
    refusing = RefusingKeys(desk.keys.keys)
    editor = replace(desk.editor, subjects=desk.subjects(refusing))

    with pytest.raises(AccessLostError):
        editor.make(desk.record)

    assert desk.kept.state is ChangeState.INTENDED
    assert desk.kept.before == desk.policy


def test_a_subject_has_one_editor_at_a_time(desk: Desk) -> None:
    desk.changes.lease(DESTINATION_KEY, "another", NOON, NOON + LEASE)

    with pytest.raises(IncidentBusyError):
        desk.editor.make(desk.record)

    assert desk.keys.written == []


def test_an_editor_that_died_holds_nobody_up_for_long(desk: Desk) -> None:
    desk.changes.lease(DESTINATION_KEY, "another", NOON, NOON + LEASE)
    desk.clock.advance(2 * LEASE)

    desk.editor.make(desk.record)

    assert desk.kept.state is ChangeState.APPLIED


def test_the_lease_is_given_back_whatever_happens(desk: Desk) -> None:
    desk.edit(SOMEBODY_ELSES)
    with pytest.raises(PolicyChangedError):
        desk.editor.make(desk.record)

    assert desk.changes.lease(DESTINATION_KEY, "another", NOON, NOON + LEASE)


def test_what_cannot_be_read_is_not_written(desk: Desk) -> None:
    desk.keys.keys[DESTINATION_KEY] = a_key(policy=Unavailable(reason="denied to us"))

    with pytest.raises(AccessLostError, match="denied to us"):
        desk.editor.make(desk.record)

    assert desk.keys.written == []


# somebody edits at the same time


class Interrupted:
    """A port of which the nth call, counted over all ports, is followed by somebody's edit."""

    def __init__(self, port: object, calls: list[str], act: Callable[[list[str]], None]) -> None:
        self._port, self._calls, self._act = port, calls, act

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            answer = getattr(self._port, name)(*arguments)
            self._calls.append(name)
            self._act(self._calls)
            return answer

        return call


def made_while_somebody_edits(desk: Desk, after_calls: list[str]) -> None:
    """Make the change; after just these calls, somebody adds a statement."""
    calls: list[str] = []

    def act(calls: list[str]) -> None:
        if calls == after_calls:
            desk.edit(SOMEBODY_ELSES)

    keys: Any = Interrupted(desk.keys, calls, act)
    changes: Any = Interrupted(desk.changes, calls, act)
    replace(desk.editor, subjects=desk.subjects(keys), changes=changes).make(desk.record)


CALLS = ["lease", "record", "policy_of", "put_policy", "policy_of", "mark", "release"]
# Between the look and the write, after three calls, AWS leaves a gap that no reader can see into.
BEFORE_THE_LOOK = [CALLS[:n] for n in (0, 1, 2)]
BEFORE_THE_READ_BACK = [CALLS[:4]]
AFTERWARDS = [CALLS[:n] for n in (5, 6, 7)]


def test_these_are_all_the_calls_between_which_somebody_may_edit(desk: Desk) -> None:
    calls: list[str] = []
    port: Callable[[object], Any] = lambda port: Interrupted(port, calls, lambda _: None)  # noqa: E731

    replace(desk.editor, subjects=desk.subjects(port(desk.keys)), changes=port(desk.changes)).make(
        desk.record
    )

    assert calls == CALLS


@pytest.mark.parametrize("after_calls", BEFORE_THE_LOOK, ids=len)
def test_an_edit_before_our_last_look_stops_us(desk: Desk, after_calls: list[str]) -> None:
    if not after_calls:
        desk.edit(SOMEBODY_ELSES)

    with pytest.raises(PolicyChangedError):
        made_while_somebody_edits(desk, after_calls)

    assert desk.keys.written == []
    assert SOMEBODY_ELSES in desk.policy.statements
    assert desk.kept.state is ChangeState.ABANDONED


@pytest.mark.parametrize("after_calls", BEFORE_THE_READ_BACK, ids=len)
def test_an_edit_after_our_write_is_detected_and_kept(desk: Desk, after_calls: list[str]) -> None:
    with pytest.raises(PolicyChangedError):
        made_while_somebody_edits(desk, after_calls)

    assert SOMEBODY_ELSES in desk.policy.statements
    assert desk.kept.state is ChangeState.OVERWRITTEN


@pytest.mark.parametrize("after_calls", AFTERWARDS, ids=len)
def test_an_edit_after_our_read_back_is_nobodys_loss(desk: Desk, after_calls: list[str]) -> None:
    made_while_somebody_edits(desk, after_calls)

    assert SOMEBODY_ELSES in desk.policy.statements
    assert desk.record.after.statements[-1] in desk.policy.statements
    assert desk.kept.state is ChangeState.APPLIED


def test_a_write_that_does_not_show_yet_is_tried_again_later() -> None:
    class SlowKeys(FakeKeys):
        def put_policy(self, key_arn: str, document: PolicyDocument) -> None:  # noqa: ARG002 - the port's
            self.written.append(document)

    desk = Desk()
    slow = SlowKeys(desk.keys.keys)

    with pytest.raises(NotYetEffectiveError):
        replace(desk.editor, subjects=desk.subjects(slow)).make(desk.record)

    assert desk.kept.state is ChangeState.INTENDED


# undoing a change


def test_undoing_puts_the_stored_policy_back(desk: Desk) -> None:
    desk.editor.make(desk.record)

    undone = desk.editor.undo(desk.kept)

    assert undone.done
    assert desk.policy == desk.record.before
    assert desk.kept.state is ChangeState.ROLLED_BACK


def test_undoing_twice_writes_once(desk: Desk) -> None:
    desk.editor.make(desk.record)
    desk.editor.undo(desk.kept)
    written = len(desk.keys.written)

    assert desk.editor.undo(desk.kept).done
    assert len(desk.keys.written) == written


def test_what_was_never_made_needs_no_undoing(desk: Desk) -> None:
    desk.edit(SOMEBODY_ELSES)
    with pytest.raises(PolicyChangedError):
        desk.editor.make(desk.record)

    assert desk.editor.undo(desk.kept).done
    assert desk.keys.written == []


def test_what_died_before_its_write_is_undone_by_a_look(desk: Desk) -> None:
    desk.changes.record(desk.record)

    assert desk.editor.undo(desk.kept).done
    assert desk.keys.written == []
    assert desk.kept.state is ChangeState.ROLLED_BACK


def test_with_others_edits_since_only_what_we_added_is_removed(desk: Desk) -> None:
    desk.editor.make(desk.record)
    desk.edit(SOMEBODY_ELSES)

    assert desk.editor.undo(desk.kept).done
    assert desk.policy.statements == (
        administered_by(MEMBER),
        delegated_to(MEMBER),
        SOMEBODY_ELSES,
    )


def test_what_stood_in_place_of_ours_comes_back_beside_others_edits(desk: Desk) -> None:
    ours = desk.record.after.statements[-1]
    narrower = {**ours, "Action": "kms:Decrypt"}
    before = document(administered_by(MEMBER), narrower)
    desk.record = replace(desk.record, before=before, after=before.with_statement(ours))
    desk.keys.edit(DESTINATION_KEY, before)
    desk.editor.make(desk.record)
    desk.edit(SOMEBODY_ELSES)

    assert desk.editor.undo(desk.kept).done
    assert desk.policy.statements == (administered_by(MEMBER), narrower, SOMEBODY_ELSES)


def test_when_our_statement_was_edited_undoing_refuses_and_shows_who_changed_what(
    desk: Desk,
) -> None:
    desk.editor.make(desk.record)
    ours = desk.record.after.statements[-1]
    desk.edit({**ours, "Action": ["kms:Decrypt", "kms:Encrypt"]})
    edited = desk.policy

    undone = desk.editor.undo(desk.kept)

    assert not undone.done
    assert desk.policy == edited
    ours_shown, theirs_shown = undone.says.split("Others changed:")
    assert '+      "Action": "kms:Encrypt"' in ours_shown
    assert '+        "kms:Decrypt",' in theirs_shown
    assert desk.kept.state is ChangeState.APPLIED


def test_an_edit_while_we_undo_is_detected_and_kept(desk: Desk) -> None:
    desk.editor.make(desk.record)
    calls: list[str] = []

    def act(calls: list[str]) -> None:
        if calls[-1] == "put_policy":
            desk.edit(SOMEBODY_ELSES)

    keys: Any = Interrupted(desk.keys, calls, act)

    with pytest.raises(PolicyChangedError):
        replace(desk.editor, subjects=desk.subjects(keys)).undo(desk.kept)
    assert SOMEBODY_ELSES in desk.policy.statements


# the role's own policy


@pytest.fixture
def role_desk() -> Desk:
    return Desk(healthy_facts(role=SILENT_ROLE, source_key=a_key(SOURCE_KEY)))


def inline_policy(desk: Desk) -> PolicyDocument | None:
    policy = desk.roles.inline_policy(ROLE_ARN, ROLE_POLICY_NAME)
    return policy if isinstance(policy, PolicyDocument) else None


def test_a_role_gets_an_inline_policy_of_ours_and_loses_it_again(role_desk: Desk) -> None:
    role_desk.editor.make(role_desk.record)
    made = inline_policy(role_desk)
    undone = role_desk.editor.undo(role_desk.kept)

    assert made == role_desk.record.after
    assert undone.done
    assert inline_policy(role_desk) is None
    assert role_desk.roles.describe(ROLE_ARN) == SILENT_ROLE


def test_both_statements_of_a_role_are_removed_beside_others_edits(role_desk: Desk) -> None:
    role_desk.editor.make(role_desk.record)
    made = inline_policy(role_desk)
    assert made is not None
    theirs = made.with_statement(SOMEBODY_ELSES)
    role_desk.roles.put_inline_policy(ROLE_ARN, ROLE_POLICY_NAME, theirs)

    assert role_desk.editor.undo(role_desk.kept).done
    left = inline_policy(role_desk)
    assert left is not None
    assert left.statements == (SOMEBODY_ELSES,)


def test_an_inline_policy_that_somebody_deleted_is_as_it_was(role_desk: Desk) -> None:
    role_desk.editor.make(role_desk.record)
    role_desk.roles.delete_inline_policy(ROLE_ARN, ROLE_POLICY_NAME)

    assert role_desk.editor.undo(role_desk.kept).done
    assert inline_policy(role_desk) is None
