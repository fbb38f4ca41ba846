"""A bad message ends in one clear error with the path of what is wrong, and in nothing else."""

import copy
from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import getitem
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replimend.domain.signals import (
    Ignored,
    IgnoredKind,
    KeyAccessDenied,
    ManualRequest,
    ReplicationFailed,
    Signal,
)
from replimend.errors import MalformedEventError
from replimend.inbound.commands import command_of
from replimend.inbound.messages import parse_record, records_of, signals_of
from tests.builders import (
    DESTINATION_BUCKET,
    OBJECT_KEY,
    SOURCE_BUCKET,
    VERSION_ID,
    AwsJson,
    cloudtrail_event,
    key_access_denied,
    pipe_event,
    replication_failed,
    sns_envelope,
    sqs_event,
)

REQUEST = {"bucket": SOURCE_BUCKET, "key": OBJECT_KEY, "versionId": VERSION_ID}


def without(event: AwsJson, *path: str | int) -> AwsJson:
    changed: Any = copy.deepcopy(event)
    del _parent(changed, path)[path[-1]]
    return cast("AwsJson", changed)


def having(event: AwsJson, value: object, *path: str | int) -> AwsJson:
    changed: Any = copy.deepcopy(event)
    _parent(changed, path)[path[-1]] = value
    return cast("AwsJson", changed)


def _parent(event: Any, path: Sequence[str | int]) -> Any:
    return reduce(getitem, path[:-1], event)


S3_RECORD = ("Records", 0)
S3_OBJECT = (*S3_RECORD, "s3", "object")
S3_FAILURE = (*S3_RECORD, "replicationEventData")


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ("not JSON", ""),
        ("", ""),
        ("[" * 100_000, ""),
        ("9" * 5_000, ""),
        (None, ""),
        (7, ""),
        ([], ""),
        ({}, ""),
        ({"Records": []}, "Records"),
        ({"Records": None}, "Records"),
        ({"Records": [7]}, "Records[0]"),
        ({"Records": [{}]}, "Records[0]"),
        (sqs_event("not JSON"), "Records[0].body"),
        (sqs_event(""), "Records[0].body"),
        (pipe_event({"Records": "x"}), "detail.Records"),
        (without(replication_failed(), *S3_OBJECT, "versionId"), "Records[0].s3.object.versionId"),
        (having(replication_failed(), 7, *S3_OBJECT, "key"), "Records[0].s3.object.key"),
        (having(replication_failed(), "%FF", *S3_OBJECT, "key"), "Records[0].s3.object.key"),
        (having(replication_failed(), "x" * 1025, *S3_OBJECT, "key"), "Records[0].s3.object.key"),
        (having(replication_failed(), "\ud800", *S3_OBJECT, "key"), "Records[0].s3.object.key"),
        (having(replication_failed(), "520080", *S3_OBJECT, "size"), "Records[0].s3.object.size"),
        (having(replication_failed(), -1, *S3_OBJECT, "size"), "Records[0].s3.object.size"),
        (having(replication_failed(), True, *S3_OBJECT, "size"), "Records[0].s3.object.size"),  # noqa: FBT003
        (having(replication_failed(), [], *S3_RECORD, "s3"), "Records[0].s3"),
        (without(replication_failed(), *S3_RECORD, "s3", "bucket"), "Records[0].s3.bucket"),
        (
            having(replication_failed(), "a/b", *S3_RECORD, "s3", "bucket", "name"),
            "Records[0].s3.bucket.name",
        ),
        (without(replication_failed(), *S3_FAILURE), "Records[0].replicationEventData"),
        (
            without(replication_failed(), *S3_FAILURE, "failureReason"),
            "Records[0].replicationEventData.failureReason",
        ),
        (
            having(replication_failed(), DESTINATION_BUCKET, *S3_FAILURE, "destinationBucket"),
            "Records[0].replicationEventData.destinationBucket",
        ),
        (
            having(replication_failed(), "yesterday", *S3_FAILURE, "requestTime"),
            "Records[0].replicationEventData.requestTime",
        ),
        (
            having(replication_failed(), "0001-01-01T00:00:00+23:59", *S3_FAILURE, "requestTime"),
            "Records[0].replicationEventData.requestTime",
        ),
        (
            having(replication_failed(), "2026-01-15T10:00:32", *S3_RECORD, "eventTime"),
            "Records[0].eventTime",
        ),
        (
            having(replication_failed(), "3.0", *S3_RECORD, "eventVersion"),
            "Records[0].eventVersion",
        ),
        (without(replication_failed(), *S3_RECORD, "eventName"), "Records[0].eventName"),
        (without(key_access_denied(), "eventID"), "eventID"),
        (without(key_access_denied(), "userIdentity"), "userIdentity"),
        (having(key_access_denied(), 403, "errorCode"), "errorCode"),
        (
            having(key_access_denied(), "x", "userIdentity", "sessionContext"),
            "userIdentity.sessionContext",
        ),
        (having(key_access_denied(), {}, "resources"), "resources"),
        (
            having(
                cloudtrail_event(key_access_denied()), ["x"], "detail", "userIdentity", "accountId"
            ),
            "detail.userIdentity.accountId",
        ),
        (having(cloudtrail_event(key_access_denied()), 7, "detail"), "detail"),
        ({"bucket": SOURCE_BUCKET}, "key"),
        ({"bucket": SOURCE_BUCKET, "key": "a", "verisonId": "v"}, "verisonId"),
        ({"bucket": SOURCE_BUCKET, "key": "a", "versionId": 7}, "versionId"),
        ({"action": "approve", "incidentId": "i"}, ""),
    ],
)
def test_a_bad_message_is_refused_with_the_path_of_what_is_wrong(
    payload: object, path: str
) -> None:
    with pytest.raises(MalformedEventError) as raised:
        signals_of(payload)

    assert raised.value.path == path


