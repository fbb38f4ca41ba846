"""boto3 clients of made-up accounts, for whoever asks the lab as a person or as a role."""

import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.session import get_session

from lab.identities import SessionCredentials

type AwsClient = Any
"""A boto3 client; the stubs type one by the literal name of its service, and here it is none."""

ANSWER_AS_IT_IS = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs lack it
)


class WarmSession(boto3.session.Session):
    """A session like any other, which reads no service's model that another has read before."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as boto3's own
        models = _service_models()
        session = get_session()
        session.register_component("data_loader", models)
        super().__init__(**settings, botocore_session=session)
        # Each session adds boto3's own folder, and every look-up would go through all of them.
        models.search_paths[:] = dict.fromkeys(models.search_paths)


class ClientFactory:
    """Makes clients that see every answer once, unretried; administrators' clients are kept."""

    def __init__(self) -> None:
        self._session = WarmSession()
        self._lock = threading.Lock()
        self._kept = cache(self._made)

    def of_key(self, service: str, region: str, access_key: str) -> AwsClient:
        """A client that signs with this access key."""
        return self._kept(service, region, access_key, f"secret-of-{access_key}", None)

    def of_session(self, service: str, region: str, credentials: SessionCredentials) -> AwsClient:
        """A client of this role session; its credentials expire with the session."""
        return self._made(
            service,
            region,
            credentials.access_key_id,
            credentials.secret_access_key,
            credentials.session_token,
        )

    def _made(
        self, service: str, region: str, key: str, secret: str, token: str | None
    ) -> AwsClient:
        with self._lock:
            return self._session.client(  # type: ignore[call-overload]  # see AwsClient
                service,
                region_name=region,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=ANSWER_AS_IT_IS,
            )


@cache
def _service_models() -> Loader:
    """One cache for all of a process: reading the models is most of what a client costs."""
    return create_loader()
