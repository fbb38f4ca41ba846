from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from replimend.domain.signals import KeyAccessDenied, ReplicationFailed
from replimend.inbound.messages import signals_of
from tests.builders import key_access_denied, replication_failed


def a_failure() -> ReplicationFailed:
    (signal,) = signals_of(replication_failed())
    assert isinstance(signal, ReplicationFailed)
    return signal


def a_denial() -> KeyAccessDenied:
    (signal,) = signals_of(key_access_denied())
    assert isinstance(signal, KeyAccessDenied)
    return signal


def test_a_second_delivery_of_a_failure_has_the_same_key() -> None:
    first = a_failure()

    again = replace(first, event_time=first.event_time + timedelta(minutes=5), replayed=True)

    assert again.idempotency_key == first.idempotency_key


def test_a_failures_key_does_not_depend_on_the_zone_a_time_is_written_in() -> None:
    first = a_failure()

    elsewhere = replace(
        first, request_time=first.request_time.astimezone(timezone(timedelta(hours=9)))
    )

    assert elsewhere.idempotency_key == first.idempotency_key


@pytest.mark.parametrize(
    "other",
    [
        {"bucket": "orders-dublin"},
        {"key": "reports/other.pdf"},
        {"version_id": "Lab.Version.00000000000000000002"},
        {"rule_id": "to-paris"},
        {"destination_bucket": "orders-paris"},
        {"operation": "OBJECT_TAGGING"},
        {"request_time": datetime(2026, 1, 16, tzinfo=UTC)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_failure_has_another_key(other: dict[str, Any]) -> None:
    first = a_failure()

    assert replace(first, **other).idempotency_key != first.idempotency_key


def test_separators_in_an_object_key_cannot_make_two_failures_one() -> None:
    first = replace(a_failure(), key='a", "b', version_id="c")

    second = replace(a_failure(), key="a", version_id='b", "c')

    assert first.idempotency_key != second.idempotency_key


def test_a_denials_key_is_the_calls_wherever_it_was_forwarded() -> None:
    first = a_denial()

    assert first._replace(replayed=True).idempotency_key == first.idempotency_key
    assert first._replace(event_id="another").idempotency_key != first.idempotency_key


def test_equal_signals_are_one_in_a_set() -> None:
    assert len({a_failure(), a_failure(), a_denial(), a_denial()}) == 2
