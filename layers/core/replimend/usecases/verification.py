"""Look at versions on both sides, several at once and no faster than AWS takes it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from replimend.domain.destinations import destination_account
from replimend.domain.facts import ObjectVersion, ReplicationRule, ReplicationSetup
from replimend.domain.incident import FailureGroup
from replimend.domain.recopy.comparison import Terms, Verified, verify, verify_copy
from replimend.domain.recopy.methods import Choice, Consent, choose
from replimend.domain.recopy.objects import HeldObject
from replimend.errors import PermanentError
from replimend.ports import Buckets, Objects

CALLS_A_VERSION = 2
"""One HEAD on each side."""


class RuleLostError(PermanentError):
    """The rule under which objects were to be re-copied is gone from the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    """A rule as it is configured now, among how many enabled ones; a job tries every one of them.

    `destinations` counts the buckets that they replicate to (aws-facts 6.3).
    """

    rule: ReplicationRule
    rules: int
    destinations: int

    @property
    def terms(self) -> Terms:
        """What a replica under this rule must be like."""
        return Terms(
            replica_key=self.rule.replica_key,
            others=self.destinations > 1,
            owner_override=self.rule.owner_override,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Compares source and replica of versions under the live rule."""

    home_account: str
    buckets: Buckets
    objects: Objects
    at_once: int = 1

    def rule_of(self, group: FailureGroup) -> RuleInForce:
        """The group's rule as it is configured now, or RuleLostError."""
        setup = self.buckets.replication_of(group.bucket)
        rule = setup.rule_named(group.rule_id) if isinstance(setup, ReplicationSetup) else None
        if rule is None or not isinstance(setup, ReplicationSetup):
            raise RuleLostError(f"{group.bucket} has no readable rule {group.rule_id!r}")
        return in_force(rule, setup)

    def verify(self, held: HeldObject, rule: RuleInForce) -> Verified:
        """What both sides show of this version now."""
        account = destination_account(rule.rule, self.home_account)
        destination = rule.rule.destination_bucket
        return verify(
            self.objects.version(held.bucket, self.home_account, held.key, held.version_id),
            self.objects.version(destination, account, held.key, held.version_id),
            rule.terms,
        )

    def verify_copy(self, held: HeldObject, copied_as: str, rule: RuleInForce) -> Verified:
        """What both sides show of this version and of the copy with that version id."""
        account = destination_account(rule.rule, self.home_account)
        destination = rule.rule.destination_bucket
        return verify_copy(
            self.objects.version(held.bucket, self.home_account, held.key, held.version_id),
            self.objects.version(destination, account, held.key, copied_as),
            rule.rule.replica_key,
        )

    def choose(self, held: HeldObject, error: str, consent: Consent) -> Choice:
        """By which method this version could still come over, after a job was refused so."""
        source = self.objects.version(held.bucket, self.home_account, held.key, held.version_id)
        current = self.objects.version(held.bucket, self.home_account, held.key, None)
        is_current = isinstance(current, ObjectVersion) and current.version_id == held.version_id
        return choose(source, error, consent, is_current=is_current)

    def verify_all(self, objects: Sequence[HeldObject], rule: RuleInForce) -> list[Verified]:
        """What both sides show of each; ThrottledError if AWS asked to slow down at any."""
        if self.at_once == 1 or len(objects) == 1:
            return [self.verify(held, rule) for held in objects]
        with ThreadPoolExecutor(max_workers=self.at_once) as pool:
            return list(pool.map(lambda held: self.verify(held, rule), objects))


def in_force(rule: ReplicationRule, setup: ReplicationSetup) -> RuleInForce:
    """The rule among the enabled ones of its bucket."""
    enabled = [each for each in setup.rules if each.enabled]
    destinations = {each.destination_bucket for each in enabled} | {rule.destination_bucket}
    return RuleInForce(rule=rule, rules=len(enabled), destinations=len(destinations))
