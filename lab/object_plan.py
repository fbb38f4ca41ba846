"""The objects of a scenario: what is put, and what befalls it once its replication has failed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from lab.errors import ScenarioError
from lab.fields import Section

LONGEST_KEY = 1024
SMALLEST_PART = 5 * 1024 * 1024
DEFAULT_SIZE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlan:
    """One object to put into the source bucket.

    `part_size` is set for an upload in parts, all but the last of that size. `at` is when it is
    put, from the start of the scenario. `encryption_key` is None for the bucket's default.
    """

    key: str
    size: int
    content_type: str
    tags: Mapping[str, str]
    metadata: Mapping[str, str]
    storage_class: str | None
    part_size: int | None
    encryption_key: str | None
    is_overwritten: bool
    is_deleted_for_good: bool
    at: timedelta


def read_objects(section: Section, name: str) -> tuple[ObjectPlan, ...]:
    """The objects listed in that field; an entry with a `count` stands for so many of them."""
    plans = [plan for each in section.listed(name) for plan in _read(each)]
    seen: set[str] = set()
    for plan in plans:
        if plan.key in seen:
            raise section.error(name, f"lists {plan.key!r} twice; use overwrite_after_failure")
        seen.add(plan.key)
    return tuple(plans)


def _read(section: Section) -> Iterator[ObjectPlan]:
    count = section.number("count", 0)
    part_size = section.size("part_size", 0) or None
    if part_size is not None and part_size < SMALLEST_PART:
        raise section.error("part_size", "must be 5 MiB at least, as for S3")
    plan = ObjectPlan(
        key=section.text("key"),
        size=section.size("size", DEFAULT_SIZE),
        content_type=section.text("content_type", "application/octet-stream"),
        tags=section.texts("tags"),
        metadata=section.texts("metadata"),
        storage_class=section.optional("storage_class"),
        part_size=part_size,
        encryption_key=section.optional("encrypt_with"),
        is_overwritten=section.flag("overwrite_after_failure", default=False),
        is_deleted_for_good=section.flag("delete_version_after_failure", default=False),
        at=section.duration("at", timedelta(0)),
    )
    section.close()
    for key in _keys(section, plan.key, count):
        if len(key.encode()) > LONGEST_KEY:
            raise section.error("key", "is longer than 1024 bytes")
        yield replace(plan, key=key)


def _keys(section: Section, pattern: str, count: int) -> list[str]:
    if not count:
        return [pattern]
    try:
        keys = [pattern.format(n=number) for number in range(1, count + 1)]
    except (KeyError, IndexError, ValueError) as error:
        raise section.error("key", "with a count, must hold {n}, and no other braces") from error
    if len(set(keys)) < count:
        raise ScenarioError(f"{section.at('key')}: with a count, must hold {{n}}")
    return keys
