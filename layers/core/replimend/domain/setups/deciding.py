"""The policy that decides a diagnosis, and the places in it that do."""

from collections.abc import Iterator
from dataclasses import dataclass

from replimend.domain.access import LayerName
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.documents import PolicyDocument, Statement
from replimend.domain.facts import Bucket, Facts, Key, NamedPolicy, Role
from replimend.domain.requirements import Requirement, Side

type Place = tuple[str | int, ...]
"""The keys and indexes that lead to a part of a JSON document, from its top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidingPolicy:
    """A policy and the places in it that decide; none where what decides is that it says nothing.

    `name` is what the policy is called, or what it is attached to.
    """

    name: str
    document: PolicyDocument
    places: tuple[Place, ...]
    says: str


def deciding_policies(diagnosis: Diagnosis, facts: Facts) -> tuple[DecidingPolicy, ...]:
    """The policies of the layer that a diagnosis names; none where it names no policy."""
    requirement = diagnosis.requirement
    if requirement is None or diagnosis.layer is None:
        return ()
    named = list(_policies(diagnosis.layer, requirement, facts))
    found = [_with_places(name, document, diagnosis) for name, document in named]
    telling = tuple(each for each in found if each.places)
    return telling or tuple(found)


def _policies(
    layer: str, requirement: Requirement, facts: Facts
) -> Iterator[tuple[str, PolicyDocument]]:
    role = facts.role
    match layer:
        case LayerName.RESOURCE:
            yield from _of_the_resource(requirement, facts)
        case LayerName.IDENTITY if isinstance(role, Role):
            policies = role.identity_policies
            for each in policies if isinstance(policies, tuple) else ():
                yield each.name, each.document
        case LayerName.BOUNDARY if isinstance(role, Role):
            if isinstance(role.boundary, NamedPolicy):
                yield role.boundary.name, role.boundary.document
        case _:
            return


def _of_the_resource(
    requirement: Requirement, facts: Facts
) -> Iterator[tuple[str, PolicyDocument]]:
    is_source = requirement.side is Side.SOURCE
    owner: object = facts.source if is_source else facts.destination
    if requirement.is_kms:
        owner = facts.source_key if is_source else facts.destination_key
    if isinstance(owner, Key | Bucket) and isinstance(owner.policy, PolicyDocument):
        yield (owner.arn if isinstance(owner, Key) else owner.name), owner.policy


def _with_places(name: str, document: PolicyDocument, diagnosis: Diagnosis) -> DecidingPolicy:
    required = diagnosis.requirement.action if diagnosis.requirement else "the call"
    if diagnosis.effect == "explicit":
        labels, says = set(diagnosis.statements), f"this denies {required}"
        places = tuple(
            ("Statement", index, "Effect")
            for index, statement in enumerate(document.statements)
            if _label(statement, index) in labels and statement.get("Effect") == "Deny"
        )
        return DecidingPolicy(name=name, document=document, places=places, says=says)
    if diagnosis.cause is Cause.DEAD_PRINCIPAL:
        return DecidingPolicy(
            name=name,
            document=document,
            places=tuple(_dead(document)),
            says="this names a role that was deleted",
        )
    missed = tuple(_missed(document, diagnosis))
    says = f"this keeps {required} out" if missed else f"nothing here allows {required}"
    return DecidingPolicy(name=name, document=document, places=missed, says=says)


def _missed(document: PolicyDocument, diagnosis: Diagnosis) -> Iterator[Place]:
    wanted = {(each.statement, each.condition.lower()) for each in diagnosis.missed}
    for index, statement in enumerate(document.statements):
        block = statement.get("Condition")
        for operator, keys in block.items() if isinstance(block, dict) else ():
            for key in keys if isinstance(keys, dict) else ():
                if (_label(statement, index), f"{operator} {key}".lower()) in wanted:
                    yield "Statement", index, "Condition", operator, key


def _dead(document: PolicyDocument) -> Iterator[Place]:
    for index, statement in enumerate(document.statements):
        principal = statement.get("Principal")
        named = principal.get("AWS") if isinstance(principal, dict) else None
        if any(each.startswith("AROA") for each in _texts(named)):
            yield "Statement", index, "Principal", "AWS"


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _label(statement: Statement, index: int) -> str:
    """What the evaluator calls a statement."""
    return str(statement.get("Sid") or index)
