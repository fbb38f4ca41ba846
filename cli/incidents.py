"""`replimend incidents` and `replimend incident`: what the ledger holds, for people or programs."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli import rendering
from cli.errors import Exit
from cli.layout import listing, moment, plain, rows
from cli.ledger import Ledger
from cli.output import Output
from cli.records import incident_entry, incident_record
from replimend.domain.incident import Status


def list_incidents(ledger: Ledger, output: Output, status: Status | None) -> int:
    """Show every incident, or those that stand so, the last changed first."""
    wanted = Status if status is None else (status,)
    found = [each for one in wanted for each in ledger.incidents.in_status(one)]
    found.sort(key=lambda incident: incident.updated_at, reverse=True)
    entries = [incident_entry(each) for each in found]
    output.show(_table(entries) if entries else Text("no incidents"))
    output.document({"incidents": entries})
    return Exit.DONE


def show_incident(ledger: Ledger, output: Output, incident_id: str) -> int:
    """Show the whole record of one incident; bad input if there is none of this id."""
    incident = ledger.incidents.find(incident_id)
    if incident is None:
        raise click.BadParameter(f"there is no incident {incident_id}", param_hint="'INCIDENT_ID'")
    record = incident_record(incident, ledger)
    output.show(*_page(record))
    output.document(record)
    return Exit.DONE


def _table(entries: list[dict[str, Any]]) -> RenderableType:
    table = listing("Incident", "Status", "Cause", "Pair", "Updated", "Summary")
    for each in entries:
        status = each["status"]
        table.add_row(
            Text(plain(each["incidentId"])),
            Text(status, rendering.STATUS_STYLES.get(status, rendering.OPEN)),
            Text(plain(each["cause"])),
            Text(f"{plain(each['bucket'])} → {plain(each['destinationBucket'])}"),
            Text(moment(each["updatedAt"])),
            Text(plain(each["summary"])),
        )
    return table


def _page(record: Mapping[str, Any]) -> list[RenderableType]:
    incident = record["incident"]
    page: list[RenderableType] = [
        rows(
            ("Incident", incident["incidentId"]),
            ("Status", f"{incident['status']}, round {incident['round']}"),
            ("Summary", incident["summary"]),
            ("Opened", moment(incident["openedAt"])),
            ("Role", incident["roleArn"] or None),
            ("Approved by", incident["approvedBy"]),
            *(("Failures", _group(each)) for each in record["groups"]),
        )
    ]
    if record["diagnosis"] is not None:
        page += [
            "",
            rendering.diagnosis(record["diagnosis"]),
            rendering.plan(record["plan"]),
            rendering.verdict(record["verdict"]),
        ]
    page += ["", *(rendering.step(each) for each in record["history"])]
    page += [_change(each) for each in record["changes"]]
    if record["progress"] is not None:
        page += ["", rendering.progress(record["progress"])]
    return [*page, "", rendering.outcomes(record["objects"])]


def _group(group: Mapping[str, Any]) -> str:
    pair = f"{group['bucket']} → {group['destinationBucket']}"
    return f"{pair}, rule {group['ruleId']}: {group['reason']}"


def _change(change: Mapping[str, Any]) -> RenderableType:
    return Group(
        "",
        rows(
            ("Change", f"{change['changeId']}, {change['state']}, {moment(change['at'])}"),
            ("Of", rendering.change_title(change)),
            ("Why", change["why"]),
            ("Approved by", change["approvedBy"]),
            ("Analyzer", _opinion(change["secondOpinion"])),
            ("Adopted", change["adopted"]),
            ("To undo", f"replimend roll-back {change['changeId']}"),
            ("To adopt", f"replimend patch {change['changeId']}"),
        ),
        Padding(
            rendering.policy_diff(change["before"], change["after"]), (1, 0, 0, 2), expand=False
        ),
    )


def _opinion(checks: list[dict[str, str]] | None) -> str | None:
    """What IAM Access Analyzer said of a change, check by check."""
    if checks is None:
        return None
    said = (f"{each['name']} {each['result']}: {each['says']}".rstrip(": ") for each in checks)
    return "; ".join(said)
