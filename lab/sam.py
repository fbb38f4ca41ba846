"""AWS::Serverless resources, written out as SAM writes them out when it deploys.

A function becomes its role, event source mappings, rules, permissions and invocation settings.
"""

from dataclasses import dataclass

from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.sam_roles import function_role

FUNCTION_PROPERTIES = {
    "Architectures",
    "CodeUri",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "Runtime",
    "Timeout",
    "Tracing",
}
RULE_EVENTS = ("Schedule", "EventBridgeRule")
SAM_PROPERTIES = {
    "AssumeRolePolicyDocument",
    "DeadLetterQueue",
    "EventInvokeConfig",
    "Events",
    "PermissionsBoundary",
    "Policies",
    "Role",
    "RolePath",
    "Tags",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One resource as a template or SAM declares it; properties may hold intrinsic functions."""

    logical_id: str
    kind: str
    properties: Fields


def merged_with_globals(properties: Fields, common: Fields) -> Fields:
    """A function's properties over the template's `Globals`: mappings merge, lists add up."""
    merged = dict(common)
    for name, own in properties.items():
        merged[name] = _merged(common[name], own) if name in common else own
    return merged


def implied(declared: Declared) -> tuple[Declared, ...]:
    """What SAM makes of this function that can be referred to, with what goes into its name."""
    logical_id, properties = declared.logical_id, declared.properties
    made = [_as(declared, "AWS::Lambda::Function", properties)]
    if "Role" not in properties:
        path = {"Path": properties["RolePath"]} if "RolePath" in properties else {}
        made.append(
            Declared(logical_id=f"{logical_id}Role", kind="AWS::IAM::Role", properties=path)
        )
    events = properties.get("Events", {})
    for name, event in events.items() if isinstance(events, dict) else ():
        if isinstance(event, dict) and event.get("Type") in RULE_EVENTS:
            rule = _mapping(event.get("Properties", {}), f"{logical_id}.Events.{name}.Properties")
            made.append(
                Declared(
                    logical_id=f"{logical_id}{name}", kind="AWS::Events::Rule", properties=rule
                )
            )
    return tuple(made)


def written_out(declared: Declared) -> tuple[Declared, ...]:
    """What SAM deploys for a resource whose values are resolved; any other type as it is.

    The new resources refer to each other by intrinsic functions, still to be resolved.
    """
    match declared.kind:
        case "AWS::Serverless::Function":
            return _function(declared)
        case "AWS::Serverless::LayerVersion":
            return (_as(declared, "AWS::Lambda::LayerVersion", dict(declared.properties)),)
        case kind if kind.startswith("AWS::Serverless::"):
            raise TemplateError(f"Resources.{declared.logical_id}.Type: the lab has no {kind}")
        case _:
            return (declared,)


def _merged(common: Json, own: Json) -> Json:
    match common, own:
        case dict(), dict() if not (_is_intrinsic(common) or _is_intrinsic(own)):
            return merged_with_globals(own, common)
        case list(), list():
            return [*common, *own]
        case _:
            return own


def _is_intrinsic(value: Fields) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def _function(declared: Declared) -> tuple[Declared, ...]:
    path = f"Resources.{declared.logical_id}.Properties"
    properties = declared.properties
    unknown = sorted(set(properties) - FUNCTION_PROPERTIES - SAM_PROPERTIES)
    if unknown:
        raise TemplateError(f"{path}.{unknown[0]}: the lab does not model it")
    events = _mapping(properties.get("Events", {}), f"{path}.Events")
    function: Fields = {
        name: value for name, value in properties.items() if name in FUNCTION_PROPERTIES
    }
    function["Role"] = properties.get("Role", _arn_of(f"{declared.logical_id}Role"))
    if "DeadLetterQueue" in properties:
        function["DeadLetterConfig"] = properties["DeadLetterQueue"]
    resources = [
        _as(declared, "AWS::Lambda::Function", function),
        *(
            made
            for name, event in events.items()
            for made in _event(declared, name, _mapping(event, f"{path}.Events.{name}"))
        ),
    ]
    if "Role" not in properties:
        resources.insert(
            0,
            Declared(
                logical_id=f"{declared.logical_id}Role",
                kind="AWS::IAM::Role",
                properties=function_role(declared.logical_id, properties, events),
            ),
        )
    if "EventInvokeConfig" in properties:
        configuration = _mapping(properties["EventInvokeConfig"], f"{path}.EventInvokeConfig")
        resources.append(
            Declared(
                logical_id=f"{declared.logical_id}EventInvokeConfig",
                kind="AWS::Lambda::EventInvokeConfig",
                properties={"FunctionName": {"Ref": declared.logical_id}, **configuration},
            )
        )
    return tuple(resources)


def _event(function: Declared, name: str, event: Fields) -> tuple[Declared, ...]:
    path = f"Resources.{function.logical_id}.Properties.Events.{name}"
    properties = _mapping(event.get("Properties", {}), f"{path}.Properties")
    logical_id = f"{function.logical_id}{name}"
    match event.get("Type"):
        case "SQS":
            mapping = {key: value for key, value in properties.items() if key != "Queue"}
            mapping["FunctionName"] = {"Ref": function.logical_id}
            mapping["EventSourceArn"] = properties.get("Queue")
            kind = "AWS::Lambda::EventSourceMapping"
            return (Declared(logical_id=logical_id, kind=kind, properties=mapping),)
        case "Schedule" | "EventBridgeRule" as kind:
            return (
                Declared(
                    logical_id=logical_id,
                    kind="AWS::Events::Rule",
                    properties=_rule_properties(function, kind, properties),
                ),
                Declared(
                    logical_id=f"{logical_id}Permission",
                    kind="AWS::Lambda::Permission",
                    properties={
                        "FunctionName": {"Ref": function.logical_id},
                        "Action": "lambda:InvokeFunction",
                        "Principal": "events.amazonaws.com",
                        "SourceArn": _arn_of(logical_id),
                    },
                ),
            )
        case other:
            raise TemplateError(f"{path}.Type: the lab does not model {other} events")


def _rule_properties(function: Declared, kind: str, properties: Fields) -> Fields:
    target: Fields = {
        "Id": f"{function.logical_id}Target",
        "Arn": _arn_of(function.logical_id),
    }
    for name in ("DeadLetterConfig", "Input", "InputPath", "InputTransformer", "RetryPolicy"):
        if name in properties:
            target[name] = properties[name]
    rule: Fields = {"Targets": [target]}
    if "State" in properties:
        rule["State"] = properties["State"]
    if properties.get("Enabled") is False:
        rule["State"] = "DISABLED"
    if kind == "Schedule":
        rule["ScheduleExpression"] = properties.get("Schedule")
    else:
        rule["EventPattern"] = properties.get("Pattern")
        if "EventBusName" in properties:
            rule["EventBusName"] = properties["EventBusName"]
    return rule


def _arn_of(logical_id: str) -> Fields:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def _mapping(value: Json, path: str) -> Fields:
    if not isinstance(value, dict):
        raise TemplateError(f"{path}: is not a mapping")
    return value


def _as(declared: Declared, kind: str, properties: Fields) -> Declared:
    return Declared(logical_id=declared.logical_id, kind=kind, properties=properties)
