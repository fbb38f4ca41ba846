"""`replimend preflight`: what will fail before it fails, from a snapshot alone."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.answers import preflight_answer
from cli.arguments import TEXT
from cli.errors import Exit
from cli.explain import setup_in
from cli.layout import listing, plain, rows
from cli.output import output
from cli.rendering import policy_diff
from replimend.domain.requirements import CONTEXT_KEY, Needed
from replimend.domain.setups.preflight import preflight as look_ahead

VERDICTS = {
    True: ("yes", "bold green"),
    False: ("no", "bold red"),
    None: ("not known: the snapshot lacks what decides it", "bold yellow"),
}
SEVERITIES = {"error": "red", "warning": "yellow", "info": "dim"}
RESULTS = {"Allowed": "green", "Unknown": "yellow"}


@click.command()
@click.option("--setup", "path", metavar="SETUP", type=TEXT, required=True, help="A snapshot file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def preflight(*, path: str, as_json: bool) -> int:
    """Say whether a set-up replicates, and what is wrong with it, without AWS.

    SETUP is a file as `replimend snapshot` writes it, - for standard input. Without an object in
    it, the objects are looked at that the rules are for: encrypted with KMS, with a Bucket Key and
    without where either bucket has them on.
    """
    found = look_ahead(setup_in(path))
    answer = preflight_answer(found)
    out = output(as_json=as_json)
    out.show(looked_ahead(answer))
    out.document(answer)
    return Exit.UNSETTLED if found.replicates is None else Exit.DONE


def looked_ahead(answer: Mapping[str, Any]) -> RenderableType:
    """The verdict, the calls that S3 makes, what was found, and the plan."""
    verdict, style = VERDICTS[answer["replicates"]]
    parts: list[RenderableType] = [rows(("Replicates", Text(verdict, style))), Text()]
    if answer["requirements"]:
        parts += [_calls(answer["requirements"]), Text()]
    for each in answer["findings"]:
        parts += [_finding(each), Text()]
    for each in answer["plan"]:
        parts.append(_change(each))
    return Group(*parts)


def _calls(requirements: list[Mapping[str, Any]]) -> RenderableType:
    table = listing("Result", "Call")
    for each in requirements:
        result = each["result"] if each["layer"] is None else f"{each['result']} ({each['layer']})"
        needed = "" if each["needed"] == Needed.ALWAYS else f" (needed for {each['needed']})"
        context = each["context"].get(CONTEXT_KEY)
        table.add_row(
            Text(plain(result), RESULTS.get(each["result"], "red")),
            Text.assemble(
                (plain(each["action"]), "bold"),
                plain(f"{needed} on {each['resource']}"),
                (plain(f" for {context}") if context else "", "dim"),
            ),
        )
    return table


def _finding(finding: Mapping[str, Any]) -> RenderableType:
    severity, subject = finding["severity"], plain(finding["subject"])
    title = Text.assemble((plain(finding["id"]), SEVERITIES[severity]), f" {subject}")
    return rows(
        (severity.capitalize(), title),
        ("", finding["says"]),
        ("Predicts", finding["predicts"]),
        ("Fix", finding["fix"]),
    )


def _change(change: Mapping[str, Any]) -> RenderableType:
    policy = f" {change['policyName']}" if change["policyName"] else ""
    return Group(
        rows(
            ("Change", f"{change['kind']}{policy} of {change['subject']}"),
            ("Undo", change["reverses"]),
        ),
        Padding(policy_diff(change["before"], change["after"]), (1, 0, 1, 2), expand=False),
    )
