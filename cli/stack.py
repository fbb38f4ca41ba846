"""The deployed stack: found by its CloudFormation outputs, asked by invoking its functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import CommandError
from cli.ledger import Ledger
from replimend.gateways.faults import code_of
from replimend.gateways.table import Table

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_sts.client import STSClient

READING = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4}
)
INVOKING = Config(
    connect_timeout=5,
    # Longer than the slowest function's timeout of 300 s, and once only: a command that was heard
    # but answered late must not be given twice.
    read_timeout=310,
    retries={"mode": "standard", "total_max_attempts": 1},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A deployed Replimend: the names of its functions, its ledger, and the caller's clients."""

    triage: str
    repair: str
    recopy: str
    ledger: Ledger
    functions: "LambdaClient"
    identity: "STSClient"

    def ask(self, function: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """The function's answer; CommandError with the function's own words if it failed."""
        response = self.functions.invoke(
            FunctionName=function, Payload=json.dumps(payload).encode()
        )
        answer = _object_in(response["Payload"].read())
        if answer is None:
            raise CommandError(f"{function} gave no answer: is it one of Replimend's functions?")
        if error := response.get("FunctionError"):
            kind, message = answer.get("errorType", error), answer.get("errorMessage", "no message")
            raise CommandError(f"{function} failed: {kind}: {message}")
        return answer

    def caller(self) -> str:
        """The ARN under which AWS knows the person at the command."""
        return self.identity.get_caller_identity()["Arn"]


def connect(name: str, region: str | None) -> Stack:
    """The stack of this name, in this Region or else the one that boto3 is configured for.

    CommandError if there is none, or if it is not Replimend's.
    """
    session = boto3.Session(region_name=region)
    try:
        outputs = _Outputs(stack=name, values=_outputs_of(name, session))
        table = outputs.named("IncidentsTableName")
        return Stack(
            triage=outputs.named("TriageFunctionName"),
            repair=outputs.named("RepairFunctionName"),
            recopy=outputs.named("RecopyFunctionName"),
            ledger=Ledger.over(
                Table(client=session.client("dynamodb", config=READING), name=table)
            ),
            functions=session.client("lambda", config=INVOKING),
            identity=session.client("sts", config=READING),
        )
    except ValueError as error:
        # What botocore raises for an endpoint that is no URL.
        raise CommandError(f"AWS cannot be reached as it is configured: {error}") from error


def _object_in(payload: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _outputs_of(name: str, session: boto3.Session) -> Mapping[str, str]:
    cloudformation = session.client("cloudformation", config=READING)
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        # CloudFormation has no code of its own for a stack that does not exist.
        region = cloudformation.meta.region_name
        raise CommandError(
            f"there is no stack {name!r} in {region}: give --stack, or set REPLIMEND_STACK"
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outputs:
    stack: str
    values: Mapping[str, str]

    def named(self, name: str) -> str:
        if name not in self.values:
            raise CommandError(f"the stack {self.stack!r} has no output {name}: is it Replimend's?")
        return self.values[name]
