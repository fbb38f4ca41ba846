"""The role that SAM makes for a function: what the template grants, and what SAM adds unasked.

As aws-sam-translator 1.115 does it, so that a function's permissions in the lab are those that it
will have: managed policies for logs, for polling queues, for tracing, and its failure destination.
"""

from typing import cast

from lab.documents import Fields, Json
from lab.errors import TemplateError

LOGS_POLICY = "service-role/AWSLambdaBasicExecutionRole"
QUEUE_POLICY = "service-role/AWSLambdaSQSQueueExecutionRole"
TRACING_POLICY = "AWSXrayWriteOnlyAccess"


def function_role(function: str, properties: Fields, events: Fields) -> Fields:
    """The properties of the role that SAM makes for this function, given its logical id."""
    managed = [LOGS_POLICY]
    if properties.get("Tracing") not in {None, "Disabled"}:
        managed.append(TRACING_POLICY)
    if any(isinstance(event, dict) and event.get("Type") == "SQS" for event in events.values()):
        managed.append(QUEUE_POLICY)
    policies = [
        {"PolicyName": f"{function}RolePolicy{index}", "PolicyDocument": document}
        for index, document in enumerate(_inline_documents(function, properties, managed))
    ] + [
        {"PolicyName": f"{function}Sends{index}", "PolicyDocument": document}
        for index, document in enumerate(_destination_documents(properties))
    ]
    role: Fields = {
        "AssumeRolePolicyDocument": properties.get("AssumeRolePolicyDocument", _LAMBDA_TRUST),
        "ManagedPolicyArns": [_managed_arn(name) for name in managed],
        "Policies": cast("list[Json]", policies),
        "Path": properties.get("RolePath"),
        "PermissionsBoundary": properties.get("PermissionsBoundary"),
    }
    return {name: value for name, value in role.items() if value is not None}


def _inline_documents(function: str, properties: Fields, managed: list[str]) -> list[Json]:
    documents: list[Json] = []
    policies = properties.get("Policies", [])
    for index, policy in enumerate(policies if isinstance(policies, list) else [policies]):
        match policy:
            case {"Statement": _}:
                documents.append(policy)
            case str():
                managed.append(policy)
            case _:
                raise TemplateError(
                    f"Resources.{function}.Properties.Policies[{index}]: "
                    "the lab knows policy documents and managed policies, no policy templates"
                )
    return documents


def _destination_documents(properties: Fields) -> list[Json]:
    targets: list[tuple[Json, Json]] = []
    if isinstance(queue := properties.get("DeadLetterQueue"), dict):
        targets.append((queue.get("Type"), queue.get("TargetArn")))
    configuration = properties.get("EventInvokeConfig")
    if isinstance(configuration, dict):
        destinations = configuration.get("DestinationConfig", {})
        targets += [
            (destination.get("Type"), destination.get("Destination"))
            for destination in (destinations.values() if isinstance(destinations, dict) else ())
            if isinstance(destination, dict)
        ]
    return [
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sns:Publish" if kind == "SNS" else "sqs:SendMessage",
                    "Resource": arn,
                }
            ],
        }
        for kind, arn in targets
    ]


_LAMBDA_TRUST: Fields = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com"]},
            "Action": ["sts:AssumeRole"],
        }
    ],
}


def _managed_arn(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:iam::aws:policy/{name}"
