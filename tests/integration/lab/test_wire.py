"""What the lab reads from requests, and what boto3 makes of its answers, service by service."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.datastructures import Headers

from lab.identities import Caller, CallerKind, Identities, administrator_key
from lab.in_process import aws_is, http_request
from lab.requests import UnreadableRequestError, read_call
from lab.streaming import without_chunks
from lab.wire import (
    ApiError,
    HttpRequest,
    HttpResponse,
    error_code,
    error_response,
    result_of,
    result_response,
)

ACCOUNT = "111111111111"
KEY = "arn:aws:kms:eu-central-1:222222222222:key/22222222-2222-4222-8222-222222222222"
AWKWARD = "reports/año 2025/a+b%20c#d?.pdf"

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("accessanalyzer", "ValidatePolicy", {"policyDocument": "{}", "policyType": "RESOURCE_POLICY"}),
    ("cloudtrail", "LookupEvents", {"MaxResults": 5}),
    (
        "dynamodb",
        "TransactWriteItems",
        {"TransactItems": [{"Delete": {"TableName": "t", "Key": {"pk": {"S": "é"}}}}]},
    ),
    ("events", "PutEvents", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}),
    ("iam", "PutRolePolicy", {"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{ }"}),
    ("kms", "GetKeyPolicy", {"KeyId": KEY, "PolicyName": "default"}),
    ("kms", "Encrypt", {"KeyId": KEY, "Plaintext": b"\x00\xff", "EncryptionContext": {"a": "b"}}),
    ("lambda", "Invoke", {"FunctionName": "TriageFunction", "Payload": b'{"bucket": "b"}'}),
    ("s3", "GetBucketReplication", {"Bucket": "orders-ireland"}),
    ("s3", "GetBucketPolicy", {"Bucket": "orders-ireland", "ExpectedBucketOwner": ACCOUNT}),
    ("s3", "GetObjectLockConfiguration", {"Bucket": "orders-ireland"}),
    ("s3", "HeadObject", {"Bucket": "orders-ireland", "Key": AWKWARD, "VersionId": "v+1"}),
    ("s3", "GetObjectTagging", {"Bucket": "orders-ireland", "Key": "folder/"}),
    ("s3", "ListObjectVersions", {"Bucket": "orders-ireland", "Prefix": "a b"}),
    ("s3", "ListObjectsV2", {"Bucket": "orders-ireland", "MaxKeys": 3}),
    ("s3", "DeleteObject", {"Bucket": "orders-ireland", "Key": "k", "VersionId": "v"}),
    (
        "s3control",
        "CreateJob",
        {
            "AccountId": ACCOUNT,
            "ClientRequestToken": "token",
            "ConfirmationRequired": False,
            "Operation": {"S3ReplicateObject": {}},
            "Priority": 10,
            "Report": {"Enabled": False},
            "RoleArn": "arn:aws:iam::111111111111:role/batch",
            "Manifest": {
                "Spec": {
                    "Format": "S3BatchOperations_CSV_20180820",
                    "Fields": ["Bucket", "Key", "VersionId"],
                },
                "Location": {"ObjectArn": "arn:aws:s3:::ops/m.csv", "ETag": "e"},
            },
        },
    ),
    ("s3control", "DescribeJob", {"AccountId": ACCOUNT, "JobId": "job-1"}),
    ("s3control", "ListJobs", {"AccountId": ACCOUNT, "JobStatuses": ["Active", "Ready"]}),
    ("sns", "Publish", {"TopicArn": "arn:aws:sns:eu-west-1:111111111111:t", "Message": "a & b"}),
    ("sqs", "SendMessage", {"QueueUrl": "https://sqs/111111111111/q", "MessageBody": "<é>"}),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "session"},
    ),
]
CALL_IDS = [f"{service}-{operation}" for service, operation, _ in CALLS]
ONE_CALL_A_SERVICE = [call for call in CALLS if call[0] != "s3" or call[1] == "GetBucketPolicy"]


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=CALL_IDS)
def test_a_call_is_read_with_the_parameters_that_boto3_was_given(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    request = request_for(client(service), operation, params)

    call = read_call(request, Identities().caller_of)

    expected_region = "us-east-1" if service == "iam" else "eu-west-1"  # IAM is signed for one
    assert (call.service, call.operation, call.region) == (service, operation, expected_region)
    assert params.items() <= call.params.items()


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=CALL_IDS)
def test_a_call_to_an_endpoint_of_ones_own_is_read_like_one_to_aws(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    request = request_for(client(service, endpoint_url="http://127.0.0.1:4566"), operation, params)

    call = read_call(request, Identities().caller_of)

    assert (call.service, call.operation, call.region) == (service, operation, "eu-west-1")
    assert params.items() <= call.params.items()
    assert ".amazonaws.com/" in call.raw.url


@pytest.mark.parametrize(("service", "operation", "params"), ONE_CALL_A_SERVICE)
def test_an_error_reaches_boto3_with_its_code_and_message(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    call = read_call(request_for(client(service), operation, params), Identities().caller_of)
    error = ApiError("NoSuchThing", 'no <thing> of "this" & that', status=403)

    with pytest.raises(ClientError) as raised:
        answered(client(service), error_response(call, error), operation, params)

    assert raised.value.response["Error"]["Code"] == "NoSuchThing"
    assert raised.value.response["Error"]["Message"] == 'no <thing> of "this" & that'
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error_code(call, error_response(call, error)) == "NoSuchThing"


def test_an_error_of_a_head_request_is_its_status_alone() -> None:
    params = {"Bucket": "orders-ireland", "Key": "k"}
    call = read_call(request_for(client("s3"), "HeadObject", params), Identities().caller_of)

    response = error_response(call, ApiError("AccessDenied", "Access Denied", status=403))

    assert response.body == b""
    assert error_code(call, response) == "403"


@pytest.mark.parametrize(
    ("service", "operation", "params", "output"),
    [
        (
            "s3control",
            "DescribeJob",
            {"AccountId": ACCOUNT, "JobId": "job-1"},
            {
                "Job": {
                    "JobId": "job-1",
                    "Status": "Active",
                    "CreationTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                    "FailureReasons": [{"FailureCode": "c", "FailureReason": "a < b"}],
                    "ProgressSummary": {"NumberOfTasksFailed": 0, "TotalNumberOfTasks": 25},
                }
            },
        ),
        (
            "kms",
            "ListGrants",
            {"KeyId": KEY},
            {"Grants": [{"GrantId": "g", "Operations": ["Decrypt"]}], "Truncated": False},
        ),
        (
            "sts",
            "GetCallerIdentity",
            {},
            {"Account": ACCOUNT, "Arn": "arn:aws:iam::1:user/a", "UserId": "AIDA"},
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f"},
            {"StatusCode": 200, "Payload": b'{"status": "observed"}'},
        ),
    ],
    ids=["s3control", "kms", "sts", "lambda"],
)
def test_an_answer_reaches_boto3_as_it_was_given(
    service: str, operation: str, params: dict[str, Any], output: dict[str, Any]
) -> None:
    call = read_call(request_for(client(service), operation, params), Identities().caller_of)

    response = result_response(call, output)

    got = answered(client(service), response, operation, params)
    if "Payload" in output:
        got["Payload"] = got["Payload"].read()
    assert {name: got[name] for name in output} == output
    assert {name: result_of(call, response)[name] for name in output} == output


def test_a_bucket_in_the_host_name_is_the_same_as_one_in_the_path() -> None:
    signature = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/eu-west-1/s3/aws4_request, "
    request = HttpRequest(
        method="GET",
        url="http://orders-ireland.localhost:4566/a%2Fb%20c?versionId=v",
        headers=Headers({"Authorization": signature}),
    )

    call = read_call(request, Identities().caller_of)

    assert call.operation == "GetObject"
    assert call.params == {"Bucket": "orders-ireland", "Key": "a/b c", "VersionId": "v"}


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        ("", "MissingAuthenticationToken"),
        ("Credential=AKIAUNKNOWN/20260101/eu-west-1/sts/aws4_request", "InvalidClientTokenId"),
        ("Credential=AKIAUNKNOWN/20260101/eu-west-1/s3/aws4_request", "InvalidAccessKeyId"),
        ("Credential=111111111111/20260101/eu-west-1/nothing/aws4_request", "UnknownService"),
        (
            "Credential=111111111111/20260101/eu-west-1/kms/aws4_request",
            "UnknownOperationException",
        ),
    ],
)
def test_a_request_that_makes_no_call_is_answered_with_the_reason(
    credential: str, code: str
) -> None:
    request = HttpRequest(
        method="POST", url="http://127.0.0.1/", headers=Headers({"Authorization": credential})
    )

    with pytest.raises(UnreadableRequestError) as raised:
        read_call(request, Identities().caller_of)

    assert raised.value.code == code
    assert code.encode() in raised.value.answer.body


def test_a_chunked_upload_is_read_as_the_body_it_carries() -> None:
    headers = Headers(
        {
            "Content-Encoding": "gzip,aws-chunked",
            "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "X-Amz-Decoded-Content-Length": "11",
            "X-Amz-Trailer": "x-amz-checksum-crc32",
        }
    )
    body = b"6\r\nhello \r\n5;chunk-signature=0\r\nworld\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n"

    upload = without_chunks(headers, body)

    assert upload.body == b"hello world"
    assert upload.headers["x-amz-checksum-crc32"] == "abc="
    assert upload.headers["Content-Length"] == "11"
    assert upload.headers["Content-Encoding"] == "gzip"
    assert "X-Amz-Trailer" not in upload.headers


@pytest.mark.parametrize("key", [ACCOUNT, administrator_key(ACCOUNT)])
def test_an_administrator_is_known_by_the_form_of_the_key(key: str) -> None:
    caller = Identities().caller_of(key)

    assert isinstance(caller, Caller)
    assert (caller.kind, caller.account) == (CallerKind.PERSON, ACCOUNT)


@pytest.mark.parametrize("key", ["", "AKIA", "11111111111", "AKIAADMIN11111111111x", "ASIA0"])
def test_a_key_of_no_known_form_is_nobodys(key: str) -> None:
    assert Identities().caller_of(key) is None


def client(service: str, **options: str) -> BaseClient:
    made: BaseClient = boto3.client(  # type: ignore[call-overload]  # the name is no literal here
        service,
        region_name="eu-west-1",
        aws_access_key_id=administrator_key(ACCOUNT),
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
        **options,
    )
    return made


class SentError(Exception):
    """Carries the request that a client was about to send."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.url)
        self.request = request


def request_for(maker: BaseClient, operation: str, params: dict[str, Any]) -> HttpRequest:
    def catch(request: AWSPreparedRequest, **_: object) -> None:
        raise SentError(http_request(request))

    maker.meta.events.register("before-send.*", catch)
    with pytest.raises(SentError) as sent:
        invoke(maker, operation, params)
    return sent.value.request


def answered(
    maker: BaseClient, response: HttpResponse, operation: str, params: dict[str, Any]
) -> dict[str, Any]:
    """What this client makes of the answer."""
    with aws_is(lambda _: response):
        return invoke(maker, operation, params)


def invoke(maker: BaseClient, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    names = maker.meta.method_to_api_mapping
    method = next(method for method, name in names.items() if name == operation)
    result: dict[str, Any] = getattr(maker, method)(**params)
    return result
