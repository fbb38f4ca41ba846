"""Reading fields of a document one by one, each of its kind, with the path of whatever is wrong."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum

from lab.documents import Fields, Json
from lab.errors import ScenarioError
from replimend.domain.access import Policy
from replimend.domain.arn import Arn, MalformedArnError
from replimend.errors import MalformedPolicyError

DURATION = re.compile(r"(\d+)\s*(s|m|h|d)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB)?")
BYTES = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024 * 1024}
ACCOUNT = re.compile(r"\d{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class Section:
    """A mapping being read; `close` refuses what nobody asked for."""

    def __init__(self, value: Json, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ScenarioError(f"{path or 'the file'}: must be a mapping")
        self.path = path
        self._fields = value
        self._read: set[str] = set()

    def at(self, name: str) -> str:
        """The path of one of its fields."""
        return f"{self.path}.{name}".lstrip(".")

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def raw(self, name: str) -> Json:
        """The field as it is; None where it is missing."""
        self._read.add(name)
        return self._fields.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """The field's text, or the default where it is missing and has one."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise self.error(name, "must be text")
        return value

    def optional(self, name: str) -> str | None:
        """The field's text, or None where it is null or missing."""
        return None if self.raw(name) is None else self.text(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """The field, true or false."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def number(self, name: str, default: int) -> int:
        """The field, a whole number."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(name, "must be a whole number")
        return value

    def choice[Choice: StrEnum](self, name: str, choices: type[Choice], default: Choice) -> Choice:
        """The field, one of the words of `choices`."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in set(choices):
            raise self.error(name, f"must be one of {', '.join(choices)}")
        return choices(value)

    def duration(self, name: str, default: timedelta) -> timedelta:
        """The field, a time such as `90s`, `5m` or `1h`."""
        value = self.raw(name)
        if value is None:
            return default
        found = DURATION.fullmatch(str(value))
        if found is None:
            raise self.error(name, "must be a time such as 90s, 5m, 1h or 2d")
        return timedelta(**{UNITS[found[2]]: int(found[1])})

    def size(self, name: str, default: int) -> int:
        """The field in bytes, given as `9 MiB`, `2 KiB` or a number."""
        value = self.raw(name)
        if value is None:
            return default
        found = SIZE.fullmatch(str(value))
        if found is None:
            raise self.error(name, "must be a size such as 512, 2 KiB or 9 MiB")
        return int(found[1]) * BYTES[found[2]]

    def account(self, name: str, default: str | None = None) -> str:
        """The field, an account id."""
        return self._matching(name, ACCOUNT, "an account id of twelve digits, quoted", default)

    def region(self, name: str, default: str | None = None) -> str:
        """The field, a Region."""
        return self._matching(name, REGION, "a Region such as eu-west-1", default)

    def arn(self, name: str, *, is_wanted: Callable[[Arn], bool], kind: str) -> Arn:
        """The field, an ARN of this kind."""
        value = self.text(name)
        try:
            arn = Arn.parse(value)
        except MalformedArnError as error:
            raise self.error(name, str(error)) from error
        if not is_wanted(arn):
            raise self.error(name, f"must be {kind}")
        return arn

    def texts(self, name: str) -> dict[str, str]:
        """The field, a mapping of texts; empty where it is missing."""
        value = self.raw(name) or {}
        if not isinstance(value, dict):
            raise self.error(name, "must be a mapping")
        for key, each in value.items():
            if not isinstance(each, str):
                raise ScenarioError(f"{self.at(name)}.{key}: must be text")
        return {key: str(each) for key, each in value.items()}

    def words(self, name: str) -> tuple[str, ...]:
        """The field, a list of texts; empty where it is missing."""
        value = self.raw(name) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(name, "must be a list of texts")
        return tuple(str(each) for each in value)

    def section(self, name: str) -> "Section":
        """The field, a mapping of its own; empty where it is missing."""
        value = self.raw(name)
        return Section({} if value is None else value, self.at(name))

    def sections(self, name: str) -> Iterator[tuple[str, "Section"]]:
        """Name and content of each entry of the field; entries that are null are left out."""
        yield from self.section(name).entries()

    def entries(self) -> Iterator[tuple[str, "Section"]]:
        """Name and content of each field, all being mappings; those that are null are left out."""
        for key, value in self._fields.items():
            if value is not None:
                yield key, Section(value, self.at(key))

    def listed(self, name: str) -> Iterator["Section"]:
        """The elements of the field, a list of mappings; none where it is missing."""
        value = self.raw(name) or []
        if not isinstance(value, list):
            raise self.error(name, "must be a list")
        for index, each in enumerate(value):
            yield Section(each, f"{self.at(name)}[{index}]")

    def policy(self, name: str) -> str | None:
        """The policy in the field, as text; None where it is null or missing.

        It is a mapping of Sids to statements, a whole document, or a text that is taken as it is.
        """
        value = self.raw(name)
        if value is None or isinstance(value, str):
            return value
        if not isinstance(value, dict):
            raise self.error(name, "must be a mapping of Sids to statements, or a document")
        document = value if "Statement" in value else _document(value)
        try:
            Policy.parse(document, name=name)
        except MalformedPolicyError as error:
            raise self.error(name, str(error)) from error
        return _text(document)

    def policies(self, name: str) -> dict[str, str]:
        """The policies in the field, by name; those that are null are left out."""
        entries = self.section(name)
        found = {key: entries.policy(key) for key in entries.fields()}
        return {key: text for key, text in found.items() if text is not None}

    def fields(self) -> Fields:
        """All of it."""
        return self._fields

    def close(self) -> None:
        """`ScenarioError` if there is a field that nobody read."""
        unknown = sorted(set(self._fields) - self._read)
        if unknown:
            known = ", ".join(sorted(self._read))
            raise self.error(unknown[0], f"is no field here; those are {known}")

    def error(self, name: str, problem: str) -> ScenarioError:
        """The error about one of its fields."""
        return ScenarioError(f"{self.at(name)}: {problem}")

    def _matching(self, name: str, pattern: re.Pattern[str], kind: str, default: str | None) -> str:
        value = self.text(name, default)
        if pattern.fullmatch(value) is None:
            raise self.error(name, f"must be {kind}")
        return value


def _document(statements: Fields) -> Fields:
    listed: list[Json] = []
    for sid, statement in statements.items():
        if isinstance(statement, dict):
            listed.append({"Sid": sid, **statement})
        elif statement is not None:
            listed.append({"Sid": sid, "Effect": statement})
    return {"Version": "2012-10-17", "Statement": listed}


def _text(document: Fields) -> str:
    return json.dumps(document, indent=2)
