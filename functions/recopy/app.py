"""RecopyFunction: brings the held objects over and verifies each of them."""

from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from replimend.domain.work import (
    AdvanceRecopy,
    ApplyPlan,
    JobChanged,
    LapseApproval,
    RemindOfChanges,
    RollBackExpired,
    RollBackRound,
)
from replimend.inbound.commands import recopy_command_of
from replimend.inbound.deliveries import is_queue_delivery, work_of
from replimend.wiring import Parts

logger = Logger()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
parts = Parts.from_env(logger)
recopy = parts.recopy()
single = parts.single_recopy()

LAST_STEP = timedelta(seconds=100)
"""What a step that began just before the deadline may still take."""


def handle_record(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Do what one message of the recopy queue asks for, as far as the function's time goes."""
    left = timedelta(milliseconds=lambda_context.get_remaining_time_in_millis())
    deadline = datetime.now(UTC) + left - LAST_STEP
    match work_of(record.raw_event):
        case AdvanceRecopy(incident_id=incident_id, poll=poll):
            recopy.advance(incident_id, poll, deadline)
        case JobChanged(job_id=job_id):
            recopy.job_changed(job_id, deadline)
        case (
            ApplyPlan()
            | RollBackRound()
            | RollBackExpired()
            | LapseApproval()
            | RemindOfChanges()
            | None
        ):
            logger.warning("message is not for the recopy queue", message_id=record.message_id)
        case unreachable:
            assert_never(unreachable)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the queue's delivery, or re-copy the one object that a person names."""
    if is_queue_delivery(event):
        return dict(process_partial_response(event, handle_record, processor, context))
    return dict(single.recopy(recopy_command_of(event)))
