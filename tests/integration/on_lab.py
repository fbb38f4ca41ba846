"""Looking at the lab as an operator would, for the tests that run whole scenarios on it."""

import json
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from cli.ledger import Ledger
from cli.records import incident_record
from lab.clients import AwsClient
from lab.lab import Lab
from replimend.domain.incident import Incident, Status
from replimend.gateways.table import Table

ALL_DAY = timedelta(hours=12)


def table_of(lab: Lab) -> Table:
    assert lab.home.stack is not None
    name = lab.home.stack.outputs["IncidentsTableName"]
    return Table(client=lab.client("dynamodb"), name=name)


def ledger_of(lab: Lab) -> Ledger:
    return Ledger.over(table_of(lab))


def incidents(lab: Lab) -> list[Incident]:
    ledger = ledger_of(lab)
    return [each for status in Status for each in ledger.incidents.in_status(status)]


def the_record(lab: Lab) -> dict[str, Any]:
    (incident,) = incidents(lab)
    return incident_record(incident, ledger_of(lab))


def key_policy(lab: Lab, arn: str) -> dict[str, Any]:
    *_, region, account, _ = arn.split(":", 5)
    kms = lab.client("kms", account, region)
    policy: dict[str, Any] = json.loads(
        kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
    )
    return policy


def ask_about_the_first(lab: Lab) -> dict[str, Any]:
    """Invoke triage with the first version that failed, or that was put if none did."""
    source = lab.scenario.world.source
    s3 = lab.client("s3", source.account, source.region)
    places = [
        {"Bucket": source.name, "Key": each.key, "VersionId": each.version_id}
        for each in lab.versions
    ]
    failed = (each for each in places if _status(s3, each) == "FAILED")
    first = next(failed, places[0])
    return dict(
        lab.invoke(
            "TriageFunction",
            {"bucket": source.name, "key": first["Key"], "versionId": first["VersionId"]},
        )
    )


def approve_what_waits(lab: Lab) -> None:
    """Approve every plan that waits for a person, as an operator would."""
    for incident in incidents(lab):
        if incident.status is Status.AWAITING_APPROVAL:
            lab.invoke(
                "RepairFunction",
                {
                    "action": "approve",
                    "incidentId": incident.incident_id,
                    "planHash": incident.plan_hash,
                    "by": "arn:aws:iam::111111111111:user/operator",
                },
            )


def _status(s3: AwsClient, place: dict[str, str]) -> str:
    try:
        return str(s3.head_object(**place).get("ReplicationStatus", ""))
    except ClientError:
        return "gone"
