"""A template's parameters: what may be given, checked as CloudFormation checks it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lab.documents import Fields, Json
from lab.errors import TemplateError

TEMPLATE_FIELDS = {
    "Type",
    "Default",
    "Description",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "NoEcho",
}


class Kind(StrEnum):
    """The parameter types that the lab knows."""

    STRING = "String"
    NUMBER = "Number"
    LIST = "CommaDelimitedList"
    NUMBERS = "List<Number>"

    @property
    def is_list(self) -> bool:
        """Whether `Ref` gives a list."""
        return self in {Kind.LIST, Kind.NUMBERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter; `default` is None where a value must be given."""

    name: str
    kind: Kind
    default: str | None
    limits: Mapping[str, Json]

    def value(self, given: str) -> Json:
        """What `Ref` gives for this text; `TemplateError` says which limit it breaks."""
        parts = [part.strip() for part in given.split(",")] if self.kind.is_list else [given]
        for part in parts:
            if (objection := self._objection(part)) is not None:
                raise TemplateError(f"Parameters.{self.name}: {part!r} {objection}")
        if not self.kind.is_list:
            return given
        return list[Json](parts) if given else []

    def _objection(self, text: str) -> str | None:
        limits = self.limits
        allowed = limits.get("AllowedValues")
        if isinstance(allowed, list) and text not in {_as_text(each) for each in allowed}:
            return f"is none of {', '.join(_as_text(each) for each in allowed)}"
        pattern = limits.get("AllowedPattern")
        if isinstance(pattern, str) and re.fullmatch(pattern, text) is None:
            return f"does not match {pattern}"
        if not _number(limits, "MinLength", 0) <= len(text) <= _number(limits, "MaxLength"):
            return "is too short or too long"
        if self.kind in {Kind.NUMBER, Kind.NUMBERS}:
            return self._numeric_objection(text)
        return None

    def _numeric_objection(self, text: str) -> str | None:
        try:
            number = float(text)
        except ValueError:
            return "is not a number"
        if (
            not _number(self.limits, "MinValue", -_ANY)
            <= number
            <= _number(self.limits, "MaxValue")
        ):
            return "is too small or too large"
        return None


def declared_parameters(section: Json) -> dict[str, Parameter]:
    """The parameters of a template's `Parameters` section, by name."""
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise TemplateError("Parameters: is not a mapping")
    return {name: _declared(name, fields) for name, fields in section.items()}


def parameter_values(declared: Mapping[str, Parameter], given: Mapping[str, str]) -> Fields:
    """Every parameter's value as `Ref` gives it, from what was given and the defaults."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"Parameters.{unknown[0]}: the template does not declare it")
    values: Fields = {}
    for name, parameter in declared.items():
        text = given.get(name, parameter.default)
        if text is None:
            raise TemplateError(f"Parameters.{name}: has no default, so a value must be given")
        values[name] = parameter.value(text)
    return values


_ANY = float("inf")


def _declared(name: str, fields: Json) -> Parameter:
    if not isinstance(fields, dict):
        raise TemplateError(f"Parameters.{name}: is not a mapping")
    unknown = sorted(set(fields) - TEMPLATE_FIELDS)
    if unknown:
        raise TemplateError(f"Parameters.{name}.{unknown[0]}: is no field of a parameter")
    kind = fields.get("Type")
    if kind not in set(Kind):
        raise TemplateError(f"Parameters.{name}.Type: the lab does not know {kind}")
    default = fields.get("Default")
    return Parameter(
        name=name,
        kind=Kind(kind),
        default=None if default is None else _as_text(default),
        limits=fields,
    )


def _as_text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(limits: Mapping[str, Json], name: str, otherwise: float = _ANY) -> float:
    value = limits.get(name)
    return otherwise if value is None else float(_as_text(value))
