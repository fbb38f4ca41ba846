"""What AWS told, in the ledger: failures, denials, groups, and messages that could not be used."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from replimend.domain.batch import Unusable
from replimend.domain.denials import parse_denial
from replimend.domain.incident import FailureGroup, Incident
from replimend.domain.signals import KeyAccessDenied, ReplicationFailed
from replimend.gateways.incidents import META, IncidentLedger
from replimend.gateways.table import Item, Names, Table

UNUSABLE = "UNUSABLE"

SHARDS = 16
"""Partitions over which a group's failures spread: DynamoDB takes 1,000 writes/s in each."""

FAILURES_KEPT = timedelta(days=180)
DENIALS_KEPT = timedelta(days=30)
DENIAL_IS_NEWS_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SignalLedger:
    """Writes each signal so that a duplicate changes nothing."""

    table: Table
    incidents: IncidentLedger

    def record_failures(self, failures: Sequence[tuple[FailureGroup, ReplicationFailed]]) -> None:
        """Note each failed version once per failure time: one write unit each.

        A duplicate has the same key and the same content; a later failure of the same version has
        another time, and so an item of its own.
        """
        items = {
            (item["pk"], item["sk"]): item
            for item in (_failure_item(group, failure) for group, failure in failures)
        }
        self.table.put_all(items.values())

    def record_denial(self, denial: KeyAccessDenied) -> bool:
        """Keep a denial as evidence; whether it is news.

        Denials that say the same of the same call share one item, since a broken key policy
        produces one for every object; the item is brought up to date once an hour at most.
        """
        item = _denial_item(denial)
        values = {name: value for name, value in item.items() if name not in {"pk", "sk"}}
        return self.table.update(
            item["pk"],
            item["sk"],
            {**values, "expires_at": int((denial.event_time + DENIALS_KEPT).timestamp())},
            only_if="attribute_not_exists(pk) OR #event_time < :older",
            given={"older": (denial.event_time - DENIAL_IS_NEWS_AFTER).isoformat()},
        )

    def denials_of(self, role_arn: str) -> tuple[KeyAccessDenied, ...]:
        """The kept denials of the role, oldest first."""
        items = self.table.query(f"ROLE#{role_arn}", "DENIAL#")
        return tuple(sorted(map(_denial_from, items), key=lambda denial: denial.event_time))

    def knows_unusable(self, unusable: Unusable) -> bool:
        """Whether the message is kept already."""
        return self.table.get(UNUSABLE, _named(unusable)) is not None

    def record_unusable(self, unusable: Unusable, at: datetime) -> None:
        """Keep an unusable message with what is wrong with it."""
        self.table.put(
            {
                "pk": UNUSABLE,
                "sk": _named(unusable),
                "at": at.isoformat(),
                "path": unusable.path or "body",
                "problem": unusable.problem,
                "body": unusable.body,
                "expires_at": int((at + FAILURES_KEPT).timestamp()),
            }
        )

    def incident_of(self, group: FailureGroup) -> Incident | None:
        """The incident that holds this group, if it has been diagnosed."""
        item = self.table.get(f"GROUP#{group.group_id}", META)
        if item is None or "incident_id" not in item:
            return None
        return self.incidents.find(item["incident_id"])

    def claim_diagnosis(self, group: FailureGroup, now: datetime, until: datetime) -> bool:
        """Whether the caller is the one to diagnose the group until then."""
        nobody_does = "attribute_not_exists(#diagnosed_until) OR #diagnosed_until < :now"
        return self.table.update(
            f"GROUP#{group.group_id}",
            META,
            {
                "bucket": group.bucket,
                "rule_id": group.rule_id,
                "destination_bucket": group.destination_bucket,
                "reason": group.reason,
                "diagnosed_until": until.isoformat(),
            },
            only_if=nobody_does,
            given={"now": now.isoformat()},
        )

    def release_diagnosis(self, group: FailureGroup) -> None:
        """Let others diagnose the group again."""
        self.table.update(f"GROUP#{group.group_id}", META, {"diagnosed_until": None})


def shard_of(key: str) -> int:
    """The shard of a group in which an object's failures are."""
    return hashlib.sha256(key.encode()).digest()[0] % SHARDS


def _named(unusable: Unusable) -> str:
    content = hashlib.sha256(unusable.body.encode()).hexdigest()[:16]
    return f"{unusable.message_id}#{unusable.path}#{content}"


def failure_key(group: FailureGroup, key: str, version_id: str, failed_at: datetime) -> Names:
    """Where a failure of a version is kept: a key's versions side by side, in each its failures."""
    key_hash = hashlib.sha256(key.encode()).hexdigest()[:16]
    at = failed_at.astimezone(UTC).isoformat()
    return f"GROUP#{group.group_id}#{shard_of(key)}", f"{key_hash}#{version_id}#{at}"


def _failure_item(group: FailureGroup, failure: ReplicationFailed) -> Item:
    """As few bytes and attributes as will do, for there may be millions: a write unit is 1 KB.

    The bucket is the group's; the version and the time of the failure are in the sort key.
    """
    pk, sk = failure_key(group, failure.key, failure.version_id, failure.event_time)
    requested_at = failure.request_time.astimezone(UTC).isoformat()
    return {
        "pk": pk,
        "sk": sk,
        "told": json.dumps([failure.key, failure.size, requested_at], ensure_ascii=False),
        "expires_at": int((failure.event_time + FAILURES_KEPT).timestamp()),
    }


def _denial_item(denial: KeyAccessDenied) -> Item:
    kind = json.dumps([denial.action, denial.region, denial.key_arn, denial.message])
    return {
        "pk": f"ROLE#{denial.role_arn}",
        "sk": f"DENIAL#{hashlib.sha256(kind.encode()).hexdigest()[:16]}",
        "event_id": denial.event_id,
        "event_time": denial.event_time.astimezone(UTC).isoformat(),
        "region": denial.region,
        "account": denial.account,
        "principal_arn": denial.principal_arn,
        "role_arn": denial.role_arn,
        "session_name": denial.session_name,
        "action": denial.action,
        "key_arn": denial.key_arn,
        "error_code": denial.error_code,
        "message": denial.message,
        "replayed": denial.replayed,
    }


def _denial_from(item: Item) -> KeyAccessDenied:
    return KeyAccessDenied(
        event_id=item["event_id"],
        event_time=datetime.fromisoformat(item["event_time"]),
        region=item["region"],
        account=item["account"],
        principal_arn=item.get("principal_arn"),
        role_arn=item.get("role_arn"),
        session_name=item.get("session_name"),
        action=item["action"],
        key_arn=item.get("key_arn"),
        denial=parse_denial(item["message"]),
        error_code=item["error_code"],
        message=item["message"],
        encryption_context=None,
        invoked_by=None,
        replayed=item["replayed"],
    )
