"""Where EventBridge rules send: queues, topics and functions, as far as policies let them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from moto.events.models import Rule

from lab.documents import Fields, Json
from lab.gate import Gate
from lab.input_templates import target_input
from lab.queues import Queues
from lab.service_access import ServiceAccess
from lab.topics import Topics

SERVICE = "events.amazonaws.com"


class Functions(Protocol):
    """Where events for functions go."""

    def send(self, arn: str, payload: str, *, source_arn: str) -> str | None:
        """Invoke the function asynchronously; answers why the caller cannot, else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """Why a target did not take an event, with the code that its dead letter carries."""

    code: str
    reason: str


class RuleTargets:
    """Sends events to what is not a bus."""

    def __init__(self, gate: Gate, queues: Queues, topics: Topics) -> None:
        self._queues = queues
        self._topics = topics
        self._access = ServiceAccess(gate)
        self._functions: Functions | None = None

    def connect(self, functions: Functions) -> None:
        """Let rules reach functions."""
        self._functions = functions

    def send(self, rule: Rule, target: Mapping[str, Json], event: Fields) -> Undeliverable | None:
        """Send what the target wants of this event; `InputError` where that cannot be made."""
        arn = str(target["Arn"])
        service = arn.split(":")[2]
        match service:
            case "sqs":
                objection = self._objection_to_queue(rule, arn)
                if objection is None:
                    self._queues.send(arn, target_input(event, target, rule.arn))
                return objection
            case "sns":
                if not self._topics.exists(arn):
                    return missing(arn)
                objection = self._objection(rule, "sns:Publish", arn)
                if objection is None:
                    self._topics.publish(arn, target_input(event, target, rule.arn))
                return objection
            case "lambda" if self._functions is not None:
                payload = target_input(event, target, rule.arn)
                return _forbidden(self._functions.send(arn, payload, source_arn=rule.arn))
            case _:
                reason = f"the lab has no {service} targets"
                return Undeliverable(code="UNKNOWN_TARGET", reason=reason)

    def bury(
        self, rule: Rule, target: Mapping[str, Json], event_text: str, cause: Undeliverable
    ) -> bool:
        """Put the event on the target's dead-letter queue; answers whether it is there now."""
        settings = target.get("DeadLetterConfig")
        arn = str(settings.get("Arn", "")) if isinstance(settings, dict) else ""
        if not arn or self._objection_to_queue(rule, arn) is not None:
            return False
        attributes = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": str(target["Arn"]),
            "ERROR_CODE": cause.code,
            "ERROR_MESSAGE": cause.reason,
        }
        self._queues.send(arn, event_text, attributes)
        return True

    def objection_to_bus(
        self, rule: Rule, target: Mapping[str, Json], arn: str
    ) -> Undeliverable | None:
        """Why the rule cannot put events on that bus: by its role, else by the bus's policy."""
        role_arn = target.get("RoleArn")
        if role_arn:
            return _forbidden(
                self._access.objection_to_role(
                    SERVICE, str(role_arn), "events:PutEvents", arn, source_arn=rule.arn
                )
            )
        if arn.split(":")[3:5] == rule.arn.split(":")[3:5]:
            return None  # within an account and Region a bus needs no permission
        return self._objection(rule, "events:PutEvents", arn)

    def _objection_to_queue(self, rule: Rule, arn: str) -> Undeliverable | None:
        if not self._queues.exists(arn):
            return missing(arn)
        return self._objection(rule, "sqs:SendMessage", arn)

    def _objection(self, rule: Rule, action: str, arn: str) -> Undeliverable | None:
        return _forbidden(
            self._access.objection_to_service(
                SERVICE, action, arn, source_arn=rule.arn, source_account=rule.account_id
            )
        )


def missing(arn: str) -> Undeliverable:
    """The failure for a target that is not there."""
    return Undeliverable(code="NO_RESOURCE", reason=f"there is no {arn}")


def _forbidden(reason: str | None) -> Undeliverable | None:
    return None if reason is None else Undeliverable(code="NO_PERMISSIONS", reason=reason)
