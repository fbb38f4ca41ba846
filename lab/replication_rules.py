"""A bucket's replication configuration, read from the shape in which boto3 gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One replication rule; `prefix` and `tags` are its filter, empty where it filters nothing."""

    rule_id: str
    priority: int
    enabled: bool
    destination_bucket_arn: str
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    takes_kms_objects: bool = False
    replica_key: str | None = None
    changes_owner: bool = False
    storage_class: str | None = None
    has_metrics: bool = False
    replicates_delete_markers: bool = False

    @property
    def destination_bucket(self) -> str:
        """The destination bucket's name."""
        return self.destination_bucket_arn.rsplit(":", 1)[-1]

    def covers(self, key: str, tags: Mapping[str, str]) -> bool:
        """Whether the rule is enabled and its filter takes an object of this key and these tags."""
        has_tags = all(tags.get(name) == value for name, value in self.tags.items())
        return self.enabled and key.startswith(self.prefix) and has_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationConfiguration:
    """The role and rules with which S3 replicates one bucket."""

    role_arn: str
    rules: tuple[Rule, ...]

    def rules_for(self, key: str, tags: Mapping[str, str]) -> tuple[Rule, ...]:
        """The rules that apply to an object, in the order of the configuration.

        Of several for one destination it is the one of the highest priority.
        """
        chosen: dict[str, Rule] = {}
        for rule in self.rules:
            rival = chosen.get(rule.destination_bucket_arn)
            if rule.covers(key, tags) and (rival is None or rule.priority > rival.priority):
                chosen[rule.destination_bucket_arn] = rule
        return tuple(rule for rule in self.rules if rule in chosen.values())


def parse_configuration(document: Mapping[str, Any]) -> ReplicationConfiguration:
    """The configuration that `PutBucketReplication` was given under `ReplicationConfiguration`."""
    return ReplicationConfiguration(
        role_arn=document["Role"],
        rules=tuple(_parse_rule(rule, turn) for turn, rule in enumerate(document["Rules"])),
    )


def _parse_rule(rule: Mapping[str, Any], turn: int) -> Rule:
    destination = rule["Destination"]
    criteria = rule.get("SourceSelectionCriteria") or {}
    # A rule without Filter is of the first version of the schema, which always takes markers along.
    is_first_version = "Filter" not in rule
    prefix, tags = _filter_of(rule)
    return Rule(
        rule_id=rule.get("ID", f"rule-{turn + 1}"),
        priority=int(rule.get("Priority", 0)),
        enabled=rule["Status"] == "Enabled",
        destination_bucket_arn=destination["Bucket"],
        prefix=prefix,
        tags=tags,
        takes_kms_objects=_is_enabled(criteria, "SseKmsEncryptedObjects"),
        replica_key=(destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID"),
        changes_owner="AccessControlTranslation" in destination,
        storage_class=destination.get("StorageClass"),
        has_metrics=_is_enabled(destination, "Metrics"),
        replicates_delete_markers=is_first_version or _is_enabled(rule, "DeleteMarkerReplication"),
    )


def _is_enabled(parent: Mapping[str, Any], name: str) -> bool:
    return (parent.get(name) or {}).get("Status") == "Enabled"


def _filter_of(rule: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    chosen = rule.get("Filter") or {}
    both = chosen.get("And") or {}
    tags = [*both.get("Tags", []), *([chosen["Tag"]] if chosen.get("Tag") else [])]
    prefix = both.get("Prefix") or chosen.get("Prefix") or rule.get("Prefix") or ""
    return prefix, {tag["Key"]: tag["Value"] for tag in tags}
