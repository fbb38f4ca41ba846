"""What takes messages off a queue in batches: a Pipe, or a function's event source mapping."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lab.clock import Clock
from lab.documents import Fields, Json
from lab.patterns import Pattern
from lab.queues import Queues, Received
from lab.trace import Hop, Passage, Trace

READING_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

type Process = Callable[[Sequence[Received]], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A consumer's settings; with `filters`, a message that none of them matches is deleted."""

    name: str
    queue_arn: str
    consumer_arn: str
    batch_size: int
    window: timedelta
    filters: tuple[Pattern, ...] = ()


class Consumer:
    """Polls one queue on the clock, for as long as it is started.

    `process` gets each batch and answers the ids of the messages that it could not finish: those
    stay hidden until their visibility timeout is over, the others are deleted.
    """

    def __init__(
        self,
        subscription: Subscription,
        process: Process,
        *,
        queues: Queues,
        clock: Clock,
        trace: Trace,
    ) -> None:
        self._subscription = subscription
        self._process = process
        self._queues = queues
        self._clock = clock
        self._trace = trace
        self._due: datetime | None = None
        self._is_running = False

    def start(self) -> None:
        """Take what is on the queue, and what comes from now on."""
        self._is_running = True
        self._queues.listen(self._subscription.queue_arn, self._plan)
        self._plan()

    def stop(self) -> None:
        """Take no more."""
        self._is_running = False
        self._queues.forget(self._subscription.queue_arn, self._plan)

    def _plan(self) -> None:
        """Ask the clock for a poll as soon as there is something to take.

        A message may be hidden for now (delayed, or given back), so the queue itself is asked when;
        a batch that is not full waits for the window.
        """
        queue_arn = self._subscription.queue_arn
        visible_at = self._queues.next_visible(queue_arn)
        if visible_at is None or not self._is_running:
            return
        now = self._clock.now()
        due = max(visible_at, now)
        if self._queues.visible(queue_arn) < self._subscription.batch_size:
            due += self._subscription.window
        if self._due is None or due < self._due:
            self._due = due
            self._clock.after(
                due - now, f"{self._subscription.name} polls", lambda: self._poll_at(due)
            )

    def _poll_at(self, due: datetime) -> None:
        if self._due != due or not self._is_running:
            return  # an earlier poll took this one's place
        self._due = None
        self._poll()
        self._plan()

    def _poll(self) -> None:
        queue_arn = self._subscription.queue_arn
        batch = self._queues.receive(queue_arn, self._subscription.batch_size)
        wanted = [message for message in batch if self._wants(message)]
        for message in batch:
            if message not in wanted:
                self._note(message, Passage.FILTERED)
        failed = self._process(wanted) if wanted else frozenset[str]()
        for message in wanted:
            given_back = message.message_id in failed
            self._note(message, Passage.GIVEN_BACK if given_back else Passage.DELIVERED)
        self._queues.delete(
            queue_arn, [message for message in batch if message.message_id not in failed]
        )

    def _wants(self, message: Received) -> bool:
        filters = self._subscription.filters
        if not filters:
            return True
        record = filterable(message)
        return any(pattern.matches(record) for pattern in filters)

    def _note(self, message: Received, passage: Passage) -> None:
        self._trace.note(
            Hop(
                at=self._clock.now(),
                via=self._subscription.queue_arn,
                what=message.message_id,
                target=self._subscription.consumer_arn,
                passage=passage,
            )
        )


def queue_record(message: Received, queue_arn: str) -> Fields:
    """The message as Lambda and Pipes hand it on."""
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": dict(message.attributes),
        "messageAttributes": {
            name: {**value, "stringListValues": [], "binaryListValues": []}
            for name, value in message.message_attributes.items()
        },
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def filter_patterns(criteria: Json) -> tuple[Pattern, ...]:
    """The patterns of `FilterCriteria`, of a Pipe or of an event source mapping."""
    listed = criteria.get("Filters") if isinstance(criteria, dict) else None
    return tuple(
        Pattern.parse(str(each["Pattern"]))
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
    )


def filterable(message: Received) -> Fields:
    """What filter criteria see of a message: its body parsed, if it is a JSON object."""
    record: Fields = {"messageId": message.message_id, "attributes": dict(message.attributes)}
    try:
        record["body"] = json.loads(message.body)
    except ValueError:
        record["body"] = message.body
    return record
