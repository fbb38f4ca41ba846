"""Counts as CloudWatch reads them from the log: one metric for each thing that happened."""

import json
from collections.abc import Callable

import pytest
from aws_lambda_powertools import Logger

from replimend.errors import ThrottledError
from replimend.gateways.tally import MetricTally

COUNTS: dict[str, tuple[Callable[[MetricTally], None], str, str]] = {
    "ignored": (lambda tally: tally.ignored("test_event"), "SignalsIgnored", "test_event"),
    "unusable": (
        lambda tally: tally.unusable("Records[0].s3"),
        "MessagesUnusable",
        "Records[0].s3",
    ),
    "unusable as a whole": (lambda tally: tally.unusable(""), "MessagesUnusable", "body"),
    "throttled": (
        lambda tally: tally.given_back("g1", ThrottledError("busy")),
        "GroupsGivenBack",
        "triage",
    ),
    "a bug": (lambda tally: tally.given_back("g1", KeyError("x")), "GroupsGivenBack", "triage"),
    "woken": (lambda tally: tally.woken("canary"), "IncidentsWoken", "canary"),
}


TALLY = MetricTally(Logger(service="replimend"))


@pytest.mark.parametrize(("count", "metric", "value"), COUNTS.values(), ids=COUNTS)
def test_a_count_is_one_metric_with_its_dimension(
    capsys: pytest.CaptureFixture[str],
    count: Callable[[MetricTally], None],
    metric: str,
    value: str,
) -> None:
    count(TALLY)

    lines = [line for line in capsys.readouterr().out.splitlines() if metric in line]
    (emitted,) = map(json.loads, lines)
    (description,) = emitted["_aws"]["CloudWatchMetrics"]
    (dimensions,) = description["Dimensions"]
    assert description["Namespace"] == "Replimend"
    assert emitted[metric] == [1.0]
    assert value in {emitted[name] for name in dimensions}


@pytest.mark.parametrize(
    ("error", "is_bug"), [(KeyError("x"), True), (ThrottledError("busy"), False)], ids=repr
)
def test_a_bug_is_logged_with_its_traceback_and_throttling_without(
    caplog: pytest.LogCaptureFixture, error: Exception, *, is_bug: bool
) -> None:
    TALLY.given_back("g1", error)

    (record,) = caplog.records
    assert bool(record.exc_info) is is_bug
    assert (record.levelname == "ERROR") is is_bug
