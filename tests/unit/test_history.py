"""Who broke it, and whether it was removed on purpose: judged from what CloudTrail tells."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from replimend.domain.answers import diagnosis_answer
from replimend.domain.diagnosis.breakage import (
    suspects_of,
    who_broke_it,
    with_what_broke_it,
)
from replimend.domain.diagnosis.causes import NOT_LOOKED_UP, Diagnosis
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.diagnosis.history import (
    Act,
    Author,
    ChangeEvent,
    Channel,
    Past,
    Pasts,
    SubjectKind,
    subject_of_key,
    subject_of_role,
)
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Facts, NamedPolicy, ReplicationSetup
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.repair.removals import RECENT, removal_behind
from replimend.domain.repair.verdicts import Removal
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    MEMBER,
    NOON,
    ROLE_ARN,
    a_bucket,
    a_key,
    a_role,
    a_rule,
    administered_by,
    admitting_the_role,
    document,
    flagship_facts,
    healthy_facts,
    role_policy,
)

MINUTE = timedelta(minutes=1)
KEY = subject_of_key(DESTINATION_KEY)
ROLE = subject_of_role(ROLE_ARN)
ANNA = Author(principal=f"arn:aws:iam::{MEMBER}:user/anna", role_arn=None, channel=Channel.CONSOLE)
OURS = replace(ANNA, principal="ours", is_replimend=True)
REFUSING = document(administered_by(MEMBER))
ADMITTING = document(administered_by(MEMBER), admitting_the_role("kms:Encrypt"))
FLAGSHIP = flagship_facts()
DIAGNOSIS = diagnose(FLAGSHIP, None)
PLAN = plan_for(DIAGNOSIS, FLAGSHIP)
LACKING = role_policy(without=frozenset({"kms:Encrypt"}))
ROLE_FACTS = healthy_facts(
    role=a_role(identity_policies=(NamedPolicy(name="replicate", document=LACKING),))
)


def an_event(ago: timedelta, act: Act = Act.PUT_KEY_POLICY, **changes: Any) -> ChangeEvent:
    event = ChangeEvent(
        event_id=f"event {ago}",
        act=act,
        at=NOON - ago,
        author=ANNA,
        subject=DESTINATION_KEY,
        document=REFUSING if act is Act.PUT_KEY_POLICY else None,
    )
    return replace(event, **changes)


def past(*events: ChangeEvent, **changes: Any) -> Pasts:
    """The key's past, in the order of time."""
    ordered = tuple(sorted(events, key=lambda event: event.at))
    return {KEY: replace(Past(subject=KEY, events=ordered), **changes)}


def named(*events: ChangeEvent, failed_at: datetime = NOON, **changes: Any) -> str | None:
    """The id of the event that is named as the one that broke it."""
    found = who_broke_it(DIAGNOSIS, FLAGSHIP, failed_at, past(*events, **changes))
    return found.event_id if isinstance(found, ChangeEvent) else None


# whose changes are looked at


def test_a_refusal_by_a_key_policy_has_the_policy_and_the_grants_of_that_key_for_suspects() -> None:
    assert suspects_of(DIAGNOSIS, FLAGSHIP) == {
        KEY: {Act.PUT_KEY_POLICY, Act.REVOKE_GRANT, Act.RETIRE_GRANT}
    }


