"""The parts of a bucket's set-up, each as the call that reads it returns it."""

from replimend.domain.facts import Encryption
from replimend.domain.setups.setup import DefaultEncryption, Notification
from replimend.errors import MalformedEventError
from replimend.inbound.fields import (
    JsonObject,
    objects,
    optional_fields,
    optional_flag,
    optional_text,
    path_to,
    text,
    texts,
)

# GetBucketLocation's answers from before Regions had their names.
_OLD_LOCATIONS = {None: "us-east-1", "EU": "eu-west-1"}


def region_of(location: JsonObject, at: str) -> str:
    """The Region in a GetBucketLocation answer."""
    constraint = optional_text(location, "LocationConstraint", at)
    return _OLD_LOCATIONS.get(constraint) or str(constraint)


def is_versioned(versioning: JsonObject) -> bool:
    """Whether a GetBucketVersioning answer says that versions are kept; suspended is not."""
    return versioning.get("Status") == "Enabled"


def has_object_lock(answer: JsonObject, at: str) -> bool:
    """Whether a GetObjectLockConfiguration answer says that objects can be locked."""
    configuration = optional_fields(answer, "ObjectLockConfiguration", at)
    return configuration.get("ObjectLockEnabled") == "Enabled"


def default_encryption_of(configuration: JsonObject, at: str) -> DefaultEncryption:
    """How a `ServerSideEncryptionConfiguration` encrypts; SSE-S3 where it has no rule."""
    first = next(objects(configuration, "Rules", at), None)
    if first is None:
        return DefaultEncryption(encryption=Encryption.SSE_S3, key=None, bucket_key=False)
    rule, in_rule = first
    name = "ApplyServerSideEncryptionByDefault"
    default, in_default = optional_fields(rule, name, in_rule), path_to(in_rule, name)
    algorithm = optional_text(default, "SSEAlgorithm", in_default) or Encryption.SSE_S3
    if algorithm not in set(Encryption):
        expected = "expected an algorithm that S3 replicates"
        raise MalformedEventError(path_to(in_default, "SSEAlgorithm"), expected)
    return DefaultEncryption(
        encryption=Encryption(algorithm),
        key=optional_text(default, "KMSMasterKeyID", in_default),
        bucket_key=optional_flag(rule, "BucketKeyEnabled", in_rule) or False,
    )


def notifications_of(configuration: JsonObject, at: str) -> tuple[Notification, ...]:
    """The targets in a GetBucketNotificationConfiguration answer.

    EventBridge is one for which no events are listed: it gets what S3 has for it, and replication
    events are none of it (aws-facts 1.5).
    """
    listed = tuple(
        Notification(target=text(each, target, path), events=frozenset(texts(each, "Events", path)))
        for kind, target in _TARGETS.items()
        for each, path in objects(configuration, kind, at)
    )
    if configuration.get("EventBridgeConfiguration") is None:
        return listed
    return (*listed, Notification(target="EventBridge", events=frozenset()))


_TARGETS = {
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}
