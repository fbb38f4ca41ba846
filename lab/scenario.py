"""Scenario files: a world, what is broken in it, the objects, the limits, what must come out.

The schema is in lab/scenarios/README.md. Every part is optional: an empty file is the healthy world
of lab/healthy.py without objects. A file that cannot be used is one `ScenarioError` that names the
file and the path of the field.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from lab.behaviour import Behaviour
from lab.documents import Fields, Json, read_yaml
from lab.errors import LabError, ScenarioError
from lab.expectations import Expectations
from lab.fields import Section
from lab.healthy import NAMES, healthy_world, merged
from lab.limits import Parameters, read_limits
from lab.object_plan import ObjectPlan, read_objects
from lab.role_access import Organization
from lab.world_changes import Turn
from lab.world_model import World
from replimend.domain.access import Level, Policy
from replimend.errors import MalformedPolicyError

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
SCENARIOS = Path(__file__).resolve().parent / "scenarios"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario ready to run; `limits` are the home stack's parameters, by phase."""

    name: str
    title: str
    story: str
    start: datetime
    world: World
    objects: tuple[ObjectPlan, ...]
    limits: Mapping[str, Parameters]
    approves: bool
    """Whether somebody approves the plans that wait for it in the repairing phase."""
    has_members: bool
    """Whether member stacks are deployed wherever the world needs them."""
    behaviour: Behaviour
    organization: Organization | None
    later: tuple[Turn, ...]
    """What befalls the world while time passes, in this order."""
    expect: Expectations

    @classmethod
    def load(cls, path: Path) -> "Scenario":
        """The scenario in that file, or one `ScenarioError`."""
        try:
            return cls.read(read_yaml(path), name=path.stem)
        except ScenarioError as error:
            raise ScenarioError(f"{path}: {error}") from error
        except LabError as error:
            raise ScenarioError(str(error)) from error

    @classmethod
    def read(cls, content: Fields, *, name: str) -> "Scenario":
        """The scenario that these fields describe, or a `ScenarioError` with a path."""
        section = Section(content)
        tree, broken = _tree(section)
        world = _world(tree, broken)
        settings = section.section("settings")
        limits = section.section("limits")
        scenario = cls(
            name=name,
            title=section.text("title", name),
            story=section.text("story", name),
            start=_start(settings),
            world=world,
            objects=read_objects(section, "objects"),
            limits=read_limits(limits, world),
            approves=limits.flag("approve", default=False),
            has_members=section.flag("members", default=True),
            behaviour=_behaviour(settings),
            organization=_organization(section),
            later=tuple(_turns(section, tree)),
            expect=Expectations.read(section.section("expect")),
        )
        limits.close()
        settings.close()
        section.close()
        return scenario


def _tree(section: Section) -> tuple[Fields, Fields]:
    """The world in full, and what the scenario says is broken in it."""
    given = section.section("world").fields()
    broken = section.section("broken").fields()
    tree = deepcopy(merged(healthy_world(merged(NAMES, given)), _without_names(given)))
    for path, value in broken.items():
        _break(tree, path, value, "broken")
    return tree, broken


def _world(tree: Fields, broken: Fields) -> World:
    try:
        return World.read(tree)
    except ScenarioError as error:
        raise _as_written(error, broken) from error


def _turns(section: Section, tree: Fields) -> Iterator[Turn]:
    now = deepcopy(tree)
    for each in section.listed("later"):
        edits = each.section("world").fields()
        for path, value in edits.items():
            _break(now, path, value, each.at("world"))
        try:
            world = World.read(now)
        except ScenarioError as error:
            raise ScenarioError(f"{each.path}: {error}") from error
        turn = Turn(
            at=each.duration("at", timedelta(0)),
            world=world,
            is_recopied=each.flag("recopied", default=False),
            has_lost_replicas=each.flag("replicas_deleted", default=False),
        )
        each.close()
        yield turn


def _without_names(given: Fields) -> Fields:
    """What a scenario says of its world, but for the shorthand that is spent once derived."""
    bare = deepcopy(given)
    rules = bare.get("rules")
    for rule in rules.values() if isinstance(rules, dict) else ():
        if isinstance(rule, dict):
            rule.pop("bucket", None)
    return bare


def _break(tree: Fields, path: str, value: Json, field: str) -> None:
    *parents, last = path.split(".")
    node = tree
    for depth, name in enumerate(parents, start=1):
        child = node.get(name)
        if not isinstance(child, dict):
            raise ScenarioError(f"{field}.{path}: the world has no {'.'.join(parents[:depth])}")
        node = child
    node[last] = deepcopy(value)


def _as_written(error: ScenarioError, broken: Fields) -> ScenarioError:
    """The same error, its path under `broken` where that is what the file says."""
    path, _, problem = str(error).partition(": ")
    inner = path.removeprefix("world.")
    for prefix in broken:
        if inner == prefix or inner.startswith((f"{prefix}.", f"{prefix}[")):
            return ScenarioError(f"broken.{inner}: {problem}")
        if prefix.startswith(f"{inner}."):  # a policy is judged as a whole
            return ScenarioError(f"broken.{prefix}: {problem}")
    return error


def _start(settings: Section) -> datetime:
    text = settings.text("start", START.isoformat())
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise settings.error("start", "must be a time such as 2026-01-15T10:00:00Z") from error
    if start.tzinfo is None:
        raise settings.error("start", "must name its time zone, such as Z")
    return start


def _behaviour(settings: Section) -> Behaviour:
    values: dict[str, Any] = {}
    for each in fields(Behaviour):
        name = each.name
        match each.default:
            case bool() as default:
                values[name] = settings.flag(name, default=default)
            case timedelta() as default:
                values[name] = settings.duration(name, default)
            case StrEnum() as default:
                values[name] = settings.choice(name, type(default), default)
            case int() as default:
                values[name] = settings.number(name, default)
            case default:
                values[name] = settings.text(name, str(default))
    return Behaviour(**values)


def _organization(section: Section) -> Organization | None:
    if not section.has("organization"):
        section.raw("organization")
        return None
    given = section.section("organization")
    organization = Organization(
        organization_id=given.text("id", "o-lab1234567"),
        members=frozenset(given.words("members")),
        service_control=_levels(given, "service_control"),
        resource_control=_levels(given, "resource_control"),
    )
    given.close()
    return organization


def _levels(section: Section, name: str) -> dict[str, tuple[Level, ...]]:
    accounts = section.section(name)
    return {
        account: tuple(
            Level(
                name=level,
                policies=tuple(
                    _policy(levels.at(level), policy, text)
                    for policy, text in levels.policies(level).items()
                ),
            )
            for level in levels.fields()
        )
        for account, levels in accounts.entries()
    }


def _policy(path: str, name: str, text: str) -> Policy:
    try:
        return Policy.parse(text, name=name)
    except MalformedPolicyError as error:
        raise ScenarioError(f"{path}.{name}: {error}") from error
