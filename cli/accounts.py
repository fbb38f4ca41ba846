"""AWS clients for reading: in the caller's own account, and in others by a reader role."""

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

READING = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    user_agent_extra="replimend",
)
SESSION_NAME = "replimend-snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Clients by account and Region; without a reader role, the caller's own credentials serve.

    A role that may not be assumed raises ClientError, as any call does.
    """

    session: boto3.Session
    home: str
    reader_role: str | None
    external_id: str | None
    assumed: dict[str, boto3.Session] = field(default_factory=dict)
    made: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The Region of the session."""
        return self.session.region_name

    @property
    def partition(self) -> str:
        """The AWS partition of the session's Region."""
        return self.session.get_partition_for_region(self.region)

    def can_read(self, account: str) -> bool:
        """Whether calls to this account are made with credentials of its own."""
        return account == self.home or self.reader_role is not None

    def client(self, service: str, account: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """A client of this service that reads in this account and Region."""
        named = service, account, region
        if named not in self.made:
            session: Any = self.session if account == self.home else self._reading(account)
            self.made[named] = session.client(service, region_name=region, config=READING)
        return self.made[named]

    def _reading(self, account: str) -> boto3.Session:
        if self.reader_role is None:
            return self.session
        if account not in self.assumed:
            request = {
                "RoleArn": f"arn:{self.partition}:iam::{account}:role/{self.reader_role}",
                "RoleSessionName": SESSION_NAME,
            }
            if self.external_id is not None:
                request["ExternalId"] = self.external_id
            sts: Any = self.session.client("sts", config=READING)
            credentials = sts.assume_role(**request)["Credentials"]
            self.assumed[account] = boto3.Session(
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
                region_name=self.session.region_name,
            )
        return self.assumed[account]
