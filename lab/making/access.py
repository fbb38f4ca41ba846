"""Roles and managed policies; after making, a role has exactly the policies that it declares."""

import json
import re

from moto.iam.models import AWSManagedPolicy, iam_backends

from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.making.aws import Aws, as_text, listed
from lab.template import Resource

PARTITION = "aws"
AWS_MANAGED = ":iam::aws:policy/"
BATCH_JOB = re.compile(r"arn:aws:s3:[a-z0-9-]+:\d{12}:job")


def _statement(*actions: str) -> Fields:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list[Json](actions), "Resource": "*"}],
    }


_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
AWS_MANAGED_POLICIES = {
    "service-role/AWSLambdaBasicExecutionRole": _statement(*_LOGS),
    "service-role/AWSLambdaSQSQueueExecutionRole": _statement(
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOGS
    ),
    "AWSXrayWriteOnlyAccess": _statement(
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ),
}
"""The policies that SAM attaches unasked, as AWS publishes them."""


def make_managed_policy(aws: Aws, resource: Resource) -> None:
    """The policy, its declared document the default version."""
    arn = resource.physical.arn
    document = as_text(resource.properties.get("PolicyDocument"))
    if aws.exists("iam", "get_policy", PolicyArn=arn):
        aws.call(
            "iam",
            "create_policy_version",
            PolicyArn=arn,
            PolicyDocument=document,
            SetAsDefault=True,
        )
        return
    aws.call(
        "iam",
        "create_policy",
        PolicyName=resource.physical.name,
        Path=resource.properties.get("Path"),
        PolicyDocument=document,
    )


def make_role(aws: Aws, resource: Resource) -> None:
    """The role with its trust, boundary and policies, and no others."""
    name, properties = resource.physical.name, resource.properties
    trust = as_text(properties.get("AssumeRolePolicyDocument"))
    boundary = properties.get("PermissionsBoundary")
    if aws.exists("iam", "get_role", RoleName=name):
        aws.call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=trust)
        if boundary is not None:
            aws.call(
                "iam",
                "put_role_permissions_boundary",
                RoleName=name,
                PermissionsBoundary=boundary,
            )
    else:
        aws.call(
            "iam",
            "create_role",
            RoleName=name,
            Path=properties.get("Path"),
            AssumeRolePolicyDocument=trust,
            PermissionsBoundary=boundary,
        )
    _put_inline_policies(aws, resource)
    _attach_policies(aws, resource)


def remove_role(aws: Aws, resource: Resource) -> None:
    """The role is gone; key policies that named it keep a principal that no longer is."""
    bare = Resource(
        logical_id=resource.logical_id,
        kind=resource.kind,
        properties={},
        physical=resource.physical,
    )
    _put_inline_policies(aws, bare)
    _attach_policies(aws, bare)
    aws.call("iam", "delete_role", RoleName=resource.physical.name)


def make_role_policy(aws: Aws, resource: Resource) -> None:
    """One inline policy of a role."""
    properties = resource.properties
    aws.call(
        "iam",
        "put_role_policy",
        RoleName=properties.get("RoleName"),
        PolicyName=properties.get("PolicyName"),
        PolicyDocument=as_text(properties.get("PolicyDocument")),
    )


def remove_role_policy(aws: Aws, resource: Resource) -> None:
    """That inline policy is gone."""
    properties = resource.properties
    role, policy = properties.get("RoleName"), properties.get("PolicyName")
    aws.call("iam", "delete_role_policy", RoleName=role, PolicyName=policy)


def know_aws_managed_policy(account: str, arn: str) -> None:
    """Have this policy of AWS's own in that account; `TemplateError` for one unknown here."""
    policies = iam_backends[account][PARTITION].managed_policies
    if AWS_MANAGED not in arn or arn in policies:
        return
    full_name = arn.split(AWS_MANAGED)[1]
    if full_name not in AWS_MANAGED_POLICIES:
        raise TemplateError(f"{arn}: the lab has no copy of this policy of AWS's")
    path, _, name = full_name.rpartition("/")
    policies[arn] = AWSManagedPolicy.from_data(
        name,
        account,
        PARTITION,
        {
            "Document": AWS_MANAGED_POLICIES[full_name],
            "DefaultVersionId": "v1",
            "Path": f"/{path}/" if path else "/",
            "CreateDate": "2015-04-09T15:03:43+00:00",
            "UpdateDate": "2015-04-09T15:03:43+00:00",
        },
    )


def _put_inline_policies(aws: Aws, resource: Resource) -> None:
    name = resource.physical.name
    declared = {}
    for policy in listed(resource, "Policies"):
        if not isinstance(policy, dict):
            raise TemplateError(f"Resources.{resource.logical_id}.Properties.Policies: no mapping")
        declared[str(policy["PolicyName"])] = json.dumps(policy["PolicyDocument"])
    for stale in aws.call("iam", "list_role_policies", RoleName=name)["PolicyNames"]:
        if stale not in declared:
            aws.call("iam", "delete_role_policy", RoleName=name, PolicyName=stale)
    for policy_name, document in declared.items():
        # moto checks the grammar, but takes the Region of a batch job's ARN for a mistake.
        checked = BATCH_JOB.sub("arn:aws:s3:::job", document)
        aws.call(
            "iam",
            "put_role_policy",
            RoleName=name,
            PolicyName=policy_name,
            PolicyDocument=checked,
        )
        iam_backends[aws.account][PARTITION].get_role(name).policies[policy_name] = document


def _attach_policies(aws: Aws, resource: Resource) -> None:
    name = resource.physical.name
    declared = [str(arn) for arn in listed(resource, "ManagedPolicyArns")]
    attached = [
        policy["PolicyArn"]
        for policy in aws.call("iam", "list_attached_role_policies", RoleName=name)[
            "AttachedPolicies"
        ]
    ]
    for arn in attached:
        if arn not in declared:
            aws.call("iam", "detach_role_policy", RoleName=name, PolicyArn=arn)
    for arn in declared:
        know_aws_managed_policy(aws.account, arn)
        aws.call("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
