"""Readers for the JSON of a policy: each gives a typed value or names the path at fault."""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from replimend.errors import MalformedPolicyError


def mapping_at(value: object, path: str) -> Mapping[str, object]:
    """The JSON object at this path, else MalformedPolicyError."""
    if not isinstance(value, Mapping):
        raise MalformedPolicyError(path, "must be a JSON object")
    if not all(isinstance(key, str) for key in value):
        raise MalformedPolicyError(path, "must have only strings as keys")
    return value


def text_at(value: object, path: str) -> str:
    """The text at this path, else MalformedPolicyError."""
    if not isinstance(value, str):
        raise MalformedPolicyError(path, "must be a string")
    return value


def texts_at(value: object, path: str) -> tuple[str, ...]:
    """The text, number or truth value at this path, or the list of them, each as text.

    Quotation marks around numbers and truth values are optional (IAM policy grammar). Else
    MalformedPolicyError.
    """
    if _is_list(value):
        return tuple(_scalar(each, f"{path}[{index}]") for index, each in enumerate(value))
    return (_scalar(value, path),)


def strings_at(value: object, path: str) -> tuple[str, ...]:
    """The text at this path, or the list of texts, else MalformedPolicyError."""
    if _is_list(value):
        return tuple(text_at(each, f"{path}[{index}]") for index, each in enumerate(value))
    if not isinstance(value, str):
        raise MalformedPolicyError(path, "must be a string or a list of strings")
    return (value,)


def objects_at(value: object, path: str) -> tuple[Mapping[str, object], ...]:
    """The JSON object at this path, or the list of objects, else MalformedPolicyError."""
    if _is_list(value):
        return tuple(mapping_at(each, f"{path}[{index}]") for index, each in enumerate(value))
    if not isinstance(value, Mapping):
        raise MalformedPolicyError(path, "must be a JSON object or a list of them")
    return (mapping_at(value, path),)


def items_at(value: object, path: str) -> tuple[tuple[object, str], ...]:
    """The members of the list at this path, each with its own path, else MalformedPolicyError."""
    if not _is_list(value):
        raise MalformedPolicyError(path, "must be a list")
    return tuple((each, f"{path}[{index}]") for index, each in enumerate(value))


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _scalar(value: object, path: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return format(value)
        case _:
            raise MalformedPolicyError(path, "must be a string, a number or a boolean")
