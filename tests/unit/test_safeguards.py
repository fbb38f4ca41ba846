"""The guardrails of the moment: each objects to what it is for, and to nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.diagnosis.history import TOLD_WITHIN
from replimend.domain.facts import Absent, Fact, NamedPolicy
from replimend.domain.repair.guardrails import Review, review
from replimend.domain.repair.hours import Hours
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.ownership import OwnParts
from replimend.domain.repair.plan import Plan
from replimend.domain.repair.safeguards import (
    APPROVAL_ALWAYS,
    a_person_agrees_to_what_needs_one,
    tagged_parts_of,
)
from replimend.domain.repair.verdicts import (
    Approval,
    Approved,
    Circumstances,
    Limits,
    ObjectionKind,
    Refused,
    Tag,
    Tags,
)
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    ROLE_ARN,
    a_role,
    flagship_facts,
    healthy_facts,
    role_policy,
)
from tests.incidents import LIMITS

SILENT_ROLE = a_role(
    identity_policies=(
        NamedPolicy(name="replicate", document=role_policy(without=frozenset({"kms:Encrypt"}))),
    )
)


def a_plan(facts: Any) -> Plan:
    plan = plan_for(diagnose(facts, None), facts)
    assert isinstance(plan, Plan)
    return plan


KEY_PLAN, ROLE_PLAN = a_plan(flagship_facts()), a_plan(healthy_facts(role=SILENT_ROLE))
REPLAY = replace(KEY_PLAN, changes=())
UNTAGGED: Mapping[str, Fact[Tags]] = {ROLE_ARN: {}, DESTINATION_KEY: {}}
OWN = OwnParts.of_stack(
    stack="replimend",
    account=HOME,
    batch_role=f"arn:aws:iam::{HOME}:role/replimend-BatchJobRole-9Z",
    member_roles=frozenset({"replimend-reader", "replimend-repairer"}),
    work_bucket="replimend-work",
)
OPT_IN = Tag(key="replimend", value="allowed")


def objections(
    plan: Plan = KEY_PLAN, limits: Limits = LIMITS, **circumstances: Any
) -> tuple[str, ...]:
    given = {"now": NOON, "tags": UNTAGGED, **circumstances}
    match review(plan, limits, Circumstances(**given)):
        case Approved():
            return ()
        case Refused(objections=found):
            return tuple(each.says for each in found)


# hours


def test_outside_the_hours_a_change_waits_for_the_next_window() -> None:
    weekend = replace(LIMITS, hours=Hours.parse("Sat-Sun 10:00-12:00 Europe/Dublin"))

    (objection,) = objections(limits=weekend)

    assert "outside ChangeHours" in objection
    assert "Sat 2026-06-06 10:00 IST" in objection


def test_within_the_hours_and_without_changes_nothing_is_waited_for() -> None:
    assert objections(limits=replace(LIMITS, hours=Hours.parse("Mon 11:00-13:00 UTC"))) == ()
    assert objections(REPLAY, replace(LIMITS, hours=Hours.parse("Tue 11:00-13:00 UTC"))) == ()


# tags


@pytest.mark.parametrize("plan", [KEY_PLAN, ROLE_PLAN], ids=["key", "role"])
@pytest.mark.parametrize("opted_out", [ROLE_ARN, DESTINATION_KEY])
@pytest.mark.parametrize("required", [None, OPT_IN])
def test_what_is_tagged_never_is_never_changed(
    plan: Plan, opted_out: str, required: Tag | None
) -> None:
    tags = {arn: {"replimend": "allowed"} for arn in UNTAGGED}
    limits = replace(LIMITS, required_tag=required)

    found = objections(plan, limits, tags={**tags, opted_out: {"replimend": "never"}})

    assert f"{opted_out} is tagged replimend=never" in found


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {DESTINATION_KEY: {}},
        {**UNTAGGED, DESTINATION_KEY: Unavailable(reason="ListResourceTags was denied to us")},
        {**UNTAGGED, DESTINATION_KEY: Absent(what="key")},
        {**UNTAGGED, ROLE_ARN: Unavailable(reason="ListRoleTags was denied to us")},
    ],
)
@pytest.mark.parametrize("required", [None, OPT_IN])
def test_tags_that_are_not_known_are_never_taken_for_leave(
    tags: Mapping[str, Fact[Tags]], required: Tag | None
) -> None:
    found = objections(limits=replace(LIMITS, required_tag=required), tags=tags)

    assert any("the tags of" in each for each in found)


@pytest.mark.parametrize(
    ("key", "role", "objects"),
    [
        ({"replimend": "allowed"}, {"replimend": "allowed", "team": "orders"}, False),
        ({"replimend": "Allowed"}, {"replimend": "allowed"}, True),
        ({"replimend": "allowed"}, {}, True),
        ({}, {"replimend": "allowed"}, True),
    ],
)
def test_once_a_tag_is_required_both_the_key_and_the_role_bear_it(
    key: Tags, role: Tags, *, objects: bool
) -> None:
    limits = replace(LIMITS, required_tag=OPT_IN)

    found = objections(limits=limits, tags={DESTINATION_KEY: key, ROLE_ARN: role})

    assert any("is not tagged replimend=allowed (RequiredTag)" in each for each in found) is objects


def test_no_tag_is_looked_at_for_a_plan_without_changes() -> None:
    assert tagged_parts_of(REPLAY) == frozenset()
    assert tagged_parts_of(ROLE_PLAN) == {ROLE_ARN, DESTINATION_KEY}
    assert objections(REPLAY, replace(LIMITS, required_tag=OPT_IN), tags={}) == ()


# our own parts


@pytest.mark.parametrize(
    "plan",
    [
        replace(REPLAY, source_bucket="replimend-work"),
        replace(REPLAY, destination_bucket="replimend-work"),
        replace(REPLAY, role_arn=f"arn:aws:iam::{HOME}:role/replimend-RepairFunctionRole-1AB"),
        replace(REPLAY, role_arn=f"arn:aws:iam::{HOME}:role/replimend-BatchJobRole-9Z"),
        replace(REPLAY, role_arn=f"arn:aws:iam::{MEMBER}:role/replimend-repairer"),
        replace(
            KEY_PLAN,
            changes=(
                replace(
                    KEY_PLAN.changes[0],
                    subject=f"arn:aws:iam::{HOME}:role/replimend-TriageFunctionRole-1AB",
                ),
            ),
        ),
    ],
)
def test_no_part_of_replimend_is_ever_subject_source_or_destination(plan: Plan) -> None:
    found = objections(plan, replace(LIMITS, own=OWN))

    assert any("a part of Replimend itself" in each for each in found)


@pytest.mark.parametrize(
    "arn",
    [
        ROLE_ARN,
        DESTINATION_KEY,
        "arn:aws:s3:::replimend-works",
        f"arn:aws:iam::{HOME}:role/replimend-replication",
        f"arn:aws:iam::{MEMBER}:role/replimend-RepairFunctionRole-1AB",
    ],
)
def test_what_only_looks_like_a_part_is_none(arn: str) -> None:
    assert not OWN.have(arn)


# what always needs a person


class Always(str):
    """A kind of change that is listed as needing a person each time."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


