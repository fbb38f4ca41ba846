"""A bucket's replication configuration, as GetBucketReplication returns it (aws-facts 1.2, 5.4)."""

import json
from collections.abc import Mapping

from replimend.domain.documents import Document
from replimend.domain.facts import ReplicationRule, ReplicationSetup
from replimend.errors import MalformedEventError
from replimend.inbound.fields import (
    JsonObject,
    arn,
    bucket_of_arn,
    fields,
    objects,
    optional_fields,
    optional_text,
    path_to,
    text,
)


def replication_setup_of(configuration: JsonObject, at: str) -> ReplicationSetup:
    """The role and the rules of a `ReplicationConfiguration`, of either version of its schema."""
    role = arn(configuration, "Role", at)
    if role.service != "iam" or role.role_name is None or not role.account:
        raise MalformedEventError(path_to(at, "Role"), "expected the ARN of a role")
    return ReplicationSetup(
        role_arn=str(role),
        rules=tuple(_rule(rule, path) for rule, path in objects(configuration, "Rules", at)),
        document=configuration_document(configuration, at),
    )


def configuration_document(configuration: JsonObject, at: str) -> Document:
    """All of the configuration, as it goes back to S3; MalformedEventError if it is not JSON."""
    try:
        return Document(text=json.dumps(configuration, separators=(",", ":")))
    except TypeError as error:
        raise MalformedEventError(at, f"expected JSON: {error}") from error


def _rule(rule: JsonObject, at: str) -> ReplicationRule:
    destination, in_destination = fields(rule, "Destination", at), path_to(at, "Destination")
    encryption = optional_fields(destination, "EncryptionConfiguration", in_destination)
    translation = optional_fields(destination, "AccessControlTranslation", in_destination)
    criteria = optional_fields(rule, "SourceSelectionCriteria", at)
    in_criteria = path_to(at, "SourceSelectionCriteria")
    prefix, tags = _filter(rule, at)
    return ReplicationRule(
        rule_id=optional_text(rule, "ID", at) or "",
        enabled=text(rule, "Status", at) == "Enabled",
        destination_bucket=bucket_of_arn(destination, "Bucket", in_destination),
        destination_account=optional_text(destination, "Account", in_destination),
        replica_key=optional_text(
            encryption, "ReplicaKmsKeyID", path_to(in_destination, "EncryptionConfiguration")
        ),
        replicates_kms_objects=_is_enabled(criteria, "SseKmsEncryptedObjects", in_criteria),
        metrics=_is_enabled(destination, "Metrics", in_destination),
        owner_override=translation.get("Owner") == "Destination",
        delete_markers=_is_enabled(rule, "DeleteMarkerReplication", at),
        replica_modifications=_is_enabled(criteria, "ReplicaModifications", in_criteria),
        prefix=prefix,
        tags=tags,
    )


def _is_enabled(source: JsonObject, name: str, at: str) -> bool:
    return optional_fields(source, name, at).get("Status") == "Enabled"


def _filter(rule: JsonObject, at: str) -> tuple[str, Mapping[str, str]]:
    """The prefix and tags that a rule selects by; the older schema has a prefix only."""
    selected, in_filter = optional_fields(rule, "Filter", at), path_to(at, "Filter")
    both, in_both = optional_fields(selected, "And", in_filter), path_to(in_filter, "And")
    tags = dict(_tag(each, path) for each, path in objects(both, "Tags", in_both))
    if tag := optional_fields(selected, "Tag", in_filter):
        tags |= [_tag(tag, path_to(in_filter, "Tag"))]
    prefix = (
        optional_text(both, "Prefix", in_both)
        or optional_text(selected, "Prefix", in_filter)
        or optional_text(rule, "Prefix", at)
    )
    return prefix or "", tags


def _tag(tag: JsonObject, at: str) -> tuple[str, str]:
    # A tag's value may be empty.
    return text(tag, "Key", at), optional_text(tag, "Value", at) or ""
