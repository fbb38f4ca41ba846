"""`python -m lab.local EVENT`: run one event file in a container and tell what came of it."""

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from lab.errors import LabError
from lab.local.engine import find_engine
from lab.local.events import LocalEvent
from lab.local.ledger import LedgerTable
from lab.local.moments import replication_status
from lab.local.runs import Run, Say, run

THE_END = timedelta(hours=1)
INTERRUPTED, TERMINATED = 130, 143  # as shells say it
SHOWN = 100  # characters of a value


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if the function answered; 1 with one line on standard error if something prevented it."""
    parser = argparse.ArgumentParser(prog="python -m lab.local", description=__doc__)
    parser.add_argument("event", type=Path, metavar="EVENT", help="a file such as those in events/")
    path = parser.parse_args(arguments).event
    console = Console(highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(line, markup=False)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # what was started ends too
    try:
        _tell(path, say)
    except KeyboardInterrupt:
        return INTERRUPTED
    except LabError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"local: {error}", markup=False)
        return 1
    return 0


def _tell(path: Path, say: Say) -> None:
    began = time.monotonic()
    event = LocalEvent.load(path)
    engine = find_engine(os.environ)
    say(f"{path} is for {event.function}; container engine at {engine.host}")
    with run(event, engine, say) as done:
        _tell_of_function(done, say)
        if done.answer.error is not None:
            raise LabError(f"{event.function} failed: {done.answer.error}")
        took = done.lab.run(THE_END)
        say(f"the lab ran on, for {took} of its time; in the end:")
        _tell_of_the_end(done, say)
    say(f"done in {time.monotonic() - began:.1f} s")


def _tell_of_function(done: Run, say: Say) -> None:
    for line in done.answer.logs:
        say(f"  log  {line}")
    say("answer:")
    for line in json.dumps(done.answer.payload, indent=2, ensure_ascii=False).splitlines():
        say(f"  {line}")
    refused = [f"{call.service}:{call.operation}" for call in done.calls if not call.allowed]
    say(f"calls: {len(done.calls)}; refused: {', '.join(refused) or 'none'}")
    for name, count in sorted(Counter(f"{c.service}:{c.operation}" for c in done.calls).items()):
        say(f"  {count:3} {name}")
    say("ledger:" if done.written else "ledger: nothing was written")
    for write in done.written:
        say(f"  {'new' if write.before is None else 'now'}  {write.pk} {write.sk}")
        for name, value in write.changed.items():
            say(f"         {name}: {value if len(value) <= SHOWN else f'{value[:SHOWN]}…'}")
    for queue, count in done.sent.items():
        say(f"queue: {count} message(s) more on {queue}")


def _tell_of_the_end(done: Run, say: Say) -> None:
    for incident in LedgerTable.of(done.lab).incidents:
        say(f"  incident {incident['incident_id']}: {incident['status']}")
        say(f"    {incident['cause']}, {incident['confidence']}; {incident['summary']}")
    if done.event.version is not None:
        key, version_id = done.event.version
        say(f"  {key}: {replication_status(done.lab, key, version_id)}")


if __name__ == "__main__":
    sys.exit(main())
