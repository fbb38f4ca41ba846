"""Policy documents, parsed into statements; a malformed one is one error with a path."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from replimend.domain.access.conditions import parse_conditions
from replimend.domain.access.elements import mapping_at, objects_at, strings_at, text_at
from replimend.domain.access.matching import ArnPattern, Glob, wildcard_atoms
from replimend.domain.access.principals import parse_principals
from replimend.domain.access.statements import Actions, Resources, Statement, Verb
from replimend.domain.access.variables import Syntax, Template
from replimend.errors import MalformedPolicyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document under the name by which answers refer to it; statements in their order."""

    name: str
    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: Mapping[str, object] | str, *, name: str) -> Self:
        """Compile a document, given as JSON or as its text.

        An empty object is a policy without statements. Raises MalformedPolicyError, and nothing
        else, with the path of the first element at fault, such as
        `Statement[2].Condition.StringLike`.
        """
        content = mapping_at(_loads(document) if isinstance(document, str) else document, "")
        _check_names(content, DOCUMENT_ELEMENTS, "")
        if "Statement" not in content and content:
            raise MalformedPolicyError("Statement", "is missing")
        text_at(content.get("Id", ""), "Id")
        syntax = _syntax(content)
        statements = objects_at(content.get("Statement", ()), "Statement")
        is_list = isinstance(content.get("Statement"), list | tuple)
        return cls(
            name=name,
            statements=tuple(
                _statement(each, index, f"Statement[{index}]" if is_list else "Statement", syntax)
                for index, each in enumerate(statements)
            ),
        )


DOCUMENT_ELEMENTS = frozenset({"Version", "Id", "Statement"})
STATEMENT_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
SYNTAX_BY_VERSION = {
    "2008-10-17": Syntax.PLAIN,
    "2012-10-17": Syntax.VARIABLES,
}
WITHOUT_VERSION = "2008-10-17"


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicyError("", f"is not JSON: {error}") from error


def _check_names(element: Mapping[str, object], known: frozenset[str], path: str) -> None:
    for name in element:
        if name not in known:
            raise MalformedPolicyError(f"{path}.{name}".lstrip("."), "is not a policy element")


def _syntax(content: Mapping[str, object]) -> Syntax:
    version = text_at(content.get("Version", WITHOUT_VERSION), "Version")
    if version not in SYNTAX_BY_VERSION:
        raise MalformedPolicyError("Version", f"must be one of {', '.join(SYNTAX_BY_VERSION)}")
    return SYNTAX_BY_VERSION[version]


def _statement(element: Mapping[str, object], index: int, path: str, syntax: Syntax) -> Statement:
    _check_names(element, STATEMENT_ELEMENTS, path)
    principal_name = _one_of(element, "Principal", "NotPrincipal", path)
    action_name = _one_of(element, "Action", "NotAction", path)
    resource_name = _one_of(element, "Resource", "NotResource", path)
    if principal_name is None:
        # Only KMS and role trust policies, which name a principal, go without these.
        _require(action_name, f"{path}.Action")
        _require(resource_name, f"{path}.Resource")
    sid = text_at(element.get("Sid", ""), f"{path}.Sid")
    return Statement(
        label=sid or str(index),
        index=index,
        verb=_verb(element.get("Effect"), f"{path}.Effect"),
        principals=None
        if principal_name is None
        else parse_principals(element[principal_name], f"{path}.{principal_name}"),
        is_principal_inverted=principal_name == "NotPrincipal",
        actions=None if action_name is None else _actions(element, action_name, path),
        resources=None
        if resource_name is None
        else _resources(element, resource_name, path, syntax),
        conditions=parse_conditions(element.get("Condition", {}), f"{path}.Condition", syntax),
    )


def _one_of(element: Mapping[str, object], name: str, inverted: str, path: str) -> str | None:
    if name in element and inverted in element:
        raise MalformedPolicyError(f"{path}.{inverted}", f"cannot stand beside {name}")
    return name if name in element else inverted if inverted in element else None


def _require(name: str | None, path: str) -> None:
    if name is None:
        raise MalformedPolicyError(path, "is missing")


def _verb(value: object, path: str) -> Verb:
    if not isinstance(value, str) or value not in Verb:
        raise MalformedPolicyError(path, "must be Allow or Deny")
    return Verb(value)


def _actions(element: Mapping[str, object], name: str, path: str) -> Actions:
    at = f"{path}.{name}"
    actions = [action.lower() for action in strings_at(element[name], at)]
    for action in actions:
        if ":" not in action and action.strip("*"):
            raise MalformedPolicyError(at, f"must hold * or service:action, not {action!r}")
    return Actions(
        names=frozenset(action for action in actions if not _has_wildcard(action)),
        patterns=tuple(
            Glob.of(wildcard_atoms(action)) for action in actions if _has_wildcard(action)
        ),
        is_inverted=name == "NotAction",
    )


def _has_wildcard(action: str) -> bool:
    return "*" in action or "?" in action


def _resources(element: Mapping[str, object], name: str, path: str, syntax: Syntax) -> Resources:
    templates = [
        Template.parse(text, syntax | Syntax.WILDCARDS)
        for text in strings_at(element[name], f"{path}.{name}")
    ]
    constants = [template.constant for template in templates]
    return Resources(
        patterns=tuple(ArnPattern.for_resource(atoms) for atoms in constants if atoms is not None),
        templates=tuple(template for template in templates if template.constant is None),
        is_inverted=name == "NotResource",
    )
