"""The deployment rehearsal: `sam deploy` of the built template onto ministack, then one event.

It shows that SAM and CloudFormation take the template, and that a deployed function works with its
settings and under its own role, by engines that share no code with the lab. Nothing of this is AWS
itself, and what ministack cannot run is said. Run as `python -m lab.rehearse`.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from rich.console import Console

from lab.build import PROJECT, find_build
from lab.clients import AwsClient
from lab.errors import LabError
from lab.ministack import ACCOUNT, REGION, Ministack, running_ministack

STACK: Final = "replimend"
EVENT: Final = "events/s3-replication-failed-dst-put-not-permitted.json"
EXPECTED_STATUS: Final = "escalated"  # there is nothing to read, so triage must not guess
ANSWERS_WITHIN: Final = 60.0  # seconds; one or two are usual
SOURCE_KEY: Final = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-4111-8111-111111111111"

# Every list filled and the mode at repair, so that every conditional statement is deployed.
# ministack's conditions do not know Fn::Join: they would take an empty list for a filled one.
PARAMETERS: Final = {
    "RepairMode": "repair",
    "SourceBucketArns": "arn:aws:s3:::orders-ireland",
    "DestinationBucketArns": "arn:aws:s3:::orders-frankfurt",
    "ReplicationRoleArns": f"arn:aws:iam::{ACCOUNT}:role/replication/orders-replication",
    "RepairableKeyArns": SOURCE_KEY,
    "RepairableAccounts": "222222222222",
    "MemberExternalId": "replimend-rehearsal",
    "Architecture": "x86_64",
    "ArchiveFailures": "false",
}

type Say = Callable[[str], None]


def main() -> int:
    """Rehearse and tell; 1 with one line on standard error if anything did not happen."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        rehearse(lambda line: console.print(line, markup=False))
    except LabError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"rehearse: {error}", markup=False
        )
        return 1
    return 0


def rehearse(say: Say, project: Path = PROJECT, patience: float = ANSWERS_WITHIN) -> None:
    """Deploy, check the roles, send an event and await its incident for `patience` seconds.

    `LabError` says what did not happen.
    """
    started = time.monotonic()
    find_build(project)
    with running_ministack(project) as server:
        say(
            f"ministack {server.version} on {server.endpoint}, policies enforced "
            f"({_since(started)}); it models AWS, and is not AWS"
        )
        stack = _deployed(server, project, say)
        _check_who_may_repair(server, stack)
        say("its policy engine agrees: of the four functions only RepairFunction may write the key")
        delivery = (project / EVENT).read_text(encoding="utf-8")
        _await_the_incident(server, stack, delivery, patience, say)
    say(f"rehearsed in {_since(started)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deployed:
    """The stack's resources: physical id by logical id."""

    physical: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, logical_id: str) -> str:
        if logical_id not in self.physical:
            raise LabError(f"{logical_id} was not deployed")
        return self.physical[logical_id]


def _deployed(server: Ministack, project: Path, say: Say) -> _Deployed:
    started = time.monotonic()
    overrides = {**PARAMETERS, "AwsEndpointUrl": server.endpoint}
    done = subprocess.run(
        [
            project / ".venv/tools/sam/bin/sam",
            "deploy",
            *("--config-env", "dev", "--stack-name", STACK, "--no-progressbar"),
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in overrides.items()),
        ],
        cwd=project,  # where `sam` finds samconfig.toml and .aws-sam/build
        env=dict(server.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    cloudformation = server.client("cloudformation")
    if done.returncode != 0:
        reason = _failed_resource(cloudformation) or _last_line(f"{done.stdout}\n{done.stderr}")
        raise LabError(f"sam deploy ended with status {done.returncode}: {reason}")
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    say(f"sam deploy: {len(resources)} resources in {_since(started)}")
    kinds = Counter(each["ResourceType"].removeprefix("AWS::") for each in resources)
    say("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    say("  left out: the archive; ministack's CloudFormation knows no AWS::Events::Archive")
    say("  stored, not run: the Pipe; the event is put on the bus as the Pipe would put it")
    return _Deployed(
        physical={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    )


def _failed_resource(cloudformation: AwsClient) -> str | None:
    stacks = [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]]
    if STACK not in stacks:
        return None
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failures = [
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', 'no reason given')}"
        for each in events
        if each["ResourceStatus"].endswith("_FAILED")
    ]
    return failures[-1] if failures else None  # events are listed newest first


def _check_who_may_repair(server: Ministack, stack: _Deployed) -> None:
    iam = server.client("iam")
    expected: dict[str, Literal["allowed", "implicitDeny"]] = {
        "TriageFunctionRole": "implicitDeny",
        "RepairFunctionRole": "allowed",
        "RecopyFunctionRole": "implicitDeny",
        "SweepFunctionRole": "implicitDeny",
    }
    for role, decision in expected.items():
        answer = iam.simulate_principal_policy(
            PolicySourceArn=iam.get_role(RoleName=stack[role])["Role"]["Arn"],
            ActionNames=["kms:PutKeyPolicy"],
            ResourceArns=[SOURCE_KEY],
        )
        (result,) = answer["EvaluationResults"]
        if result["EvalDecision"] != decision:
            raise LabError(
                f"{role}: kms:PutKeyPolicy on a listed key is {result['EvalDecision']} "
                f"by ministack's policy engine, and should be {decision}"
            )


def _await_the_incident(
    server: Ministack, stack: _Deployed, delivery: str, patience: float, say: Say
) -> None:
    put_at = time.monotonic()
    _put_on_the_bus(server, stack, delivery)
    status = None
    while time.monotonic() - put_at < patience:
        incident = _incident(server.client("dynamodb"), stack["IncidentsTable"])
        if incident is not None and (status := incident["status"]) == EXPECTED_STATUS:
            say(
                f"event put on {stack['FailureBus']}; TriageFunction, as "
                f"{stack['TriageFunctionRole']}, wrote the ledger {_since(put_at)} later"
            )
            say(f"  {incident['pk']}: {status}, since the bucket is not there to be read")
            return
        time.sleep(0.1)
    reached = "no incident" if status is None else f"an incident that is {status}"
    raise LabError(
        f"TriageFunction left {reached} after {patience:.0f} s, not one that is "
        f"{EXPECTED_STATUS}; invoked by hand, it {_said_by_hand(server, stack, delivery)}"
    )


def _put_on_the_bus(server: Ministack, stack: _Deployed, delivery: str) -> None:
    """Put the event that is in this SQS delivery on the failure bus, as the Pipe would."""
    event = json.loads(json.loads(delivery)["Records"][0]["body"])
    entry = {
        "EventBusName": stack["FailureBus"],
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
    }
    answer = server.client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise LabError(f"{stack['FailureBus']} took no event: {answer['Entries'][0]}")


def _incident(dynamodb: AwsClient, table: str) -> dict[str, str] | None:
    """The texts of the incident's own item, if the table holds one."""
    for item in dynamodb.scan(TableName=table)["Items"]:
        texts = {name: value["S"] for name, value in item.items() if "S" in value}
        if texts["pk"].startswith("INCIDENT#") and "status" in texts:
            return texts
    return None


def _said_by_hand(server: Ministack, stack: _Deployed, delivery: str) -> str:
    answer = server.client("lambda").invoke(
        FunctionName=stack["TriageFunction"], Payload=delivery.encode()
    )
    said = answer["Payload"].read().decode()
    return f"{'raised' if 'FunctionError' in answer else 'answered'} {said}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
