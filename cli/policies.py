"""A policy as people read it, with the lines that decide marked."""

import json
from collections.abc import Iterator

from rich.text import Text

from cli.layout import plain
from replimend.domain.setups.deciding import DecidingPolicy, Place

MARK, MARKED, DIM = "▶ ", "bold red", "dim"
BLANK = " " * len(MARK)
WHOLE = 60
"""Lines of a policy that are shown; of a longer one, only the statements that decide."""


def marked(policy: DecidingPolicy) -> Text:
    """The policy's JSON; every line of a deciding place begins with a mark and is red."""
    document = {**policy.document.content, "Statement": list(policy.document.statements)}
    lines = list(_lines(document, (), "", ""))
    kept = {place[1] for place in policy.places if len(place) > 1}
    text = Text.assemble((plain(policy.name), "bold"), f": {plain(policy.says)}\n")
    hidden = 0
    for place, line in lines:
        if len(lines) > WHOLE and _is_aside(place, kept):
            hidden += 1
            continue
        hidden = _append_hidden(text, hidden)
        if any(place[: len(each)] == each for each in policy.places):
            text.append(f"{MARK}{plain(line)}\n", MARKED)
        else:
            text.append(f"{BLANK}{plain(line)}\n", DIM)
    _append_hidden(text, hidden)
    text.rstrip()
    return text


def _is_aside(place: Place, kept: set[str | int]) -> bool:
    """Whether a line belongs to a statement that decides nothing."""
    return place[:1] == ("Statement",) and len(place) > 1 and place[1] not in kept


def _append_hidden(text: Text, hidden: int) -> int:
    if hidden:
        text.append(f"{BLANK}… {hidden} line(s) of other statements\n", DIM)
    return 0


def _lines(value: object, place: Place, lead: str, tail: str) -> Iterator[tuple[Place, str]]:
    """Each line of the indented JSON, with the place of what stands on it."""
    pad = "  " * len(place)
    match value:
        case dict() if value:
            inner = [(name, f"{json.dumps(name)}: ", each) for name, each in value.items()]
            brackets = "{}"
        case list() if value:
            inner = [(index, "", each) for index, each in enumerate(value)]
            brackets = "[]"
        case _:
            yield place, f"{pad}{lead}{json.dumps(value, ensure_ascii=False)}{tail}"
            return
    yield place, f"{pad}{lead}{brackets[0]}"
    for position, (name, named, each) in enumerate(inner, start=1):
        comma = "," if position < len(inner) else ""
        yield from _lines(each, (*place, name), named, comma)
    yield place, f"{pad}{brackets[1]}{tail}"
