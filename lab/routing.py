"""EventBridge: what comes on a bus goes to the targets of the rules that match it.

Buses, rules and their states are moto's, so that whoever changes them through the API changes what
happens here. moto's own routing is not used: it knows neither policies nor dead letters.
"""

import json
import uuid
from collections.abc import Mapping

from moto.events.models import EventBus, Rule, events_backends

from lab.clock import Clock
from lab.documents import Fields, Json
from lab.input_templates import InputError
from lab.patterns import Pattern
from lab.rule_targets import RuleTargets, Undeliverable, missing
from lab.trace import Hop, Passage, Trace

HEARS_READ_ONLY_CALLS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
DISABLED = "DISABLED"


class Router:
    """Every event bus of the lab."""

    def __init__(self, clock: Clock, trace: Trace, targets: RuleTargets) -> None:
        self._clock = clock
        self._trace = trace
        self._targets = targets

    def has(self, bus_arn: str) -> bool:
        """Whether there is such a bus."""
        return _bus(bus_arn) is not None

    def publish(self, account: str, region: str, event: Fields) -> None:
        """Put an AWS service's event on the default bus of that account and Region."""
        self.put(f"arn:aws:events:{region}:{account}:event-bus/default", event)

    def put(self, bus_arn: str, event: Fields) -> None:
        """Send the event to every target of every rule of that bus that matches."""
        self._put(bus_arn, event, is_forwarded=False)

    def tick(self, rule_arn: str) -> None:
        """Send the event of a schedule to the targets of its rule, unless that is disabled."""
        _, _, _, region, account, resource = rule_arn.split(":", 5)
        bus = _bus(f"arn:aws:events:{region}:{account}:event-bus/default")
        rule = bus.rules.get(resource.removeprefix("rule/")) if bus else None
        if rule is None or rule.state == DISABLED:
            return
        event: Fields = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account,
            "time": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [rule_arn],
            "detail": {},
        }
        for target in tuple(rule.targets):
            self._deliver(rule, target, event, is_forwarded=False)

    def _put(self, bus_arn: str, event: Fields, *, is_forwarded: bool) -> None:
        bus = _bus(bus_arn)
        if bus is None:
            raise KeyError(bus_arn)
        wanting = [rule for rule in bus.rules.values() if _matches(rule, event)]
        for rule in wanting:
            if rule.managed_by:
                _archive(rule, event)
                continue
            for target in tuple(rule.targets):
                self._deliver(rule, target, event, is_forwarded=is_forwarded)
        if all(rule.managed_by for rule in wanting):
            self._note(bus_arn, event, "", Passage.UNMATCHED)

    def _deliver(
        self, rule: Rule, target: Mapping[str, Json], event: Fields, *, is_forwarded: bool
    ) -> None:
        arn = str(target["Arn"])
        try:
            if arn.split(":")[2] == "events":
                failure = self._forward(rule, target, event, is_forwarded=is_forwarded)
            else:
                failure = self._targets.send(rule, target, event)
        except InputError as error:
            failure = Undeliverable(code="INVALID_JSON", reason=str(error))
        if failure is None:
            self._note(rule.arn, event, arn, Passage.DELIVERED)
            return
        is_kept = self._targets.bury(rule, target, json.dumps(event), failure)
        passage = Passage.DEAD_LETTERED if is_kept else Passage.LOST
        self._note(rule.arn, event, arn, passage, failure.reason)

    def _forward(
        self, rule: Rule, target: Mapping[str, Json], event: Fields, *, is_forwarded: bool
    ) -> Undeliverable | None:
        arn = str(target["Arn"])
        if _bus(arn) is None:
            return missing(arn)
        if is_forwarded:
            # EventBridge sends on once, not from a second bus to a third.
            return Undeliverable(code="INVALID_EVENT", reason="the event was forwarded before")
        objection = self._targets.objection_to_bus(rule, target, arn)
        if objection is None:
            self._put(arn, event, is_forwarded=True)
        return objection

    def _note(
        self, via: str, event: Fields, target: str, passage: Passage, reason: str = ""
    ) -> None:
        self._trace.note(
            Hop(
                at=self._clock.now(),
                via=via,
                what=str(event.get("id", "")),
                target=target,
                passage=passage,
                reason=reason,
            )
        )


def _bus(arn: str) -> EventBus | None:
    _, _, _, region, account, resource = arn.split(":", 5)
    bus = events_backends[account][region].event_buses.get(resource.removeprefix("event-bus/"))
    return bus if isinstance(bus, EventBus) else None


def _matches(rule: Rule, event: Fields) -> bool:
    """Whether the rule's state and pattern want the event.

    Read-only management events reach only rules in the state made for them (facts §3.2).
    """
    text = rule.event_pattern.dump()
    if rule.state == DISABLED or text is None:
        return False
    detail = event.get("detail")
    is_read_only_call = (
        event.get("detail-type") == "AWS API Call via CloudTrail"
        and isinstance(detail, dict)
        and detail.get("readOnly") is True
    )
    if is_read_only_call and rule.state != HEARS_READ_ONLY_CALLS and not rule.managed_by:
        return False
    return Pattern.parse(text).matches(event)


def _archive(rule: Rule, event: Fields) -> None:
    """Put the event into the archive whose own rule this is."""
    for archive in events_backends[rule.account_id][rule.region_name].archives.values():
        if archive.rule is rule:
            archive.events.append(event)  # type: ignore[arg-type]  # moto's TypedDict of it
