"""Clients whose answers a test writes down; botocore checks requests and answers against its model.

What is asked for is part of the claim: as whom, in which account and Region, with which policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.stub import Stubber

from replimend.clients import Clients

SESSION = boto3.Session(
    aws_access_key_id="testing",
    aws_secret_access_key="testing",
    region_name="eu-west-1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A client that a gateway asked for."""

    as_: str
    service: str
    account: str | None = None
    region: str | None = None


@dataclass
class StubbedClients(Clients):
    """One stubbed client for each service, whoever asks for it."""

    asked: list[Asked] = field(default_factory=list)
    session_policies: list[Mapping[str, object]] = field(default_factory=list)
    _stubs: dict[str, Stubber] = field(default_factory=dict)

    def answers(
        self, service: str, operation: str, answer: Mapping[str, Any], **expected: object
    ) -> None:
        """The service's next call is this one, and this is what it answers."""
        self._stub(service).add_response(operation, dict(answer), expected or None)

    def refuses(self, service: str, operation: str, code: str, status: int = 400) -> None:
        """The service's next call is this one, and it fails with this code."""
        self._stub(service).add_client_error(operation, code, http_status_code=status)

    def assert_all_was_asked(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()

    def own(self, service: str, region: str | None = None) -> Any:
        self.asked.append(Asked(as_="own", service=service, region=region))
        return self._stub(service).client

    def reading(self, service: str, account: str, region: str | None = None) -> Any:
        self.asked.append(Asked(as_="reader", service=service, account=account, region=region))
        return self._stub(service).client

    def repairing(
        self, service: str, account: str, region: str, policy: Mapping[str, object]
    ) -> Any:
        self.asked.append(Asked(as_="repairer", service=service, account=account, region=region))
        self.session_policies.append(policy)
        return self._stub(service).client

    def _stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            stub = Stubber(SESSION.client(service))  # type: ignore[call-overload]  # any service
            stub.activate()
            self._stubs[service] = stub
        return self._stubs[service]
