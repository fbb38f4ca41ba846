"""`replimend explain`: what is behind an event or an error text, without a deployment."""

import click
from rich.text import Text

from cli.answers import explanation_answer
from cli.arguments import TEXT
from cli.errors import Exit
from cli.explained import explained
from cli.inputs import (
    STANDARD_INPUT,
    BadInput,
    blamed,
    complaint,
    json_of,
    name_of,
    parsed,
    text_of,
)
from cli.output import Output, output
from replimend.domain.diagnosis.causes import Confidence
from replimend.domain.setups.explanation import Explanation, explain_message
from replimend.domain.setups.explanation import explain as explain_signal
from replimend.domain.setups.setup import Setup
from replimend.errors import MalformedEventError
from replimend.inbound.messages import parse_record, records_of
from replimend.inbound.setups import setup_of


@click.command()
@click.argument("event", metavar="[EVENT]", required=False, type=TEXT)
@click.option("--setup", metavar="SETUP", type=TEXT, help="A snapshot of what the event is about.")
@click.option("--message", metavar="TEXT", type=TEXT, help="Explain this error text instead.")
@click.option("--messages", metavar="FILE", type=TEXT, help="Explain texts, a JSON string a line.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each signal.")
@click.option("--json-lines", "as_lines", is_flag=True, help="The same, for --messages.")
def explain(
    *,
    event: str | None,
    setup: str | None,
    message: str | None,
    messages: str | None,
    as_json: bool,
    as_lines: bool,
) -> int:
    """Say why S3 or KMS refused what EVENT tells of, from files alone.

    EVENT is a file, - for standard input: an S3 notification, a CloudTrail record, or any envelope
    or list of them. With --setup, written by `replimend snapshot`, the answer is a full diagnosis.
    """
    _require_one(event, message, messages, setup)
    out = output(as_json=as_json or as_lines)
    if event is not None:
        return _explain_event(event, setup, out)
    if message is not None:
        return _tell(explain_message(message), out)
    return _explain_messages(messages or STANDARD_INPUT, out)


def _require_one(
    event: str | None, message: str | None, messages: str | None, setup: str | None
) -> None:
    if sum(each is not None for each in (event, message, messages)) != 1:
        raise click.UsageError("give one of EVENT, --message and --messages")
    if setup is not None and event is None:
        raise click.UsageError("--setup goes with EVENT: a text alone names no set-up")
    if setup == event == STANDARD_INPUT:
        raise click.UsageError("standard input cannot be both EVENT and SETUP")


def _explain_event(path: str, setup_path: str | None, out: Output) -> int:
    """Explain every record that is one, and only then complain of the first that is none."""
    event = json_of(path)
    setup = None if setup_path is None else setup_in(setup_path)
    status, complaints = Exit.DONE, []
    for record in records_of(event):
        try:
            signal = parse_record(record)
        except MalformedEventError as error:
            complaints.append(complaint(path, error))
        else:
            status = max(status, _tell(explain_signal(signal, setup), out))
    if complaints:
        first, *others = complaints
        raise BadInput(f"{first} ({len(others)} more record(s) are wrong)" if others else first)
    return status


def setup_in(path: str) -> Setup:
    """The set-up of a snapshot file; BadInput names the file and the field that is wrong."""
    with blamed(path):
        return setup_of(json_of(path))


def _explain_messages(path: str, out: Output) -> int:
    status = Exit.DONE
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            at = f"{name_of(path)}:{number}"
            text = parsed(line, at)
            if not isinstance(text, str):
                raise BadInput(f"{at}: expected a JSON string")
            status = max(status, _tell(explain_message(text), out))
    return status


def _tell(explanation: Explanation, out: Output) -> Exit:
    """Show one explanation; unsettled if nothing decides it."""
    if out.as_json:
        out.line(explanation_answer(explanation))
    else:
        out.show(explained(explanation), Text())
    diagnosis = explanation.diagnosis
    is_open = diagnosis is not None and diagnosis.confidence is Confidence.UNDETERMINED
    return Exit.UNSETTLED if is_open else Exit.DONE
