"""Two made-up accounts for tests of the gate: roles, keys and a bucket, and how to be refused."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.clients import AwsClient
from lab.gate import Gate
from lab.identities import SessionCredentials
from lab.wire import result_response

HOME, OTHER = "111111111111", "222222222222"
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"
BUCKET = "orders-frankfurt"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"
LAMBDA_TRUST = {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def make_bucket(gate: Gate) -> str:
    """A versioned bucket of the other account, in Frankfurt, with one object `k`."""
    s3 = gate.client("s3", OTHER, FRANKFURT)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": FRANKFURT})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"content")
    return BUCKET


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_role(
    gate: Gate,
    *statements: dict[str, Any],
    name: str = "function",
    account: str = HOME,
    trust: dict[str, Any] = LAMBDA_TRUST,
) -> str:
    iam = gate.client("iam", account, IRELAND)
    arn: str = iam.create_role(
        RoleName=name,
        Path="/app/" if name == "function" else "/",
        AssumeRolePolicyDocument=policy({"Effect": "Allow", **trust}),
    )["Role"]["Arn"]
    if statements:
        put_role_policy(gate, name, "own", *statements, account=account)
    return arn


def put_role_policy(
    gate: Gate, role: str, name: str, *statements: dict[str, Any], account: str = HOME
) -> None:
    gate.client("iam", account, IRELAND).put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=policy(*statements)
    )


def make_key(gate: Gate) -> str:
    """A key of the other account in Frankfurt, with the default policy."""
    kms = gate.client("kms", OTHER, FRANKFURT)
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    root = {"AWS": f"arn:aws:iam::{OTHER}:root"}
    put_key_policy(
        gate, arn, {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    )
    return arn


def put_key_policy(gate: Gate, key: str, *statements: dict[str, Any]) -> None:
    gate.client("kms", OTHER, FRANKFURT).put_key_policy(
        KeyId=key, PolicyName="default", Policy=policy(*statements)
    )


def put_bucket_policy(gate: Gate, *statements: dict[str, Any]) -> None:
    gate.client("s3", OTHER, FRANKFURT).put_bucket_policy(Bucket=BUCKET, Policy=policy(*statements))


def refused(
    gate: Gate, service: str, role: str, ask: Callable[[AwsClient], object], region: str = IRELAND
) -> dict[str, str]:
    client = gate.client(service, HOME, region, as_role=role)
    return denial_of(lambda: ask(client))


def denial_of(ask: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(ClientError) as raised:
        ask()
    error = raised.value.response["Error"]
    return {"Code": error["Code"], "Message": error["Message"]}


def session_client(service: str, session: SessionCredentials, **options: str) -> AwsClient:
    return made(
        service,
        session.access_key_id,
        session.secret_access_key,
        aws_session_token=session.session_token,
        **options,
    )


def credentials_client(service: str, credentials: dict[str, Any]) -> AwsClient:
    return made(
        service,
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def made(service: str, access_key: str, secret: str, **options: str) -> AwsClient:
    return boto3.client(  # type: ignore[call-overload]  # see AwsClient
        service,
        region_name=IRELAND,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
        **options,
    )


def answer_jobs(gate: Gate) -> None:
    gate.override("s3control", "CreateJob", lambda call: result_response(call, {"JobId": "job-1"}))


def job(batch_role: str) -> dict[str, Any]:
    return {
        "AccountId": HOME,
        "ClientRequestToken": "token",
        "ConfirmationRequired": False,
        "Operation": {"S3ReplicateObject": {}},
        "Priority": 10,
        "Report": {"Enabled": False},
        "RoleArn": batch_role,
    }