@pytest.mark.parametrize("kind", sorted(APPROVAL_ALWAYS))
def test_some_kinds_need_a_person_in_repair_mode_too(kind: str) -> None:
    change: Any = replace(KEY_PLAN.changes[0], kind=Always(kind))  # type: ignore[arg-type]  # a kind to come
    plan = replace(KEY_PLAN, changes=(change,))
    approval = Approval(plan_hash=plan.hash, by="anna", expires=NOON.replace(hour=13))
    waits = f"changes of kind {kind} always need a person: plan {plan.hash} waits for one"

    assert _asks(plan) == [waits]
    assert _asks(plan, approval=approval) == []
    assert _asks(plan, approval=replace(approval, plan_hash="another")) == [waits]
    assert _asks(plan, approval=replace(approval, expires=NOON)) == [waits]


def _asks(plan: Plan, approval: Approval | None = None) -> list[str]:
    circumstances = Circumstances(now=NOON, approval=approval)
    asked = Review(plan=plan, limits=LIMITS, circumstances=circumstances)
    objection = a_person_agrees_to_what_needs_one(asked)
    return [] if objection is None else [objection.says]


def test_the_kinds_of_today_need_no_person_by_themselves() -> None:
    assert objections(KEY_PLAN) == ()
    assert objections(ROLE_PLAN) == ()


# the breaker


@pytest.mark.parametrize(
    ("limits", "made", "kind"),
    [
        ({}, 4, ObjectionKind.BREAKER),
        ({"changes_per_hour": 0}, 0, ObjectionKind.LIMIT),
        ({"changes_per_hour": 0}, 1, ObjectionKind.BREAKER),
    ],
)
def test_only_changes_that_were_made_can_open_the_breaker(
    limits: dict[str, int], made: int, kind: ObjectionKind
) -> None:
    circumstances = Circumstances(now=NOON, tags=UNTAGGED, changes_last_hour=made)

    verdict = review(KEY_PLAN, replace(LIMITS, **limits), circumstances)  # type: ignore[arg-type]  # numbers

    assert isinstance(verdict, Refused)
    assert verdict.only is kind


# what is tried again, and what is waited for


FAILED_AT = NOON - timedelta(minutes=9)
APPROVAL = Approval(plan_hash=KEY_PLAN.hash, by="anna", expires=NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("circumstances", "kind", "until"),
    [
        ({"untold_until": NOON}, ObjectionKind.WAITING, NOON),
        ({"canary_failed_at": FAILED_AT}, ObjectionKind.WAITING, FAILED_AT + TOLD_WITHIN),
        ({"canary_failed_at": NOON - TOLD_WITHIN}, ObjectionKind.NEEDS_APPROVAL, None),
    ],
    ids=["cloudtrail is late", "failed just now", "failed before"],
)
def test_what_failed_or_is_not_told_of_yet_waits_unless_a_person_approves(
    circumstances: dict[str, Any], kind: ObjectionKind, until: datetime | None
) -> None:
    now = Circumstances(now=NOON, tags=UNTAGGED, **circumstances)

    verdict = review(KEY_PLAN, LIMITS, now)
    approved = review(KEY_PLAN, LIMITS, replace(now, approval=APPROVAL))

    assert isinstance(verdict, Refused)
    assert (verdict.only, verdict.waits_until) == (kind, until)
    assert verdict.is_for_people is (kind is ObjectionKind.NEEDS_APPROVAL)
    assert isinstance(approved, Approved)
