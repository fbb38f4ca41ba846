"""Tables, buckets, log groups and alarms."""

from typing import Any

from botocore.exceptions import ClientError

from lab.documents import Fields, Json
from lab.making.aws import Aws, as_text, fields_of, listed
from lab.template import Resource

DEFAULT_REGION = "us-east-1"
ALARM_PROPERTIES = (
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluationPeriods",
    "MetricName",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "TreatMissingData",
    "Unit",
)


def make_table(aws: Aws, resource: Resource) -> None:
    """The table with its indexes, expiry and backups; one that is there keeps its items."""
    name, properties = resource.physical.name, resource.properties
    if aws.exists("dynamodb", "describe_table", TableName=name):
        return
    aws.call(
        "dynamodb",
        "create_table",
        TableName=name,
        BillingMode=properties.get("BillingMode"),
        AttributeDefinitions=listed(resource, "AttributeDefinitions"),
        KeySchema=listed(resource, "KeySchema"),
        GlobalSecondaryIndexes=properties.get("GlobalSecondaryIndexes"),
        DeletionProtectionEnabled=properties.get("DeletionProtectionEnabled"),
        SSESpecification=_sse_specification(fields_of(resource, "SSESpecification")),
    )
    expiry = fields_of(resource, "TimeToLiveSpecification")
    if expiry:
        aws.call("dynamodb", "update_time_to_live", TableName=name, TimeToLiveSpecification=expiry)
    backups = fields_of(resource, "PointInTimeRecoverySpecification")
    if backups:
        aws.call(
            "dynamodb",
            "update_continuous_backups",
            TableName=name,
            PointInTimeRecoverySpecification=backups,
        )


def make_bucket(aws: Aws, resource: Resource) -> None:
    """The bucket with its encryption, ownership, versioning, lifecycle and access block."""
    name = resource.physical.name
    if not aws.exists("s3", "head_bucket", Bucket=name):
        location = {"LocationConstraint": aws.region} if aws.region != DEFAULT_REGION else None
        aws.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=location)
    for setting, operation, parameter, value in (
        (
            "BucketEncryption",
            "put_bucket_encryption",
            "ServerSideEncryptionConfiguration",
            _encryption(fields_of(resource, "BucketEncryption")),
        ),
        (
            "OwnershipControls",
            "put_bucket_ownership_controls",
            "OwnershipControls",
            resource.properties.get("OwnershipControls"),
        ),
        (
            "PublicAccessBlockConfiguration",
            "put_public_access_block",
            "PublicAccessBlockConfiguration",
            resource.properties.get("PublicAccessBlockConfiguration"),
        ),
        (
            "VersioningConfiguration",
            "put_bucket_versioning",
            "VersioningConfiguration",
            resource.properties.get("VersioningConfiguration"),
        ),
        (
            "LifecycleConfiguration",
            "put_bucket_lifecycle_configuration",
            "LifecycleConfiguration",
            _lifecycle(fields_of(resource, "LifecycleConfiguration")),
        ),
    ):
        if setting in resource.properties:
            aws.call("s3", operation, **{"Bucket": name, parameter: value})


def make_bucket_policy(aws: Aws, resource: Resource) -> None:
    """The bucket's policy."""
    properties = resource.properties
    policy = as_text(properties.get("PolicyDocument"))
    aws.call("s3", "put_bucket_policy", Bucket=properties.get("Bucket"), Policy=policy)


def make_log_group(aws: Aws, resource: Resource) -> None:
    """The log group with its retention."""
    name = resource.physical.name
    try:
        aws.call("logs", "create_log_group", logGroupName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
    days = resource.properties.get("RetentionInDays")
    if days is not None:
        # A template's number may have come through a parameter, as text.
        aws.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=int(str(days)))


def make_alarm(aws: Aws, resource: Resource) -> None:
    """The alarm; moto never raises it."""
    settings: dict[str, Any] = {
        name: resource.properties[name] for name in ALARM_PROPERTIES if name in resource.properties
    }
    aws.call("cloudwatch", "put_metric_alarm", AlarmName=resource.physical.name, **settings)


def remove_alarm(aws: Aws, resource: Resource) -> None:
    """The alarm is gone."""
    aws.call("cloudwatch", "delete_alarms", AlarmNames=[resource.physical.name])


def _sse_specification(declared: Fields) -> dict[str, Json] | None:
    """CloudFormation says SSEEnabled where the API says Enabled."""
    if not declared:
        return None
    rest = {name: value for name, value in declared.items() if name != "SSEEnabled"}
    return {"Enabled": declared.get("SSEEnabled", False), **rest}


def _encryption(declared: Fields) -> dict[str, Json]:
    """CloudFormation's name for the rules is not the API's."""
    rules: list[Json] = []
    listed_rules = declared.get("ServerSideEncryptionConfiguration", [])
    for rule in listed_rules if isinstance(listed_rules, list) else []:
        if isinstance(rule, dict):
            default = rule.get("ServerSideEncryptionByDefault")
            rest = {k: v for k, v in rule.items() if k != "ServerSideEncryptionByDefault"}
            rules.append({**rest, "ApplyServerSideEncryptionByDefault": default})
    return {"Rules": rules}


def _lifecycle(declared: Fields) -> dict[str, Json]:
    """CloudFormation writes a rule's days flat, the API in an `Expiration`."""
    rules: list[Json] = []
    listed_rules = declared.get("Rules", [])
    for rule in listed_rules if isinstance(listed_rules, list) else []:
        if not isinstance(rule, dict):
            continue
        written: dict[str, Json] = {
            "ID": rule.get("Id"),
            "Status": rule.get("Status"),
            "Filter": {"Prefix": rule.get("Prefix", "")},
        }
        if "ExpirationInDays" in rule:
            written["Expiration"] = {"Days": rule["ExpirationInDays"]}
        if "AbortIncompleteMultipartUpload" in rule:
            written["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
        rules.append(written)
    return {"Rules": rules}
