"""The command `replimend`: its subcommands and their options."""

import functools
import sys
from collections.abc import Callable, Sequence

import click

from cli.arguments import OBJECT_URL, TEXT, ObjectUrl
from cli.commands import Commands
from cli.errors import reported
from cli.evaluate import evaluate_command
from cli.explain import explain
from cli.following import Follower, Patience
from cli.incidents import list_incidents, show_incident
from cli.output import Output, output
from cli.patch import show_patch
from cli.preflight import preflight
from cli.remediate import Remediation
from cli.snapshot import snapshot
from cli.stack import Stack, connect
from replimend.domain.incident import Status
from replimend.domain.repair.patches import PatchFormat

URL = "s3://BUCKET/KEY"

EPILOG = """\b
Exit status:
  0  resolved, nothing to do, or observed as configured
  1  AWS or the network failed
  2  bad input
  3  undetermined, refused, escalated, awaiting approval, or not at its end yet

AWS_PROFILE, AWS_ENDPOINT_URL and the rest of AWS's variables are honoured.
"""

type Connect = Callable[[str, str | None], Stack]


def main(arguments: Sequence[str] | None = None, connect: Connect = connect) -> int:
    """Run the command; the exit status. Without arguments, those of the process are taken."""
    return reported(
        lambda: replimend.main(arguments, prog_name="replimend", obj=connect, standalone_mode=False)
    )


def on_stack(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the stack that it is about and the output, and the options that say which."""

    @click.option(
        "--stack",
        "name",
        default="replimend",
        envvar="REPLIMEND_STACK",
        type=TEXT,
        show_default=True,
        show_envvar=True,
        help="Name of the CloudFormation stack.",
    )
    @click.option(
        "--region",
        envvar="AWS_REGION",
        show_envvar=True,
        help="Region of the stack; else as for every AWS command.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
    @click.pass_obj
    @functools.wraps(command)
    def connected(
        connect: Connect, /, *, name: str, region: str | None, as_json: bool, **given: object
    ) -> int:
        return command(connect(name, region), output(as_json=as_json), **given)

    return connected


@click.group(epilog=EPILOG)
@click.version_option(package_name="replimend")
def replimend() -> None:
    """Find why S3 stopped replicating KMS-encrypted objects, and have them brought over."""


@replimend.command()
@click.argument("url", metavar=URL, type=OBJECT_URL)
@click.option("--version-id", type=TEXT, help="The version, if not the current one.")
@click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=900,
    show_default=True,
    help="Seconds to follow the incident at most.",
)
@on_stack
def remediate(
    stack: Stack, output: Output, *, url: ObjectUrl, version_id: str | None, wait: int
) -> int:
    """Have one object diagnosed and mended, and follow it to the end."""
    follower = Follower(ledger=stack.ledger, patience=Patience(wait=wait))
    return Remediation(stack=stack, output=output, follower=follower).remediate(url, version_id)


@replimend.command()
@click.option("--status", type=click.Choice(Status, case_sensitive=False), help="Only these.")
@on_stack
def incidents(stack: Stack, output: Output, *, status: Status | None) -> int:
    """List the incidents, the last changed first."""
    return list_incidents(stack.ledger, output, status)


@replimend.command()
@click.argument("incident_id", type=TEXT)
@on_stack
def incident(stack: Stack, output: Output, *, incident_id: str) -> int:
    """Show the whole record of an incident."""
    return show_incident(stack.ledger, output, incident_id)


@replimend.command()
@click.argument("incident_id", type=TEXT)
@click.argument("plan_hash", type=TEXT)
@on_stack
def approve(stack: Stack, output: Output, *, incident_id: str, plan_hash: str) -> int:
    """Have the plan with this hash applied."""
    return Commands(stack=stack, output=output).approve(incident_id, plan_hash)


@replimend.command()
@click.argument("incident_id", type=TEXT)
@click.option("--reason", type=TEXT, help="Why; it is kept with the incident.")
@on_stack
def reject(stack: Stack, output: Output, *, incident_id: str, reason: str | None) -> int:
    """Have the incident's plan dropped."""
    return Commands(stack=stack, output=output).reject(incident_id, reason)


@replimend.command()
@click.argument("change_id", type=TEXT)
@on_stack
def roll_back(stack: Stack, output: Output, *, change_id: str) -> int:
    """Have one change of access undone."""
    return Commands(stack=stack, output=output).roll_back(change_id)


@replimend.command()
@click.argument("change_id", type=TEXT)
@click.option(
    "--format",
    "form",
    type=click.Choice(PatchFormat, case_sensitive=False),
    default=PatchFormat.TERRAFORM,
    show_default=PatchFormat.TERRAFORM.value,
    help="The language of your own code.",
)
@on_stack
def patch(stack: Stack, output: Output, *, change_id: str, form: PatchFormat) -> int:
    """Write one change as a patch for your own code."""
    return show_patch(stack.ledger, output, change_id, form)


@replimend.command()
@click.argument("change_id", type=TEXT)
@on_stack
def adopted(stack: Stack, output: Output, *, change_id: str) -> int:
    """Say that your own code has a change by now."""
    return Commands(stack=stack, output=output).adopted(change_id)


@replimend.command()
@on_stack
def pause(stack: Stack, output: Output) -> int:
    """Have no access changed until `resume`."""
    return Commands(stack=stack, output=output).pause()


@replimend.command()
@on_stack
def resume(stack: Stack, output: Output) -> int:
    """Have access changed again, within the limits."""
    return Commands(stack=stack, output=output).resume()


@replimend.command()
@click.argument("url", metavar=URL, type=OBJECT_URL)
@click.option("--version-id", type=TEXT, required=True, help="The version.")
@on_stack
def recopy(stack: Stack, output: Output, *, url: ObjectUrl, version_id: str) -> int:
    """Have one object version brought over, incident or not."""
    return Commands(stack=stack, output=output).recopy(url, version_id)


@replimend.command()
@click.option(
    "--json-lines",
    "cases",
    metavar="CASES",
    type=TEXT,
    required=True,
    help="A file of cases, - for standard input.",
)
def evaluate(cases: str) -> int:
    """Evaluate policy cases, one a line, without AWS."""
    return evaluate_command(cases, sys.stdout)


replimend.add_command(explain)
replimend.add_command(preflight)
replimend.add_command(snapshot)
