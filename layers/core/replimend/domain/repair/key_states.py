"""The state of a key as a document, and its two changes: a deletion cancelled, a key enabled.

A key whose deletion was cancelled is Disabled (CancelKeyDeletion), so that it takes both. To enable
a key is undone by disabling it; to schedule a deletion again is nothing that a program should do.
"""

from collections.abc import Iterator

from replimend.domain.arn import Arn
from replimend.domain.diagnosis.causes import Diagnosis
from replimend.domain.documents import Document
from replimend.domain.facts import Absent, Facts, Key
from replimend.domain.repair.plan import Change, ChangeKind, NoPlan
from replimend.domain.repair.scope import texts
from replimend.domain.unavailable import Unavailable

ENABLED, DISABLED, PENDING_DELETION = "Enabled", "Disabled", "PendingDeletion"

STEPS = {PENDING_DELETION: DISABLED, DISABLED: ENABLED}
"""The changes of state that may ever be made for a repair, from and to."""

MOST_NAMED = 8
"""How many of those who regain use of a key are told by name."""

ACTS = {
    PENDING_DELETION: (
        "CancelKeyDeletion",
        "nothing by itself: whoever wants the key gone schedules that by hand, as before",
    ),
    DISABLED: ("EnableKey", "disable the key again (kms:DisableKey), if it is enabled still"),
}
"""What is called in each state, and what undoes it."""


def document_of(state: str) -> Document:
    """The state as the document that a change replaces."""
    return Document.of({"KeyState": state})


def state_in(document: Document) -> str:
    """The state that such a document tells; empty where it is another document."""
    return str(document.content.get("KeyState", "")) if len(document.content) == 1 else ""


def is_step(before: Document | None, after: Document) -> bool:
    """Whether this is one of the changes of state that a plan may make."""
    return before is not None and STEPS.get(state_in(before)) == state_in(after)


def made_usable(diagnosis: Diagnosis, facts: Facts) -> tuple[Change, ...] | NoPlan:
    """What it takes to enable each key that cannot be used, or why a person has to."""
    keys = [each for each in (facts.source_key, facts.destination_key) if isinstance(each, Key)]
    unusable = {each.arn: each for each in keys if each.state != ENABLED}
    for key in unusable.values():
        if key.state not in STEPS or not key.customer_managed:
            return NoPlan(reason=diagnosis.next)
    return tuple(step for key in unusable.values() for step in _steps(key))


def _steps(key: Key) -> Iterator[Change]:
    where, state = Arn.parse(key.arn), key.state
    while state in STEPS:
        act, reverses = ACTS[state]
        after = document_of(STEPS[state])
        yield Change(
            kind=ChangeKind.KEY_STATE,
            subject=key.arn,
            account=where.account,
            region=where.region,
            policy_name=act,
            before=document_of(state),
            after=after,
            statement=after.content,
            serves=(),
            blast_radius=_reach(key, state),
            reverses=reverses,
        )
        state = STEPS[state]


def _reach(key: Key, state: str) -> str:
    if state == PENDING_DELETION:
        return "Nobody gains access: the key is kept, and disabled, until it is enabled as well."
    return (
        "The key is usable again, for replication and for everybody else whom it admits, by its "
        f"policy: {_named(_of_policy(key))}; by grants: {_named(_of_grants(key))}."
    )


def _of_policy(key: Key) -> list[str] | Unavailable:
    match key.policy:
        case Unavailable() as unread:
            return unread
        case Absent():
            return []
        case policy:
            allowed = [each for each in policy.statements if each.get("Effect") == "Allow"]
            return list(dict.fromkeys(_whoever(each.get("Principal")) for each in allowed))


def _of_grants(key: Key) -> list[str] | Unavailable:
    match key.grants:
        case Unavailable() as unread:
            return unread
        case Absent():
            return []
        case grants:
            return list(dict.fromkeys(str(each.get("GranteePrincipal", "")) for each in grants))


def _whoever(principal: object) -> str:
    if isinstance(principal, dict):
        return ", ".join(each for named in principal.values() for each in texts(named))
    return "anybody that its conditions let in" if principal == "*" else str(principal)


def _named(admitted: list[str] | Unavailable) -> str:
    if isinstance(admitted, Unavailable):
        return f"not known ({admitted.reason})"
    more = len(admitted) - MOST_NAMED
    shown = [*admitted[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]
    return ", ".join(shown) or "nobody"