@pytest.mark.parametrize(
    ("facts", "kind", "acts"),
    [
        (
            ROLE_FACTS,
            SubjectKind.ROLE,
            {Act.PUT_ROLE_POLICY, Act.DELETE_ROLE_POLICY, Act.DETACH_ROLE_POLICY},
        ),
        (
            healthy_facts(destination_key=a_key(state="Disabled")),
            SubjectKind.KEY,
            {Act.DISABLE_KEY, Act.SCHEDULE_KEY_DELETION},
        ),
        (
            healthy_facts(destination=a_bucket(policy=Absent(what="policy"))),
            SubjectKind.BUCKET,
            {Act.PUT_BUCKET_POLICY, Act.DELETE_BUCKET_POLICY},
        ),
        (
            healthy_facts(destination=a_bucket(versioned=False)),
            SubjectKind.BUCKET,
            {Act.PUT_BUCKET_VERSIONING},
        ),
        (
            healthy_facts(
                setup=ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(enabled=False),))
            ),
            SubjectKind.BUCKET,
            {Act.PUT_BUCKET_REPLICATION, Act.DELETE_BUCKET_REPLICATION},
        ),
        (
            healthy_facts(role=a_role(trust=document())),
            SubjectKind.ROLE,
            {Act.UPDATE_TRUST},
        ),
        (healthy_facts(role=Absent(what=ROLE_ARN)), SubjectKind.ROLE, {Act.DELETE_ROLE}),
    ],
    ids=["role", "disabled", "bucket", "versioning", "rule", "trust", "no role"],
)
def test_each_cause_has_the_changes_that_can_be_behind_it(
    facts: Facts, kind: SubjectKind, acts: set[Act]
) -> None:
    ((subject, asked),) = suspects_of(diagnose(facts, None), facts).items()

    assert subject.kind is kind
    assert asked == acts


def test_what_is_mended_has_no_suspects() -> None:
    facts = healthy_facts()

    assert suspects_of(diagnose(facts, None), facts) == {}


# which of them it was


def test_the_latest_change_before_the_failure_is_named() -> None:
    assert named(an_event(3 * MINUTE), an_event(MINUTE)) == f"event {MINUTE}"


def test_a_change_after_the_failure_did_not_break_it() -> None:
    assert named(an_event(-MINUTE), an_event(MINUTE)) == f"event {MINUTE}"
    assert named(an_event(-MINUTE)) is None


def test_our_own_changes_are_never_named() -> None:
    assert named(an_event(MINUTE, author=OURS)) is None


def test_where_documents_tell_the_change_that_took_it_away_is_named() -> None:
    events = (
        an_event(4 * MINUTE, document=ADMITTING),
        an_event(3 * MINUTE),
        an_event(2 * MINUTE),
    )

    assert named(*events) == f"event {3 * MINUTE}"


def test_a_document_that_admits_the_role_broke_nothing() -> None:
    assert named(an_event(MINUTE, document=ADMITTING)) is None


@pytest.mark.parametrize("text", ["[]", '{"Statement": [{"Effect": "Perhaps"}]}'])
def test_a_document_beyond_us_is_suspected_all_the_same(text: str) -> None:
    assert named(an_event(MINUTE, document=PolicyDocument(text=text))) is not None


@pytest.mark.parametrize("act", [Act.REVOKE_GRANT, Act.RETIRE_GRANT])
def test_a_grant_that_is_gone_can_have_broken_it(act: Act) -> None:
    assert named(an_event(MINUTE, act)) is not None


@pytest.mark.parametrize(
    ("pasts", "says"),
    [
        ({KEY: Unavailable(reason="denied to us")}, "denied to us"),
        (past(read_back_to=NOON - MINUTE), "were read back to 2026-06-01 11:59 only"),
        (past(told_until=NOON - MINUTE), "may not have told yet"),
    ],
    ids=["denied", "too many", "too early"],
)
def test_what_could_not_be_read_is_not_taken_for_nothing(pasts: Pasts, says: str) -> None:
    found = who_broke_it(DIAGNOSIS, FLAGSHIP, NOON, pasts)

    assert isinstance(found, Unavailable)
    assert says in found.reason


def test_a_history_without_a_fitting_change_is_absent() -> None:
    found = who_broke_it(DIAGNOSIS, FLAGSHIP, NOON, past())

    assert isinstance(found, Absent)
    assert DESTINATION_KEY in found.what
    assert isinstance(who_broke_it(DIAGNOSIS, FLAGSHIP, NOON, {}), Absent)


def test_the_answer_names_the_change_and_the_evidence_says_it_in_a_sentence() -> None:
    found = with_what_broke_it(DIAGNOSIS, an_event(MINUTE))

    answer = diagnosis_answer(found)

    assert answer["brokenBy"] == {
        "event": "PutKeyPolicy",
        "who": f"arn:aws:iam::{MEMBER}:user/anna",
        "at": "2026-06-01T11:59:00+00:00",
        "eventId": f"event {MINUTE}",
    }
    assert answer["evidence"][-1] == {
        "source": "history",
        "says": f"arn:aws:iam::{MEMBER}:user/anna called PutKeyPolicy on {DESTINATION_KEY} at "
        f"2026-06-01 11:59:00 UTC, by the console (CloudTrail event event {MINUTE})",
    }


