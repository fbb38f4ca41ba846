"""How many examples the properties try, and, as a pytest plugin, how many they tried.

`make properties` tries ten times as many as `make test` does; PROOF_SCALE says how many times.
"""

import os
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

SCALE = float(os.environ.get("PROOF_SCALE", "1"))


def examples(number: int) -> int:
    """So many examples where nothing is scaled, and never none."""
    return max(1, round(number * SCALE))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Tally(), "tally of examples")


class Tally:
    """Counts the examples of each property as they run, and prints the counts at the end."""

    def __init__(self) -> None:
        self._tried: Counter[str] = Counter()
        self._counted: set[Callable[..., Any]] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            test = getattr(item, "obj", None)
            handle = getattr(test, "hypothesis", None)
            if test is None or handle is None or test in self._counted:
                continue
            self._counted.add(test)
            handle.inner_test = self._counting(handle.inner_test, item.name)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._tried:
            return
        terminalreporter.section("examples")
        for name, number in sorted(self._tried.items()):
            terminalreporter.write_line(f"{number:>9,}  {name}")
        all_of_them = sum(self._tried.values())
        terminalreporter.write_line(f"{all_of_them:>9,}  in all")

    def _counting(self, inner: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self._tried[name] += 1
            return inner(*args, **kwargs)

        return counted
