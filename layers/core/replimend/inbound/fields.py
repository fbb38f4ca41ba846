"""Tiny readers of JSON objects: the value, checked, or an error that names its dotted path.

`at` is the path of the object that is read, empty for the message itself. It becomes text only when
something is wrong. A null is an absent value, as AWS writes it. No error repeats a value: it may be
personal, long or hostile.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from replimend.domain.arn import Arn, MalformedArnError
from replimend.errors import MalformedEventError

type JsonObject = Mapping[str, object]
"""A JSON object as parsed, whose values nobody has looked at yet."""

_KINDS = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}
_NO_FIELDS: JsonObject = {}
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
_LONGEST_KEY = 1024
"""Bytes of UTF-8, the limit of S3 for a key."""


def path_to(at: str, name: str) -> str:
    """The dotted path of a field: `s3.object.key`, or `Records[0]` for an item of a list."""
    return f"{at}.{name}" if at else name


def wrong(value: object, expected: str, at: str) -> MalformedEventError:
    """The error to raise for a value that is not what was expected at this path."""
    if value is None:
        return MalformedEventError(at, f"expected {expected}")
    found = "an empty string" if value == "" else _KINDS.get(type(value), type(value).__name__)
    return MalformedEventError(at, f"expected {expected}, found {found}")


def within(at: str, error: MalformedEventError) -> MalformedEventError:
    """The error of something that stands at this path, with its whole path."""
    path = path_to(at, error.path) if error.path else at
    return MalformedEventError(path, error.problem)


def text(source: JsonObject, name: str, at: str) -> str:
    """A string that is there, not empty and writable as UTF-8."""
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise wrong(value, "a string", path_to(at, name))
    return value if value.isascii() else _utf8(value, path_to(at, name))


def optional_text(source: JsonObject, name: str, at: str) -> str | None:
    """A string, or None where there is none or an empty one."""
    value = source.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise wrong(value, "a string", path_to(at, name))
    return value if value.isascii() else _utf8(value, path_to(at, name))


def optional_count(source: JsonObject, name: str, at: str) -> int | None:
    """A whole number of nought or more, or None where there is none."""
    value = source.get(name)
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise wrong(value, "a whole number of nought or more", path_to(at, name))
    return value


def fields(source: JsonObject, name: str, at: str) -> JsonObject:
    """A JSON object that is there."""
    value = source.get(name)
    if not isinstance(value, dict):
        raise wrong(value, "an object", path_to(at, name))
    return value


def optional_fields(source: JsonObject, name: str, at: str) -> JsonObject:
    """A JSON object, an empty one where there is none."""
    value = source.get(name)
    if value is None:
        return _NO_FIELDS
    if not isinstance(value, dict):
        raise wrong(value, "an object", path_to(at, name))
    return value


def optional_flag(source: JsonObject, name: str, at: str) -> bool | None:
    """True or false, or None where there is neither."""
    value = source.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong(value, "true or false", path_to(at, name))
    return value


def objects(source: JsonObject, name: str, at: str) -> Iterator[tuple[JsonObject, str]]:
    """The JSON objects of a list, each with its path; none where there is no list."""
    for value, path in _items(source, name, at):
        if not isinstance(value, dict):
            raise wrong(value, "an object", path)
        yield value, path


def texts(source: JsonObject, name: str, at: str) -> Iterator[str]:
    """The texts of a list; none where there is no list."""
    for value, path in _items(source, name, at):
        if not isinstance(value, str) or not value:
            raise wrong(value, "a string", path)
        yield value if value.isascii() else _utf8(value, path)


def arn(source: JsonObject, name: str, at: str) -> Arn:
    """A text that is an ARN, taken apart."""
    try:
        return Arn.parse(text(source, name, at))
    except MalformedArnError:
        raise MalformedEventError(path_to(at, name), "expected an ARN") from None


def bucket_of_arn(source: JsonObject, name: str, at: str) -> str:
    """The bucket's name, of a field that holds the bucket's ARN."""
    value = text(source, name, at)
    try:
        bucket = Arn.parse(value).bucket_name
    except MalformedArnError:
        bucket = None
    if bucket is None:
        raise MalformedEventError(path_to(at, name), "expected a bucket's ARN")
    return bucket


def moment(source: JsonObject, name: str, at: str) -> datetime:
    """A time in UTC, of a text in ISO 8601 that carries its zone."""
    value = text(source, name, at)
    try:
        time = datetime.fromisoformat(value)
        if (zone := time.tzinfo) is not None:
            return time if zone is UTC else time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a time of the year 0 or 10,000 in UTC is as unusable as one without a zone
    raise MalformedEventError(path_to(at, name), "expected a time with its zone, in ISO 8601")


def bucket_name(source: JsonObject, name: str, at: str) -> str:
    """A text that can be a bucket's name."""
    value = text(source, name, at)
    if not _BUCKET.fullmatch(value):
        raise MalformedEventError(path_to(at, name), "expected a bucket's name")
    return value


def object_key(source: JsonObject, name: str, at: str) -> str:
    """A text that can be an object's key, taken as it stands."""
    return checked_key(text(source, name, at), path_to(at, name))


def checked_key(key: str, at: str) -> str:
    """The key, unless S3 could not have such a one."""
    if len(key.encode()) > _LONGEST_KEY:
        raise MalformedEventError(at, f"expected an object key of at most {_LONGEST_KEY} bytes")
    return key


def only(source: JsonObject, allowed: frozenset[str], at: str) -> None:
    """Nothing, or an error at the first field that is not allowed: a misspelt one must not pass."""
    for name in source:
        if name not in allowed:
            shown = path_to(at, name) if name.isidentifier() else at
            raise MalformedEventError(shown, f"expected only {', '.join(sorted(allowed))}")


def parsed_json(value: str, at: str) -> object:
    """What a JSON text holds."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise MalformedEventError(at, "expected JSON") from None


def _items(source: JsonObject, name: str, at: str) -> Iterator[tuple[object, str]]:
    value = source.get(name)
    path = path_to(at, name)
    if value is not None and not isinstance(value, list):
        raise wrong(value, "a list", path)
    yield from ((each, f"{path}[{index}]") for index, each in enumerate(value or ()))


def _utf8(value: str, at: str) -> str:
    # JSON can spell half of a surrogate pair, which no AWS API and no table would take.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MalformedEventError(at, "expected text that is valid Unicode") from None
    return value
