"""RepairFunction: applies approved plans, and obeys whoever approves, rejects or rolls back."""

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
from replimend.inbound.commands import repair_command_of
from replimend.inbound.deliveries import is_queue_delivery, work_of
from replimend.wiring import Parts

logger = Logger()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
parts = Parts.from_env(logger)
repair = parts.repair()
reminders = parts.reminders()


def handle_record(record: SQSRecord) -> None:
    """Do what one message of the repair queue asks for."""
    match work_of(record.raw_event):
        case ApplyPlan(incident_id=incident_id, plan_hash=plan_hash):
            repair.apply(incident_id, plan_hash)
        case RollBackRound(incident_id=incident_id, round=round_):
            repair.roll_back_round(incident_id, round_)
        case LapseApproval(incident_id=incident_id, plan_hash=plan_hash):
            repair.lapse(incident_id, plan_hash)
        case RollBackExpired(change_id=change_id):
            repair.roll_back_expired(change_id)
        case RemindOfChanges():
            reminders.remind()
        case AdvanceRecopy() | JobChanged() | None:
            logger.warning("message is for the recopy queue", message_id=record.message_id)
        case unreachable:
            assert_never(unreachable)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the queue's delivery, or obey a person's command."""
    if is_queue_delivery(event):
        return dict(process_partial_response(event, handle_record, processor, context))
    return dict(repair.obey(repair_command_of(event)))