def test_a_diagnosis_says_that_nobody_looked_it_up() -> None:
    answer = diagnosis_answer(DIAGNOSIS)

    assert DIAGNOSIS.broken_by == NOT_LOOKED_UP
    assert answer["brokenBy"] is None


# whether it was removed on purpose


def removed(
    *events: ChangeEvent,
    plan: Plan | NoPlan = PLAN,
    since: datetime = NOON,
    **changes: Any,
) -> Removal | Unavailable | None:
    return removal_behind(plan, FLAGSHIP, since, past(*events, **changes))


@pytest.mark.parametrize(
    "event",
    [
        an_event(MINUTE),
        an_event(MINUTE, Act.REVOKE_GRANT),
        an_event(MINUTE, document=None),
        an_event(RECENT),
        an_event(-MINUTE),
    ],
    ids=["policy", "grant", "unknown document", "a week ago", "after the failure"],
)
def test_a_recent_change_that_leaves_the_call_refused_counts_as_a_removal(
    event: ChangeEvent,
) -> None:
    assert removed(event) == Removal(says=event.says)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (an_event(RECENT + MINUTE),),
        (an_event(MINUTE, author=OURS),),
        (an_event(MINUTE, document=ADMITTING),),
        (an_event(2 * RECENT), an_event(MINUTE)),
    ],
    ids=["nothing", "long ago", "ours", "admits", "was refused before"],
)
def test_what_took_nothing_away_lately_is_no_removal(events: tuple[ChangeEvent, ...]) -> None:
    assert removed(*events) is None


def test_a_statement_of_ours_that_somebody_takes_out_again_was_removed() -> None:
    ours = an_event(2 * MINUTE, author=OURS, document=ADMITTING)

    assert removed(ours, an_event(MINUTE)) == Removal(says=an_event(MINUTE).says)


@pytest.mark.parametrize(
    "pasts",
    [
        {},
        {KEY: Unavailable(reason="denied to us")},
        past(read_back_to=NOON - MINUTE),
    ],
    ids=["not asked", "denied", "too many"],
)
def test_an_unread_history_is_no_leave(pasts: Pasts) -> None:
    assert isinstance(removal_behind(PLAN, FLAGSHIP, NOON, pasts), Unavailable)


def test_a_history_read_as_far_back_as_a_week_is_enough() -> None:
    assert removed(read_back_to=NOON - RECENT, told_until=NOON) is None


def test_a_replay_gives_nothing_back() -> None:
    assert isinstance(PLAN, Plan)
    assert removal_behind(replace(PLAN, changes=()), FLAGSHIP, NOON, {}) is None
    assert removal_behind(NoPlan(reason="none"), FLAGSHIP, NOON, {}) is None


def test_an_inline_policy_is_compared_with_the_one_of_its_name() -> None:
    diagnosis = diagnose(ROLE_FACTS, None)
    plan = plan_for(diagnosis, ROLE_FACTS)
    before = _role_event(3 * MINUTE, "replicate", role_policy())
    another = _role_event(2 * MINUTE, "another", LACKING)
    after = _role_event(MINUTE, "replicate", LACKING)

    assert _of_role(plan, before, after) == Removal(says=after.says)
    assert _of_role(plan, before, another, after) == Removal(says=after.says)
    assert _role_named(diagnosis, before, after) == after


def _role_event(ago: timedelta, name: str, written: PolicyDocument) -> ChangeEvent:
    return an_event(ago, Act.PUT_ROLE_POLICY, subject=ROLE_ARN, policy_name=name, document=written)


def _of_role(plan: Plan | NoPlan, *events: ChangeEvent) -> Removal | Unavailable | None:
    return removal_behind(plan, ROLE_FACTS, NOON, {ROLE: Past(subject=ROLE, events=events)})


def _role_named(diagnosis: Diagnosis, *events: ChangeEvent) -> object:
    return who_broke_it(diagnosis, ROLE_FACTS, NOON, {ROLE: Past(subject=ROLE, events=events)})
