"""YAML as the lab reads it: nothing guessed, no key twice, CloudFormation's tags understood."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import yaml

from lab.errors import LabError

type Json = str | int | float | bool | list[Json] | dict[str, Json] | None
type Fields = dict[str, Json]

GUESSED = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int"}
TAGS_WITHOUT_PREFIX = {"Ref", "Condition"}


def read_yaml(path: Path) -> Fields:
    """The mapping in that file; dates and numbers with leading zeros are text."""
    return _read(path, _StrictLoader)


def read_template(path: Path) -> Fields:
    """The CloudFormation template in that file, its short tags (`!Ref`) in their long form."""
    return _read(path, _TemplateLoader)


def _read(path: Path, loader: type[yaml.SafeLoader]) -> Fields:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are safe ones
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LabError(f"{path}: is not UTF-8 text") from error
    except LabError as error:
        raise LabError(f"{path}: {error}") from error
    except yaml.YAMLError as error:
        raise LabError(f"{path}: {_in_one_line(error)}") from error
    if not isinstance(content, dict):
        raise LabError(f"{path}: is not a mapping")
    return cast("Fields", content)


class _StrictLoader(yaml.SafeLoader):
    """Only plain decimal numbers are numbers; a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise LabError(f"line {key_node.start_mark.line + 1}: a key must be text")
            if key_node.value in seen:
                raise LabError(
                    f"line {key_node.start_mark.line + 1}: {key_node.value} is given twice"
                )
            seen.add(key_node.value)
            if key_node.tag != "tag:yaml.org,2002:merge":
                key_node.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in GUESSED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)


class _TemplateLoader(_StrictLoader):
    """Knows CloudFormation's short tags."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in TAGS_WITHOUT_PREFIX else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode() if suffix == "GetAtt":
            return {name: str(node.value).split(".", 1)}
        case yaml.ScalarNode():
            return {name: node.value}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
        case _:
            raise LabError(f"line {node.start_mark.line + 1}: {name} cannot be read")


_TemplateLoader.add_multi_constructor("!", _long_form)


def _in_one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())
