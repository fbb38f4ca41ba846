"""`replimend evaluate`: one policy case a line, one answer a line, in the same order."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from replimend.domain.access import Result
from replimend.domain.access.contract import evaluate_case
from replimend.errors import MalformedEventError, MalformedPolicyError

DECIDED = 0
BAD_INPUT = 2
UNDETERMINED = 3

STANDARD_INPUT = "-"


def evaluate_command(path: str, out: TextIO) -> int:
    """Answer the cases of a JSON Lines file, `-` being standard input; the exit status.

    0: every case is decided; 3: some layer that could not be read leaves one open; 2: bad input,
    after one line on standard error that names the file, the line and the field. Answers are
    written as they come, so those to the lines before a bad one stand.
    """
    try:
        if path == STANDARD_INPUT:
            return _answer_all("standard input", sys.stdin, out)
        with Path(path).open(encoding="utf-8") as lines:
            return _answer_all(path, lines, out)
    except OSError as error:
        return _complain(f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        return _complain(f"{path}: not UTF-8 text")


def _answer_all(name: str, lines: Iterable[str], out: TextIO) -> int:
    status = DECIDED
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            answer = evaluate_case(json.loads(line))
        except (MalformedEventError, MalformedPolicyError) as error:
            return _complain(f"{name}:{number}: {error.path or 'the case'}: {error.problem}")
        except (ValueError, RecursionError) as error:
            return _complain(f"{name}:{number}: not JSON: {error}")
        out.write(f"{json.dumps(answer)}\n")
        if answer["result"] == Result.UNKNOWN:
            status = UNDETERMINED
    return status


def _complain(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return BAD_INPUT
