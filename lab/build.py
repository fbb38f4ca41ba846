"""The built application that the lab runs: `.aws-sam/build`, never one older than its sources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.documents import Fields, read_template
from lab.errors import BuildError

PROJECT = Path(__file__).resolve().parent.parent
BUILT = Path(".aws-sam/build")
SERVERLESS_FUNCTION = "AWS::Serverless::Function"
SERVERLESS_LAYER = "AWS::Serverless::LayerVersion"
NOT_COMPARED = ("Metadata", "CodeUri", "ContentUri")  # what `sam build` itself writes anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The built template, each function's folder by logical id, and the member stacks' template."""

    template: Fields
    code: Mapping[str, Path]
    member_template: Fields


def find_build(project: Path = PROJECT) -> Build:
    """The build of that checkout; `BuildError`, in one line, when there is none or it is stale."""
    built_template = project / BUILT / "template.yaml"
    if not built_template.is_file():
        raise BuildError(f"{built_template} is not there: run `make build`")
    source = read_template(project / "template.yaml")
    built = read_template(built_template)
    if _comparable(source) != _comparable(built):
        raise _stale(project / "template.yaml")
    code = {}
    for logical_id, kind, written, made in _code_folders(source, built):
        source_folder, built_folder = project / written, project / BUILT / made
        if kind == SERVERLESS_LAYER:
            built_folder /= "python"
        else:
            code[logical_id] = built_folder
        _compare(source_folder, built_folder)
    return Build(
        template=built,
        code=code,
        member_template=read_template(project / "templates" / "member.yaml"),
    )


def _comparable(template: Fields) -> Fields:
    bare: Fields = {}
    for logical_id, resource in _resources(template).items():
        if not isinstance(resource, dict):
            raise BuildError(f"template.yaml: Resources.{logical_id} is not a mapping")
        fields = {name: value for name, value in resource.items() if name not in NOT_COMPARED}
        properties = fields.get("Properties")
        if isinstance(properties, dict):
            fields["Properties"] = {
                name: value for name, value in properties.items() if name not in NOT_COMPARED
            }
        bare[logical_id] = fields
    return template | {"Resources": bare}


def _code_folders(source: Fields, built: Fields) -> Iterator[tuple[str, str, str, str]]:
    """Logical id, type, source folder and built folder of each function and layer."""
    made = _resources(built)
    for logical_id, resource in _resources(source).items():
        match resource, made[logical_id]:
            case (
                {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": str() as before}},
                {"Properties": {"CodeUri": str() as after}},
            ):
                yield logical_id, SERVERLESS_FUNCTION, before, after
            case (
                {
                    "Type": "AWS::Serverless::LayerVersion",
                    "Properties": {"ContentUri": str() as before},
                },
                {"Properties": {"ContentUri": str() as after}},
            ):
                yield logical_id, SERVERLESS_LAYER, before, after
            case _:
                continue


def _resources(template: Fields) -> Fields:
    resources = template.get("Resources")
    if not isinstance(resources, dict):
        raise BuildError("template.yaml: has no Resources")
    return resources


def _compare(source: Path, built: Path) -> None:
    """Check that every source file is in the build byte for byte, and none that is gone here."""
    ours = {path.relative_to(source) for path in _files(source)}
    for relative in sorted(ours):
        copy = built / relative
        if not copy.is_file() or copy.read_bytes() != (source / relative).read_bytes():
            raise _stale(source / relative)
    for package in {relative.parts[0] for relative in ours if len(relative.parts) > 1}:
        for path in _files(built / package):
            if path.relative_to(built) not in ours:
                raise _stale(path)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _stale(path: Path) -> BuildError:
    return BuildError(f"{path} and the build differ: run `make build`")
