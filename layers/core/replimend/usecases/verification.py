"""Look at one version on both sides."""

from dataclasses import dataclass

from replimend.domain.destinations import destination_account
from replimend.domain.facts import ReplicationRule, ReplicationSetup
from replimend.domain.incident import FailureGroup
from replimend.domain.recopy import HeldObject, Verified, verify
from replimend.errors import PermanentError
from replimend.ports import Buckets, Objects


class RuleLostError(PermanentError):
    """The rule under which objects were to be re-copied is gone from the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Compares source and replica of a version under the live rule."""

    home_account: str
    buckets: Buckets
    objects: Objects

    def rule_of(self, group: FailureGroup) -> ReplicationRule:
        """The group's rule as it is configured now, or RuleLostError."""
        setup = self.buckets.replication_of(group.bucket)
        rule = setup.rule_named(group.rule_id) if isinstance(setup, ReplicationSetup) else None
        if rule is None:
            raise RuleLostError(f"{group.bucket} has no readable rule {group.rule_id!r}")
        return rule

    def verify(self, held: HeldObject, rule: ReplicationRule) -> Verified:
        """What both sides show of this version now."""
        account = destination_account(rule, self.home_account)
        return verify(
            self.objects.version(held.bucket, self.home_account, held.key, held.version_id),
            self.objects.version(rule.destination_bucket, account, held.key, held.version_id),
            rule.replica_key,
        )
