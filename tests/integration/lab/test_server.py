"""The gate over HTTP: the same answers as in process."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSRequest

from lab.clients import AwsClient
from lab.gate import Gate
from lab.identities import administrator_key
from lab.server import address_from, serve
from tests.integration.lab.accounts import (
    FRANKFURT,
    HOME,
    IRELAND,
    OBJECTS,
    OTHER,
    allow,
    answer_jobs,
    denial_of,
    job,
    made,
    make_bucket,
    make_role,
    session_client,
)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as opened:
        yield opened


@pytest.fixture
def bucket(gate: Gate) -> str:
    return make_bucket(gate)


def test_http_is_the_same_way_in(gate: Gate, bucket: str) -> None:
    role = make_role(gate, allow("s3:GetObject", OBJECTS), account=OTHER)
    session = gate.session_credentials(role, "over-http")
    with serve(gate, "127.0.0.1", 0) as endpoint:
        person = http_client("s3", endpoint, administrator_key(OTHER))
        person.put_object(Bucket=bucket, Key="a b+%/ü", Body=b"x" * 9_000, Metadata={"m": "1"})
        got = session_client("s3", session, endpoint_url=endpoint)

        body = got.get_object(Bucket=bucket, Key="a b+%/ü")["Body"].read()
        head = got.head_object(Bucket=bucket, Key="a b+%/ü")
        refusal = denial_of(lambda: got.list_objects_v2(Bucket=bucket))

    assert body == b"x" * 9_000
    assert (head["ContentLength"], head["Metadata"]) == (9_000, {"m": "1"})
    assert "s3:ListBucket" in refusal["Message"]
    assert [call.operation for call in gate.calls if call.caller.role_arn] == [
        "GetObject",
        "HeadObject",
        "ListObjectsV2",
    ]


@pytest.mark.parametrize(
    "key",
    ["a+b c%20d#e?f.pdf", "übersicht/日本.txt", "x" * 900, "/leading", "dir//double", "folder/"],
)
def test_any_object_key_means_the_same_object_in_process_and_over_http(
    gate: Gate, bucket: str, key: str
) -> None:
    in_process = gate.client("s3", OTHER, FRANKFURT)
    with serve(gate, "127.0.0.1", 0) as endpoint:
        over_http = http_client("s3", endpoint, OTHER)

        put = over_http.put_object(Bucket=bucket, Key=key, Body=b"x", Tagging="a=1")
        version = {"Bucket": bucket, "Key": key, "VersionId": put["VersionId"]}
        copied = in_process.copy_object(Bucket=bucket, Key="copy", CopySource=version)

        assert in_process.head_object(**version)["ContentLength"] == 1
        assert over_http.get_object_tagging(**version)["TagSet"] == [{"Key": "a", "Value": "1"}]
        assert copied["CopySourceVersionId"] == put["VersionId"]


def test_a_queue_is_reached_over_http_by_the_url_it_was_given(gate: Gate) -> None:
    with serve(gate, "127.0.0.1", 0) as endpoint:
        sqs = http_client("sqs", endpoint, HOME)
        url = sqs.create_queue(QueueName="queue")["QueueUrl"]

        sqs.send_message(QueueUrl=url, MessageBody="over http")

    received = gate.client("sqs", HOME, IRELAND).receive_message(QueueUrl=url)["Messages"]
    assert [message["Body"] for message in received] == ["over http"]


def test_batch_jobs_are_reached_in_process_and_over_http(gate: Gate) -> None:
    answer_jobs(gate)
    batch_role = f"arn:aws:iam::{HOME}:role/batch"

    in_process = gate.client("s3control", HOME, IRELAND).create_job(**job(batch_role))
    with serve(gate, "127.0.0.1", 0) as endpoint:
        control = http_client("s3control", endpoint, administrator_key(HOME))
        control.meta.events.register("before-sign.s3-control", without_account_in_host)
        over_http = control.create_job(**job(batch_role))

    assert in_process["JobId"] == over_http["JobId"] == "job-1"
    assert [(call.service, call.account) for call in gate.calls] == [("s3control", HOME)] * 2


def test_connections_are_kept_alive_and_calls_from_many_threads_are_all_answered(
    gate: Gate,
) -> None:
    with serve(gate, "127.0.0.1", 0) as endpoint:
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=10)
        for _ in range(2):
            connection.request("GET", "/")
            assert connection.getresponse().read().startswith(b"<Error>")
            assert connection.sock is not None
        connection.close()
        sts = http_client("sts", endpoint, HOME)
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: sts.get_caller_identity()["Account"], range(40)))

    assert answers == [HOME] * 40


def test_the_lab_listens_on_loopback_unless_told_otherwise() -> None:
    assert address_from({}) == "127.0.0.1"
    assert address_from({"LOCAL_AWS_ADDRESS": ""}) == "127.0.0.1"
    assert address_from({"LOCAL_AWS_ADDRESS": "10.0.0.1"}) == "10.0.0.1"


def http_client(service: str, endpoint: str, access_key: str) -> AwsClient:
    return made(service, access_key, "any", endpoint_url=endpoint)


def without_account_in_host(request: AWSRequest, **_: object) -> None:
    """The mend of the product's client factory: boto3 puts the account before any host."""
    request.url = str(request.url).replace(f"//{HOME}.", "//")