def test_an_error_reads_as_one_line_that_names_the_field() -> None:
    with pytest.raises(MalformedEventError) as raised:
        signals_of(cloudtrail_event(having(key_access_denied(), 7, "errorCode")))

    assert str(raised.value) == (
        "event has no usable 'detail.errorCode': expected a string, found a number"
    )


def test_envelopes_within_envelopes_come_to_an_end() -> None:
    payload: object = REQUEST
    for _ in range(50):
        payload = [payload]

    with pytest.raises(MalformedEventError, match="at most 12 envelopes"):
        signals_of(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.sampled_from(
    [
        replication_failed(),
        key_access_denied(),
        sqs_event(pipe_event(replication_failed())),
        pipe_event(replication_failed()),
        cloudtrail_event(key_access_denied(), replay_name="r"),
        sns_envelope(replication_failed()),
        REQUEST,
        {"action": "approve", "incidentId": "i", "planHash": "h", "by": "anna"},
    ]
)


@given(JSON)
def test_any_json_is_signals_or_one_clear_error(payload: object) -> None:
    assert_signals_or_error(payload)


@settings(max_examples=400)
@given(MESSAGES, st.data())
def test_a_message_with_anything_in_any_place_is_signals_or_one_clear_error(
    message: AwsJson, data: st.DataObject
) -> None:
    spoilt = copy.deepcopy(message)
    place: object = spoilt
    while True:
        assert isinstance(place, dict | list)
        name = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else [0]))
        inner = place[name]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[name] = data.draw(JSON)
            break
        place = inner

    assert_signals_or_error(spoilt)


def assert_signals_or_error(payload: object) -> None:
    for record in records_of(payload):
        outcome = _result_or_error(partial(parse_record, record))
        if isinstance(outcome, MalformedEventError):
            assert outcome.path.startswith(record.path)
            assert str(outcome).isprintable()
        else:
            assert_usable(outcome)
    assert str(_result_or_error(partial(command_of, payload)))


def _result_or_error[T](parse: Callable[[], T]) -> T | MalformedEventError:
    try:
        return parse()
    except MalformedEventError as error:
        return error


def assert_usable(signal: Signal) -> None:
    match signal:
        case ReplicationFailed() | KeyAccessDenied():
            assert len(signal.idempotency_key) == 64
        case ManualRequest():
            assert signal.key.encode()
        case Ignored():
            assert signal.kind in IgnoredKind
