"""The guardrails that look at the moment and at what is there, rather than at the lists."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replimend.domain.arn import Arn
from replimend.domain.diagnosis.history import TOLD_WITHIN
from replimend.domain.facts import Absent
from replimend.domain.repair.plan import Plan
from replimend.domain.repair.verdicts import OPTED_OUT, Objection, ObjectionKind, Tag, Tags
from replimend.domain.unavailable import Unavailable

if TYPE_CHECKING:
    from replimend.domain.repair.guardrails import Review

APPROVAL_ALWAYS = frozenset({"replication_configuration", "key_state"})
"""The kinds of change, by value, that a person approves each time, whatever the mode."""


def nothing_of_ours_is_touched(review: "Review") -> Objection | None:
    """Replimend's own roles and buckets are never subject, source or destination of a plan."""
    partition = Arn.parse(review.plan.role_arn).partition
    ends = (review.plan.source_bucket, review.plan.destination_bucket)
    buckets = (str(Arn.of_bucket(name, partition=partition)) for name in ends)
    for arn in (*buckets, review.plan.role_arn, *(each.subject for each in review.plan.changes)):
        if review.limits.own.have(arn):
            return Objection(
                says=f"{arn} is a part of Replimend itself, and those are never mended"
            )
    return None


def now_is_within_the_hours(review: "Review") -> Objection | None:
    """Access changes within ChangeHours only; a plan without changes may go on at any time."""
    hours, now = review.limits.hours, review.circumstances.now
    if review.plan.is_replay_only or hours is None or hours.contain(now):
        return None
    opening = hours.next_opening(now)
    return Objection(
        says=f"now is outside ChangeHours: the next window opens {opening:%a %Y-%m-%d %H:%M %Z}"
    )


def nobody_opted_out(review: "Review") -> Objection | None:
    """A key or role tagged `replimend=never` is left alone; unread tags may say just that."""
    for arn in sorted(tagged_parts_of(review.plan)):
        match _tags_of(arn, review):
            case Unavailable(reason=reason):
                return Objection(says=f"the tags of {arn} are not known: {reason}")
            case tags if tags.get(OPTED_OUT.key) == OPTED_OUT.value:
                return Objection(says=f"{arn} is tagged {_shown(OPTED_OUT)}")
            case _:
                continue
    return None


def everything_is_opted_in(review: "Review") -> Objection | None:
    """Once RequiredTag is set, every key and role that a plan is about has to bear it."""
    required = review.limits.required_tag
    if required is None:
        return None
    for arn in sorted(tagged_parts_of(review.plan)):
        match _tags_of(arn, review):
            case Unavailable():
                continue  # said already by the guardrail above
            case tags if tags.get(required.key) != required.value:
                return Objection(says=f"{arn} is not tagged {_shown(required)} (RequiredTag)")
            case _:
                continue
    return None


def a_person_agrees_to_what_needs_one(review: "Review") -> Objection | None:
    """Some kinds of change wait for a person in the mode `repair` too (APPROVAL_ALWAYS)."""
    if review.is_approved:
        return None
    for change in review.plan.changes:
        if change.kind.value in APPROVAL_ALWAYS:
            return Objection(
                says=f"changes of kind {change.kind} always need a person: plan "
                f"{review.plan.hash} waits for one",
                kind=ObjectionKind.NEEDS_APPROVAL,
            )
    return None


def its_canary_did_not_fail(review: "Review") -> Objection | None:
    """What did not help is not done again by itself: another plan is made, or a person decides.

    For as long as CloudTrail may tell why the canary failed, which changes the plan, nobody is
    asked.
    """
    failed_at, now = review.circumstances.canary_failed_at, review.circumstances.now
    if failed_at is None or review.is_approved:
        return None
    until = failed_at + TOLD_WITHIN
    says = f"this very plan was undone at {failed_at:%Y-%m-%d %H:%M %Z}, since its canary failed"
    if now < until:
        return Objection(
            says=f"{says}: CloudTrail may tell why until {until:%H:%M %Z}",
            kind=ObjectionKind.WAITING,
            until=until,
        )
    return Objection(
        says=f"{says}: plan {review.plan.hash} waits for a person",
        kind=ObjectionKind.NEEDS_APPROVAL,
    )


def tagged_parts_of(plan: Plan) -> frozenset[str]:
    """The ARNs of the keys and roles that the plan's changes are about, and of none without any."""
    return frozenset(_tagged_parts(plan))


def _tagged_parts(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        yield plan.role_arn
        for arn in (change.subject, *(each.resource for each in change.serves)):
            parsed = Arn.parse(arn)
            if parsed.is_kms_key or parsed.role_name is not None:
                yield arn


def _tags_of(arn: str, review: "Review") -> Tags | Unavailable:
    found = review.circumstances.tags.get(arn, Unavailable(reason="nobody looked them up"))
    match found:
        case Absent(what=what):
            return Unavailable(reason=f"there is no {what}")
        case Unavailable():
            return found
        case tags:
            return tags


def _shown(tag: Tag) -> str:
    return f"{tag.key}={tag.value}"
