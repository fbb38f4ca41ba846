"""What people are shown, as claims on its text."""

import io
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console, RenderableType

from cli import rendering
from replimend.domain.answers import diagnosis_answer, plan_answer, verdict_answer
from replimend.domain.diagnosis.cases import undetermined
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.repair.verdicts import Approved, Objection, Refused
from tests.cause_cases.model import under_rule
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    ROLE_ARN,
    SOURCE_KEY,
    a_key,
    administered_by,
    configured,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
)
from tests.facts import an_object as an_object_version

FACTS = flagship_facts()
DIAGNOSIS = diagnose(FACTS, FailureReason.parse("DstPutObjectNotPermitted"))
PLAN = plan_for(DIAGNOSIS, FACTS)

GREEN, RED = "\x1b[32m", "\x1b[31m"


def shown(renderable: RenderableType, *, width: int = 200, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=True,  # a demo's console may read markup; what is shown must not depend on it
    )
    console.print(renderable)
    return out.getvalue()


def an_object(**changes: Any) -> dict[str, Any]:
    entry = {
        "key": "reports/a.pdf",
        "versionId": "v1",
        "size": 8_388_609,
        "outcome": "replicated",
        "says": "same version",
    }
    return entry | changes


def test_a_diagnosis_tells_cause_call_layer_evidence_alternatives_and_the_next_step() -> None:
    text = shown(rendering.diagnosis(diagnosis_answer(DIAGNOSIS)))

    for part in (
        "key_policy_lacks_role (evaluated)",
        f"kms:Encrypt on {DESTINATION_KEY} (destination)",
        "kms:ViaService = s3.eu-central-1.amazonaws.com",
        "the policy of the key or bucket: does not allow",
        "event: S3 reported DstPutObjectNotPermitted",
        f"policy: the key policy of {DESTINATION_KEY} neither names the role nor delegates",
        "explicit_deny: no readable policy denies a call that S3 makes",
        "admit the replication role for kms:Encrypt",
    ):
        assert part in text


def test_an_undetermined_diagnosis_says_what_could_not_be_read() -> None:
    answer = diagnosis_answer(undetermined("the role could not be read: denied", "Let us read it."))

    text = shown(rendering.diagnosis(answer))

    assert "undetermined (undetermined)" in text
    assert "read: the role could not be read: denied" in text
    assert "Layer" not in text


def test_a_plan_shows_each_change_with_its_diff_its_reach_and_its_undoing() -> None:
    assert isinstance(PLAN, Plan)

    text = shown(rendering.plan(plan_answer(PLAN)))

    assert PLAN.hash in text
    assert f"key_policy of {DESTINATION_KEY}" in text
    assert any(ROLE_ARN in line for line in text.splitlines() if line.strip().startswith("+"))
    assert f"Only {ROLE_ARN} gains access" in text
    assert "put the stored key policy back" in text


KEY_DISABLED = healthy_facts(
    source_key=a_key(SOURCE_KEY, policy=document(delegated_to(HOME)), state="Disabled")
)
ALIASED = configured(under_rule(replica_key=f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders"))
WITH_BUCKET_KEY = flagship_facts(object=an_object_version(bucket_key=True))


@pytest.mark.parametrize(
    ("facts", "kind", "says"),
    [
        (
            KEY_DISABLED,
            "key_state",
            (
                f"state of {SOURCE_KEY}: Disabled becomes Enabled (kms:EnableKey)",
                f"everybody else whom it admits, by its policy: arn:aws:iam::{HOME}:root",
                "by grants: nobody",
                '-   "KeyState": "Disabled"',
                '+   "KeyState": "Enabled"',
                "disable the key again (kms:DisableKey)",
            ),
        ),
        (
            ALIASED,
            "replication_configuration",
            (
                "replication configuration of arn:aws:s3:::orders-ireland",
                "Nobody gains access",
                f'"ReplicaKmsKeyID": "{DESTINATION_KEY}"',
                "put the stored replication configuration back",
            ),
        ),
        (
            WITH_BUCKET_KEY,
            "grant",
            (
                f"on {DESTINATION_KEY}",
                "grant replimend-destination-",
                "kms:Encrypt",
                '+   "GranteePrincipal"',
                "due after 30 days in any case",
            ),
        ),
    ],
)
def test_a_change_that_is_no_policy_reads_as_what_it_is(
    facts: Facts, kind: str, says: tuple[str, ...]
) -> None:
    plan = plan_for(diagnose(facts, None), facts, frozenset({kind}))

    text = shown(rendering.plan(plan_answer(plan)))

    for each in says:
        assert each in text


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (NoPlan(reason="Ask the owner of the deny."), "none: Ask the owner of the deny."),
        (
            Plan(source_bucket="a", destination_bucket="b", role_arn=ROLE_ARN, changes=()),
            "no access is changed",
        ),
    ],
)
def test_a_plan_without_changes_says_why(plan: Plan | NoPlan, says: str) -> None:
    assert says in shown(rendering.plan(plan_answer(plan)))


def test_a_statement_added_to_a_policy_is_all_that_its_diff_marks() -> None:
    statement = {"Sid": "New", "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"]}
    before = PolicyDocument.of({"Statement": [administered_by(MEMBER)]})

    diff = rendering.policy_diff(before.content, before.with_statement(statement).content).plain

    marked = [line for line in diff.splitlines() if not line.startswith("  ")]
    assert [line[2:].strip() for line in marked] == [
        "{",
        '"Sid": "New",',
        '"Effect": "Allow",',
        '"Action": [',
        '"kms:Encrypt",',
        '"kms:Decrypt"',
        "]",
        "}",
    ]
    assert all(line.startswith("+ ") for line in marked)
    assert "unchanged line(s)" in diff


