"""`make demo`: every scenario in the folder comes true, and what does not come true is told."""

from pathlib import Path

import pytest

from lab.demo.__main__ import main
from lab.scenario import SCENARIOS

STORIES = sorted(path.name for path in SCENARIOS.glob("*.yaml"))


@pytest.mark.parametrize("story", STORIES)
def test_the_story_comes_true(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main([str(SCENARIOS / story)])

    told = capsys.readouterr().out
    assert "✗" not in told
    assert "All of it happened" in told
    assert status == 0


def test_a_story_that_does_not_come_true_ends_in_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = (SCENARIOS / "key-disabled.yaml").read_text().replace("escalated", "resolved")
    (tmp_path / "wrong.yaml").write_text(wrong)

    status = main([str(tmp_path / "wrong.yaml")])

    assert status == 1
    assert "✗ the incident is resolved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("objects: [{key: a, colour: red}]", "objects[0].colour"),
        ("broken: {keys.destination.state: Asleep}", "broken.keys.destination.state"),
    ],
)
def test_a_bad_scenario_is_one_line_with_the_field(
    content: str, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.yaml").write_text(content)

    status = main([str(tmp_path / "bad.yaml")])

    (line,) = capsys.readouterr().err.splitlines()
    assert status == 2
    assert path in line
    assert "bad.yaml" in line
