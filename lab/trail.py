"""CloudTrail in the lab: what happened reaches the default bus and the history, some time later."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from lab import moto_world
from lab.behaviour import Behaviour
from lab.clock import Clock
from lab.cloudtrail import KeyDenial, key_denial_event
from lab.event_history import EventHistory
from lab.role_access import Refused

type Publish = Callable[[str, str, dict[str, Any]], None]
"""Puts an event on the default bus of an account and Region."""


class Trail:
    """Delivers CloudTrail events after CloudTrail's delay."""

    def __init__(self, clock: Clock, behaviour: Behaviour, publish: Publish) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._publish = publish
        self.history = EventHistory(clock, behaviour.seed)
        self._random = Random(f"trail {behaviour.seed}")
        self._told: dict[tuple[str, str, str], datetime] = {}

    def key_denied(self, role_arn: str, refused: Refused) -> None:
        """KMS refused the role's session: one record in the caller's account, in the key's Region.

        S3 asks KMS once for many objects of one Bucket Key, so of those one in a while is told.
        """
        now = self._clock.now()
        if refused.call.uses_bucket_key:
            subject = (role_arn, refused.call.action, refused.call.resource)
            last = self._told.get(subject, datetime.min.replace(tzinfo=UTC))
            if now - last < self._behaviour.bucket_key_denials_repeat_after:
                return
            self._told[subject] = now
        denial = KeyDenial(
            role_arn=role_arn,
            role_id=moto_world.role_id(role_arn),
            action=refused.call.action,
            key_arn=refused.call.resource,
            policy_type=refused.policy_type,
            is_explicit=refused.is_explicit,
            at=now,
        )
        self.later(denial.caller_account, denial.key_region, key_denial_event(denial, self._random))

    def later(self, account: str, region: str, event: dict[str, Any]) -> None:
        """Publish a CloudTrail event after the delay; the event history has it later still."""
        self.history.keep(account, region, event["detail"])
        self._clock.after(
            self._behaviour.cloudtrail_takes,
            f"CloudTrail: {event['detail']['eventName']}",
            lambda: self._publish(account, region, event),
        )
