"""A function for tests of the lab: it does what its event asks for."""

import itertools
import os
import sys
import time
from typing import Any

import boto3

GREETING = os.environ["GREETING"]
_serial = itertools.count(1)


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Answer a direct request, or report the messages of a batch that ask to fail."""
    if "Records" in event:
        return _batch(event["Records"])
    return ANSWERS[event["ask"]](event, context)


def _batch(records: list[dict[str, Any]]) -> dict[str, Any]:
    if any('"raise"' in record["body"] for record in records):
        raise ValueError("as asked")
    failed = [record["messageId"] for record in records if '"fail"' in record["body"]]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def _count(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"invocations": next(_serial), "greeting": GREETING}


def _who(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"arn": boto3.client("sts").get_caller_identity()["Arn"]}


def _busy(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    for _ in range(event["calls"]):
        boto3.client("sts").get_caller_identity()
    return {}


def _send(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="{}")
    return {}


def _publish(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    answer = boto3.client("events").put_events(Entries=event["entries"])
    return {"codes": [entry.get("ErrorCode") for entry in answer["Entries"]]}


def _sleep(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    time.sleep(event["seconds"])
    return {}


def _print(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    print("said")  # noqa: T201 - what the test looks for
    print("complained", file=sys.stderr)  # noqa: T201 - as above
    return {}


def _raise(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    raise ValueError("as asked")


ANSWERS = {
    "environment": lambda _event, _context: dict(os.environ),
    "left": lambda _event, context: {"left": context.get_remaining_time_in_millis()},
    "busy": _busy,
    "count": _count,
    "who": _who,
    "send": _send,
    "publish": _publish,
    "sleep": _sleep,
    "print": _print,
    "raise": _raise,
}
