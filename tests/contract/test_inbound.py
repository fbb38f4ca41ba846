"""What the services and people send, in whatever envelope, becomes the signal that it is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replimend.domain.denials import DenialEffect, DenialLayer
from replimend.domain.failure_reasons import ReasonCode
from replimend.domain.signals import (
    Ignored,
    IgnoredKind,
    KeyAccessDenied,
    ManualRequest,
    ReplicationFailed,
    Signal,
)
from replimend.errors import MalformedEventError
from replimend.inbound.messages import parse_record, records_of, signals_of
from tests.builders import (
    DESTINATION_BUCKET,
    DESTINATION_KEY_ARN,
    OBJECT_KEY,
    ROLE_ARN,
    RULE_ID,
    SESSION_ARN,
    SIGNAL_QUEUE_ARN,
    SOURCE_ACCOUNT,
    SOURCE_BUCKET,
    SOURCE_KEY_ARN,
    VERSION_ID,
    AwsJson,
    cloudtrail_event,
    key_access_denied,
    pipe_event,
    replication_failed,
    s3_test_event,
    sns_envelope,
    sqs_event,
)

EVENTS = Path(__file__).parents[2] / "events"
TRIAGE_EVENTS = (
    "direct-object",
    "kms-encrypt-denied",
    "malformed",
    "s3-replication-failed-dst-put-not-permitted",
    "s3-test-event",
)
COMMAND_EVENTS = ("approve", "recopy-object", "roll-back")
REQUEST = {"bucket": SOURCE_BUCKET, "key": OBJECT_KEY, "versionId": VERSION_ID}


def event_named(name: str) -> AwsJson:
    event = json.loads((EVENTS / f"{name}.json").read_text())
    assert isinstance(event, dict)
    return event


def only_signal(payload: object) -> Signal:
    (signal,) = signals_of(payload)
    return signal


def only_failure(payload: object) -> ReplicationFailed:
    signal = only_signal(payload)
    assert isinstance(signal, ReplicationFailed)
    return signal


def only_denial(payload: object) -> KeyAccessDenied:
    signal = only_signal(payload)
    assert isinstance(signal, KeyAccessDenied)
    return signal


def test_every_file_in_events_has_its_test_here_and_its_line_in_the_readme() -> None:
    names = {path.stem for path in EVENTS.glob("*.json")}
    readme = (EVENTS / "README.md").read_text()

    assert names == {*TRIAGE_EVENTS, *COMMAND_EVENTS}
    assert all(f"`{name}.json`" in readme for name in names)


@pytest.mark.parametrize("name", TRIAGE_EVENTS)
def test_a_queued_event_comes_from_the_signal_queue(name: str) -> None:
    for record in event_named(name).get("Records", []):
        assert record["eventSourceARN"] == SIGNAL_QUEUE_ARN


def test_the_failed_replication_says_all_that_s3_said() -> None:
    failure = only_failure(event_named("s3-replication-failed-dst-put-not-permitted"))

    assert failure.bucket == SOURCE_BUCKET
    assert failure.key == "reports/2026 Q1 übersicht.pdf"
    assert failure.version_id == VERSION_ID
    assert failure.size == 520080
    assert failure.etag == "e12345ca7e88a38428305d3ff7fcb99f"
    assert failure.rule_id == RULE_ID
    assert failure.destination_bucket == DESTINATION_BUCKET
    assert failure.reason.documented is ReasonCode.DST_PUT_OBJECT_NOT_PERMITTED
    assert failure.operation == "OBJECT_PUT"
    assert failure.request_time == datetime(2026, 1, 15, 9, 59, 59, 168000, UTC)
    assert failure.event_time == datetime(2026, 1, 15, 10, 0, 32, 527000, UTC)
    assert failure.region == "eu-west-1"
    assert failure.sequencer == "0066DA1CBF104C0D51"
    assert not failure.replayed


def test_the_denied_call_says_all_that_cloudtrail_said() -> None:
    denied = only_denial(event_named("kms-encrypt-denied"))

    assert denied.event_id == "33333333-3333-4333-8333-333333333333"
    assert denied.event_time == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert denied.region == "eu-central-1"
    assert denied.account == SOURCE_ACCOUNT
    assert denied.principal_arn == SESSION_ARN
    assert denied.role_arn == ROLE_ARN
    assert denied.session_name == "s3-replication"
    assert denied.action == "kms:Encrypt"
    assert denied.key_arn == DESTINATION_KEY_ARN
    assert denied.denial.layer is DenialLayer.RESOURCE
    assert denied.denial.effect is DenialEffect.IMPLICIT
    assert denied.error_code == "AccessDenied"
    assert denied.encryption_context is None
    assert denied.invoked_by == "AWS Internal"
    assert not denied.replayed


def test_a_person_names_an_object_as_it_is() -> None:
    request = only_signal(event_named("direct-object"))

    assert request == ManualRequest(bucket=SOURCE_BUCKET, key=OBJECT_KEY, version_id=VERSION_ID)


def test_a_person_may_leave_the_version_open() -> None:
    request = only_signal({"bucket": SOURCE_BUCKET, "key": "a+b%20c"})

    assert request == ManualRequest(bucket=SOURCE_BUCKET, key="a+b%20c", version_id=None)


def test_a_test_event_is_ignored() -> None:
    signal = only_signal(event_named("s3-test-event"))

    assert signal == Ignored(kind=IgnoredKind.TEST_EVENT, detail="s3:TestEvent")


def test_a_malformed_record_does_not_take_the_good_one_along() -> None:
    ends: list[str] = []

    for record in records_of(event_named("malformed")):
        try:
            signal = parse_record(record)
        except MalformedEventError as error:
            ends.append(error.path)
        else:
            assert isinstance(signal, ReplicationFailed)
            ends.append(signal.key)

    assert ends == [
        "Records[0].body",
        "Records[1].body.detail.Records[0].s3.object.versionId",
        OBJECT_KEY,
    ]


def as_is(message: AwsJson) -> object:
    return message


def as_text(message: AwsJson) -> object:
    return json.dumps(message)


def as_bytes_of_text_twice(message: AwsJson) -> object:
    return json.dumps(json.dumps(message))


def in_a_list(message: AwsJson) -> object:
    return [message]


def in_records(message: AwsJson) -> object:
    return {"Records": [message]}


def in_sqs(message: AwsJson) -> object:
    return sqs_event(message)


def in_one_sqs_record(message: AwsJson) -> object:
    return sqs_event(message)["Records"][0]


def in_sqs_encoded_twice(message: AwsJson) -> object:
    return sqs_event(json.dumps(json.dumps(message)))


def in_the_sqs_apis_message(message: AwsJson) -> object:
    return {"MessageId": "1", "ReceiptHandle": "r", "Body": json.dumps(message)}


def in_an_sns_envelope(message: AwsJson) -> object:
    return sns_envelope(message)


def in_sns_for_lambda(message: AwsJson) -> object:
    return {"Records": [{"EventSource": "aws:sns", "Sns": sns_envelope(message)}]}


def in_sns_in_sqs(message: AwsJson) -> object:
    return sqs_event(sns_envelope(message))


def in_the_pipes_event(message: AwsJson) -> object:
    return pipe_event(message)


def in_the_pipes_event_in_sqs(message: AwsJson) -> object:
    return sqs_event(pipe_event(message))


def in_the_pipes_event_as_an_sqs_record(message: AwsJson) -> object:
    return pipe_event({**sqs_event(message)["Records"][0], "body": message})


ENVELOPES = [
    as_is,
    as_text,
    as_bytes_of_text_twice,
    in_a_list,
    in_records,
    in_sqs,
    in_one_sqs_record,
    in_sqs_encoded_twice,
    in_the_sqs_apis_message,
    in_an_sns_envelope,
    in_sns_for_lambda,
    in_sns_in_sqs,
    in_the_pipes_event,
    in_the_pipes_event_in_sqs,
    in_the_pipes_event_as_an_sqs_record,
]


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize(
    "message",
    [
        replication_failed(),
        replication_failed()["Records"][0],
        key_access_denied(),
        cloudtrail_event(key_access_denied()),
        s3_test_event(),
        REQUEST,
    ],
    ids=["notification", "s3 record", "cloudtrail record", "cloudtrail event", "test", "request"],
)
def test_an_envelope_changes_nothing_about_what_is_in_it(
    message: AwsJson, envelope: Callable[[AwsJson], object]
) -> None:
    assert only_signal(envelope(message)) == only_signal(message)


def test_records_of_several_kinds_come_in_order() -> None:
    two_failures = replication_failed(key="a")
    two_failures["Records"] += replication_failed(key="b")["Records"]
    event = sqs_event(pipe_event(two_failures), cloudtrail_event(key_access_denied()), REQUEST)

    records = records_of(event)

    assert [record.path for record in records] == [
        "Records[0].body.detail.Records[0]",
        "Records[0].body.detail.Records[1]",
        "Records[1].body.detail",
        "Records[2].body",
    ]
    assert [type(parse_record(record)) for record in records] == [
        ReplicationFailed,
        ReplicationFailed,
        KeyAccessDenied,
        ManualRequest,
    ]


def test_a_replay_marks_what_it_brings_and_nothing_else() -> None:
    event = sqs_event(
        pipe_event(replication_failed(), replay_name="after-the-outage"),
        cloudtrail_event(key_access_denied(), replay_name="after-the-outage"),
        pipe_event(replication_failed()),
    )

    replayed = [record.replayed for record in records_of(event)]

    assert replayed == [True, True, False]
    assert only_failure(pipe_event(replication_failed(), replay_name="r")).replayed
    assert only_denial(cloudtrail_event(key_access_denied(), replay_name="r")).replayed


@pytest.mark.parametrize(
    "key",
    ["a b", "a+b", "100%", "a#b", "a&b=c", "ü/é/日本", "a//b", "%20", "x" * 900, " ", "a\nb", "?"],
)
def test_a_key_comes_back_as_it_was_typed(key: str) -> None:
    assert only_failure(replication_failed(key=key)).key == key


def test_a_reason_nobody_documented_is_kept() -> None:
    failure = only_failure(replication_failed(reason="DstSomethingNew"))

    assert failure.reason.code == "DstSomethingNew"
    assert not failure.reason.is_documented


def test_fields_that_s3_may_leave_out_are_none() -> None:
    notification = replication_failed()
    for name in ("size", "eTag", "sequencer"):
        del notification["Records"][0]["s3"]["object"][name]

    failure = only_failure(notification)

    assert (failure.size, failure.etag, failure.sequencer) == (None, None, None)


def test_fields_that_s3_may_add_are_passed_over() -> None:
    notification = replication_failed()
    record = notification["Records"][0]
    record["eventVersion"] = "2.6"
    record["replicationEventData"] |= {"threshold": "PT15M", "replicationTime": 7, "new": []}

    assert only_signal(notification) == only_signal(replication_failed())


@pytest.mark.parametrize(
    ("event_name", "kind"),
    [
        ("Replication:OperationReplicatedAfterThreshold", IgnoredKind.REPLICATED_AFTER_THRESHOLD),
        ("Replication:OperationMissedThreshold", IgnoredKind.MISSED_THRESHOLD),
        ("Replication:OperationNotTracked", IgnoredKind.NOT_TRACKED),
        ("ObjectCreated:Put", IgnoredKind.OTHER_S3_EVENT),
    ],
)
def test_an_s3_event_that_is_no_failure_is_ignored(event_name: str, kind: IgnoredKind) -> None:
    signal = only_signal(replication_failed(event_name=event_name))

    assert signal == Ignored(kind=kind, detail=event_name)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"errorCode": None}, IgnoredKind.KMS_CALL_ALLOWED),
        ({"errorCode": "DisabledException"}, IgnoredKind.KMS_OTHER_ERROR),
        ({"eventSource": "s3.amazonaws.com"}, IgnoredKind.OTHER_CLOUDTRAIL_EVENT),
        (
            {"eventSource": "s3.amazonaws.com", "eventName": "JobStatusChanged"},
            IgnoredKind.OTHER_CLOUDTRAIL_EVENT,
        ),
    ],
)
def test_a_cloudtrail_record_that_is_no_denial_by_kms_is_ignored(
    change: AwsJson, kind: IgnoredKind
) -> None:
    signal = only_signal(key_access_denied() | change)

    assert isinstance(signal, Ignored)
    assert signal.kind is kind


@pytest.mark.parametrize(
    "error_code", ["AccessDenied", "AccessDeniedException", "VpceAccessDenied"]
)
def test_each_code_of_a_denial_is_one(error_code: str) -> None:
    assert only_denial(key_access_denied(error_code=error_code)).error_code == error_code


def test_an_event_nobody_asked_for_is_ignored() -> None:
    event = cloudtrail_event(key_access_denied()) | {
        "source": "aws.s3",
        "detail-type": "Object Created",
    }

    signal = only_signal(event)

    assert signal == Ignored(kind=IgnoredKind.OTHER_EVENT, detail="aws.s3 Object Created")


def test_what_sns_says_of_itself_is_ignored() -> None:
    signal = only_signal({"Type": "SubscriptionConfirmation", "Message": "You have chosen …"})

    assert signal == Ignored(kind=IgnoredKind.SNS_NOTICE, detail="SubscriptionConfirmation")


def test_a_service_that_calls_for_itself_has_no_principal() -> None:
    record = key_access_denied(message="Access Denied") | {
        "userIdentity": {"type": "AWSService", "invokedBy": "s3.amazonaws.com"}
    }

    denied = only_denial(record)

    assert (denied.principal_arn, denied.role_arn, denied.session_name) == (None, None, None)
    assert denied.account == SOURCE_ACCOUNT
    assert denied.invoked_by == "s3.amazonaws.com"


def test_an_account_from_elsewhere_is_known_by_its_number_alone() -> None:
    record = key_access_denied() | {
        "userIdentity": {
            "type": "AWSAccount",
            "principalId": "AROAEXAMPLEROLEID:s3-replication",
            "accountId": "333333333333",
        }
    }

    denied = only_denial(record)

    assert (denied.account, denied.principal_arn, denied.role_arn) == ("333333333333", None, None)


def test_a_session_without_a_name_in_its_arn_has_the_one_of_its_id() -> None:
    record = key_access_denied()
    record["userIdentity"]["arn"] = "arn:aws:sts::111111111111:assumed-role/orders-replication"

    assert only_denial(record).session_name == "s3-replication"


def test_a_hidden_key_is_looked_up_where_other_records_have_it() -> None:
    message = f"User: {SESSION_ARN} is not authorized to perform: kms:Decrypt on this resource"
    hidden = key_access_denied(action="kms:Decrypt", message=message)
    in_resources = hidden | {"resources": [{"type": "AWS::KMS::Key", "ARN": SOURCE_KEY_ARN}]}
    in_request = hidden | {"requestParameters": {"keyId": SOURCE_KEY_ARN}}
    as_alias = hidden | {"requestParameters": {"keyId": "alias/orders"}}

    assert only_denial(hidden).key_arn is None
    assert only_denial(in_resources).key_arn == SOURCE_KEY_ARN
    assert only_denial(in_request).key_arn == SOURCE_KEY_ARN
    assert only_denial(as_alias).key_arn is None


def test_a_context_that_a_record_has_is_kept() -> None:
    context = {"aws:s3:arn": "arn:aws:s3:::orders-frankfurt"}
    record = key_access_denied() | {"requestParameters": {"encryptionContext": context}}

    assert only_denial(record).encryption_context == context


def test_the_event_names_the_action_where_the_message_does_not() -> None:
    record = key_access_denied(message="Access Denied") | {"eventName": "GenerateDataKey"}

    assert only_denial(record).action == "kms:GenerateDataKey"
