"""access-undenied-aws's quick path, the one that needs no AWS, as a child process of the bench.

Runs in the peer's own environment and knows nothing of the product. Reads JSON lines: the first
holds lists of CloudTrail records by name; each one after it asks either what the peer makes of each
record of a list, or for the seconds of processor time that the whole list takes.
"""

import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn


class AwsNeededError(Exception):
    """The peer wanted to call AWS, which a text alone must do without."""


class NoAws:
    """Stands where a session or a client would; whoever reaches for it gets AwsNeededError."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AwsNeededError(name)


def main() -> None:
    """Answer every line in turn, until there are no more."""
    read = reader()
    lists = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        question = json.loads(line)
        records = lists[question["list"]]
        answer = seconds(read, records) if question["timed"] else answers(read, records)
        print(json.dumps(answer), flush=True)


def reader() -> Callable[[dict[str, Any]], Any]:
    """The peer's analysis, told to be quiet and given no AWS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses pkg_resources, and says so
        package = importlib.import_module("access_undenied_aws")
        analysis = importlib.import_module("access_undenied_aws.analysis")
        common = importlib.import_module("access_undenied_aws.common")
    package.logger.disabled = True
    config = common.Config()
    config.session = config.iam_client = NoAws()
    return partial(analysis.analyze, config)


def answers(read: Callable[[dict[str, Any]], Any], records: list[dict[str, Any]]) -> list[str]:
    """The name of the reason that the peer gives for each, or why it gives none."""
    return [answer(read, record) for record in records]


def answer(read: Callable[[dict[str, Any]], Any], record: dict[str, Any]) -> str:
    try:
        result = read(record)
    except AwsNeededError:
        return "no answer"
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return "crashed"
    name = getattr(getattr(result, "assessment_result", None), "name", "ERROR")
    return "no answer" if name == "ERROR" else str(name)


def seconds(read: Callable[[dict[str, Any]], Any], records: list[dict[str, Any]]) -> float:
    start = time.process_time()
    for record in records:
        read(record)
    return time.process_time() - start


if __name__ == "__main__":
    main()
