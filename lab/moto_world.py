"""What the lab asks of moto beside API calls: start empty, answer, and say who owns what.

moto's own half-checks of policies are switched off; the gate judges, and by all layers.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from random import Random
from string import ascii_letters, digits
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import botocore_stubber
from moto.iam.access_control import PermissionResult
from moto.iam.models import Role, iam_backends
from moto.kms.models import Key, kms_backends
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from werkzeug.datastructures import Headers

from lab.wire import ApiCall, ApiError, HttpResponse

PARTITION = "aws"
NOT_IN_MOTO = "Not yet implemented"
ARN_COLONS = 5
KEY_ID_LENGTH = 36
ACCOUNT_HEADER = "x-moto-account-id"
VERSION_ID_LENGTH = 32


@contextmanager
def empty_world() -> Generator[None]:
    """A world without resources; everything made in it is forgotten at the end."""
    _forget()
    with (
        patch.object(FakeBucket, "get_permission", _no_opinion),
        patch("moto.kms.responses.validate_policy", _no_opinion),
        patch("moto.s3.models.random", _VersionIds()),
    ):
        try:
            yield
        finally:
            _forget()


class _VersionIds:
    """moto's S3 takes chance from here: version ids look like S3's, and a run repeats them."""

    def __init__(self) -> None:
        self._random = Random("version ids")

    def uuid4(self) -> str:
        """The next version id, which is all that moto's S3 asks this for."""
        return "".join(self._random.choices(f"{ascii_letters}{digits}._", k=VERSION_ID_LENGTH))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever moto takes beside it
        return getattr(mock_random, name)


def answer(call: ApiCall) -> HttpResponse:
    """Moto's answer to this call in `call.account`; `ApiError` where moto lacks the operation."""
    headers = HTTPHeaders()
    for name, value in call.raw.headers.items():
        headers[name] = value
    headers[ACCOUNT_HEADER] = call.account
    request = AWSPreparedRequest(
        method=call.raw.method,
        url=call.raw.url,
        headers=headers,
        body=call.raw.body,
        stream_output=False,
    )
    try:
        response = botocore_stubber.process_request(request)
    except NotImplementedError:
        response = None
    if response is None or response[2] == NOT_IN_MOTO:
        raise ApiError("NotImplemented", f"moto lacks {call.service}:{call.operation}", status=501)
    status, response_headers, body = response
    content = body.encode() if isinstance(body, str) else bytes(body)
    return HttpResponse(
        status=status,
        headers=Headers({name: str(value) for name, value in response_headers.items()}),
        body=b"" if call.raw.method == "HEAD" else content,
    )


def bucket_owner(bucket: str) -> str | None:
    """The account that owns this bucket; None where no account has one of that name."""
    entry = s3_backends.bucket_accounts.get(bucket)
    return entry[1] if entry else None


def bucket_of(name: str) -> FakeBucket | None:
    """Moto's bucket of that name, whoever owns it."""
    owner = bucket_owner(name)
    return s3_backends[owner][PARTITION].buckets.get(name) if owner else None


def object_version(bucket: str, key: str, version_id: str | None) -> FakeKey | None:
    """Moto's object version, the current one without an id; None where there is none."""
    owner = bucket_owner(bucket)
    if owner is None:
        return None
    found = s3_backends[owner][PARTITION].get_object(bucket, key, version_id=version_id)
    return found if isinstance(found, FakeKey) else None


def has_tags(bucket: str, key: str, version_id: str | None) -> bool:
    """Whether this object version exists and carries tags."""
    version = object_version(bucket, key, version_id)
    if version is None:
        return False
    tagger = s3_backends[version.account_id][PARTITION].tagger
    return bool(tagger.get_tag_dict_for_resource(version.arn))


def key_of(arn: str) -> Key | None:
    """Moto's KMS key with this key ARN."""
    _, _, _, region, account, resource = arn.split(":", 5)
    return kms_backends[account][region].keys.get(resource.removeprefix("key/"))


def key_tags(arn: str) -> dict[str, str]:
    """The tags of the key with this ARN, as condition keys; none where there is no key."""
    key = key_of(arn)
    if key is None:
        return {}
    tags = kms_backends[key.account_id][key.region].tagger.get_tag_dict_for_resource(key.id)
    return _as_conditions(tags)


def role_tags(arn: str) -> dict[str, str]:
    """The tags of the role with this ARN, as condition keys; none where there is no role."""
    role = role_of(arn)
    return _as_conditions({tag["Key"]: tag["Value"] for tag in role.tags} if role else {})


def key_arn(key_id: str, account: str, region: str) -> str | None:
    """The ARN of the key that this id, ARN, alias name or alias ARN names, as seen from an account.

    A key ARN comes back as it is, whether the key exists or not; None where nothing has the name.
    """
    if key_id.startswith("arn:") and key_id.count(":") >= ARN_COLONS:
        _, _, _, region, account, resource = key_id.split(":", 5)
        if resource.startswith("key/"):
            return key_id
        key_id = resource
    backend = kms_backends[account][region]
    if key_id.startswith("alias/"):
        key_id = backend.get_key_id_from_alias(key_id) or ""
    key = backend.keys.get(backend.get_key_id(key_id))
    return str(key.arn) if key else None


def key_of_ciphertext(ciphertext: bytes, region: str) -> str | None:
    """The ARN of the key that made this ciphertext, in any account; moto begins one with its id."""
    key_id = ciphertext[:KEY_ID_LENGTH].decode("ascii", "replace")
    for account in list(kms_backends):
        if key_id in kms_backends[account][region].keys:
            return f"arn:{PARTITION}:kms:{region}:{account}:key/{key_id}"
    return None


def role_of(arn: str) -> Role | None:
    """Moto's role with this ARN, path included; None where there is none."""
    if arn.count(":") < ARN_COLONS:
        return None
    backend = iam_backends[arn.split(":")[4]][PARTITION]
    return next((role for role in backend.roles.values() if role.arn == arn), None)


def role_id(arn: str) -> str:
    """The role's unique id, or one that no role has."""
    role = role_of(arn)
    return str(role.id) if role else "AROANOSUCHROLE"


def role_arn(name: str, account: str) -> str:
    """The ARN of that account's role of this name; without such a role, the ARN without a path."""
    backend = iam_backends[account][PARTITION]
    role = next((r for r in backend.roles.values() if r.name == name), None)
    return str(role.arn) if role else f"arn:{PARTITION}:iam::{account}:role/{name}"


def _as_conditions(tags: Mapping[str, str]) -> dict[str, str]:
    return {f"aws:ResourceTag/{name}": value for name, value in tags.items()}


def _forget() -> None:
    BackendDict.reset()
    reset_model_data()


def _no_opinion(*_: object) -> PermissionResult:
    return PermissionResult.NEUTRAL
