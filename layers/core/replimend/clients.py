"""boto3 clients: one per service, account and Region, made when first needed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from replimend.settings import Settings

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest

CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    # botocore's own 60 s outlast most functions' timeouts.
    connect_timeout=5,
    read_timeout=20,
    user_agent_extra="replimend",
)
UNCHECKED = Config(parameter_validation=False)
"""For DynamoDB alone: items come from boto3's own serializer, and there may be millions."""

SESSION_NAME = "replimend"


RENEW_BEFORE = timedelta(minutes=5)
"""A member session's last minutes are not begun: a Lambda environment outlives its hour."""


class Clients:
    """Clients of the function's own role, and of the member stacks' roles in other accounts.

    Any method may raise ClientError when a member role cannot be assumed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own = _Session(boto3.Session(region_name=settings.region))
        self._readers: dict[str, _Session] = {}

    def own(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """A client with the function's own role."""
        return self._own.client(service, region)

    def reading(self, service: str, account: str, region: str | None = None) -> Any:  # noqa: ANN401 - as above
        """A client that may read in this account: by the reader role, if it is another's."""
        if account == self._settings.home_account:
            return self.own(service, region)
        reader = self._readers.get(account)
        if reader is None or reader.is_expiring:
            reader = self._assumed(account, self._settings.reader_role, policy=None)
            self._readers[account] = reader
        return reader.client(service, region)

    def repairing(
        self,
        service: str,
        account: str,
        region: str,
        policy: Mapping[str, object],
    ) -> Any:  # noqa: ANN401 - as above
        """A client that may change access in this account, and there only what `policy` allows.

        In another account the repairer role is assumed anew each time, its session narrowed to the
        one subject; at home the function's own role is as narrow as the stack's parameters.
        """
        if account == self._settings.home_account:
            return self.own(service, region)
        repairer = self._assumed(account, self._settings.repairer_role, policy=policy)
        return repairer.client(service, region)

    def _assumed(
        self, account: str, role_name: str, *, policy: Mapping[str, object] | None
    ) -> "_Session":
        region = self._settings.region
        partition = self._own.session.get_partition_for_region(region)
        request: dict[str, str] = {
            "RoleArn": f"arn:{partition}:iam::{account}:role/{role_name}",
            "RoleSessionName": SESSION_NAME,
        }
        if self._settings.external_id:
            request["ExternalId"] = self._settings.external_id
        if policy is not None:
            request["Policy"] = json.dumps(policy)
        credentials = self.own("sts").assume_role(**request)["Credentials"]
        session = boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=region,
        )
        return _Session(session, expires=credentials["Expiration"])


class _Session:
    """A session and its clients, each made when first needed."""

    def __init__(self, session: boto3.Session, *, expires: datetime | None = None) -> None:
        self.session: Any = session  # its client() is typed for literal names only
        self._expires = expires
        self._clients: dict[tuple[str, str | None], Any] = {}

    @property
    def is_expiring(self) -> bool:
        return self._expires is not None and datetime.now(UTC) > self._expires - RENEW_BEFORE

    def client(self, service: str, region: str | None) -> Any:  # noqa: ANN401 - as above
        if (service, region) not in self._clients:
            config = CONFIG.merge(UNCHECKED) if service == "dynamodb" else CONFIG
            client = self.session.client(service, region_name=region, config=config)
            if service == "s3control":
                client.meta.events.register("before-sign.s3-control", _keep_custom_host)
            self._clients[service, region] = client
        return self._clients[service, region]


def _keep_custom_host(request: "AWSRequest", **_: object) -> None:
    """Take the account id off the host again where the endpoint is not AWS's own.

    botocore puts it in front of any host, `http://111111111111.127.0.0.1:4000` included, which
    resolves nowhere; the account travels in a header as well.
    """
    account = request.headers.get("x-amz-account-id")
    if account is None or request.url is None or ".amazonaws.com" in request.url:
        return
    request.url = request.url.replace(f"://{account}.", "://", 1)
