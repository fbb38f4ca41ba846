"""The lab's own hand on SNS: publish to a topic, and remember what every topic sent."""

from dataclasses import dataclass
from datetime import datetime

from moto.sns.models import Topic, sns_backends

from lab.clock import Clock
from lab.gate import Gate
from lab.queues import Queues
from lab.wire import ApiCall, HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One message that a topic sent to its subscribers."""

    at: datetime
    topic_arn: str
    message: str
    subject: str = ""


class Topics:
    """Every topic of the lab, by ARN."""

    def __init__(self, gate: Gate, clock: Clock, queues: Queues) -> None:
        self.published: list[Publication] = []
        self._clock = clock
        self._queues = queues
        gate.after("sns", "Publish", self._heard)

    def exists(self, arn: str) -> bool:
        """Whether there is such a topic."""
        return _found(arn) is not None

    def publish(self, arn: str, message: str) -> None:
        """Send the message to all who subscribed; the topic must exist."""
        topic = _found(arn)
        if topic is None:
            raise KeyError(arn)
        topic.publish(message)
        self._remember(arn, message, "")

    def _heard(self, call: ApiCall, response: HttpResponse) -> None:
        _ = response
        self._remember(
            str(call.params.get("TopicArn", "")),
            str(call.params.get("Message", "")),
            str(call.params.get("Subject", "")),
        )

    def _remember(self, arn: str, message: str, subject: str) -> None:
        self.published.append(
            Publication(at=self._clock.now(), topic_arn=arn, message=message, subject=subject)
        )
        _, _, _, region, account, _ = arn.split(":", 5)
        subscriptions, _ = sns_backends[account][region].list_subscriptions_by_topic(arn)
        for subscription in subscriptions:
            if subscription.protocol == "sqs":
                self._queues.wake(subscription.endpoint)


def _found(arn: str) -> Topic | None:
    _, _, _, region, account, _ = arn.split(":", 5)
    topic = sns_backends[account][region].topics.get(arn)
    return topic if isinstance(topic, Topic) else None
