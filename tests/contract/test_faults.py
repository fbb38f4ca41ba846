"""AWS's many words for "denied", "missing" and "slow down", and what the domain calls them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from replimend.domain.facts import Absent
from replimend.domain.unavailable import Unavailable
from replimend.errors import AccessLostError, PolicyRefusedError, ThrottledError
from replimend.gateways.buckets import S3Buckets
from replimend.gateways.keys import KmsKeys
from replimend.gateways.manifests import S3Manifests
from replimend.gateways.objects import S3Objects
from replimend.gateways.roles import IamRoles
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    OBJECT_KEY,
    ROLE_ARN,
    VERSION,
    administered_by,
    document,
)
from tests.stubs import StubbedClients

DOCUMENT = document(administered_by(MEMBER))


@dataclass(frozen=True, slots=True)
class Call:
    """What a gateway does, and the first call of AWS that it makes for it."""

    service: str
    operation: str
    make: Callable[[StubbedClients], object]


READS = {
    "a key": Call("kms", "describe_key", lambda c: KmsKeys(c).describe("k", MEMBER, "eu-west-1")),
    "a key policy": Call("kms", "get_key_policy", lambda c: KmsKeys(c).policy_of(DESTINATION_KEY)),
    "a role": Call("iam", "get_role", lambda c: IamRoles(c).describe(ROLE_ARN)),
    "an inline policy": Call(
        "iam", "get_role_policy", lambda c: IamRoles(c).inline_policy(ROLE_ARN, "replimend")
    ),
    "a replication configuration": Call(
        "s3", "get_bucket_replication", lambda c: S3Buckets(c, HOME).replication_of("orders")
    ),
    "a bucket": Call(
        "s3", "get_bucket_location", lambda c: S3Buckets(c, HOME).describe("orders", MEMBER)
    ),
    "a version": Call(
        "s3", "head_object", lambda c: S3Objects(c).version("orders", MEMBER, OBJECT_KEY, VERSION)
    ),
}

WRITES = {
    "a key policy": Call(
        "kms", "put_key_policy", lambda c: KmsKeys(c).put_policy(DESTINATION_KEY, DOCUMENT)
    ),
    "an inline policy": Call(
        "iam",
        "put_role_policy",
        lambda c: IamRoles(c).put_inline_policy(ROLE_ARN, "replimend", DOCUMENT),
    ),
    "the end of an inline policy": Call(
        "iam",
        "delete_role_policy",
        lambda c: IamRoles(c).delete_inline_policy(ROLE_ARN, "replimend"),
    ),
    "a job's manifest": Call(
        "s3", "put_object", lambda c: _manifests(c).put("orders/1.csv", b"row", 1)
    ),
}


def _manifests(clients: StubbedClients) -> S3Manifests:
    return S3Manifests(clients=clients, account=HOME, work_bucket="replimend-work")


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDenied", Unavailable),
        ("AccessDeniedException", Unavailable),
        ("403", Unavailable),
        ("400", Unavailable),
        ("404", Absent),
        ("405", Absent),
        ("NoSuchEntity", Absent),
        ("NoSuchBucket", Absent),
        ("NotFoundException", Absent),
        ("InvalidArnException", Absent),
        ("ReplicationConfigurationNotFoundError", Absent),
    ],
)
def test_what_is_denied_is_unavailable_and_what_is_missing_absent(
    clients: StubbedClients,
    read: Call,
    code: str,
    kind: type,
) -> None:
    clients.refuses(read.service, read.operation, code)

    assert isinstance(read.make(clients), kind)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", ThrottledError),
        ("Throttling", ThrottledError),
        ("SlowDown", ThrottledError),
        ("503", ThrottledError),
        ("KMSInternalException", ClientError),
    ],
)
def test_throttling_is_told_apart_and_unlisted_codes_pass(
    clients: StubbedClients,
    read: Call,
    code: str,
    error: type[Exception],
) -> None:
    clients.refuses(read.service, read.operation, code)

    with pytest.raises(error):
        read.make(clients)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDenied", AccessLostError),
        ("AccessDeniedException", AccessLostError),
        ("LimitExceededException", PolicyRefusedError),
        ("MalformedPolicyDocumentException", PolicyRefusedError),
        ("ThrottlingException", ThrottledError),
        ("KMSInvalidStateException", ClientError),
    ],
)
def test_a_write_says_whether_it_was_denied_refused_or_throttled(
    clients: StubbedClients,
    write: Call,
    code: str,
    error: type[Exception],
) -> None:
    clients.refuses(write.service, write.operation, code)

    with pytest.raises(error):
        write.make(clients)
