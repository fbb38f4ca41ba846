"""A permission that somebody took away lately was perhaps taken away on purpose (aws-facts 8.5).

To give it back is for a person to decide, even in the mode `repair`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from replimend.domain.diagnosis.hindsight import refuses_under
from replimend.domain.diagnosis.history import Act, ChangeEvent, Past, Pasts
from replimend.domain.facts import Facts
from replimend.domain.repair.plan import Change, NoPlan, Plan
from replimend.domain.repair.verdicts import Objection, ObjectionKind, Removal
from replimend.domain.unavailable import Unavailable

if TYPE_CHECKING:
    from replimend.domain.repair.guardrails import Review

RECENT = timedelta(days=7)
"""A removal so long before the first failure, or later, counts as one that may be meant."""

REMOVING = frozenset(
    {
        Act.REVOKE_GRANT,
        Act.RETIRE_GRANT,
        Act.DELETE_ROLE_POLICY,
        Act.DETACH_ROLE_POLICY,
        Act.DELETE_BUCKET_POLICY,
    }
)
"""The changes that take something away, whatever it was."""


def removal_behind(
    plan: Plan | NoPlan, facts: Facts, failing_since: datetime, pasts: Pasts
) -> Removal | Unavailable | None:
    """The latest recent removal, by others than us, of what the plan would give back.

    None where there was none; Unavailable where the history of a subject of the plan could not be
    read as far back as that. What CloudTrail has not told yet is waited for
    (`cloudtrail_has_told`). Removals after the failure count as well.
    """
    if isinstance(plan, NoPlan):
        return None
    since = failing_since - RECENT
    found: list[ChangeEvent] = []
    unread: Unavailable | None = None
    for change in plan.changes:
        past = _past_of(change, pasts)
        match past:
            case Unavailable():
                unread = past
            case Past():
                found += _removals(change, facts, past, since)
                if past.read_back_to is not None and past.read_back_to > since:
                    unread = Unavailable(
                        reason=f"the changes of {change.subject} were read back to "
                        f"{past.read_back_to:%Y-%m-%d %H:%M} only"
                    )
            case unreachable:
                assert_never(unreachable)
    if found:
        return Removal(says=max(found, key=lambda event: event.at).says)
    return unread


def nobody_removed_it_lately(review: "Review") -> Objection | None:
    """What was removed within seven days of the first failure comes back by an approval only.

    An unreadable history is no leave: a person decides then, too.
    """
    if review.circumstances.approves(review.plan.hash):
        return None
    match review.circumstances.removal:
        case None:
            return None
        case Removal(says=says):
            says = f"the permission was removed lately, perhaps on purpose: {says}"
        case Unavailable(reason=reason):
            says = f"whether the permission was removed on purpose is not known: {reason}"
        case unreachable:
            assert_never(unreachable)
    return Objection(
        says=f"{says}; plan {review.plan.hash} waits for a person",
        kind=ObjectionKind.NEEDS_APPROVAL,
    )


def cloudtrail_has_told(review: "Review") -> Objection | None:
    """A failure that is fresher than CloudTrail's record of what led to it waits for that.

    A person may approve without.
    """
    until = review.circumstances.untold_until
    if until is None or review.circumstances.approves(review.plan.hash):
        return None
    return Objection(
        says=f"CloudTrail may tell until {until:%H:%M %Z} what led to the failure",
        kind=ObjectionKind.WAITING,
        until=until,
    )


def _past_of(change: Change, pasts: Pasts) -> Past | Unavailable:
    for subject, past in pasts.items():
        if subject.arn == change.subject:
            return past
    return Unavailable(reason=f"nobody looked up who changed {change.subject}")


def _removals(change: Change, facts: Facts, past: Past, since: datetime) -> Iterator[ChangeEvent]:
    for index, event in enumerate(past.events):
        if event.at < since or event.author.is_replimend:
            continue
        if event.act in REMOVING or _took_away(change, facts, past, index):
            yield event


def _took_away(change: Change, facts: Facts, past: Past, index: int) -> bool:
    """Whether a call that the plan serves is refused under what was written, and was not before.

    Without a known document before it, what leaves the call refused counts as a removal.
    """
    event = past.events[index]
    before = next(
        (
            each
            for each in reversed(past.events[:index])
            if each.act is event.act and each.policy_name == event.policy_name
        ),
        None,
    )
    for requirement in change.serves:
        # What cannot be judged, for want of the document, may have been a removal.
        if refuses_under(event, requirement, facts) is not False:
            was_refused = refuses_under(before, requirement, facts) if before else None
            if not was_refused:
                return True
    return False
