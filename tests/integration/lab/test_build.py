"""The build that the lab runs must be there, and be of these sources."""

import shutil
from pathlib import Path

import pytest

from lab.build import find_build
from lab.errors import BuildError
from tests.integration.lab.small_stack import FOLDER

LAYER = """
  CoreLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: python3.13}
    Properties: {ContentUri: layers/core}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with a build in the shape in which `sam build` leaves it."""
    template = (FOLDER / "template.yaml").read_text().replace("\nOutputs:", f"{LAYER}\nOutputs:")
    (tmp_path / "template.yaml").write_text(template)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/member.yaml").write_text("Resources: {}\n")
    shutil.copytree(FOLDER / "functions", tmp_path / "functions")
    package = tmp_path / "layers/core/replimend"
    package.mkdir(parents=True)
    (package / "words.py").write_text("WORD = 1\n")
    (tmp_path / "layers/core/requirements.txt").write_text("other-package\n")

    build = tmp_path / ".aws-sam/build"
    shutil.copytree(tmp_path / "layers/core", build / "CoreLayer/python")
    (build / "CoreLayer/python/other_package").mkdir()
    (build / "CoreLayer/python/other_package/module.py").write_text("")
    for function in ("EchoFunction", "TickFunction"):
        shutil.copytree(tmp_path / "functions/echo", build / function)
    (build / "template.yaml").write_text(built(template))
    return tmp_path


def built(template: str) -> str:
    lines = template.replace("layers/core", "CoreLayer").split("functions/echo")
    return "EchoFunction".join(lines[:2]) + "TickFunction" + lines[2]


def test_a_fresh_build_is_taken_with_the_folder_of_each_function(project: Path) -> None:
    build = find_build(project)

    assert build.code == {
        "EchoFunction": project / ".aws-sam/build/EchoFunction",
        "TickFunction": project / ".aws-sam/build/TickFunction",
    }


def test_without_a_build_there_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"template\.yaml is not there: run `make build`"):
        find_build(tmp_path)


@pytest.mark.parametrize(
    "changed",
    ["template.yaml", "functions/echo/app.py", "layers/core/replimend/words.py"],
)
def test_a_source_that_changed_since_makes_the_build_stale(project: Path, changed: str) -> None:
    path = project / changed
    path.write_text(path.read_text().replace("hello", "ahoy") + "\nExtra: 1\n")

    with pytest.raises(BuildError, match=rf"{Path(changed).name} .*run `make build`"):
        find_build(project)


def test_a_new_source_makes_the_build_stale(project: Path) -> None:
    (project / "layers/core/replimend/more.py").write_text("")

    with pytest.raises(BuildError, match=r"more\.py and the build differ"):
        find_build(project)


def test_a_source_that_is_gone_makes_the_build_stale(project: Path) -> None:
    (project / "layers/core/replimend/words.py").rename(project / "layers/core/replimend/w.py")
    shutil.copy(
        project / "layers/core/replimend/w.py",
        project / ".aws-sam/build/CoreLayer/python/replimend/w.py",
    )

    with pytest.raises(BuildError, match=r"words\.py and the build differ"):
        find_build(project)


def test_compiled_files_do_not_count(project: Path) -> None:
    cache = project / "layers/core/replimend/__pycache__"
    cache.mkdir()
    (cache / "words.cpython-313.pyc").write_bytes(b"")

    find_build(project)
