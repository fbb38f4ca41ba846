"""A template deployed somewhere with some parameters: every resource with its values resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.intrinsics import Intrinsics
from lab.parameters import declared_parameters, parameter_values
from lab.physical import NAMELESS, NAMING_PROPERTIES, SCHEMES, Physical, Place, identify
from lab.sam import Declared, implied, merged_with_globals, written_out

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
}
FUNCTION = "AWS::Serverless::Function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource to deploy; `properties` hold no intrinsic function any more."""

    logical_id: str
    kind: str
    properties: Fields
    physical: Physical


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a template comes to in one place: its resources in order, SAM's written out."""

    place: Place
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """The resources of this type, in the template's order."""
        return tuple(resource for resource in self.resources if resource.kind == kind)

    def resource(self, logical_id: str) -> Resource:
        """The resource of that logical id; `KeyError` where the stack has none."""
        for resource in self.resources:
            if resource.logical_id == logical_id:
                return resource
        raise KeyError(logical_id)


def resolve(template: Fields, place: Place, parameters: Mapping[str, str]) -> Stack:
    """The stack that CloudFormation would make; `TemplateError` names logical id and path."""
    return _Resolution(template, place, parameters).stack()


class _Resolution:
    def __init__(self, template: Fields, place: Place, parameters: Mapping[str, str]) -> None:
        unknown = sorted(set(template) - SECTIONS)
        if unknown:
            raise TemplateError(f"{unknown[0]}: is no section that the lab knows")
        self._template = template
        self._place = place
        self._intrinsics = Intrinsics(
            values=place.pseudo_parameters()
            | parameter_values(declared_parameters(template.get("Parameters")), parameters),
            reference=lambda logical_id: self._physical(logical_id).reference,
            attribute=lambda logical_id, name: self._physical(logical_id).attributes[name],
            mappings=self._section("Mappings"),
            conditions=self._section("Conditions"),
        )
        self._identities: dict[str, Physical] = {}

    def stack(self) -> Stack:
        self._check_rules()
        resources = [
            self._finished(made)
            for declared in self._declared
            for made in written_out(self._resolved(declared))
        ]
        return Stack(place=self._place, resources=tuple(resources), outputs=dict(self._outputs()))

    @cached_property
    def _declared(self) -> tuple[Declared, ...]:
        globals_section = self._section("Globals")
        unknown = sorted(set(globals_section) - {"Function"})
        if unknown:
            raise TemplateError(f"Globals.{unknown[0]}: the lab knows Globals.Function only")
        common = _mapping(globals_section.get("Function", {}), "Globals.Function")
        declared = []
        for logical_id, fields in self._section("Resources").items():
            path = f"Resources.{logical_id}"
            resource = _mapping(fields, path)
            condition = resource.get("Condition")
            if condition is not None and not self._intrinsics.holds(str(condition), path):
                continue
            properties = _mapping(resource.get("Properties", {}), f"{path}.Properties")
            kind = str(resource.get("Type"))
            if kind == FUNCTION:
                properties = merged_with_globals(properties, common)
            declared.append(Declared(logical_id=logical_id, kind=kind, properties=properties))
        return tuple(declared)

    @cached_property
    def _namings(self) -> dict[str, tuple[str, Fields]]:
        """Type and unresolved properties of every logical id that can be referred to."""
        namings: dict[str, tuple[str, Fields]] = {}
        for declared in self._declared:
            for made in implied(declared) if declared.kind == FUNCTION else (declared,):
                kind = made.kind.replace("AWS::Serverless::Layer", "AWS::Lambda::Layer")
                namings[made.logical_id] = (kind, made.properties)
        return namings

    def _physical(self, logical_id: str) -> Physical:
        if logical_id not in self._identities:
            kind, properties = self._namings[logical_id]
            self._identities[logical_id] = self._identify(logical_id, kind, properties)
        return self._identities[logical_id]

    def _identify(self, logical_id: str, kind: str, properties: Fields) -> Physical:
        naming = {
            name: self._intrinsics.resolve(value, f"Resources.{logical_id}.Properties.{name}")
            for name, value in properties.items()
            if name in NAMING_PROPERTIES
        }
        return identify(kind, logical_id, naming, self._place)

    def _resolved(self, declared: Declared) -> Declared:
        path = f"Resources.{declared.logical_id}"
        is_serverless = declared.kind.startswith("AWS::Serverless::")
        if not (is_serverless or declared.kind in SCHEMES or declared.kind in NAMELESS):
            raise TemplateError(f"{path}.Type: the lab does not deploy {declared.kind}")
        properties = self._intrinsics.resolve(declared.properties, f"{path}.Properties")
        return Declared(
            logical_id=declared.logical_id,
            kind=declared.kind,
            properties=_mapping(properties, f"{path}.Properties"),
        )

    def _finished(self, made: Declared) -> Resource:
        path = f"Resources.{made.logical_id}.Properties"
        properties = _mapping(self._intrinsics.resolve(made.properties, path), path)
        known = made.logical_id in self._namings
        physical = (
            self._physical(made.logical_id)
            if known
            else self._identify(made.logical_id, made.kind, properties)
        )
        return Resource(
            logical_id=made.logical_id,
            kind=made.kind,
            properties=properties,
            physical=physical,
        )

    def _outputs(self) -> Mapping[str, str]:
        outputs = {}
        for name, fields in self._section("Outputs").items():
            path = f"Outputs.{name}"
            output = _mapping(fields, path)
            condition = output.get("Condition")
            if condition is None or self._intrinsics.holds(str(condition), path):
                outputs[name] = str(self._intrinsics.resolve(output.get("Value"), f"{path}.Value"))
        return outputs

    def _check_rules(self) -> None:
        for name, fields in self._section("Rules").items():
            path = f"Rules.{name}"
            rule = _mapping(fields, path)
            if "RuleCondition" in rule and not self._intrinsics.truth(
                rule["RuleCondition"], f"{path}.RuleCondition"
            ):
                continue
            assertions = rule.get("Assertions")
            if not isinstance(assertions, list):
                raise TemplateError(f"{path}.Assertions: is not a list")
            for index, each in enumerate(assertions):
                where = f"{path}.Assertions[{index}]"
                assertion = _mapping(each, where)
                if not self._intrinsics.truth(assertion.get("Assert"), f"{where}.Assert"):
                    raise TemplateError(f"{path}: {assertion.get('AssertDescription', 'broken')}")

    def _section(self, name: str) -> Fields:
        return _mapping(self._template.get(name, {}), name)


def _mapping(value: Json, path: str) -> Fields:
    if not isinstance(value, dict):
        raise TemplateError(f"{path}: is not a mapping")
    return value
