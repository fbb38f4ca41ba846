"""Parts of a snapshot: there, null where AWS says that it does not exist, or not in the file."""

from collections.abc import Callable

from replimend.domain.facts import Absent, Fact
from replimend.domain.unavailable import Unavailable
from replimend.inbound.fields import JsonObject, path_to, wrong


def part[T](source: JsonObject, name: str, at: str, read: Callable[[object, str], T]) -> Fact[T]:
    """The part read, Absent for null, Unavailable where the file does not have it."""
    path = path_to(at, name)
    if name not in source:
        return Unavailable(reason=f"the snapshot does not have {path}")
    value = source[name]
    return Absent(what=path) if value is None else read(value, path)


def unwrapped(value: object, wrapper: str, at: str) -> tuple[JsonObject, str]:
    """What an AWS answer holds under its one field, or what was taken out of it; and the path."""
    if not isinstance(value, dict):
        raise wrong(value, "an object", at)
    if wrapper not in value:
        return value, at
    inner, path = value[wrapper], path_to(at, wrapper)
    if not isinstance(inner, dict):
        raise wrong(inner, "an object", path)
    return inner, path


def none_for_absent[T](listed: Fact[tuple[T, ...]]) -> Fact[tuple[T, ...]]:
    """A list that AWS says does not exist is an empty one."""
    return () if isinstance(listed, Absent) else listed
