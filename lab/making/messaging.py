"""Queues, topics, their policies and subscriptions."""

import json

from lab.documents import Json
from lab.making.aws import Aws, as_text, listed
from lab.template import Resource

QUEUE_ATTRIBUTES = (
    "DelaySeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)


def make_queue(aws: Aws, resource: Resource) -> None:
    """The queue with its attributes; its dead-letter queue may be made later."""
    attributes = {
        name: _attribute(resource.properties[name])
        for name in QUEUE_ATTRIBUTES
        if name in resource.properties
    }
    if aws.exists("sqs", "get_queue_url", QueueName=resource.physical.name):
        aws.call(
            "sqs",
            "set_queue_attributes",
            QueueUrl=resource.physical.reference,
            Attributes=attributes,
        )
    else:
        aws.call("sqs", "create_queue", QueueName=resource.physical.name, Attributes=attributes)


def connect_dead_letters(aws: Aws, resource: Resource) -> None:
    """Give the queue its redrive policy; every queue of the stack must be there."""
    policy = resource.properties.get("RedrivePolicy")
    if policy is not None:
        attributes = {"RedrivePolicy": as_text(policy)}
        url = resource.physical.reference
        aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=attributes)


def remove_queue(aws: Aws, resource: Resource) -> None:
    """The queue and its messages are gone."""
    aws.call("sqs", "delete_queue", QueueUrl=resource.physical.reference)


def make_queue_policy(aws: Aws, resource: Resource) -> None:
    """The policy on each queue that it lists."""
    attributes = {"Policy": as_text(resource.properties.get("PolicyDocument"))}
    for url in listed(resource, "Queues"):
        aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=attributes)


def make_topic(aws: Aws, resource: Resource) -> None:
    """The topic; one that is there stays as it is."""
    aws.call("sns", "create_topic", Name=resource.physical.name)


def make_topic_policy(aws: Aws, resource: Resource) -> None:
    """The policy on each topic that it lists."""
    for arn in listed(resource, "Topics"):
        aws.call(
            "sns",
            "set_topic_attributes",
            TopicArn=arn,
            AttributeName="Policy",
            AttributeValue=as_text(resource.properties.get("PolicyDocument")),
        )


def make_subscription(aws: Aws, resource: Resource) -> None:
    """The subscription of an endpoint to a topic; the same one twice is once."""
    properties = resource.properties
    arn = aws.call(
        "sns",
        "subscribe",
        TopicArn=properties.get("TopicArn"),
        Protocol=properties.get("Protocol"),
        Endpoint=properties.get("Endpoint"),
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    for name in ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery"):
        if name in properties:
            aws.call(
                "sns",
                "set_subscription_attributes",
                SubscriptionArn=arn,
                AttributeName=name,
                AttributeValue=_attribute(properties[name]),
            )


def remove_subscription(aws: Aws, resource: Resource) -> None:
    """The endpoint hears no more of the topic."""
    topic = resource.properties.get("TopicArn")
    found = aws.call("sns", "list_subscriptions_by_topic", TopicArn=topic)["Subscriptions"]
    for subscription in found:
        if subscription["Endpoint"] == resource.properties.get("Endpoint"):
            aws.call("sns", "unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])


def _attribute(value: Json) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)
