"""Where a command's answer goes: to a person as text and colour, or to a program as JSON."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

UNBROKEN = 500
"""Columns where nobody watches: an ARN stays in one piece, for `grep` and for copying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Writes to standard output; what is for people is left out when a program listens."""

    console: Console
    as_json: bool

    def show(self, *parts: RenderableType) -> None:
        """Show these to a person, one below the other."""
        if not self.as_json:
            for part in parts:
                self.console.print(part)

    def document(self, document: Mapping[str, Any]) -> None:
        """Give this to a program, as the one document of the command."""
        if self.as_json:
            # ASCII, so that neither the terminal's encoding nor an object's key can break it.
            self.console.out(json.dumps(document, indent=2), highlight=False)

    def line(self, document: Mapping[str, Any]) -> None:
        """Give this to a program, as one of the command's documents, each on a line."""
        if self.as_json:
            self.console.out(json.dumps(document), highlight=False)

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Tell a person at a terminal what is being waited for, as long as the context lasts."""
        return nullcontext() if self.as_json else self.console.status(Text(what))


def output(*, as_json: bool) -> Output:
    """The output of this process: as wide as the terminal, and never folded into a file or pipe.

    Colours are as the terminal has them, none where NO_COLOR is set.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNBROKEN
    return Output(console=console, as_json=as_json)
