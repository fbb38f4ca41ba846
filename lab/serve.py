"""The lab over HTTP, in real time: `python -m lab.serve [SCENARIO] [--port PORT] [--phase PHASE]`.

For the command, `sam local`, any AWS SDK and people. It listens on `LOCAL_AWS_ADDRESS`, so that
containers can reach it, else on loopback only.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from lab.build import find_build
from lab.clock import RealClock
from lab.errors import LabError
from lab.identities import administrator_key
from lab.lab import Lab
from lab.limits import PHASES
from lab.scenario import SCENARIOS, Scenario
from lab.server import address_from, serve

PORT = 4577
BAD_INPUT = 2

GREETING = """\
[bold]{title}[/]
{story}

This lab models AWS from its documentation. It is not AWS, and proves nothing about your accounts.

[bold]In another terminal[/]
  export AWS_ENDPOINT_URL={endpoint}
  export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION={region}
  aws s3api list-object-versions --bucket {bucket}
  aws lambda invoke --function-name replimend-TriageFunction \\
    --payload fileb://events/direct-object.json /dev/stdout
  .venv/bin/replimend remediate "s3://{bucket}/{example}"

{key} is an administrator of account {account}; any twelve digits after AKIAADMIN are one of theirs.
{count} objects are being put; mode {mode}. Ctrl-C ends it, and everything is forgotten.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 2 with one line on standard error for a bad scenario or build."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    try:
        scenario = Scenario.load(options.scenario)
        lab = Lab.from_scenario(scenario, find_build(), clock=RealClock())
        with lab, serve(lab.gate, address_from(os.environ), options.port) as endpoint:
            limits = scenario.limits[options.phase]
            if options.phase != PHASES[0]:
                lab.deploy(limits)
            source = scenario.world.source
            console.print(
                GREETING.format(
                    title=escape(scenario.title),
                    story=escape(scenario.story),
                    endpoint=endpoint,
                    key=administrator_key(source.account),
                    account=source.account,
                    region=source.region,
                    bucket=source.name,
                    example=escape(scenario.objects[0].key) if scenario.objects else "KEY",
                    count=len(scenario.objects),
                    mode=limits["RepairMode"],
                )
            )
            stopped.wait()
    except (LabError, OSError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"lab: {error}", markup=False)
        return BAD_INPUT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.serve", description=__doc__.split("\n")[0])
    parser.add_argument(
        "scenario",
        nargs="?",
        type=Path,
        default=SCENARIOS / "flagship.yaml",
        metavar="SCENARIO",
        help="a scenario file; without one, the flagship",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"{PORT} unless said; 0: a free one")
    parser.add_argument(
        "--phase", choices=PHASES, default=PHASES[0], help="which of the scenario's limits apply"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
