"""How text is laid out for people: labels, tables, times, and characters that do not print."""

from datetime import datetime

from rich.table import Table
from rich.text import Text

LABEL_WIDTH = 11
"""Characters of the longest label, so that tables below each other line up."""


def plain(text: object) -> str:
    """The text with every character that does not print written as its escape."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text)
    )


def unbroken(text: str) -> Text:
    """The text in its own lines, however narrow the terminal: for what is copied from it."""
    lines = "\n".join(plain(line) for line in text.splitlines())
    return Text(lines, no_wrap=True, overflow="ignore")


def rows(*labelled: tuple[str, Text | str | None]) -> Table:
    """Labels on the left, what they are about on the right; what is None is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True, min_width=LABEL_WIDTH)
    table.add_column(overflow="fold")
    for label, value in labelled:
        if value is not None:
            table.add_row(Text(label), value if isinstance(value, Text) else Text(plain(value)))
    return table


def listing(*headings: str) -> Table:
    """An empty table in which nothing that is too long is cut off."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def moment(at: str) -> str:
    """A time in ISO 8601 for people: to the second, in the zone that it is given in."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S}"
