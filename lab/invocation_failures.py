"""Where an asynchronous invocation goes that failed for good: its OnFailure destination."""

import json
import uuid
from dataclasses import dataclass

from lab.clock import Clock
from lab.documents import Fields, Json
from lab.queues import Queues
from lab.topics import Topics


@dataclass(frozen=True, slots=True)
class OnFailure:
    """Sends the record that Lambda sends to a queue or topic."""

    clock: Clock
    queues: Queues
    topics: Topics

    def report(
        self,
        destination: str,
        *,
        function_arn: str,
        request_id: str,
        attempts: int,
        event: Json,
        error: Fields,
        is_too_old: bool,
    ) -> None:
        """Tell the destination which event was given up, and with which error."""
        record: Fields = {
            "version": "1.0",
            "timestamp": self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "requestContext": {
                "requestId": request_id or str(uuid.uuid4()),
                "functionArn": f"{function_arn}:$LATEST",
                "condition": "EventAgeExceeded" if is_too_old else "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": event,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": error,
        }
        text = json.dumps(record)
        if ":sns:" in destination:
            self.topics.publish(destination, text)
        else:
            self.queues.send(destination, text)
