"""What a stack says of its functions, as the lab's Lambda takes it."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.invocations import FunctionSettings
from lab.making.aws import fields_of
from lab.template import Resource, Stack


def function_settings(
    stack: Stack, resource: Resource, code: Mapping[str, Path]
) -> FunctionSettings:
    """The settings of this function of the stack; `code` has its folder by logical id."""
    properties, physical = resource.properties, resource.physical
    if resource.logical_id not in code:
        raise TemplateError(f"Resources.{resource.logical_id}: the build has no code of it")
    invocations = _invocation_settings(stack, physical.name)
    variables = _mapping(fields_of(resource, "Environment").get("Variables"))
    logging = fields_of(resource, "LoggingConfig")
    return FunctionSettings(
        logical_id=resource.logical_id,
        name=physical.name,
        arn=physical.arn,
        role_arn=str(properties.get("Role")),
        handler=str(properties.get("Handler")),
        code=code[resource.logical_id],
        timeout=timedelta(seconds=int(str(properties.get("Timeout", 3)))),
        memory=int(str(properties.get("MemorySize", 128))),
        environment={name: _variable(value) for name, value in variables.items()},
        log_group=str(logging.get("LogGroup", f"/aws/lambda/{physical.name}")),
        retries=int(str(invocations.get("MaximumRetryAttempts", 2))),
        maximum_age=timedelta(seconds=int(str(invocations.get("MaximumEventAgeInSeconds", 21600)))),
        on_failure=_on_failure(resource, invocations),
        invokers=_invokers(stack, physical.name),
    )


def _invocation_settings(stack: Stack, function: str) -> Fields:
    for resource in stack.of_kind("AWS::Lambda::EventInvokeConfig"):
        if resource.properties.get("FunctionName") == function:
            return resource.properties
    return {}


def _on_failure(resource: Resource, invocations: Fields) -> str:
    destinations = _mapping(invocations.get("DestinationConfig"))
    destination = _mapping(destinations.get("OnFailure")).get("Destination")
    queue = fields_of(resource, "DeadLetterConfig").get("TargetArn")
    return str(destination or queue or "")


def _invokers(stack: Stack, function: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(resource.properties.get("Principal")), str(resource.properties.get("SourceArn")))
        for resource in stack.of_kind("AWS::Lambda::Permission")
        if resource.properties.get("FunctionName") == function
    )


def _variable(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _mapping(value: Json) -> Fields:
    return value if isinstance(value, dict) else {}
