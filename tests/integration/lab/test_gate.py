"""The gate: one way in for every client, parts that answer in moto's place, and the record."""

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest

from lab.errors import LabError
from lab.gate import Gate
from lab.identities import administrator_key
from lab.policies import PoliciesOfMoto, RolePolicies
from lab.wire import ApiCall, ApiError, HttpResponse, result_of, result_response
from tests.integration.lab.accounts import (
    FRANKFURT,
    HOME,
    IRELAND,
    OTHER,
    allow,
    denial_of,
    make_bucket,
    make_role,
    refused,
)

CLIENT_MADE_BEFORE_ANY_GATE = boto3.client(
    "sts",
    region_name=IRELAND,
    aws_access_key_id=administrator_key(HOME),
    aws_secret_access_key="any",
)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as opened:
        yield opened


@pytest.fixture
def bucket(gate: Gate) -> str:
    return make_bucket(gate)


def test_a_client_made_before_the_gate_comes_through_it(gate: Gate) -> None:
    identity = CLIENT_MADE_BEFORE_ANY_GATE.get_caller_identity()

    assert identity["Account"] == HOME
    assert [call.operation for call in gate.calls] == ["GetCallerIdentity"]


def test_each_account_has_a_world_of_its_own(gate: Gate) -> None:
    gate.client("sqs", HOME, IRELAND).create_queue(QueueName="queue")

    assert "QueueUrls" in gate.client("sqs", HOME, IRELAND).list_queues()
    assert "QueueUrls" not in gate.client("sqs", OTHER, IRELAND).list_queues()
    assert "QueueUrls" not in gate.client("sqs", HOME, FRANKFURT).list_queues()


def test_what_one_gate_held_is_gone_in_the_next() -> None:
    with Gate() as first:
        first.client("sqs", HOME, IRELAND).create_queue(QueueName="queue")

    with Gate() as second:
        assert "QueueUrls" not in second.client("sqs", HOME, IRELAND).list_queues()


def test_a_second_gate_in_one_process_is_refused_and_harms_nothing(gate: Gate) -> None:
    gate.client("sqs", HOME, IRELAND).create_queue(QueueName="queue")

    with pytest.raises(LabError, match="already open"), Gate():
        pass

    assert "QueueUrls" in gate.client("sqs", HOME, IRELAND).list_queues()


def test_an_override_answers_in_place_of_moto_or_leaves_it_to_the_next(gate: Gate) -> None:
    asked: list[ApiCall] = []

    def first(call: ApiCall) -> None:
        asked.append(call)

    gate.override("kms", "ListKeys", first)
    gate.override("kms", "ListKeys", lambda call: result_response(call, {"Keys": [{"KeyId": "a"}]}))

    keys = gate.client("kms", HOME, IRELAND).list_keys()["Keys"]

    assert keys == [{"KeyId": "a"}]
    assert [(call.caller.account, call.params) for call in asked] == [(HOME, {})]


def test_an_error_that_an_override_raises_reaches_the_caller(gate: Gate) -> None:
    def refuse(_: ApiCall) -> None:
        raise ApiError("DisabledException", "the key is disabled")

    gate.override("kms", "ListKeys", refuse)

    error = denial_of(lambda: gate.client("kms", HOME, IRELAND).list_keys())

    assert error == {"Code": "DisabledException", "Message": "the key is disabled"}
    assert (gate.calls[-1].allowed, gate.calls[-1].error_code) == (True, "DisabledException")


def test_a_hook_hears_of_successes_only_and_may_replace_the_answer(gate: Gate, bucket: str) -> None:
    heard: list[str] = []

    def hook(call: ApiCall, response: HttpResponse) -> HttpResponse:
        heard.append(result_of(call, response)["ContentType"])
        response.headers["x-amz-replication-status"] = "FAILED"
        return response

    gate.after("s3", "HeadObject", hook)
    s3 = gate.client("s3", OTHER, FRANKFURT)

    denial_of(lambda: s3.head_object(Bucket=bucket, Key="missing"))
    head = s3.head_object(Bucket=bucket, Key="k")

    assert heard == ["binary/octet-stream"]
    assert head["ReplicationStatus"] == "FAILED"


def test_a_refused_call_reaches_neither_overrides_nor_hooks(gate: Gate) -> None:
    heard: list[str] = []
    gate.override("kms", "ListKeys", lambda call: heard.append(call.operation))
    gate.after("kms", "ListKeys", lambda call, _: heard.append(call.operation))

    refused(gate, "kms", make_role(gate), lambda kms: kms.list_keys())

    assert heard == []


def test_backstage_calls_are_neither_recorded_nor_overridden(gate: Gate) -> None:
    gate.override("kms", "ListKeys", lambda call: result_response(call, {"Keys": [{"KeyId": "a"}]}))

    assert gate.backstage("kms", HOME, IRELAND).list_keys()["Keys"] == []
    assert gate.calls == []


def test_an_operation_that_moto_lacks_is_an_error_that_says_so(gate: Gate) -> None:
    error = denial_of(lambda: gate.client("s3control", HOME, IRELAND).list_jobs(AccountId=HOME))

    assert error["Code"] == "NotImplemented"
    assert "moto lacks s3control:ListJobs" in error["Message"]


def test_what_policies_are_in_force_can_be_replaced(gate: Gate) -> None:
    class NotYet(PoliciesOfMoto):
        def of_role(self, _: str) -> RolePolicies:
            return RolePolicies()

    role = make_role(gate, allow("kms:ListKeys"))
    gate.policies = NotYet()

    assert (
        refused(gate, "kms", role, lambda kms: kms.list_keys())["Code"] == "AccessDeniedException"
    )


def test_calls_are_recorded_with_who_made_them_and_what_became_of_them(
    gate: Gate, bucket: str
) -> None:
    before = datetime.now(UTC)
    gate.calls.clear()

    gate.client("s3", HOME, IRELAND).get_object(Bucket=bucket, Key="k")

    (record,) = gate.calls
    assert (record.service, record.operation, record.region) == ("s3", "GetObject", IRELAND)
    assert (record.caller.account, record.account) == (HOME, OTHER)
    assert (record.allowed, record.error_code) == (True, None)
    assert before <= record.time <= datetime.now(UTC)
