"""How each CloudFormation type becomes something in moto; making twice is updating in place."""

from collections.abc import Callable, Mapping

from lab.making import access, events, messaging, storage
from lab.making.aws import Aws
from lab.template import Resource

type Make = Callable[[Aws, Resource], None]

MAKERS: tuple[tuple[str, Make], ...] = (
    ("AWS::Logs::LogGroup", storage.make_log_group),
    ("AWS::DynamoDB::Table", storage.make_table),
    ("AWS::S3::Bucket", storage.make_bucket),
    ("AWS::S3::BucketPolicy", storage.make_bucket_policy),
    ("AWS::SQS::Queue", messaging.make_queue),
    # Before the policies: moto forgets a queue's policy when another attribute is set.
    ("AWS::SQS::Queue", messaging.connect_dead_letters),
    ("AWS::SNS::Topic", messaging.make_topic),
    ("AWS::Events::EventBus", events.make_bus),
    ("AWS::IAM::ManagedPolicy", access.make_managed_policy),
    ("AWS::IAM::Role", access.make_role),
    ("AWS::IAM::RolePolicy", access.make_role_policy),
    ("AWS::SQS::QueuePolicy", messaging.make_queue_policy),
    ("AWS::SNS::TopicPolicy", messaging.make_topic_policy),
    ("AWS::SNS::Subscription", messaging.make_subscription),
    ("AWS::Events::EventBusPolicy", events.make_bus_policy),
    ("AWS::Events::Rule", events.make_rule),
    ("AWS::Events::Archive", events.make_archive),
    ("AWS::CloudWatch::Alarm", storage.make_alarm),
)
"""By type, in the order in which it must be done."""

REMOVERS: Mapping[str, Make] = {
    "AWS::Events::Archive": events.remove_archive,
    "AWS::Events::Rule": events.remove_rule,
    "AWS::IAM::Role": access.remove_role,
    "AWS::IAM::RolePolicy": access.remove_role_policy,
    "AWS::SNS::Subscription": messaging.remove_subscription,
    "AWS::SQS::Queue": messaging.remove_queue,
    "AWS::CloudWatch::Alarm": storage.remove_alarm,
}
"""What can go when a condition turns false."""
