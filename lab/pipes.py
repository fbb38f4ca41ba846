"""EventBridge Pipes from a queue to a bus: filter, input template, partial batch failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
from lab.gate import Gate
from lab.input_templates import InputError, pipe_input, value_at
from lab.patterns import Pattern
from lab.put_events import PutEvents
from lab.queues import Queues, Received
from lab.service_access import ServiceAccess
from lab.trace import Hop, Passage, Trace

SERVICE = "pipes.amazonaws.com"
BATCH_SIZE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe:
    """One Pipe as its template describes it; `source` and `detail_type` may be paths."""

    arn: str
    role_arn: str
    queue_arn: str
    bus_arn: str
    event_source: str
    detail_type: str
    template: str | None
    batch_size: int
    window: timedelta
    filters: tuple[Pattern, ...]

    @classmethod
    def parse(cls, arn: str, properties: Mapping[str, Json]) -> "Pipe":
        """The Pipe that these `AWS::Pipes::Pipe` properties describe, or `TemplateError`."""
        where = f"Pipe {arn.rsplit('/', 1)[-1]}"
        source, target = str(properties.get("Source")), str(properties.get("Target"))
        if ":sqs:" not in source or ":event-bus/" not in target:
            raise TemplateError(f"{where}: the lab knows Pipes from a queue to a bus only")
        reading = _mapping(properties.get("SourceParameters"))
        queue = _mapping(reading.get("SqsQueueParameters"))
        writing = _mapping(properties.get("TargetParameters"))
        bus = _mapping(writing.get("EventBridgeEventBusParameters"))
        if not bus.get("Source") or not bus.get("DetailType"):
            raise TemplateError(f"{where}: needs a Source and a DetailType for its events")
        template = writing.get("InputTemplate")
        return cls(
            arn=arn,
            role_arn=str(properties.get("RoleArn")),
            queue_arn=source,
            bus_arn=target,
            event_source=str(bus["Source"]),
            detail_type=str(bus["DetailType"]),
            template=None if template is None else str(template),
            batch_size=int(str(queue.get("BatchSize", BATCH_SIZE))),
            window=timedelta(seconds=int(str(queue.get("MaximumBatchingWindowInSeconds", 0)))),
            filters=filter_patterns(reading.get("FilterCriteria")),
        )


class PipeRunner:
    """Runs one Pipe in its role; a message that does not get on the bus goes back to its queue."""

    def __init__(
        self,
        pipe: Pipe,
        *,
        gate: Gate,
        clock: Clock,
        trace: Trace,
        queues: Queues,
        events: PutEvents,
    ) -> None:
        self._pipe = pipe
        self._clock = clock
        self._trace = trace
        self._events = events
        self._access = ServiceAccess(gate)
        self._consumer = Consumer(
            Subscription(
                name=f"Pipe {pipe.arn.rsplit('/', 1)[-1]}",
                queue_arn=pipe.queue_arn,
                consumer_arn=pipe.arn,
                batch_size=pipe.batch_size,
                window=pipe.window,
                filters=pipe.filters,
            ),
            self._process,
            queues=queues,
            clock=clock,
            trace=trace,
        )

    def start(self) -> None:
        """Begin to read; `TemplateError` where the role cannot, and the Pipe would not start."""
        for action in READING_ACTIONS:
            objection = self._objection(action, self._pipe.queue_arn)
            if objection is not None:
                raise TemplateError(f"{self._pipe.arn}: {objection}")
        self._consumer.start()

    def stop(self) -> None:
        """Read no more."""
        self._consumer.stop()

    def _process(self, messages: Sequence[Received]) -> frozenset[str]:
        """Put the messages on the bus; answers the ids of those that did not get there."""
        refusal = self._objection("events:PutEvents", self._pipe.bus_arn)
        failed = set()
        for message in messages:
            reason = refusal or self._failure_of(message)
            if reason is not None:
                failed.add(message.message_id)
            self._trace.note(
                Hop(
                    at=self._clock.now(),
                    via=self._pipe.arn,
                    what=message.message_id,
                    target=self._pipe.bus_arn,
                    passage=Passage.DELIVERED if reason is None else Passage.GIVEN_BACK,
                    reason=reason or "",
                )
            )
        return frozenset(failed)

    def _failure_of(self, message: Received) -> str | None:
        record = queue_record(message, self._pipe.queue_arn)
        try:
            entry = {
                "Source": _of(record, self._pipe.event_source),
                "DetailType": _of(record, self._pipe.detail_type),
                "Detail": pipe_input(record, self._pipe.template),
                "EventBusName": self._pipe.bus_arn,
            }
        except InputError as error:
            return str(error)
        _, _, _, region, account, _ = self._pipe.bus_arn.split(":", 5)
        (answer,) = self._events.put([entry], account=account, region=region)
        return answer.get("ErrorMessage")

    def _objection(self, action: str, resource: str) -> str | None:
        pipe = self._pipe
        return self._access.objection_to_role(
            SERVICE, pipe.role_arn, action, resource, source_arn=pipe.arn
        )


def _of(record: Fields, text: str) -> str:
    return str(value_at(record, text)) if text.startswith("$.") else text


def _mapping(value: Json) -> Fields:
    return value if isinstance(value, dict) else {}
