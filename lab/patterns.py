"""EventBridge event patterns, which EventBridge Pipes and Lambda filters share.

An operator that EventBridge does not have is an error here as it is there: a wrong pattern must not
pass for one that matches.
"""

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lab.documents import Fields, Json
from lab.errors import LabError

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


class PatternError(LabError):
    """An event pattern that EventBridge would refuse; the message names the path."""


class _Missing:
    """The value of a field that an event does not have."""


_MISSING: Final = _Missing()

type Value = Json | _Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pattern that EventBridge would accept."""

    fields: Fields

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """The pattern that this JSON text holds, or `PatternError`."""
        return _parsed(text)

    def matches(self, event: Fields) -> bool:
        """Whether every field of the pattern matches the event."""
        return _matches_fields(event, self.fields)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Pattern:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise PatternError(f"the event pattern is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise PatternError("the event pattern is not an object")
    _check_fields(fields, "")
    return Pattern(fields=fields)


def _check_fields(fields: Fields, path: str) -> None:
    for name, wanted in fields.items():
        where = f"{path}.{name}".lstrip(".")
        match wanted:
            case dict():
                _check_fields(wanted, where)
            case [] | None | str() | int() | float():
                raise PatternError(f"{where}: must be an object or a list that is not empty")
            case list() if name == "$or":
                for index, each in enumerate(wanted):
                    if not isinstance(each, dict):
                        raise PatternError(f"{where}[{index}]: must be an object")
                    _check_fields(each, path)
            case list():
                for index, each in enumerate(wanted):
                    _check_leaf(each, f"{where}[{index}]")


def _check_leaf(wanted: Json, where: str) -> None:
    match wanted:
        case dict() if len(wanted) == 1:
            name, argument = next(iter(wanted.items()))
            if not _is_operator(name, argument):
                raise PatternError(f"{where}: EventBridge knows no {json.dumps(wanted)}")
        case dict() | list():
            raise PatternError(f"{where}: must be a value or one operator")
        case _:
            return


def _is_operator(name: str, argument: Json) -> bool:
    match name, argument:
        case "prefix" | "suffix", {"equals-ignore-case": str()}:
            return True
        case "prefix" | "suffix" | "wildcard" | "equals-ignore-case" | "cidr", str():
            return True
        case "exists", bool():
            return True
        case "numeric", list() as parts:
            return len(parts) in {2, 4} and all(sign in COMPARISONS for sign in parts[::2])
        case "anything-but", str() | int() | float():
            return True
        case "anything-but", list() as values:
            return all(isinstance(value, str | int | float) for value in values)
        case "anything-but", {"prefix": _} | {"suffix": _} | {"wildcard": _}:
            return True
        case "anything-but", {"equals-ignore-case": _}:
            return True
        case _:
            return False


def _matches_fields(event: Value, fields: Fields) -> bool:
    if isinstance(event, list):
        return any(_matches_fields(element, fields) for element in event)
    for name, wanted in fields.items():
        if name == "$or" and isinstance(wanted, list):
            if not any(_matches_fields(event, each) for each in wanted if isinstance(each, dict)):
                return False
            continue
        value = event.get(name, _MISSING) if isinstance(event, dict) else _MISSING
        if isinstance(wanted, dict):
            if not _matches_fields(value, wanted):
                return False
        elif isinstance(wanted, list) and not any(_matches(value, each) for each in wanted):
            return False
    return True


def _matches(value: Value, wanted: Json) -> bool:
    if isinstance(wanted, dict):
        name, argument = next(iter(wanted.items()))
        if name == "exists":
            return argument is (not isinstance(value, _Missing | dict))
        return _any(value, lambda element: _satisfies(element, name, argument))
    return _any(value, lambda element: _equals(element, wanted))


def _any(value: Value, test: Callable[[Json], bool]) -> bool:
    if isinstance(value, _Missing):
        return False
    if isinstance(value, list):
        return any(test(element) for element in value)
    return test(value)


def _equals(value: Json, wanted: Json) -> bool:
    # To Python True equals 1; to EventBridge it does not.
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _satisfies(value: Json, name: str, argument: Json) -> bool:
    match name, argument:
        case "anything-but", dict():
            inner, nested = next(iter(argument.items()))
            return isinstance(value, str) and not _satisfies(value, inner, nested)
        case "anything-but", _:
            unwanted = argument if isinstance(argument, list) else [argument]
            return not any(_equals(value, each) for each in unwanted)
        case "numeric", list():
            return _is_number(value) and _compares(value, argument)
        case _:
            return isinstance(value, str) and _text_satisfies(value, name, argument)


def _text_satisfies(value: str, name: str, argument: Json) -> bool:
    match name, argument:
        case "prefix" | "suffix", {"equals-ignore-case": str() as text}:
            return _text_satisfies(value.lower(), name, text.lower())
        case "prefix", str():
            return value.startswith(argument)
        case "suffix", str():
            return value.endswith(argument)
        case "equals-ignore-case", str():
            return value.lower() == argument.lower()
        case "wildcard", str():
            parts = (re.escape(part) for part in argument.split("*"))
            return re.fullmatch(".*".join(parts), value, re.DOTALL) is not None
        case "cidr", str():
            return _is_within(value, argument)
        case _:
            return False


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compares(value: Json, parts: list[Json]) -> bool:
    return all(
        COMPARISONS[str(sign)](float(str(value)), float(str(bound)))
        for sign, bound in zip(parts[::2], parts[1::2], strict=True)
    )


def _is_within(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network)
    except ValueError:
        return False
