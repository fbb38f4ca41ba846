"""As whom AWS is called: the function's own role at home, a member stack's role elsewhere."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber
from time_machine import Traveller, travel

from replimend.clients import SESSION_NAME, Clients
from replimend.settings import Settings
from tests.environment import environment
from tests.facts import HOME, MEMBER, NOON

POLICY = {"Version": "2012-10-17", "Statement": []}
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[Traveller]:
    with travel(NOON, tick=False) as traveller:
        yield traveller


def clients_of(**changes: str) -> Clients:
    return Clients(Settings.from_env(environment(**changes)))


def sts_of(clients: Clients) -> Stubber:
    stubber = Stubber(clients.own("sts"))
    stubber.activate()
    return stubber


def answer_assume_role(sts: Stubber, name: str, **expected: object) -> None:
    credentials = {
        "AccessKeyId": f"{name}-access-key",
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": datetime.now(UTC) + HOUR,
    }
    sts.add_response("assume_role", {"Credentials": credentials}, expected)


def access_key_of(client: Any) -> str:
    return str(client._request_signer._credentials.access_key)


def reader_role(account: str = MEMBER, partition: str = "aws") -> dict[str, object]:
    return {
        "RoleArn": f"arn:{partition}:iam::{account}:role/replimend-reader",
        "RoleSessionName": SESSION_NAME,
        "ExternalId": "replimend-external-id",
    }


def test_at_home_the_functions_own_role_reads_and_repairs() -> None:
    clients = clients_of()

    made = [
        clients.own("kms"),
        clients.reading("kms", HOME),
        clients.repairing("kms", HOME, "eu-west-1", POLICY),
    ]

    assert {access_key_of(client) for client in made} == {"own-key"}


def test_a_client_is_made_once_for_its_service_and_region() -> None:
    clients = clients_of()

    assert clients.own("kms") is clients.own("kms")
    assert clients.own("kms") is not clients.own("kms", "eu-central-1")
    assert clients.own("kms", "eu-central-1").meta.region_name == "eu-central-1"


def test_another_account_is_read_as_its_reader_role_with_the_external_id() -> None:
    clients = clients_of()
    answer_assume_role(sts_of(clients), "reader", **reader_role())

    client = clients.reading("kms", MEMBER, "eu-central-1")

    assert access_key_of(client) == "reader-access-key"
    assert client.meta.region_name == "eu-central-1"


def test_the_roles_arn_has_the_partition_of_the_region() -> None:
    clients = clients_of(AWS_REGION="cn-north-1")
    answer_assume_role(sts_of(clients), "reader", **reader_role(partition="aws-cn"))

    assert access_key_of(clients.reading("kms", MEMBER)) == "reader-access-key"


def test_without_an_external_id_none_is_sent() -> None:
    clients = clients_of(REPLIMEND_EXTERNAL_ID="")
    expected = {name: value for name, value in reader_role().items() if name != "ExternalId"}
    answer_assume_role(sts_of(clients), "reader", **expected)

    assert access_key_of(clients.reading("s3", MEMBER)) == "reader-access-key"


def test_one_reader_session_serves_all_services_until_it_is_about_to_expire(
    at_noon: Traveller,
) -> None:
    clients = clients_of()
    sts = sts_of(clients)
    answer_assume_role(sts, "first", **reader_role())
    first = clients.reading("kms", MEMBER)

    at_noon.shift(HOUR - timedelta(minutes=6))
    assert clients.reading("kms", MEMBER) is first
    assert access_key_of(clients.reading("s3", MEMBER)) == "first-access-key"

    at_noon.shift(timedelta(minutes=2))
    answer_assume_role(sts, "second", **reader_role())
    assert access_key_of(clients.reading("kms", MEMBER)) == "second-access-key"


def test_another_account_is_repaired_in_a_session_of_its_own_narrowed_by_the_policy() -> None:
    clients = clients_of()
    sts = sts_of(clients)
    repairer = {
        **reader_role(),
        "RoleArn": f"arn:aws:iam::{MEMBER}:role/replimend-repairer",
        "Policy": json.dumps(POLICY),
    }

    for name in ("first", "second"):
        answer_assume_role(sts, name, **repairer)
        client = clients.repairing("kms", MEMBER, "eu-central-1", POLICY)
        assert access_key_of(client) == f"{name}-access-key"


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1:4566"),
        ("http://localhost:4566", "localhost:4566"),
        (None, f"{HOME}.s3-control.eu-west-1.amazonaws.com"),
    ],
)
def test_a_local_stand_in_for_s3_control_keeps_its_own_host(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, host: str
) -> None:
    if endpoint is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    client = clients_of().own("s3control")
    sent: list[AWSPreparedRequest] = []

    def answered(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), _Nothing())

    client.meta.events.register("before-send.s3-control", answered)
    client.describe_job(AccountId=HOME, JobId="job-1")

    (request,) = sent
    assert request.url.split("/")[2] == host
    assert request.headers["x-amz-account-id"] == HOME.encode()


class _Nothing:
    """An answer's body without content."""

    def stream(self) -> Iterator[bytes]:
        yield b""


def test_a_role_that_may_not_be_assumed_is_the_callers_to_explain() -> None:
    clients = clients_of()
    sts_of(clients).add_client_error("assume_role", "AccessDenied")

    with pytest.raises(clients.own("sts").exceptions.ClientError):
        clients.reading("kms", MEMBER)
