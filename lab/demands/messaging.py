"""What SQS, SNS, EventBridge and Lambda operations demand, and whose resource they name."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from lab.demands.model import ANY, Demand, Rule, account_of
from lab.wire import ApiCall

QUEUE_ACTIONS = {
    "ChangeMessageVisibility": "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessage": "DeleteMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "GetQueueAttributes": "GetQueueAttributes",
    "GetQueueUrl": "GetQueueUrl",
    "ReceiveMessage": "ReceiveMessage",
    "SendMessage": "SendMessage",
    "SendMessageBatch": "SendMessage",
}
TOPIC_ACTIONS = {"GetTopicAttributes": "GetTopicAttributes", "Publish": "Publish"}


def queue_owner(call: ApiCall) -> str:
    """The account in the queue's URL, else the one the call names, else the caller's."""
    return account_of(queue_arn(call))


def queue_arn(call: ApiCall) -> str:
    """The ARN of the queue that the call names by URL or by name."""
    path = urlsplit(str(call.params.get("QueueUrl", ""))).path
    account, _, name = path.removeprefix("/").partition("/")
    if not name:
        account = call.params.get("QueueOwnerAWSAccountId", call.caller.account)
        name = call.params.get("QueueName", ANY)
    return f"arn:aws:sqs:{call.region}:{account}:{name}"


def topic_owner(call: ApiCall) -> str:
    """The account in the topic's ARN, else the caller's."""
    return account_of(_topic_arn(call)) or call.caller.account


def function_owner(call: ApiCall) -> str:
    """The account in the function's ARN, else the caller's."""
    return account_of(_function_arn(call))


def _topic_arn(call: ApiCall) -> str:
    return str(call.params.get("TopicArn") or call.params.get("TargetArn") or ANY)


def _function_arn(call: ApiCall) -> str:
    """Without its version: an unqualified call is judged by the unqualified ARN."""
    name = str(call.params.get("FunctionName", "*"))
    if name.startswith("arn:"):
        return name
    return f"arn:aws:lambda:{call.region}:{call.caller.account}:function:{name}"


def _queue_rule(action: str) -> Rule:
    return lambda call: [
        Demand(action=f"sqs:{action}", resource=queue_arn(call), owner=queue_owner(call))
    ]


def _topic_rule(action: str) -> Rule:
    return lambda call: [
        Demand(action=f"sns:{action}", resource=_topic_arn(call), owner=topic_owner(call))
    ]


def _put_events(call: ApiCall) -> Iterator[Demand]:
    for entry in call.params.get("Entries", ()):
        bus = str(entry.get("EventBusName", "default"))
        if not bus.startswith("arn:"):
            bus = f"arn:aws:events:{call.region}:{call.caller.account}:event-bus/{bus}"
        yield Demand(
            action="events:PutEvents",
            resource=bus,
            owner=account_of(bus),
            context={
                "events:source": str(entry.get("Source", "")),
                "events:detail-type": str(entry.get("DetailType", "")),
            },
        )


def _invoke(call: ApiCall) -> Iterator[Demand]:
    yield Demand(
        action="lambda:InvokeFunction", resource=_function_arn(call), owner=function_owner(call)
    )


SQS_RULES: dict[str, Rule] = {
    operation: _queue_rule(action) for operation, action in QUEUE_ACTIONS.items()
}
SNS_RULES: dict[str, Rule] = {
    operation: _topic_rule(action) for operation, action in TOPIC_ACTIONS.items()
}
EVENTS_RULES: dict[str, Rule] = {"PutEvents": _put_events}
LAMBDA_RULES: dict[str, Rule] = {"Invoke": _invoke}
