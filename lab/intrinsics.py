"""CloudFormation's intrinsic functions, resolved as the service would resolve them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lab.documents import Json
from lab.errors import TemplateError

NO_VALUE = "AWS::NoValue"
PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class Absent:
    """What `AWS::NoValue` resolves to: the property or element is left out."""


ABSENT: Final = Absent()

type Resolved = Json | Absent
type Attribute = Callable[[str, str], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intrinsics:
    """Resolves a template's values.

    `values` are parameters and pseudo parameters by name; `reference` and `attribute` answer `Ref`
    and `Fn::GetAtt` of a resource and raise `KeyError` for one that the stack does not have.
    """

    values: Mapping[str, Json]
    reference: Callable[[str], Json]
    attribute: Attribute
    mappings: Mapping[str, Json] = field(default_factory=dict)
    conditions: Mapping[str, Json] = field(default_factory=dict)

    def resolve(self, node: Json, path: str) -> Json:
        """The value of this node, `AWS::NoValue` gone; `TemplateError` names `path` or below it."""
        resolved = self._resolve(node, path)
        return None if isinstance(resolved, Absent) else resolved

    def holds(self, condition: str, path: str) -> bool:
        """Whether the template's condition of that name is true."""
        if condition not in self.conditions:
            raise TemplateError(f"{path}: there is no condition {condition}")
        return self.truth(self.conditions[condition], f"Conditions.{condition}")

    def _resolve(self, node: Json, path: str) -> Resolved:
        match node:
            case dict() if len(node) == 1 and _is_intrinsic(name := next(iter(node))):
                return self._call(name, node[name], f"{path}.{name}")
            case dict():
                return self._resolve_fields(node, path)
            case list():
                elements = [self._resolve(each, f"{path}[{i}]") for i, each in enumerate(node)]
                return [each for each in elements if not isinstance(each, Absent)]
            case _:
                return node

    def _resolve_fields(self, fields: dict[str, Json], path: str) -> Json:
        resolved = {key: self._resolve(value, f"{path}.{key}") for key, value in fields.items()}
        return {key: value for key, value in resolved.items() if not isinstance(value, Absent)}

    def _call(self, name: str, argument: Json, path: str) -> Resolved:  # noqa: C901 - one arm for each function
        match name:
            case "Ref":
                return self._ref(_text(argument, path), path)
            case "Fn::If":
                condition, yes, no = _elements(argument, 3, path)
                chosen = (yes, 1) if self.holds(_text(condition, path), path) else (no, 2)
                return self._resolve(chosen[0], f"{path}[{chosen[1]}]")
            case "Fn::GetAtt":
                return self._get_att(argument, path)
            case "Fn::Sub":
                return self._sub(argument, path)
            case "Fn::Join":
                separator, parts = _elements(argument, 2, path)
                texts = [_text(part, path) for part in self._list(parts, path)]
                return _text(separator, path).join(texts)
            case "Fn::Split":
                separator, text = _elements(argument, 2, path)
                parts_of = _text(self.resolve(text, path), path).split(_text(separator, path))
                return list[Json](parts_of)
            case "Fn::Select":
                index, choices = _elements(argument, 2, path)
                return _element(self._list(choices, path), self.resolve(index, path), path)
            case "Fn::FindInMap":
                return self._find_in_map(argument, path)
            case "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or":
                return self.truth({name: argument}, path.removesuffix(f".{name}"))
            case "Fn::Contains" | "Fn::EachMemberEquals" | "Fn::EachMemberIn":
                return self._rule_function(name, argument, path)
            case _:
                raise TemplateError(f"{path}: the lab does not know {name}")

    def _ref(self, name: str, path: str) -> Resolved:
        if name == NO_VALUE:
            return ABSENT
        if name in self.values:
            return self.values[name]
        try:
            return self.reference(name)
        except KeyError as error:
            raise TemplateError(f"{path}: this stack has no {name}") from error

    def _get_att(self, argument: Json, path: str) -> Json:
        if isinstance(argument, str):
            argument = list[Json](argument.split(".", 1))
        logical_id, attribute = _elements(argument, 2, path)
        name = _text(self.resolve(attribute, path), path)
        try:
            return self.attribute(_text(logical_id, path), name)
        except KeyError as error:
            raise TemplateError(
                f"{path}: this stack has no {logical_id} with an attribute {name}"
            ) from error

    def _sub(self, argument: Json, path: str) -> Json:
        own: dict[str, Json] = {}
        if isinstance(argument, list):
            argument, variables = _elements(argument, 2, path)
            if not isinstance(variables, dict):
                raise TemplateError(f"{path}: the second part is not a mapping")
            own = {key: self.resolve(value, f"{path}[1].{key}") for key, value in variables.items()}

        def substitute(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            name = name.strip()
            if name in own:
                return _text(own[name], f"{path}[1].{name}")
            value = self._get_att(name, path) if "." in name else self._ref(name, path)
            return _text(None if isinstance(value, Absent) else value, f"{path}: ${{{name}}}")

        return PLACEHOLDER.sub(substitute, _text(argument, path))

    def _find_in_map(self, argument: Json, path: str) -> Json:
        name, first, second = (
            _text(self.resolve(each, path), path) for each in _elements(argument, 3, path)
        )
        table = self.mappings.get(name)
        row = table.get(first) if isinstance(table, dict) else None
        if not isinstance(row, dict) or second not in row:
            raise TemplateError(f"{path}: there is no {name}.{first}.{second} in Mappings")
        return row[second]

    def truth(self, condition: Json, path: str) -> bool:
        """Whether this condition, as `Conditions` or `Rules` write them, is true."""
        match condition:
            case {"Fn::Equals": arguments}:
                left, right = _elements(arguments, 2, path)
                return _same(self.resolve(left, path), self.resolve(right, path))
            case {"Fn::Not": arguments}:
                (only,) = _elements(arguments, 1, path)
                return not self.truth(only, path)
            case {"Fn::And": list() as conditions}:
                return all(self.truth(each, path) for each in conditions)
            case {"Fn::Or": list() as conditions}:
                return any(self.truth(each, path) for each in conditions)
            case {"Condition": str() as name}:
                return self.holds(name, path)
            case dict() if len(condition) == 1:
                (name,) = condition
                if name in {"Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}:
                    return self._rule_function(name, condition[name], path)
        raise TemplateError(f"{path}: is not a condition that the lab knows")

    def _rule_function(self, name: str, argument: Json, path: str) -> bool:
        members, wanted = _elements(argument, 2, path)
        have = self._list(members, path)
        match name:
            case "Fn::Contains":
                return self.resolve(wanted, path) in have
            case "Fn::EachMemberEquals":
                value = self.resolve(wanted, path)
                return all(_same(each, value) for each in have)
            case _:
                allowed = self._list(wanted, path)
                return all(each in allowed for each in have)

    def _list(self, node: Json, path: str) -> list[Json]:
        value = self.resolve(node, path)
        if not isinstance(value, list):
            raise TemplateError(f"{path}: is not a list")
        return value


def _is_intrinsic(name: str) -> bool:
    return name == "Ref" or name.startswith("Fn::")


def _elements(argument: Json, count: int, path: str) -> list[Json]:
    if not isinstance(argument, list) or len(argument) != count:
        raise TemplateError(f"{path}: needs a list of {count}")
    return argument


def _element(choices: list[Json], index: Json, path: str) -> Json:
    text = _text(index, path)
    if not text.isdigit() or int(text) >= len(choices):
        raise TemplateError(f"{path}: there is no element {text}")
    return choices[int(text)]


def _text(value: Json, path: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise TemplateError(f"{path}: is not text")


def _same(left: Json, right: Json) -> bool:
    # CloudFormation compares the texts: "5" from a parameter equals 5 from the template.
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return left == right
    return _text(left, "Fn::Equals") == _text(right, "Fn::Equals")
