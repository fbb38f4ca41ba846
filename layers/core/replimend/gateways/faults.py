"""AWS's error codes as the domain knows them; codes not listed pass through untouched."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from replimend.domain.facts import Absent, Fact
from replimend.domain.unavailable import Sealed, Unavailable
from replimend.errors import (
    AccessLostError,
    MalformedEventError,
    PolicyRefusedError,
    ThrottledError,
)

# S3 answers HEAD without a body, so that only the number is left of the code.
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403"})
MISSING = frozenset(
    {
        "404",
        "405",
        "InvalidArnException",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchVersion",
        "NotFoundException",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
    }
)
"""405 is HEAD's answer to a delete marker: a version without content."""
UNREADABLE = frozenset({"400"})
"""HEAD's answer for a version whose key only its owner has (SSE-C), and for no version's id."""
UNACCEPTABLE = frozenset(
    {
        "LimitExceeded",
        "LimitExceededException",
        "MalformedPolicy",
        "MalformedPolicyDocument",
        "MalformedPolicyDocumentException",
    }
)
THROTTLED = frozenset(
    {
        "503",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def code_of(error: ClientError) -> str:
    """The error's code as the service gave it."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def throttling_told_apart() -> Iterator[None]:
    """Raise ThrottledError for AWS's many words for it; every other error as it came."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in THROTTLED:
            raise ThrottledError(f"{error.operation_name}: {code_of(error)}") from error
        raise


@contextmanager
def write_refusals_told_apart() -> Iterator[None]:
    """Raise AccessLostError for a write denied to us, PolicyRefusedError for a document not taken.

    Throttling is told apart as above.
    """
    try:
        with throttling_told_apart():
            yield
    except ClientError as error:
        if code_of(error) in DENIED:
            raise AccessLostError(f"{error.operation_name} was denied to us: {error}") from error
        if code_of(error) in UNACCEPTABLE:
            raise PolicyRefusedError(f"{error.operation_name}: {error}") from error
        raise


def read_fact[T](read: Callable[[], T], what: str) -> Fact[T]:
    """What the call reads; Absent if AWS says it does not exist, Unavailable if we are refused.

    Sealed, which is Unavailable too, if HEAD answers 400: the version's id is S3's own, so it is
    for want of the key.

    An answer beyond us is Unavailable too: one odd bucket must not end the diagnosis of others.
    """
    try:
        with throttling_told_apart():
            return read()
    except MalformedEventError as error:
        return Unavailable(reason=f"{what}: {error}")
    except ClientError as error:
        if code_of(error) in MISSING:
            return Absent(what=what)
        if code_of(error) in DENIED:
            return Unavailable(reason=f"{error.operation_name} on {what} was denied to us")
        if code_of(error) in UNREADABLE:
            return Sealed(reason=f"{error.operation_name} on {what} is no request S3 takes")
        raise
