"""What a target gets of an event: paths, `InputPath`, `InputTransformer`, a Pipe's template."""

import json
import re
from collections.abc import Callable, Mapping

from lab.documents import Fields, Json
from lab.errors import LabError

STEP = re.compile(r"\.([A-Za-z0-9_@:-]+)|\['([^']+)'\]|\[(\d+)\]")
PLACEHOLDER = re.compile(r"<([^<>\s]+)>")


class InputError(LabError):
    """A target's input cannot be made of this event; the message says which path or template."""


def value_at(document: Json, path: str) -> Json:
    """What `$.a.b[0]` names in the document; None where it names nothing, as for EventBridge."""
    if not path.startswith("$"):
        raise InputError(f"{path}: a path begins with $")
    position = 1
    value = document
    while position < len(path):
        step = STEP.match(path, position)
        if step is None:
            raise InputError(f"{path}: cannot be read from {path[position:]!r} on")
        position = step.end()
        value = _child(value, step)
    return value


def target_input(event: Fields, target: Mapping[str, Json], rule_arn: str) -> str:
    """The text that a rule sends to this target, as `PutTargets` describes it."""
    match target:
        case {"Input": str() as constant}:
            return constant
        case {"InputPath": str() as path}:
            return _compact(value_at(event, path))
        case {"InputTransformer": {"InputTemplate": str() as template, **rest}}:
            paths = rest.get("InputPathsMap", {})
            if not isinstance(paths, dict):
                raise InputError("InputPathsMap: is not a mapping")
            values = {name: value_at(event, str(path)) for name, path in paths.items()}
            values |= {
                "aws.events.rule-arn": rule_arn,
                "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
                "aws.events.event.ingestion-time": event.get("time"),
                "aws.events.event": event,
                "aws.events.event.json": event,
            }
            return _filled(template, lambda name: _known(values, name))
        case _:
            return _compact(event)


def pipe_input(record: Fields, template: str | None) -> str:
    """The text that a Pipe makes of one record; a body that is JSON is parsed beforehand."""
    parsed = record | {"body": _parsed_body(record.get("body"))}
    if template is None:
        return _compact(parsed)

    def value_of(name: str) -> Json:
        return parsed if name == "aws.pipes.event.json" else value_at(parsed, name)

    return _filled(template, value_of)


def _parsed_body(body: Json) -> Json:
    try:
        parsed: Json = json.loads(str(body))
    except ValueError:
        return body
    return parsed


def _child(value: Json, step: re.Match[str]) -> Json:
    dotted, quoted, index = step.groups()
    if index is not None:
        is_there = isinstance(value, list) and int(index) < len(value)
        return value[int(index)] if isinstance(value, list) and is_there else None
    return value.get(dotted or quoted) if isinstance(value, dict) else None


def _filled(template: str, value_of: Callable[[str], Json]) -> str:
    """The template with its placeholders filled; the result must be JSON.

    Between quotation marks a value is inserted as text, elsewhere as JSON.
    """

    def fill(found: re.Match[str]) -> str:
        value = value_of(found[1])
        before = template[: found.start()]
        is_quoted = len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        text = _compact(value)
        if not is_quoted:
            return text
        return text[1:-1] if isinstance(value, str) else _compact(text)[1:-1]

    filled = PLACEHOLDER.sub(fill, template)
    try:
        return _compact(json.loads(filled))
    except ValueError as error:
        raise InputError(f"the input template {template!r} does not come to JSON") from error


def _known(values: Mapping[str, Json], name: str) -> Json:
    if name not in values:
        raise InputError(f"<{name}>: is not in InputPathsMap")
    return values[name]


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
