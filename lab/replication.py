"""S3 replication: a version that is put replicates or fails, as the policies in force decide.

`replicate` is the one way in, for live replication and for batch jobs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from random import Random
from typing import Any

from moto.s3.models import FakeBucket, FakeKey

from lab import moto_world
from lab.behaviour import Behaviour
from lab.clock import Clock
from lab.notifications import EVENT, FailedReplication, failure_notification
from lab.object_notes import ObjectNotes, Status, Stored, VersionId, find_version, place_of
from lab.outcomes import Failed, NotEligible, Outcome
from lab.replication_rules import ReplicationConfiguration, parse_configuration
from lab.trail import Trail
from lab.transfer import Copier, Transfer, why_not_eligible

type Deliver = Callable[[str, dict[str, Any]], None]
"""Puts a message where the bucket's notification configuration says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """Every replication configuration of the world, and S3's workers that act on them.

    `documents` holds each bucket's configuration as `PutBucketReplication` was given it.
    """

    clock: Clock
    behaviour: Behaviour
    notes: ObjectNotes
    copier: Copier
    trail: Trail
    deliver_notification: Deliver
    random: Random
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def configuration_of(self, bucket: str) -> ReplicationConfiguration | None:
        """The bucket's replication configuration; None where it has none."""
        document = self.documents.get(bucket)
        return parse_configuration(document) if document else None

    def written(self, version: VersionId) -> None:
        """A caller made this version or delete marker: replicate it soon, by the rules of now."""
        bucket = moto_world.bucket_of(version.bucket)
        stored = find_version(bucket, version.key, version.version_id) if bucket else None
        configuration = self.configuration_of(version.bucket)
        if bucket is None or stored is None or configuration is None:
            return
        transfers = self._transfers(bucket, stored, configuration)
        if all(why_not_eligible(each.rule, each.version) for each in transfers):
            return
        self.notes.statuses[version] = Status.PENDING
        self.clock.after(
            self.behaviour.replication_takes,
            f"replicate {version.bucket}/{version.key}",
            lambda: self._replicate_live(bucket, stored, transfers),
        )

    def replicate(self, bucket: str, key: str, version_id: str) -> tuple[Outcome, ...]:
        """Try again to replicate a version, under every enabled rule that covers it, at once.

        Sets its status by the result. The only outcome is a `Failed` without a rule where there is
        nothing to replicate or nothing that says how; none at all where no rule covers it.
        """
        source = moto_world.bucket_of(bucket)
        if source is None:
            return (Failed(reason="SrcBucketNotFound"),)
        configuration = self.configuration_of(bucket)
        if configuration is None:
            return (Failed(reason="SrcBucketReplicationConfigMissing"),)
        stored = find_version(source, key, version_id)
        if stored is None:
            return (Failed(reason=_absence(source, key)),)
        transfers = self._transfers(source, stored, configuration)
        outcomes = self._tried(source, stored, transfers)
        if self.behaviour.batch_failures_notify:
            self._notify(source, stored, outcomes)
        return outcomes

    def _replicate_live(
        self, bucket: FakeBucket, stored: Stored, transfers: tuple[Transfer, ...]
    ) -> None:
        if find_version(bucket, stored.name, stored.version_id) is None:
            gone = _absence(bucket, stored.name)
            outcomes: tuple[Outcome, ...] = tuple(
                Failed(reason=gone, rule=each.rule)
                for each in transfers
                if why_not_eligible(each.rule, each.version) is None
            )
        else:
            outcomes = self._tried(bucket, stored, transfers)
        self._notify(bucket, stored, outcomes)

    def _transfers(
        self, bucket: FakeBucket, stored: Stored, configuration: ReplicationConfiguration
    ) -> tuple[Transfer, ...]:
        version = self.notes.describe(stored)
        return tuple(
            Transfer(
                stored=stored,
                version=version,
                source=place_of(bucket),
                rule=rule,
                role_arn=configuration.role_arn,
            )
            for rule in configuration.rules_for(version.key, version.tags)
        )

    def _tried(
        self, bucket: FakeBucket, stored: Stored, transfers: Iterable[Transfer]
    ) -> tuple[Outcome, ...]:
        outcomes: list[Outcome] = []
        for transfer in transfers:
            outcome = self.copier.outcome(transfer)
            outcomes.append(outcome)
            refused = outcome.refused if isinstance(outcome, Failed) else None
            if refused is not None and refused.call.is_kms:
                self.trail.key_denied(transfer.role_arn, refused)
        self._conclude(VersionId(bucket.name, stored.name, stored.version_id), outcomes)
        return tuple(outcomes)

    def _conclude(self, version: VersionId, outcomes: Iterable[Outcome]) -> None:
        """COMPLETED only when every destination has it, FAILED if one has not (facts §6.1)."""
        if self.notes.statuses.get(version) is Status.REPLICA:
            return
        tried = [each for each in outcomes if not isinstance(each, NotEligible)]
        if not tried:
            self.notes.statuses.pop(version, None)
        elif any(_has_failed(each) for each in tried):
            self.notes.statuses[version] = Status.FAILED
        else:
            self.notes.statuses[version] = Status.COMPLETED

    def _notify(self, bucket: FakeBucket, stored: Stored, outcomes: Iterable[Outcome]) -> None:
        """Without metrics on the rule S3 says nothing of its failures (facts §1.2)."""
        configuration_id = _notification_for(bucket, stored.name)
        if configuration_id is None:
            return
        for outcome in outcomes:
            if not isinstance(outcome, Failed) or outcome.leaves_it_replicated:
                continue
            if outcome.rule and outcome.rule.has_metrics:
                message = failure_notification(
                    self._failure(bucket, stored, outcome),
                    configuration_id=configuration_id,
                    event_version=self.behaviour.event_version,
                    random=self.random,
                )
                self._send(bucket.name, message)

    def _send(self, bucket: str, message: dict[str, Any]) -> None:
        self.clock.after(
            self.behaviour.notifications_take,
            f"notify of {bucket}",
            lambda: self.deliver_notification(bucket, message),
        )

    def _failure(self, bucket: FakeBucket, stored: Stored, failed: Failed) -> FailedReplication:
        rule = failed.rule
        return FailedReplication(
            bucket=bucket.name,
            bucket_arn=bucket.arn,
            bucket_owner=bucket.account_id,
            region=bucket.region_name,
            key=stored.name,
            version_id=stored.version_id,
            size=stored.size if isinstance(stored, FakeKey) else 0,
            etag=stored.etag.strip('"') if isinstance(stored, FakeKey) else "",
            rule_id=rule.rule_id if rule else "",
            destination_bucket_arn=rule.destination_bucket_arn if rule else "",
            # Only OBJECT_PUT is documented; S3 surely has a word for markers (facts §1.3).
            operation=self.behaviour.put_operation
            if isinstance(stored, FakeKey)
            else "OBJECT_DELETE",
            requested_at=stored.last_modified.replace(tzinfo=UTC),
            failed_at=self.clock.now(),
            reason=failed.reason,
        )


def _has_failed(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and not outcome.leaves_it_replicated


def _absence(bucket: FakeBucket, key: str) -> str:
    return "SrcVersionNotFound" if bucket.keys.getlist(key) else "SrcKeyNotFound"


def _notification_for(bucket: FakeBucket, key: str) -> str | None:
    """The id of the bucket's notification configuration that takes failures of this key."""
    configuration = bucket.notification_configuration
    if configuration is None:
        return None
    for each in (*configuration.queue, *configuration.topic, *configuration.cloud_function):
        if each.matches(EVENT, key):
            return str(each.id)
    return None
