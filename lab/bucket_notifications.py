"""S3's notifications on their way to queues, as far as the queue's policy lets S3 send."""

import json
from typing import Any

from moto.s3.models import FakeBucket

from lab import moto_world
from lab.clock import Clock
from lab.gate import Gate
from lab.queues import Queues
from lab.service_access import ServiceAccess
from lab.trace import Hop, Passage, Trace
from lab.wire import ApiCall, HttpResponse

SERVICE = "s3.amazonaws.com"


class BucketNotifications:
    """Puts messages where a bucket's notification configuration says."""

    def __init__(self, gate: Gate, clock: Clock, trace: Trace, queues: Queues) -> None:
        self._clock = clock
        self._trace = trace
        self._queues = queues
        self._access = ServiceAccess(gate)
        gate.after("s3", "PutBucketNotificationConfiguration", self._configured)

    def deliver(self, bucket_name: str, message: dict[str, Any]) -> None:
        """Send the message to the queue of the configuration that it names."""
        bucket = moto_world.bucket_of(bucket_name)
        if bucket is None:
            return  # S3 has nobody left to tell
        event = message["Records"][0]["s3"]
        queue_arn = _queue_of(bucket, event["configurationId"])
        objection = self._objection(bucket, queue_arn)
        if objection is None:
            self._queues.send(queue_arn, json.dumps(message))
        self._trace.note(
            Hop(
                at=self._clock.now(),
                via=bucket.arn,
                what=f"{event['object']['key']} {event['object']['versionId']}",
                target=queue_arn,
                passage=Passage.DELIVERED if objection is None else Passage.LOST,
                reason=objection or "",
            )
        )

    def _objection(self, bucket: FakeBucket, queue_arn: str) -> str | None:
        if not queue_arn or not self._queues.exists(queue_arn):
            return f"there is no {queue_arn or 'queue'}"
        if queue_arn.split(":")[3] != bucket.region_name:
            return "a bucket's queue must be in its Region"
        return self._access.objection_to_service(
            SERVICE,
            "sqs:SendMessage",
            queue_arn,
            source_arn=bucket.arn,
            source_account=bucket.account_id,
        )

    def _configured(self, call: ApiCall, response: HttpResponse) -> None:
        """S3 sends a test message on every change, which moto has put on the queue by now."""
        _ = response
        bucket = moto_world.bucket_of(str(call.params["Bucket"]))
        configuration = bucket.notification_configuration if bucket else None
        for each in configuration.queue if configuration else ():
            self._queues.wake(each.arn)


def _queue_of(bucket: FakeBucket, configuration_id: str) -> str:
    configuration = bucket.notification_configuration
    for each in configuration.queue if configuration else ():
        if each.id == configuration_id:
            return str(each.arn)
    return ""
