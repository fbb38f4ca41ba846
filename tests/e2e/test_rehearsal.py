"""The rehearsal deploys the built template onto another AWS stand-in, or says what went wrong."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.ministack import running_ministack
from lab.rehearse import rehearse

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rehearsal() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab.rehearse"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the checkout, as far as the rehearsal looks at it, to be spoiled."""
    for folder in ("functions", "layers", "events", "templates", "requirements", ".aws-sam/build"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    for file in ("template.yaml", "samconfig.toml"):
        shutil.copy(CHECKOUT / file, tmp_path / file)
    (tmp_path / ".venv").symlink_to(CHECKOUT / ".venv")
    return tmp_path


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


def test_the_template_deploys_and_its_triage_writes_an_escalated_incident(
    rehearsal: subprocess.CompletedProcess[str],
) -> None:
    assert rehearsal.returncode == 0, rehearsal.stderr
    assert "4 Lambda::Function" in rehearsal.stdout
    assert re.search(
        r"TriageFunction, as replimend-TriageFunctionRole\S*, wrote the ledger", rehearsal.stdout
    )
    assert re.search(r"INCIDENT#\w+: escalated", rehearsal.stdout)


def test_another_policy_engine_agrees_on_who_may_repair(
    rehearsal: subprocess.CompletedProcess[str],
) -> None:
    assert "only RepairFunction may write the key" in rehearsal.stdout


def test_the_rehearsal_says_what_it_did_not_rehearse(
    rehearsal: subprocess.CompletedProcess[str],
) -> None:
    assert "left out: the archive" in rehearsal.stdout
    assert "stored, not run: the Pipe" in rehearsal.stdout
    assert "is not AWS" in rehearsal.stdout


def test_the_server_was_on_loopback_and_is_stopped(
    rehearsal: subprocess.CompletedProcess[str],
) -> None:
    address = re.search(r"http://(127\.0\.0\.1):(\d+)", rehearsal.stdout)
    assert address is not None

    with socket.socket() as probe:
        answer = probe.connect_ex((address[1], int(address[2])))

    assert answer != 0


def test_a_triage_that_cannot_start_is_told_with_its_own_error(project: Path) -> None:
    for app in ("functions/triage/app.py", ".aws-sam/build/TriageFunction/app.py"):
        edit(project / app, lambda text: text + '\nraise RuntimeError("no such luck")\n')

    with pytest.raises(LabError, match=r"left no incident after 2 s.*raised.*no such luck"):
        rehearse(lambda _: None, project, patience=2)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            r" +Condition: FailuresArchived\n",
            "",
            r"Unrecognized resource types: \[AWS::Events::Archive\]",
        ),
        (
            r"(\.|- )QueueName\b",
            r"\1QueueNome",
            r"NotificationDeadLetterAlarm: .*QueueNome does not exist",
        ),
    ],
    ids=["refused before it starts", "failed on the way"],
)
def test_a_template_that_does_not_deploy_is_told_with_the_reason(
    project: Path, before: str, after: str, reason: str
) -> None:
    for template in ("template.yaml", ".aws-sam/build/template.yaml"):
        edit(project / template, lambda text: re.sub(before, after, text))

    with pytest.raises(LabError, match=rf"^sam deploy ended with status 1: .*{reason}"):
        rehearse(lambda _: None, project)


def test_a_build_older_than_the_template_is_not_rehearsed(project: Path) -> None:
    edit(project / "template.yaml", lambda text: text.replace("Timeout: 60", "Timeout: 61"))

    with pytest.raises(LabError, match="run `make build`"):
        rehearse(lambda _: None, project)


def a_ministack(project: Path, version: str, program: str) -> None:
    """A made-up environment that says it holds this ministack and runs this shell script."""
    tools = project / ".venv/tools/ministack"
    metadata = tools / f"lib/python3.13/site-packages/ministack-{version}.dist-info/METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: ministack\nVersion: {version}\n")
    python = tools / "bin/python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    (project / "requirements").mkdir()
    (project / "requirements/ministack.txt").write_text("ministack==1.5.33 \\\n")


def test_a_version_other_than_the_locked_one_is_refused(tmp_path: Path) -> None:
    a_ministack(tmp_path, "1.5.34", "exit 0")

    with (
        pytest.raises(
            LabError, match=r"has ministack 1\.5\.34, .* pins 1\.5\.33; run `make setup`"
        ),
        running_ministack(tmp_path),
    ):
        pass


def test_a_server_that_is_not_installed_is_missed_before_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/ministack.txt").write_text("ministack==1.5.33 \\\n")

    with pytest.raises(LabError, match="run `make setup`"), running_ministack(tmp_path):
        pass


def test_a_server_that_ends_at_once_is_told_with_its_last_line(tmp_path: Path) -> None:
    a_ministack(tmp_path, "1.5.33", "echo starting; echo port taken; exit 3")

    with (
        pytest.raises(LabError, match=r"^ministack ended with status 3: port taken$"),
        running_ministack(tmp_path),
    ):
        pass
