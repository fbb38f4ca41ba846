"""Which changes to the code that decides on access no test notices: a mutation run, as a table.

Names of mutants narrow the run: `mutants.py 'replimend.domain.repair.guardrails*'`.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
COPY = CHECKOUT / ".mutants"
MUTMUT = f"{CHECKOUT}/.venv/tools/mutation/bin/mutmut"
PARTS = {"layers/core/replimend": "src/replimend", "tests": "tests", "cli": "cli", "lab": "lab"}
FEWER_EXAMPLES = "0.1"
"""The PROOF_SCALE of a run: each mutant runs every property that reaches it."""


def main() -> None:
    copy()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment.setdefault("PROOF_SCALE", FEWER_EXAMPLES)
    command = [MUTMUT, "run", "--max-children", "1", *sys.argv[1:]]
    subprocess.run(command, cwd=COPY, env=environment, check=True, stdout=sys.stderr)
    found = statuses()
    print_table(found)
    for name, status in found.items():
        if status == "survived":
            print(f"\n{asked('show', name)}")


def copy() -> None:
    """Lay out the checkout as the tool wants it: what it mutates lies in `src`."""
    shutil.rmtree(COPY, ignore_errors=True)
    for part, place in PARTS.items():
        shutil.copytree(CHECKOUT / part, COPY / place, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(HERE / "mutants.toml", COPY / "pyproject.toml")


def statuses() -> dict[str, str]:
    """How each mutant fared, by its name: killed, survived, timeout, no tests or not checked."""
    lines = asked("results", "--all", "True").splitlines()
    pairs = (line.strip().partition(": ") for line in lines if ": " in line)
    return {name: status for name, _, status in pairs}


def print_table(found: dict[str, str]) -> None:
    """Per module: its mutants, and how they fared."""
    modules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, status in found.items():
        modules[name.rpartition(".")[0]][status] += 1
    print(f"{'module':<44}{'mutants':>8}{'killed':>8}{'survived':>9}  others")
    for module, fared in [*sorted(modules.items()), ("in all", Counter(found.values()))]:
        others = ", ".join(
            f"{number} {status}"
            for status, number in sorted(fared.items())
            if status not in {"killed", "survived"}
        )
        number, killed, survived = fared.total(), fared["killed"], fared["survived"]
        print(f"{module:<44}{number:>8}{killed:>8}{survived:>9}  {others}".rstrip())


def asked(*arguments: str) -> str:
    """What the tool answers."""
    command = [MUTMUT, *arguments]
    return subprocess.run(command, cwd=COPY, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
