"""A stack without a deployment: a table in moto, and functions whose answers a test gives."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cli.ledger import Ledger
from cli.stack import Stack
from replimend.domain.answers import diagnosis_answer, plan_answer, verdict_answer
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import FailureGroup, Incident, Sample, Status
from replimend.domain.recopy.objects import HeldObject, Outcome, OutcomeKind
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Plan
from replimend.domain.repair.verdicts import Approved
from replimend.domain.signals import ReplicationFailed
from replimend.gateways.table import Table
from replimend.inbound.commands import command_of
from replimend.inbound.manual import parse_manual_request
from replimend.usecases.triage import incident_answer
from tests.facts import NOON, ROLE_ARN, VERSION, flagship_facts

REGION = "eu-west-1"
TABLE = "replimend-IncidentsTable"
TRIAGE, REPAIR, RECOPY = "TriageFunction", "RepairFunction", "RecopyFunction"
INCIDENT_ID = "0123456789ab"
GROUP = FailureGroup(
    bucket="orders-ireland",
    rule_id="to-frankfurt",
    destination_bucket="orders-frankfurt",
    reason="DstPutObjectNotPermitted",
)
FACTS = flagship_facts()
DIAGNOSIS = diagnose(FACTS, FailureReason.parse(GROUP.reason))


def a_plan() -> Plan:
    """The plan that mends the flagship pair."""
    plan = plan_for(DIAGNOSIS, FACTS)
    assert isinstance(plan, Plan)
    return plan


PLAN = a_plan()
ANSWER = {
    "diagnosis": diagnosis_answer(DIAGNOSIS),
    "plan": plan_answer(PLAN),
    "verdict": verdict_answer(Approved(plan_hash=PLAN.hash)),
}


@dataclass
class MadeUpStack:
    """Fills the ledger through the product's gateways, as the functions would."""

    stack: Stack
    stubber: Stubber
    now: datetime = field(default=NOON)

    def open(self, status: Status, incident_id: str = INCIDENT_ID, **changes: Any) -> Incident:
        """A newly diagnosed incident of the flagship group."""
        incident = Incident(
            **{
                "incident_id": incident_id,
                "status": status,
                "round": 1,
                "group": GROUP,
                "sample": Sample(key="a", version_id=VERSION),
                "cause": DIAGNOSIS.cause.value,
                "confidence": DIAGNOSIS.confidence.value,
                "summary": DIAGNOSIS.next,
                "role_arn": ROLE_ARN,
                "plan_hash": PLAN.hash,
                "replayed": False,
                "opened_at": NOON,
                "updated_at": self.now,
                **changes,
            }
        )
        incidents = self.stack.ledger.incidents
        known = incidents.find(incident_id)
        incidents.save_diagnosis(incident, known, incident.group, json.dumps(ANSWER))
        return self.stack.ledger.incident(incident_id)

    def move(self, status: Status, summary: str, incident_id: str = INCIDENT_ID) -> None:
        """The incident's next state, a minute later."""
        self.now += timedelta(minutes=1)
        incidents = self.stack.ledger.incidents
        incident = self.stack.ledger.incident(incident_id)
        assert incidents.move(incident, status, self.now, summary=summary)

    def hold(self, *keys: str) -> list[HeldObject]:
        """Versions that failed to replicate, in the order of their keys."""
        failures = [(GROUP, _failure(key)) for key in keys]
        self.stack.ledger.signals.record_failures(failures)
        held = (each for each, _ in self.stack.ledger.held.outcomes([GROUP]))
        return sorted(held, key=lambda each: each.key)

    def settle(self, kind: OutcomeKind, *held: HeldObject) -> None:
        """How these versions ended."""
        outcome = Outcome(kind=kind, at=self.now + timedelta(minutes=1), says=f"it is {kind}")
        self.stack.ledger.held.record_outcomes((each, outcome) for each in held)

    def answers(self, function: str, asked: Mapping[str, Any], answer: object) -> None:
        """Let the function give this answer to this payload, which inbound has to understand."""
        parse_manual_request(asked) if function == TRIAGE else command_of(asked)
        self._invoked(function, asked, {"Payload": _body(answer)})

    def fails(self, function: str, asked: Mapping[str, Any], error: object) -> None:
        """Let the function fail on this payload."""
        self._invoked(function, asked, {"Payload": _body(error), "FunctionError": "Unhandled"})

    def _invoked(self, function: str, asked: Mapping[str, Any], answer: dict[str, Any]) -> None:
        self.stubber.add_response(
            "invoke",
            {"StatusCode": 200, **answer},
            {"FunctionName": function, "Payload": json.dumps(asked).encode()},
        )


def triage_answer(incident: Incident | None, **changes: object) -> dict[str, object]:
    """What triage answers about an object of this incident."""
    at = incident_answer(incident) if incident else None
    return {**ANSWER, "incident": at, "others": [], **changes}


def make_table() -> Table:
    """The ledger's table, empty, keyed and indexed as template.yaml has it."""
    client = boto3.client("dynamodb", region_name=REGION)
    names = ("pk", "sk", "status", "updated_at")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_status",
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "updated_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return Table(client=client, name=TABLE)


def make_stack() -> MadeUpStack:
    """A stack over an empty table; every invocation has to be announced with `answers`."""
    functions = boto3.client("lambda", region_name=REGION)
    stubber = Stubber(functions)
    stubber.activate()
    stack = Stack(
        triage=TRIAGE,
        repair=REPAIR,
        recopy=RECOPY,
        ledger=Ledger.over(make_table()),
        functions=functions,
        identity=boto3.client("sts", region_name=REGION),
    )
    return MadeUpStack(stack=stack, stubber=stubber)


def _failure(key: str) -> ReplicationFailed:
    return ReplicationFailed(
        bucket=GROUP.bucket,
        key=key,
        version_id=f"version of {key}",
        size=1_024,
        etag=None,
        rule_id=GROUP.rule_id,
        destination_bucket=GROUP.destination_bucket,
        reason=FailureReason.parse(GROUP.reason),
        operation="OBJECT_PUT",
        request_time=NOON,
        event_time=NOON,
        region=REGION,
        sequencer=None,
        replayed=False,
    )


def _body(answer: object) -> StreamingBody:
    content = json.dumps(answer).encode()
    return StreamingBody(io.BytesIO(content), len(content))
