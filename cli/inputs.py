"""Files that the command is given: read, parsed, and blamed in one line when they are wrong."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cli.errors import Exit
from replimend.errors import MalformedEventError

STANDARD_INPUT = "-"


class BadInput(click.ClickException):
    """What was given cannot be used; the message names the file and the place in it."""

    exit_code = Exit.BAD_INPUT


def name_of(path: str) -> str:
    """What a file is called in messages."""
    return "standard input" if path == STANDARD_INPUT else path


def text_of(path: str) -> str:
    """The text of a file, `-` being standard input."""
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.read()
        return Path(path).read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name_of(path)}: not UTF-8 text") from error


def json_of(path: str) -> object:
    """What the JSON of a file, `-` being standard input, spells."""
    return parsed(text_of(path), name_of(path))


def parsed(text: str, name: str) -> object:
    """What a JSON text spells; `name` is where it stands."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise BadInput(f"{name}: not JSON: nested too deeply") from error
    except ValueError as error:
        raise BadInput(f"{name}: not JSON: {error}") from error


@contextmanager
def blamed(path: str) -> Iterator[None]:
    """Turn the error about a field into one about the field of this file."""
    try:
        yield
    except MalformedEventError as error:
        raise BadInput(complaint(path, error)) from error


def complaint(path: str, error: MalformedEventError) -> str:
    """The line that says which field of which file is wrong, and how."""
    at = f"{error.path}: " if error.path else ""
    return f"{name_of(path)}: {at}{error.problem}"
