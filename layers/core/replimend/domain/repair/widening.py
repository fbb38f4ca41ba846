"""Find the one statement that almost matched, and what to add to its one condition.

Only a statement that already is about nothing but our role and S3's calls is widened: whatever
else it may be about would gain the same (design 6). Conditions of an organisation, a network or an
address are somebody's decision and never widened (aws-facts 5.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replimend.domain.access import LayerName
from replimend.domain.assessment import Assessment
from replimend.domain.documents import Json, PolicyDocument, Statement
from replimend.domain.repair.scope import KMS_CEILING, Scope, texts
from replimend.domain.requirements import CONTEXT_KEY, VIA_SERVICE, Requirement, Side

PATTERNS = frozenset({"StringLike", "ArnLike"})
WIDENABLE = PATTERNS | {"StringEquals", "StringEqualsIgnoreCase", "ArnEquals"}
"""The operators under which one more value lets through just what it names."""

ELEMENTS = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """One value more in one condition of the statement at `index`; `statement` has it."""

    index: int
    statement: Statement
    condition: str
    value: str


def widening_for(
    policy: PolicyDocument, refused: Sequence[Assessment], scope: Scope, side: Side
) -> Widening | None:
    """The one value that lets all these calls through, or None where it takes a new statement."""
    missed = {
        (each.statement, each.condition)
        for assessment in refused
        for each in assessment.decision.layer(LayerName.RESOURCE).missed
    }
    all_missed_it = all(each.decision.layer(LayerName.RESOURCE).missed for each in refused)
    if len(missed) != 1 or not all_missed_it:
        return None
    ((label, condition),) = missed
    places = [i for i, each in enumerate(policy.statements) if str(each.get("Sid") or i) == label]
    if len(places) != 1:
        return None
    statement = policy.statements[places[0]]
    requirement = refused[0].requirement
    operator, _, key = condition.partition(" ")
    values = {_value(operator, key, each.requirement, scope) for each in refused}
    value = values.pop() if len(values) == 1 else None
    if value is None or not is_only_about(statement, scope, side, requirement.resource):
        return None
    after = _with_value(statement, operator, key, value)
    added = added_value(statement, after)
    via = requirement.context[VIA_SERVICE]
    if added is None or not is_within_scope(statement, added, scope, side, via):
        return None
    return Widening(
        index=places[0], statement=after, condition=f"{added[0]} {added[1]}", value=value
    )


def is_only_about(statement: Statement, scope: Scope, side: Side, key_arn: str) -> bool:
    """Whether an Allow of a key policy admits nobody but our role, to nothing but S3's calls."""
    principal = statement.get("Principal")
    return (
        set(statement) <= ELEMENTS
        and statement.get("Effect") == "Allow"
        and isinstance(principal, Mapping)
        and set(principal) == {"AWS"}
        and texts(principal["AWS"]) == (scope.role_arn,)
        and _are_all_in(statement.get("Action"), KMS_CEILING[side])
        and _are_all_in(statement.get("Resource"), {"*", key_arn})
    )


def added_value(before: Statement, after: Statement) -> tuple[str, str, str] | None:
    """The operator, key and value that alone tell two statements apart; None if more does."""
    old, new = before.get("Condition"), after.get("Condition")
    if {**before, "Condition": new} != dict(after):
        return None
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or set(old) != set(new):
        return None
    edited = [operator for operator in old if old[operator] != new[operator]]
    if len(edited) != 1:
        return None
    (operator,) = edited
    keys, others = old[operator], new[operator]
    if not isinstance(keys, Mapping) or not isinstance(others, Mapping) or set(keys) != set(others):
        return None
    changed = [key for key in keys if keys[key] != others[key]]
    if len(changed) != 1:
        return None
    had, has = texts(keys[changed[0]]), texts(others[changed[0]])
    if not had or len(has) != len(had) + 1 or has[:-1] != had:
        return None
    return operator, changed[0], has[-1]


def is_within_scope(
    before: Statement, added: tuple[str, str, str], scope: Scope, side: Side, via: str
) -> bool:
    """Whether the added value lets through only what S3 sends for this side's bucket."""
    operator, key, value = added
    if operator not in WIDENABLE:
        return False
    if key.lower() == CONTEXT_KEY.lower():
        return value == scope.bucket_arn(side) or (
            operator in PATTERNS and value == f"{scope.bucket_arn(side)}/*"
        )
    return (
        key.lower() == VIA_SERVICE.lower()
        and value == via
        and _is_narrowed_to_the_bucket(before, scope, side)
    )


def _value(operator: str, key: str, requirement: Requirement, scope: Scope) -> str | None:
    """What S3 sends: the bucket's ARN under a Bucket Key, else one object's of many."""
    if key.lower() == VIA_SERVICE.lower():
        return requirement.context[VIA_SERVICE]
    if key.lower() != CONTEXT_KEY.lower():
        return None
    bucket = scope.bucket_arn(requirement.side)
    if requirement.context[CONTEXT_KEY] == bucket:
        return bucket
    return f"{bucket}/*" if operator in PATTERNS else None


def _with_value(statement: Statement, operator: str, key: str, value: str) -> Statement:
    """The statement with one value more; unchanged where it has no such condition."""
    block = statement.get("Condition")
    keys = block.get(operator) if isinstance(block, Mapping) else None
    if not isinstance(keys, Mapping) or not isinstance(block, Mapping):
        return statement
    named = {each: keys[each] for each in keys if each.lower() == key.lower()}
    wider: dict[str, Json] = {each: [*texts(had), value] for each, had in named.items()}
    return {**statement, "Condition": {**block, operator: {**keys, **wider}}}


def _is_narrowed_to_the_bucket(statement: Statement, scope: Scope, side: Side) -> bool:
    block = statement.get("Condition")
    operators = block.items() if isinstance(block, Mapping) else ()
    return any(
        values and all(scope.has_context(side, each) for each in values)
        for operator, keys in operators
        if operator in WIDENABLE and isinstance(keys, Mapping)
        for key, value in keys.items()
        if key.lower() == CONTEXT_KEY.lower() and (values := texts(value))
    )


def _are_all_in(value: object, allowed: frozenset[str] | set[str]) -> bool:
    named = texts(value)
    return bool(named) and all(each in allowed for each in named)
