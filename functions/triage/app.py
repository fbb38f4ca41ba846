"""TriageFunction: what AWS or a person told us becomes an incident with a cause and a plan."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from replimend.inbound.deliveries import batch_of, is_queue_delivery
from replimend.inbound.manual import parse_manual_request
from replimend.wiring import Parts

logger = Logger()
parts = Parts.from_env(logger)
intake = parts.intake()
inquiry = parts.inquiry()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Take the queue's delivery, or answer a person about one object."""
    if is_queue_delivery(event):
        given_back = intake.receive(batch_of(event))
        return {"batchItemFailures": [{"itemIdentifier": each} for each in sorted(given_back)]}
    return dict(inquiry.answer(parse_manual_request(event)))
