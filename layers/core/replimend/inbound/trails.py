"""CloudTrail trails: DescribeTrails' entry with the answers about its status and selectors.

Those answers may stand in the entry itself or in objects of their own in it.
"""

from collections.abc import Callable, Mapping

from replimend.domain.facts import Fact
from replimend.domain.setups.setup import Trail
from replimend.domain.unavailable import Unavailable
from replimend.inbound.fields import (
    JsonObject,
    objects,
    optional_flag,
    optional_text,
    texts,
)

_KMS = "kms.amazonaws.com"
_READS = frozenset({"All", "ReadOnly"})


def trail_of(entry: JsonObject, at: str) -> Trail:
    """The trail, as far as it decides whether denied KMS calls reach EventBridge."""
    told: JsonObject = {
        **{
            name: value
            for nested in entry.values()
            if isinstance(nested, dict)
            for name, value in nested.items()
        },
        **entry,
    }
    is_everywhere = optional_flag(told, "IsMultiRegionTrail", at)
    return Trail(
        name=optional_text(told, "TrailARN", at) or optional_text(told, "Name", at) or at,
        region=None if is_everywhere is not False else optional_text(told, "HomeRegion", at),
        is_logging=_known(optional_flag(told, "IsLogging", at), f"{at}.IsLogging"),
        logs_reads=_selected(told, at, source=None),
        logs_kms=_selected(told, at, source=_KMS),
    )


def _known(flag: bool | None, path: str) -> Fact[bool]:  # noqa: FBT001 - what a file says
    return Unavailable(reason=f"the snapshot does not have {path}") if flag is None else flag


def _selected(told: JsonObject, at: str, *, source: str | None) -> Fact[bool]:
    """Whether some selector takes Read management events; of this source, if one is named."""
    basic = list(objects(told, "EventSelectors", at))
    advanced = list(objects(told, "AdvancedEventSelectors", at))
    if not basic and not advanced:
        if "EventSelectors" in told or "AdvancedEventSelectors" in told:
            return False
        return Unavailable(reason=f"the snapshot does not have {at}.EventSelectors")
    return any(_takes(each, path, source) for each, path in basic) or any(
        _takes_advanced(each, path, source) for each, path in advanced
    )


def _takes(selector: JsonObject, at: str, source: str | None) -> bool:
    includes = optional_flag(selector, "IncludeManagementEvents", at) is not False
    reads = (optional_text(selector, "ReadWriteType", at) or "All") in _READS
    excluded = source in set(texts(selector, "ExcludeManagementEventSources", at))
    return includes and reads and not excluded


def _takes_advanced(selector: JsonObject, at: str, source: str | None) -> bool:
    """Every field of an advanced selector must hold; a field it does not name is free."""
    wanted = {"eventCategory": "Management", "readOnly": "true", "eventSource": source}
    names = set()
    for field, path in objects(selector, "FieldSelectors", at):
        name = optional_text(field, "Field", path)
        names.add(name)
        value = wanted.get(name or "")
        if value is not None and not _holds(field, path, value):
            return False
    return "eventCategory" in names


def _holds(field: JsonObject, at: str, value: str) -> bool:
    for operator, (is_wanted, matches) in _OPERATORS.items():
        listed = list(texts(field, operator, at))
        if listed and any(matches(value, each) for each in listed) is not is_wanted:
            return False
    return True


_OPERATORS: Mapping[str, tuple[bool, Callable[[str, str], bool]]] = {
    "Equals": (True, str.__eq__),
    "NotEquals": (False, str.__eq__),
    "StartsWith": (True, str.startswith),
    "NotStartsWith": (False, str.startswith),
    "EndsWith": (True, str.endswith),
    "NotEndsWith": (False, str.endswith),
}
"""Each operator: whether one listed text must match or none may, and how texts match."""
