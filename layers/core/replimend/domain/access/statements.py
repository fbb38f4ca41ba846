"""Policy statements, compiled once and asked about many calls."""

from dataclasses import dataclass
from enum import StrEnum

from replimend.domain.access.call import Call
from replimend.domain.access.conditions import Condition
from replimend.domain.access.matching import ArnPattern, Glob
from replimend.domain.access.principals import Principals, Reach
from replimend.domain.access.variables import Template


class Verb(StrEnum):
    """What a statement does to the calls that it applies to."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """An `Action` or `NotAction` element; actions ignore letter case."""

    names: frozenset[str]
    patterns: tuple[Glob, ...]
    is_inverted: bool

    def include(self, action: str) -> bool:
        """Whether the element covers the action, given in lower case."""
        found = action in self.names or any(each.matches(action) for each in self.patterns)
        return found is not self.is_inverted


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """A `Resource` or `NotResource` element."""

    patterns: tuple[ArnPattern, ...]
    templates: tuple[Template, ...]
    is_inverted: bool

    def include(self, call: Call) -> bool:
        """Whether the element covers the resource; a variable without a value matches none."""
        found = any(each.matches(call.resource) for each in self.patterns)
        if not found and self.templates:
            resolved = (each.resolve(call.context) for each in self.templates)
            found = any(
                ArnPattern.for_resource(atoms).matches(call.resource)
                for atoms in resolved
                if atoms is not None
            )
        return found is not self.is_inverted


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; `label` is its Sid or, without one, its index.

    `actions` or `resources` is None where the element is missing: KMS accepts such a statement, and
    it has no effect, but in a trust policy the missing resource is the role itself.
    """

    label: str
    index: int
    verb: Verb
    principals: Principals | None
    is_principal_inverted: bool
    actions: Actions | None
    resources: Resources | None
    conditions: tuple[Condition, ...]

    def covers(self, call: Call) -> bool:
        """Whether the statement speaks of this action on this resource."""
        if self.actions is None or not self.actions.include(call.action):
            return False
        return call.is_role_assumption if self.resources is None else self.resources.include(call)

    def reach(self, call: Call, unnamed: Reach) -> Reach:
        """How directly the statement means the caller; `unnamed` where it has no principals."""
        if self.principals is None:
            return unnamed
        if self.is_principal_inverted:
            return Reach.NONE if self.principals.spares(call.caller) else Reach.DIRECT
        return self.principals.reach(call.caller)

    def unmet(self, call: Call) -> tuple[Condition, ...]:
        """The conditions that this call does not meet, in the order written."""
        return tuple(each for each in self.conditions if not each.holds(call.context))
