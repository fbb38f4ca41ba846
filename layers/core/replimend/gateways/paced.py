"""S3 called at the pace that all callers share, its errors told apart."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from replimend.domain.recopy.copying import Refused, Stale
from replimend.errors import ThrottledError, TransientError
from replimend.gateways.faults import THROTTLED, code_of
from replimend.ports import Turns

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

STALE = frozenset(
    {
        "409",
        "412",
        "ConditionalRequestConflict",
        "NoSuchKey",
        "NoSuchUpload",
        "NoSuchVersion",
        "PreconditionFailed",
    }
)
"""The source or the destination is no longer what it was; or the upload is finished or given up."""
BUSY = frozenset(
    {"500", "InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable"}
)
"""S3 stumbled, perhaps behind a 200 that carried the error; the client's own tries are used up."""


class CopyingClients:
    """Clients that hold many connections open and wait for a copy of several GB."""

    def __init__(self, *, connections: int) -> None:
        self._session = boto3.Session()
        self._config = Config(
            retries={"mode": "standard", "max_attempts": 3},
            connect_timeout=5,
            read_timeout=120,
            max_pool_connections=connections,
            user_agent_extra="replimend",
        )
        # A session makes one client at a time.
        self._lock = threading.Lock()
        self._clients: dict[str, S3Client] = {}

    def client_in(self, region: str) -> "S3Client":
        """The one client of the function's own role in that Region."""
        with self._lock:
            if region not in self._clients:
                self._clients[region] = self._session.client(
                    "s3", region_name=region, config=self._config
                )
            return self._clients[region]


@dataclass(frozen=True, slots=True)
class PacedS3:
    """S3 in any Region, each call after the pace allows it."""

    client_in: Callable[[str], "S3Client"]
    turns: Turns

    def write[T](self, call: Callable[[], T]) -> T | Stale | Refused:
        """What S3 answers, or its refusal as a value.

        boto3 raises the error that a copy's 200 may carry like any other (aws-facts 6.4).
        """
        try:
            return self.call(call)
        except ClientError as error:
            says = f"{error.operation_name}: {code_of(error)}: {_message(error)}"
            return Stale(says=says) if code_of(error) in STALE else Refused(says=says)

    def call[T](self, call: Callable[[], T]) -> T:
        """What S3 answers. ClientError for a refusal; ThrottledError, which the pace is told of.

        TransientError where S3 was not reached, or stumbled.
        """
        self.turns.acquire()
        try:
            return call()
        except (HTTPClientError, UnreachableError) as error:
            raise TransientError(f"S3 was not reached: {error}") from error
        except ClientError as error:
            if code_of(error) in THROTTLED:
                self.turns.throttled()
                raise ThrottledError(f"{error.operation_name}: {code_of(error)}") from error
            if code_of(error) in BUSY:
                raise TransientError(f"{error.operation_name}: {code_of(error)}") from error
            raise


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
