"""The replication configuration's API, which moto keeps only half of (facts §5.4)."""

import uuid
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from moto.s3.models import FakeBucket

from lab import moto_world
from lab.replication import Replication
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

if TYPE_CHECKING:
    from lab.gate import Gate


class ReplicationApi:
    """`PutBucketReplication`, `GetBucketReplication` and `DeleteBucketReplication`."""

    def __init__(self, replication: Replication) -> None:
        self._documents = replication.documents

    def install(self, gate: "Gate") -> None:
        """Answer for moto."""
        gate.override("s3", "PutBucketReplication", self._put)
        gate.override("s3", "GetBucketReplication", self._get)
        gate.override("s3", "DeleteBucketReplication", self._delete)

    def _put(self, call: ApiCall) -> HttpResponse:
        document = deepcopy(call.params["ReplicationConfiguration"])
        _check(document, _bucket(call))
        for rule in document["Rules"]:
            rule.setdefault("ID", str(uuid.uuid4()))
        self._documents[call.params["Bucket"]] = document
        return result_response(call, {})

    def _get(self, call: ApiCall) -> HttpResponse:
        _bucket(call)
        document = self._documents.get(call.params["Bucket"])
        if document is None:
            raise ApiError(
                "ReplicationConfigurationNotFoundError",
                "The replication configuration was not found",
                status=404,
            )
        return result_response(call, {"ReplicationConfiguration": document})

    def _delete(self, call: ApiCall) -> HttpResponse:
        _bucket(call)
        self._documents.pop(call.params["Bucket"], None)
        return result_response(call, {})


def _bucket(call: ApiCall) -> FakeBucket:
    bucket = moto_world.bucket_of(call.params["Bucket"])
    if bucket is None:
        raise ApiError("NoSuchBucket", "The specified bucket does not exist", status=404)
    return bucket


def _check(document: Mapping[str, Any], bucket: FakeBucket) -> None:
    """S3 checks the form and the buckets, and neither the role nor the keys."""
    if not bucket.is_versioned:
        raise _invalid(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
        )
    rules = document.get("Rules") or []
    if not rules:
        raise _invalid("A replication configuration needs a rule")
    ids = [rule["ID"] for rule in rules if "ID" in rule]
    if len(ids) != len(set(ids)):
        raise _invalid("Rule Id must be unique")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Mapping[str, Any]) -> None:
    destination = rule["Destination"]
    target = moto_world.bucket_of(destination["Bucket"].rsplit(":", 1)[-1])
    if target is None:
        raise _invalid("Destination bucket must exist.")
    if not target.is_versioned:
        raise _invalid("Destination bucket must have versioning enabled.")
    criteria = rule.get("SourceSelectionCriteria") or {}
    takes_kms = (criteria.get("SseKmsEncryptedObjects") or {}).get("Status") == "Enabled"
    has_key = bool(destination.get("EncryptionConfiguration"))
    if takes_kms != has_key:
        raise _invalid(
            "SseKmsEncryptedObjects and EncryptionConfiguration must be specified together"
        )


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidRequest", message)
