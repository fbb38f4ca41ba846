"""The two templates as CloudFormation would resolve them, and what their statements grant."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from lab.documents import read_template
from lab.physical import Place
from lab.template import Resource, Stack, resolve
from replimend.domain.access import Effect, LayerName, Layers, Policy, Request, evaluate

# What a test reads out of a template; a wrong shape fails the test that reads it.
type Fields = dict[str, Any]

CHECKOUT = Path(__file__).parents[2]
HOME_TEXT = (CHECKOUT / "template.yaml").read_text()
MEMBER_TEXT = (CHECKOUT / "templates/member.yaml").read_text()
HOME = cast("Fields", read_template(CHECKOUT / "template.yaml"))
MEMBER = cast("Fields", read_template(CHECKOUT / "templates/member.yaml"))

ACCOUNT = "111111111111"
REGION = "eu-west-1"
OTHER_ACCOUNT = "222222222222"
OTHER_REGION = "eu-central-1"

SOURCE_BUCKET = "arn:aws:s3:::orders-ireland"
DESTINATION_BUCKET = "arn:aws:s3:::orders-frankfurt"
REPLICATION_ROLE = "arn:aws:iam::111111111111:role/replication/orders-replication"
SOURCE_KEY = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111"
DESTINATION_KEY = "arn:aws:kms:eu-central-1:222222222222:key/22222222-2222-4222-8222-222222222222"

EVERY_KIND = "role_policy,key_policy,grant,bucket_policy,replication_configuration,key_state"

OBSERVING: Mapping[str, str] = {}
REPAIRING: Mapping[str, str] = {
    "RepairMode": "repair",
    "SourceBucketArns": SOURCE_BUCKET,
    "DestinationBucketArns": DESTINATION_BUCKET,
    "ReplicationRoleArns": REPLICATION_ROLE,
    "RepairableKeyArns": f"{SOURCE_KEY},{DESTINATION_KEY}",
    "RepairableAccounts": OTHER_ACCOUNT,
    "MemberExternalId": "orders-replimend",
    "AllowedChanges": EVERY_KIND,
}
MEMBER_PARAMETERS: Mapping[str, str] = {
    "HomeAccountId": ACCOUNT,
    "HomeRegion": REGION,
    "MemberExternalId": "orders-replimend",
    "DestinationBucketArns": DESTINATION_BUCKET,
    "RepairableKeyArns": DESTINATION_KEY,
    "ReplicationRoleArns": REPLICATION_ROLE,
    "AllowedChanges": EVERY_KIND,
}

FUNCTIONS = ("TriageFunction", "RepairFunction", "RecopyFunction", "SweepFunction")


def home_stack(parameters: Mapping[str, str] = OBSERVING) -> Stack:
    """The home stack in its account and Region."""
    return resolve(HOME, Place(account=ACCOUNT, region=REGION, stack="replimend"), parameters)


def member_stack(
    account: str, region: str, parameters: Mapping[str, str] = MEMBER_PARAMETERS
) -> Stack:
    """A member stack in that account and Region."""
    return resolve(MEMBER, Place(account=account, region=region, stack="member"), parameters)


def properties(resource: Resource) -> Fields:
    """A resource's properties, to be read by a test."""
    return cast("Fields", resource.properties)


def documents(stack: Stack, role: str) -> list[Fields]:
    """The inline policy documents of that role."""
    policies = properties(stack.resource(role))["Policies"]
    return [policy["PolicyDocument"] for policy in policies]


def granted_actions(function: str, parameters: Mapping[str, str]) -> frozenset[str]:
    """The actions that a function's own statements allow, on whatever resource and condition."""
    return frozenset(
        action
        for document in documents(home_stack(parameters), f"{function}Role")
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    )


def may(
    stack: Stack,
    role: str,
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]] = MappingProxyType({}),
) -> bool:
    """Whether the role's inline policies allow that, whatever the resource's own policy says."""
    return effect(stack, role, action, resource, context) is Effect.ALLOWED


def effect(
    stack: Stack,
    role: str,
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]] = MappingProxyType({}),
) -> Effect:
    """What the role's inline policies say of that action."""
    account = stack.place.account
    decision = evaluate(
        Request(
            principal=stack.resource(role).physical.arn,
            principal_account=account,
            action=action,
            resource=resource,
            resource_account=resource.split(":")[4] or account,
            context=context,
        ),
        Layers(
            identity=tuple(Policy.parse(each, name=role) for each in documents(stack, role)),
            resource=None,
        ),
    )
    effects = {each.layer: each.effect for each in decision.layers}
    return effects[LayerName.IDENTITY]


def statements(template: Fields) -> Iterator[Fields]:
    """Every policy statement that a template writes, whatever its conditions."""
    yield from _statements(template["Resources"])


def listed(value: object) -> list[str]:
    """A policy element that may be one text or a list of them, as a list."""
    return [value] if isinstance(value, str) else list(cast("list[str]", value))


def _statements(node: object) -> Iterator[Fields]:
    match node:
        case {"Effect": _}:
            yield cast("Fields", node)
        case dict():
            for value in node.values():
                yield from _statements(value)
        case list():
            for value in node:
                yield from _statements(value)
        case _:
            return
