"""The import rule: dependencies point one way; only the edge sees AWS and the environment."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCES = (
    (CHECKOUT / "layers/core", "replimend/**/*.py"),
    (CHECKOUT, "functions/**/*.py"),
    (CHECKOUT, "cli/**/*.py"),
    (CHECKOUT, "lab/**/*.py"),
)

ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}
PROJECT = {"replimend", "functions", "cli", "lab", "tests"}
POWERTOOLS = "aws_lambda_powertools"
SDK = ("boto3", "botocore")
ANY_PACKAGE = "*"  # whatever is installed, but nothing of this project

# What each part may import besides the standard library. The longest name that fits decides.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "replimend": (),  # a part that is not named below gets nothing
    "replimend.errors": (),
    "replimend.domain": ("replimend.domain", "replimend.errors"),
    "replimend.ports": ("replimend.domain", "replimend.errors"),
    "replimend.settings": ("replimend.domain", "replimend.errors"),
    "replimend.inbound": ("replimend.inbound", "replimend.domain", "replimend.errors"),
    "replimend.usecases": (
        "replimend.usecases",
        "replimend.domain",
        "replimend.ports",
        "replimend.errors",
    ),
    "replimend.gateways": (
        "replimend.gateways",
        "replimend.clients",
        "replimend.inbound",  # AWS's shapes are translated in one place, for files and for calls
        "replimend.domain",
        "replimend.ports",
        "replimend.errors",
        POWERTOOLS,
        *SDK,
    ),
    "replimend.clients": ("replimend.settings", "replimend.errors", *SDK),
    "replimend.wiring": ("replimend", POWERTOOLS, *SDK),
    "functions": ("replimend", POWERTOOLS),
    "cli": ("cli", "replimend", ANY_PACKAGE),
    # The lab lists S3's calls for itself: a mistake shared with the product would show nowhere.
    "lab": (
        "lab",
        "replimend.domain.access",
        "replimend.domain.arn",
        "replimend.domain.unavailable",
        "replimend.errors",
        ANY_PACKAGE,
    ),
    # The story is told as an operator would see it: by the command's own rendering.
    "lab.demo": ("lab", "cli", "replimend", ANY_PACKAGE),
}
MAY_READ_THE_ENVIRONMENT = ("replimend.settings", "cli", "lab")


def test_every_module_imports_only_what_its_part_may() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{objection}"
        for module, path in modules()
        for objection in objections(module, path.read_text(), is_package=is_package(path))
    ]

    assert found == []


def test_every_part_with_a_rule_exists() -> None:
    names = [module for module, _ in modules()]

    missing = [part for part in MAY_IMPORT if not any(is_within(name, part) for name in names)]

    assert missing == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("replimend.domain.repair.plan", "import boto3"),
        ("replimend.domain.repair.plan", "from aws_lambda_powertools import Logger"),
        ("replimend.domain.repair.plan", "from replimend import ports"),
        ("replimend.domain.repair.plan", "from ...usecases import triage"),
        ("replimend.domain.repair.plan", "def f():\n    import botocore.config"),
        ("replimend.usecases.repair", "from replimend.gateways.keys import Keys"),
        ("replimend.usecases.repair", "from mypy_boto3_kms import KMSClient"),
        ("replimend.inbound.manual", "from replimend.wiring import triage"),
        ("replimend.gateways.keys", "from replimend.usecases import repair"),
        ("replimend.gateways.keys", "import os\nkey = os.environ['KEY']"),
        ("replimend.wiring", "from os import getenv"),
        ("replimend.settings", "import boto3"),
        ("replimend.unheard_of", "import replimend.domain.repair.plan"),
        ("functions.triage.app", "import boto3"),
        ("functions.triage.app", "from lab.world import World"),
        ("functions.triage.app", "import os\nos.getenv('MODE')"),
        ("replimend.wiring", "import cli.main"),
        ("lab.replication", "from replimend.domain import requirements"),
        (
            "lab.replication",
            "from replimend.domain.diagnosis.classifier import diagnose",
        ),
        ("lab.replication", "import replimend.domain.repair.plan"),
        ("lab.replication", "from replimend.usecases import triage"),
        ("lab.replication", "from replimend.domain import *"),
        ("lab.replication", "from cli import main"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert list(objections(module, source, is_package=False))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "replimend.domain.repair.plan",
            "import json\nfrom .. import arn\nfrom ...errors import PermanentError",
        ),
        ("replimend.usecases.repair", "from replimend.ports import Keys"),
        ("replimend.gateways.keys", "from mypy_boto3_kms import KMSClient"),
        ("replimend.gateways.keys", "from replimend.inbound.keys import key_of"),
        ("replimend.settings", "import os\nenv = os.environ"),
        ("functions.triage.app", "from replimend.wiring import triage"),
        ("lab.replication", "import moto\nfrom replimend.domain.access import evaluate"),
        ("lab.replication", "from replimend.domain import access, arn"),
    ],
)
def test_a_permitted_import_is_not(module: str, source: str) -> None:
    assert not list(objections(module, source, is_package=False))


def modules() -> Iterator[tuple[str, Path]]:
    for root, pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if is_package(path) else parts), path


def is_package(path: Path) -> bool:
    return path.name == "__init__.py"


def objections(module: str, source: str, *, is_package: bool) -> Iterator[str]:
    part = max((part for part in MAY_IMPORT if is_within(module, part)), key=len)
    reads_environment = any(is_within(module, part) for part in MAY_READ_THE_ENVIRONMENT)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Attribute):
            continue
        for name in imported(node, module, is_package=is_package):
            if not may_import(part, name):
                yield f"{node.lineno}: {part} may not import {name}"
        if not reads_environment and ENVIRONMENT & set(names_from_os(node)):
            yield f"{node.lineno}: only settings reads the environment"


def imported(node: ast.AST, module: str, *, is_package: bool) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=origin, names=names, level=level):
            package = module.split(".") if is_package else module.split(".")[:-1]
            above = package[: len(package) + 1 - level] if level else []
            base = ".".join([*above, origin] if origin else above)
            yield from (f"{base}.{alias.name}" for alias in names)
        case _:
            return


def may_import(part: str, name: str) -> bool:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    if top.startswith("mypy_boto3_"):  # the types of boto3 go where boto3 goes
        name = "boto3"
    allowed = MAY_IMPORT[part]
    if ANY_PACKAGE in allowed and top not in PROJECT:
        return True
    return any(is_within(name, prefix) for prefix in allowed)


def names_from_os(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=attribute):
            yield attribute
        case ast.ImportFrom(module="os", names=names):
            yield from (alias.name for alias in names)
        case _:
            return


def is_within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
