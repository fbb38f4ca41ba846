"""`python -m lab.demo [SCENARIO]`: tell the story; exit status 1 if any of it did not happen."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lab.build import find_build
from lab.demo.story import Story
from lab.errors import LabError
from lab.lab import Lab
from lab.scenario import SCENARIOS, Scenario

BAD_INPUT = 2
WIDTH = 120
"""Columns where the output is no terminal, whose width nobody knows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every claim held, 1 if one did not, 2 with one line for a bad scenario or build."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("scenario", nargs="?", type=Path, default=SCENARIOS / "flagship.yaml")
    path = parser.parse_args(arguments).scenario
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    try:
        scenario = Scenario.load(path)
        with Lab.from_scenario(scenario, find_build()) as lab:
            held = Story(lab, console).tell()
    except (LabError, OSError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"demo: {error}", markup=False)
        return BAD_INPUT
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
