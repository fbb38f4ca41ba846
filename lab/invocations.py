"""What the lab knows of a deployed function, of one run of it, and what its handler is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from lab.clock import Clock
from lab.documents import Fields, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """A deployed function; `environment` is what the template says, nothing else."""

    logical_id: str
    name: str
    arn: str
    role_arn: str
    handler: str
    code: Path
    timeout: timedelta
    memory: int
    environment: Mapping[str, str]
    log_group: str
    retries: int = 2
    maximum_age: timedelta = timedelta(hours=6)
    on_failure: str = ""
    invokers: tuple[tuple[str, str], ...] = ()
    """Service principals that may invoke it, each with the source ARN that it must act for."""

    @property
    def region(self) -> str:
        """Its Region."""
        return self.arn.split(":")[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of a function; `error` is None when the handler returned."""

    at: datetime
    function: str
    request_id: str
    event: Json
    result: Json
    error: Fields | None
    printed: tuple[str, ...] = field(repr=False)

    @property
    def payload(self) -> Json:
        """What the caller gets: the result, or the error as Lambda shows it."""
        return self.result if self.error is None else self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The second argument of a handler, as the Python runtime gives it."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    memory_limit_in_mb: int
    log_group_name: str
    log_stream_name: str
    deadline: datetime = field(repr=False)
    clock: Clock = field(repr=False)
    function_version: str = "$LATEST"
    client_context: None = None
    identity: None = None

    def get_remaining_time_in_millis(self) -> int:
        """How much of the timeout is left, in lab time."""
        left = self.deadline - self.clock.now()
        return max(0, int(left.total_seconds() * 1000))
