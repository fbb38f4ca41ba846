"""One run: the lab brought to its moment and served, the function invoked, what it did noted."""

import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from lab.build import find_build
from lab.errors import LabError
from lab.gate import CallRecord
from lab.lab import Lab
from lab.local.engine import Engine
from lab.local.events import LocalEvent
from lab.local.ledger import LedgerTable, Write
from lab.local.moments import bring, lab_for
from lab.local.sam import Answer, SamLocal
from lab.server import ADDRESS_VARIABLE, serve

QUEUE = "AWS::SQS::Queue"
ASKED_BY_THE_SAM_CLI = "GetCallerIdentity"

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one invocation did; the lab is open and stands where the function left it."""

    lab: Lab
    event: LocalEvent
    answer: Answer
    calls: tuple[CallRecord, ...]
    written: tuple[Write, ...]
    sent: Mapping[str, int]
    """How many messages each queue has that it had not before, by logical id."""


@contextmanager
def run(event: LocalEvent, engine: Engine, say: Say) -> Generator[Run]:
    """The run of this event, its lab open inside the context; `LabError` if it cannot be.

    Nobody but the function acts on the lab while it runs: lab time stands still.
    """
    began = time.monotonic()
    with lab_for(event.moment, find_build()) as lab:
        bring(lab, event.moment)
        say(f"lab: {event.moment} ({_since(began)})")
        say("  it models AWS, and is not AWS; its time is the present, and stands still")
        before, queued, calls_before = LedgerTable.of(lab), _queued(lab), len(lab.calls)
        answer = _invoked(lab, event, engine, say)
        calls = tuple(
            call for call in lab.calls[calls_before:] if call.operation != ASKED_BY_THE_SAM_CLI
        )
        yield Run(
            lab=lab,
            event=event,
            answer=answer,
            calls=calls,
            written=LedgerTable.of(lab).since(before),
            sent=_queued(lab) - queued,
        )


def _invoked(lab: Lab, event: LocalEvent, engine: Engine, say: Say) -> Answer:
    function = lab.services.functions.settings(lab.stack.resource(event.function).physical.arn)
    credentials = lab.gate.session_credentials(function.role_arn, function.name)
    text = event.text
    if (age := event.age(lab.now())) is not None:
        say(f"  the event's times are moved by {_rounded(age)}, to the present")
        text = event.moved(age)
    with _served(lab, engine) as endpoint:
        say(f"  served at {endpoint}, to a session of {function.role_arn}")
        began = time.monotonic()
        answer = SamLocal(engine=engine, endpoint=endpoint).invoke(function, credentials, text)
    say(f"sam local invoke {event.function}: {_since(began)}")
    return answer


@contextmanager
def _served(lab: Lab, engine: Engine) -> Generator[str]:
    with ExitStack() as serving:
        try:
            endpoint = serving.enter_context(serve(lab.gate, engine.address, 0))
        except OSError as error:
            raise LabError(
                f"the lab cannot be served at {engine.address} ({error.strerror}): set "
                f"{ADDRESS_VARIABLE} to an address of this machine that containers reach"
            ) from error
        yield endpoint


def _queued(lab: Lab) -> Counter[str]:
    return Counter(
        {
            queue.logical_id: len(lab.messages(queue.logical_id))
            for queue in lab.stack.of_kind(QUEUE)
        }
    )


def _rounded(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
