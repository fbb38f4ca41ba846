"""What the lab calls a template's resources: `Ref`, `Fn::GetAtt` and the name, by type.

Names are `<stack>-<LogicalId>`, so that they are known before anything is made; a name that the
template gives counts first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.documents import Fields, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a type's resources are named: the property that sets the name, and the ARN from it."""

    named_by: str
    service: str
    resource: str = "{name}"
    is_referred_to_by_arn: bool = False
    name_attribute: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stack is deployed."""

    account: str
    region: str
    stack: str
    partition: str = "aws"

    def pseudo_parameters(self) -> Fields:
        """The values of `AWS::AccountId` and its kin here."""
        return {
            "AWS::AccountId": self.account,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": self._arn("cloudformation", self.region, f"stack/{self.stack}/1"),
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def arn(self, scheme: Scheme) -> str:
        """The ARN of this type's resources here, with what differs between them in braces."""
        match scheme.service:
            case "iam":
                return self._arn("iam", "", scheme.resource)
            case "s3":
                return f"arn:{self.partition}:s3:::{scheme.resource}"
            case service:
                return self._arn(service, self.region, scheme.resource)

    def _arn(self, service: str, region: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Physical:
    """One resource's identity once deployed; `reference` is what `Ref` gives."""

    name: str
    reference: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN; `KeyError` for a resource that has none."""
        return self.attributes["Arn"]


SCHEMES = {
    "AWS::CloudWatch::Alarm": Scheme(
        named_by="AlarmName", service="cloudwatch", resource="alarm:{name}"
    ),
    "AWS::DynamoDB::Table": Scheme(
        named_by="TableName", service="dynamodb", resource="table/{name}"
    ),
    "AWS::Events::Archive": Scheme(
        named_by="ArchiveName", service="events", resource="archive/{name}"
    ),
    "AWS::Events::EventBus": Scheme(
        named_by="Name", service="events", resource="event-bus/{name}", name_attribute="Name"
    ),
    "AWS::Events::Rule": Scheme(named_by="Name", service="events", resource="rule/{bus}{name}"),
    "AWS::IAM::ManagedPolicy": Scheme(
        named_by="ManagedPolicyName",
        service="iam",
        resource="policy{path}{name}",
        is_referred_to_by_arn=True,
    ),
    "AWS::IAM::Role": Scheme(named_by="RoleName", service="iam", resource="role{path}{name}"),
    "AWS::Lambda::Function": Scheme(
        named_by="FunctionName", service="lambda", resource="function:{name}"
    ),
    "AWS::Lambda::LayerVersion": Scheme(
        named_by="LayerName",
        service="lambda",
        resource="layer:{name}:1",
        is_referred_to_by_arn=True,
    ),
    "AWS::Logs::LogGroup": Scheme(
        named_by="LogGroupName", service="logs", resource="log-group:{name}:*"
    ),
    "AWS::Pipes::Pipe": Scheme(named_by="Name", service="pipes", resource="pipe/{name}"),
    "AWS::S3::Bucket": Scheme(named_by="BucketName", service="s3"),
    "AWS::SNS::Topic": Scheme(
        named_by="TopicName",
        service="sns",
        is_referred_to_by_arn=True,
        name_attribute="TopicName",
    ),
    "AWS::SQS::Queue": Scheme(named_by="QueueName", service="sqs", name_attribute="QueueName"),
}
"""The types with a name that the lab deploys."""

NAMELESS = {
    "AWS::Events::EventBusPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
"""The other types that the lab deploys."""

NAMING_PROPERTIES = frozenset(
    {*(scheme.named_by for scheme in SCHEMES.values()), "EventBusName", "Path"}
)
"""The properties that `identify` looks at."""


def identify(kind: str, logical_id: str, naming: Mapping[str, Json], place: Place) -> Physical:
    """The identity of a resource; `naming` holds those of its properties that go into it."""
    scheme = SCHEMES.get(kind)
    if scheme is None:
        return Physical(name=logical_id, reference=f"{place.stack}-{logical_id}")
    name = str(naming.get(scheme.named_by) or _made_up_name(kind, logical_id, place))
    bus = str(naming.get("EventBusName") or "default").rsplit("/", 1)[-1]
    arn = place.arn(scheme).format(
        name=name,
        path=naming.get("Path") or "/",
        bus="" if bus == "default" else f"{bus}/",
    )
    attributes = {"Arn": arn}
    if scheme.name_attribute:
        attributes[scheme.name_attribute] = name
    if kind == "AWS::SQS::Queue":
        url = f"https://sqs.{place.region}.amazonaws.com/{place.account}/{name}"
        attributes["QueueUrl"] = url
        return Physical(name=name, reference=url, attributes=attributes)
    reference = arn if scheme.is_referred_to_by_arn else name
    return Physical(name=name, reference=reference, attributes=attributes)


def _made_up_name(kind: str, logical_id: str, place: Place) -> str:
    name = f"{place.stack}-{logical_id}"
    # Bucket names are lower case, and the account makes them the only one of that name on AWS.
    return f"{name}-{place.account}".lower() if kind == "AWS::S3::Bucket" else name
