"""What in a policy or a grant was meant for the role and misses it."""

from collections.abc import Iterable, Iterator, Mapping

from replimend.domain.access import LayerName, MissedCondition
from replimend.domain.assessment import Assessment
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, Key
from replimend.domain.requirements import Requirement, Side

DEAD = "AROA"
"""How the unique id of a role begins, which is what a deleted role's ARN turns into."""


def near_misses(assessment: Assessment) -> tuple[MissedCondition, ...]:
    """The conditions that alone keep a refused call out: of the refusing layers, else of grants."""
    found = tuple(missed for layer in assessment.refusing_layers for missed in layer.missed)
    refusing = {layer.layer for layer in assessment.refusing_layers}
    if found or LayerName.RESOURCE not in refusing:
        return found
    return assessment.decision.layer(LayerName.GRANT).missed


def dead_principals(requirement: Requirement, facts: Facts) -> tuple[str, ...]:
    """The deleted roles that the key's policy still allows this action, by their ids."""
    key = key_of(requirement, facts)
    if key is None or not isinstance(key.policy, PolicyDocument):
        return ()
    return tuple(
        principal
        for statement in key.policy.statements
        if statement.get("Effect") == "Allow" and _may_allow(statement, requirement.action)
        for principal in _dead(statement.get("Principal"))
    )


def dead_principals_of(policy: PolicyDocument) -> tuple[str, ...]:
    """A deleted role's principal turns into its unique id, `AROA…` (aws-facts 5.4)."""
    return tuple(
        principal
        for statement in policy.statements
        if statement.get("Effect") == "Allow"
        for principal in _dead(statement.get("Principal"))
    )


def dead_in_grants(requirement: Requirement, facts: Facts) -> tuple[str, ...]:
    """The deleted roles to which a grant still gives this operation, by their ids."""
    key = key_of(requirement, facts)
    grants = key.grants if key is not None else ()
    operation = requirement.action.removeprefix("kms:")
    return tuple(
        str(grant["GranteePrincipal"])
        for grant in (grants if isinstance(grants, tuple) else ())
        if str(grant.get("GranteePrincipal", "")).startswith(DEAD)
        and operation in _texts(grant.get("Operations"))
    )


def key_of(requirement: Requirement, facts: Facts) -> Key | None:
    """The key that a call goes to; None if it goes to none, or to one that is not known."""
    if not requirement.is_kms:
        return None
    key = facts.source_key if requirement.side is Side.SOURCE else facts.destination_key
    return key if isinstance(key, Key) else None


def _may_allow(statement: Mapping[str, object], action: str) -> bool:
    """Whether the statement's actions take this one in; `NotAction` may."""
    if "Action" not in statement:
        return "NotAction" in statement
    return any(_matches(each.lower(), action.lower()) for each in _texts(statement["Action"]))


def _matches(pattern: str, action: str) -> bool:
    """Whether a pattern of a key policy fits; one with a `*` but at its end is taken to fit."""
    before, star, after = pattern.partition("*")
    return action.startswith(before) if star or "?" in after else pattern == action


def _dead(principal: object) -> Iterator[str]:
    named = principal.get("AWS") if isinstance(principal, dict) else None
    return (each for each in _texts(named) if each.startswith(DEAD))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(each for each in value if isinstance(each, str))
    return ()
