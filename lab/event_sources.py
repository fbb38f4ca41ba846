"""Lambda's event source mappings: queue messages to a function in batches, failures given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lab.clock import Clock
from lab.consumers import (
    READING_ACTIONS,
    Consumer,
    Subscription,
    filter_patterns,
    queue_record,
)
from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.functions import Functions
from lab.gate import Gate
from lab.invocations import Invocation
from lab.queues import Queues, Received
from lab.service_access import ServiceAccess
from lab.trace import Trace

BATCH_SIZE = 10
BATCH_SIZE_WITHOUT_WINDOW = 10
LEAST_CONCURRENCY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One batch handed to a function, so that it can be handed in again."""

    at: datetime
    function_arn: str
    event: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """An `AWS::Lambda::EventSourceMapping` of a queue; the function is known by its ARN."""

    function_arn: str
    subscription: Subscription
    reports_items: bool

    @classmethod
    def parse(cls, name: str, function_arn: str, properties: Fields) -> "EventSource":
        """The mapping that these properties describe; `TemplateError` where Lambda refuses it."""
        queue_arn = str(properties.get("EventSourceArn"))
        if ":sqs:" not in queue_arn:
            raise TemplateError(f"{name}: the lab knows queues as event sources only")
        size = int(str(properties.get("BatchSize", BATCH_SIZE)))
        window = int(str(properties.get("MaximumBatchingWindowInSeconds", 0)))
        if size > BATCH_SIZE_WITHOUT_WINDOW and window < 1:
            raise TemplateError(f"{name}: BatchSize above 10 needs a batching window")
        scaling = properties.get("ScalingConfig", {})
        least = scaling.get("MaximumConcurrency") if isinstance(scaling, dict) else None
        if least is not None and int(str(least)) < LEAST_CONCURRENCY:
            raise TemplateError(f"{name}: MaximumConcurrency is 2 at least")
        types = properties.get("FunctionResponseTypes", [])
        return cls(
            function_arn=function_arn,
            subscription=Subscription(
                name=name,
                queue_arn=queue_arn,
                consumer_arn=function_arn,
                batch_size=size,
                window=timedelta(seconds=window),
                filters=filter_patterns(properties.get("FilterCriteria")),
            ),
            reports_items=isinstance(types, list) and "ReportBatchItemFailures" in types,
        )


class EventSourceRunner:
    """Runs one mapping and notes every batch that it hands over."""

    def __init__(
        self,
        source: EventSource,
        deliveries: list[Delivery],
        *,
        gate: Gate,
        clock: Clock,
        trace: Trace,
        queues: Queues,
        functions: Functions,
    ) -> None:
        self._source = source
        self._deliveries = deliveries
        self._clock = clock
        self._queues = queues
        self._functions = functions
        self._access = ServiceAccess(gate)
        self._consumer = Consumer(
            source.subscription, self._process, queues=queues, clock=clock, trace=trace
        )

    def start(self) -> None:
        """Begin to poll; `TemplateError` for what Lambda refuses when a mapping is made."""
        subscription = self._source.subscription
        settings = self._functions.settings(self._source.function_arn)
        for action in READING_ACTIONS:
            objection = self._access.objection_to_session(
                settings.role_arn, action, subscription.queue_arn
            )
            if objection is not None:
                raise TemplateError(f"{subscription.name}: {objection}")
        hidden = self._queues.visibility_timeout(subscription.queue_arn)
        if hidden < settings.timeout:
            raise TemplateError(
                f"{subscription.name}: the queue's visibility timeout, {hidden.seconds} s, is less "
                f"than the function's timeout, {settings.timeout.seconds} s"
            )
        self._consumer.start()

    def stop(self) -> None:
        """Poll no more."""
        self._consumer.stop()

    def _process(self, messages: Sequence[Received]) -> frozenset[str]:
        records: list[Json] = [
            queue_record(message, self._source.subscription.queue_arn) for message in messages
        ]
        event: Fields = {"Records": records}
        arn = self._source.function_arn
        self._deliveries.append(Delivery(at=self._clock.now(), function_arn=arn, event=event))
        invocation = self._functions.invoke(arn, event)
        everything = frozenset(message.message_id for message in messages)
        return failed_items(invocation, everything, reports_items=self._source.reports_items)


def failed_items(
    invocation: Invocation, handed_over: frozenset[str], *, reports_items: bool
) -> frozenset[str]:
    """The ids to give back: all after an error or an answer that cannot be read (facts §8.3)."""
    if invocation.error is not None:
        return handed_over
    if not reports_items or invocation.result is None:
        return frozenset()
    if not isinstance(invocation.result, dict):
        return handed_over
    items = invocation.result.get("batchItemFailures")
    if not items:
        return frozenset()
    if not isinstance(items, list):
        return handed_over
    named = {
        str(item["itemIdentifier"])
        for item in items
        if isinstance(item, dict) and item.get("itemIdentifier")
    }
    is_readable = named <= handed_over and len(named) == len(items)
    return frozenset(named) if is_readable else handed_over
