"""The lab's own hand on SQS: put, take and delete messages, and hear when there are some.

It works on moto's queues behind the gate; what callers send through the API is heard of all the
same.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from lab.gate import Gate
from lab.wire import ApiCall, HttpResponse

type Listener = Callable[[], None]

SENDING = (
    "SendMessage",
    "SendMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "StartMessageMoveTask",
)
# moto shows a message again only after the very millisecond of its timeout.
ONE_TICK = timedelta(milliseconds=1)


class NoSuchQueueError(Exception):
    """There is no queue with that ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as a consumer gets it; `receipt` deletes it."""

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, str]
    message_attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    body_md5: str


class Queues:
    """Every queue of the lab, by ARN."""

    def __init__(self, gate: Gate) -> None:
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        for operation in SENDING:
            gate.after("sqs", operation, self._heard)

    def listen(self, arn: str, listener: Listener) -> None:
        """Call `listener` whenever messages may have come to this queue."""
        self._listeners[arn].append(listener)

    def forget(self, arn: str, listener: Listener) -> None:
        """Call that listener no more."""
        self._listeners[arn].remove(listener)

    def exists(self, arn: str) -> bool:
        """Whether there is such a queue."""
        return _found(arn) is not None

    def send(self, arn: str, body: str, attributes: Mapping[str, str] | None = None) -> str:
        """Put a message with these text attributes on the queue; answers its id."""
        _, _, _, region, account, name = arn.split(":", 5)
        if _found(arn) is None:
            raise NoSuchQueueError(arn)
        message = sqs_backends[account][region].send_message(
            name,
            body,
            message_attributes={
                key: {"DataType": "String", "StringValue": value}
                for key, value in (attributes or {}).items()
            },
        )
        self.wake(arn)
        return str(message.id)

    def wake(self, arn: str) -> None:
        """Tell the queue's listeners that messages may have come."""
        for listener in tuple(self._listeners[arn]):
            listener()

    def receive(self, arn: str, count: int) -> tuple[Received, ...]:
        """Up to `count` messages, hidden from others for the queue's visibility timeout.

        Those that were received too often go to the queue's dead-letter queue on this occasion.
        """
        _, _, _, region, account, name = arn.split(":", 5)
        queue = _known(arn)
        before = len(queue.dead_letter_queue.messages) if queue.dead_letter_queue else 0
        messages = sqs_backends[account][region].receive_message(
            name, count, 0, _seconds(queue, "visibility_timeout"), ["All"]
        )
        dead_letters = queue.dead_letter_queue
        if dead_letters and len(dead_letters.messages) > before:
            self.wake(dead_letters.queue_arn)
        return tuple(_received(message) for message in messages)

    def delete(self, arn: str, messages: Sequence[Received]) -> None:
        """Delete messages that were received; twice is once."""
        queue = _known(arn)
        for message in messages:
            queue.delete_message(message.receipt)

    def visible(self, arn: str) -> int:
        """How many messages could be received now."""
        queue = _found(arn)
        return len(queue.messages) if queue else 0

    def next_visible(self, arn: str) -> datetime | None:
        """When the next message can be received (the past, for one that can be now), if any."""
        queue = _found(arn)
        if queue is None:
            return None
        moments = [max(message.visible_at, message.delayed_until) for message in _all(queue)]
        return datetime.fromtimestamp(min(moments) / 1000, UTC) + ONE_TICK if moments else None

    def bodies(self, arn: str) -> tuple[str, ...]:
        """The bodies of all messages on the queue, hidden ones too."""
        return tuple(message.body for message in _all(_known(arn)))

    def visibility_timeout(self, arn: str) -> timedelta:
        """How long a received message stays hidden."""
        return timedelta(seconds=_seconds(_known(arn), "visibility_timeout"))

    def _heard(self, call: ApiCall, response: HttpResponse) -> None:
        _ = response
        url = str(call.params.get("QueueUrl", ""))
        *_, account, name = url.rsplit("/", 2)
        self.wake(f"arn:aws:sqs:{call.region}:{account}:{name}")


@contextmanager
def short_polls() -> Generator[None]:
    """Inside the context nobody waits for messages that are not there.

    Lab time would stand still the while, or everybody else would wait too.
    """
    receive = SQSBackend.receive_message

    def received_at_once(
        backend: SQSBackend,
        queue_name: str,
        count: int,
        _wait_seconds: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        return receive(backend, queue_name, count, 0, visibility_timeout, message_attribute_names)

    with patch.object(SQSBackend, "receive_message", received_at_once):
        yield


def _found(arn: str) -> Queue | None:
    _, _, _, region, account, name = arn.split(":", 5)
    queue = sqs_backends[account][region].queues.get(name)
    return queue if isinstance(queue, Queue) else None


def _known(arn: str) -> Queue:
    queue = _found(arn)
    if queue is None:
        raise NoSuchQueueError(arn)
    return queue


def _all(queue: Queue) -> list[Message]:
    return list(queue._messages)  # noqa: SLF001 - moto shows visible messages only


def _seconds(queue: Queue, attribute: str) -> int:
    return int(getattr(queue, attribute))


def _received(message: Message) -> Received:
    return Received(
        message_id=message.id,
        receipt=str(message.receipt_handle),
        body=message.body,
        attributes={
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": str(message.sender_id),
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        },
        message_attributes={
            name: {"stringValue": str(value.get("StringValue", "")), "dataType": value["DataType"]}
            for name, value in message.message_attributes.items()
        },
        body_md5=message.body_md5,
    )
