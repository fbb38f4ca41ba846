"""Buses, rules with their targets, archives."""

from lab.documents import Json
from lab.errors import TemplateError
from lab.making.aws import Aws, as_text, listed
from lab.patterns import Pattern, PatternError
from lab.template import Resource


def make_bus(aws: Aws, resource: Resource) -> None:
    """The bus; one that is there stays as it is."""
    name = resource.physical.name
    if not aws.exists("events", "describe_event_bus", Name=name):
        aws.call("events", "create_event_bus", Name=name)


def make_bus_policy(aws: Aws, resource: Resource) -> None:
    """One statement on the bus, or its whole policy."""
    properties = resource.properties
    aws.call(
        "events",
        "put_permission",
        EventBusName=properties.get("EventBusName"),
        StatementId=properties.get("StatementId"),
        Action=properties.get("Action"),
        Principal=properties.get("Principal"),
        Condition=properties.get("Condition"),
        Policy=as_text(properties.get("Statement")),
    )


def make_rule(aws: Aws, resource: Resource) -> None:
    """The rule with exactly the targets that it lists; a pattern must be one of EventBridge's."""
    properties = resource.properties
    pattern = as_text(properties.get("EventPattern"))
    _check_pattern(resource, pattern)
    name, bus = resource.physical.name, properties.get("EventBusName")
    aws.call(
        "events",
        "put_rule",
        Name=name,
        EventBusName=bus,
        EventPattern=pattern,
        ScheduleExpression=properties.get("ScheduleExpression"),
        State=properties.get("State"),
        Description=properties.get("Description"),
        RoleArn=properties.get("RoleArn"),
    )
    targets = listed(resource, "Targets")
    _remove_targets(aws, name, bus, keep=[_id_of(target) for target in targets])
    if targets:
        aws.call("events", "put_targets", Rule=name, EventBusName=bus, Targets=targets)


def remove_rule(aws: Aws, resource: Resource) -> None:
    """The rule and its targets are gone."""
    name, bus = resource.physical.name, resource.properties.get("EventBusName")
    _remove_targets(aws, name, bus, keep=[])
    aws.call("events", "delete_rule", Name=name, EventBusName=bus)


def make_archive(aws: Aws, resource: Resource) -> None:
    """The archive of a bus; one that is there keeps what it has."""
    properties = resource.properties
    pattern = as_text(properties.get("EventPattern"))
    _check_pattern(resource, pattern)
    name = resource.physical.name
    if not aws.exists("events", "describe_archive", ArchiveName=name):
        aws.call(
            "events",
            "create_archive",
            ArchiveName=name,
            EventSourceArn=properties.get("SourceArn"),
            Description=properties.get("Description"),
            EventPattern=pattern,
            RetentionDays=properties.get("RetentionDays"),
        )


def remove_archive(aws: Aws, resource: Resource) -> None:
    """The archive and what it kept are gone."""
    aws.call("events", "delete_archive", ArchiveName=resource.physical.name)


def _check_pattern(resource: Resource, pattern: str | None) -> None:
    try:
        if pattern is not None:
            Pattern.parse(pattern)
    except PatternError as error:
        raise TemplateError(
            f"Resources.{resource.logical_id}.Properties.EventPattern: {error}"
        ) from error


def _remove_targets(aws: Aws, rule: str, bus: Json, *, keep: list[str]) -> None:
    found = aws.call("events", "list_targets_by_rule", Rule=rule, EventBusName=bus)["Targets"]
    stale = [target["Id"] for target in found if target["Id"] not in keep]
    if stale:
        aws.call("events", "remove_targets", Rule=rule, EventBusName=bus, Ids=stale)


def _id_of(target: Json) -> str:
    return str(target.get("Id")) if isinstance(target, dict) else ""