def test_added_lines_are_green_and_removed_ones_red() -> None:
    diff = rendering.policy_diff({"Action": "kms:Decrypt"}, {"Action": "kms:Encrypt"})

    lines = shown(diff, colour=True).splitlines()

    assert f'{RED}-   "Action": "kms:Decrypt"' in lines[1]
    assert f'{GREEN}+   "Action": "kms:Encrypt"' in lines[2]


def test_a_policy_that_did_not_exist_is_added_as_a_whole() -> None:
    diff = rendering.policy_diff(None, {"Statement": []}).plain

    assert diff.splitlines() == ["+ {", '+   "Statement": []', "+ }"]


def test_equal_policies_have_no_marked_line() -> None:
    diff = rendering.policy_diff({"Statement": []}, {"Statement": []}).plain

    assert diff == "  … 3 unchanged line(s)"


def test_a_refusal_lists_every_objection() -> None:
    objections = tuple(Objection(says=f"objection {number}") for number in range(3))

    text = shown(rendering.verdict(verdict_answer(Refused(plan_hash="h", objections=objections))))

    assert "refused" in text
    assert [f"objection {number}" in text for number in range(3)] == [True] * 3


def test_an_approval_names_who_gave_it() -> None:
    text = shown(rendering.verdict(verdict_answer(Approved(plan_hash="h", by="arn:…:user/anna"))))

    assert "approved by arn:…:user/anna" in text


def test_without_a_plan_there_is_no_verdict() -> None:
    assert "nothing was put to review" in shown(rendering.verdict(verdict_answer(None)))


def test_a_step_tells_when_what_and_in_which_round() -> None:
    entry = {
        "at": "2026-06-01T12:00:00.123456+00:00",
        "became": "canary",
        "round": 2,
        "summary": "job j re-copies 1 version(s)",
    }

    words = rendering.step(entry).plain.split()

    assert words[:3] == ["2026-06-01", "12:00:00", "canary"]
    assert " ".join(words[3:]) == "job j re-copies 1 version(s) (round 2)"


def test_every_object_has_its_line_and_every_outcome_its_count() -> None:
    objects = [
        an_object(),
        an_object(key="reports/b.pdf"),
        an_object(key="reports/c.pdf", size=None, outcome="waiting", says=None),
    ]

    text = shown(rendering.outcomes(objects))

    lines = [line.split() for line in text.splitlines()]
    assert lines[1] == ["reports/a.pdf", "v1", "8,388,609", "replicated", "same", "version"]
    assert lines[3] == ["reports/c.pdf", "v1", "?", "waiting"]
    assert "3 object version(s): 2 replicated, 1 waiting" in text


def test_no_key_is_cut_however_narrow_the_terminal() -> None:
    text = shown(rendering.outcomes([an_object(key="ß" * 900)]), width=60)

    assert text.count("ß") == 900


@pytest.mark.parametrize(
    ("key", "appears"),
    [
        ("a b+c%20#?.pdf", "a b+c%20#?.pdf"),
        ("übersicht/報告.pdf", "übersicht/報告.pdf"),
        ("[bold red]a[/]", "[bold red]a[/]"),
        (":smile:", ":smile:"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nb\tc\x07", r"a\nb\tc\x07"),
        ("gpj.\u202efdp", r"gpj.\u202efdp"),
    ],
)
def test_a_key_is_shown_as_it_is_and_never_obeyed(key: str, appears: str) -> None:
    text = shown(rendering.outcomes([an_object(key=key)]))

    assert appears in text


def test_others_words_in_a_diagnosis_are_never_obeyed() -> None:
    answer = diagnosis_answer(undetermined("denied: [/red]\x1b]0;title\x07", "[bold]Look.[/bold]"))

    text = shown(rendering.diagnosis(answer))

    assert r"denied: [/red]\x1b]0;title\x07" in text
    assert "[bold]Look.[/bold]" in text


def test_rendering_needs_neither_aws_nor_the_command_line() -> None:
    program = "import sys, cli.rendering; print({'boto3', 'botocore', 'click'} & set(sys.modules))"

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "set()"


def test_progress_tells_what_is_left_how_long_it_takes_and_what_it_keeps() -> None:
    progress = {
        "total": 1_000_000,
        "done": 250_000,
        "remaining": 750_000,
        "heldBytes": 3_000_000_000,
        "perSecond": 250.0,
        "readyInSeconds": 3_000.0,
        "oldestFailure": "2026-01-15T10:00:05+00:00",
        "jobs": 3,
        "jobsCost": 1.75,
        "methods": ["method copy: S3 started no job"],
    }

    text = shown(rendering.progress(progress))

    for part in (
        "250,000 of 1,000,000, 750,000 remaining, 250.00 a second",
        "about 0:50:00",
        "3,000,000,000 bytes from lifecycle rules",
        "2026-01-15",
        "3, about $1.75",
        "method copy: S3 started no job",
    ):
        assert part in text


def test_a_finished_recopy_has_nothing_left() -> None:
    progress: dict[str, object] = {
        "total": 3,
        "done": 3,
        "remaining": 0,
        "heldBytes": 0,
        "perSecond": 0.1,
        "readyInSeconds": 0.0,
        "oldestFailure": None,
        "jobs": 2,
        "jobsCost": 0.5,
        "methods": [],
    }

    text = shown(rendering.progress(progress))

    assert "3 of 3" in text
    assert "remaining" not in text
    assert "Held back" not in text
