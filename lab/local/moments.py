"""Where the flagship stands when an event comes: the lab is brought there on its own clock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from botocore.exceptions import ClientError

from lab.build import Build
from lab.errors import LabError
from lab.lab import Lab
from lab.limits import Parameters
from lab.local.ledger import LedgerTable
from lab.scenario import SCENARIOS, Scenario

GLANCE = timedelta(seconds=1)
PATIENCE = timedelta(hours=1)
FLAGSHIP = SCENARIOS / "flagship.yaml"


class Moment(StrEnum):
    """A state of the lab that events are about, in words."""

    FAILED = "mode observe: every object has failed to replicate, and Replimend has not heard of it"
    UNPROVEN = "mode observe: one incident explains the failures, and no KMS denial was heard yet"
    PROVEN = "mode observe: one incident explains the failures, and KMS denials prove it"
    AWAITING_APPROVAL = "mode approve: the incident awaits a person's approval"
    REPAIRED = "mode repair: the change is made and in force; nothing has been re-copied yet"
    RESOLVED = "mode repair: the incident is resolved"


LASTS = {
    Moment.FAILED: timedelta(seconds=10),
    Moment.UNPROVEN: timedelta(seconds=15),
    Moment.PROVEN: timedelta(minutes=2),
    Moment.AWAITING_APPROVAL: timedelta(minutes=2),
    Moment.REPAIRED: timedelta(minutes=1),
    Moment.RESOLVED: timedelta(minutes=5),
}
"""About how long each takes: the lab starts so long ago, so that it ends up in the present.

The container has the machine's clock, and a denial counts for a day, an approval for another.
"""


def lab_for(moment: Moment, build: Build) -> Lab:
    """The flagship's lab, to be entered and then brought to this moment."""
    start = datetime.now(UTC) - LASTS[moment]
    return Lab.from_scenario(replace(Scenario.load(FLAGSHIP), start=start), build)


def bring(lab: Lab, moment: Moment) -> None:
    """Let time pass until the lab stands there; `LabError` if it does not get there."""
    lab.deploy(_parameters(lab, moment))
    match moment:
        case Moment.FAILED:
            _pass_until(lab, moment, lambda: _all_failed(lab))
        case Moment.UNPROVEN:
            _pass_until(lab, moment, lambda: _incident(lab, "status") == "observed")
            _require(moment, holds=_incident(lab, "confidence") != "proven")
        case Moment.PROVEN:
            lab.run(PATIENCE)
            _require(moment, holds=_incident(lab, "confidence") == "proven")
        case Moment.AWAITING_APPROVAL:
            lab.run(PATIENCE)
            _require(moment, holds=_incident(lab, "status") == "awaiting_approval")
        case Moment.REPAIRED:
            _pass_until(lab, moment, lambda: _incident(lab, "status") == "repaired")
            lab.clock.advance(lab.scenario.behaviour.policies_take_effect_after + GLANCE)
            _require(moment, holds=_incident(lab, "status") == "repaired")
        case Moment.RESOLVED:
            lab.run(PATIENCE)
            _require(moment, holds=_incident(lab, "status") == "resolved")
        case unreachable:
            assert_never(unreachable)


def _parameters(lab: Lab, moment: Moment) -> Parameters:
    limits = lab.scenario.limits
    match moment:
        case Moment.FAILED | Moment.UNPROVEN | Moment.PROVEN:
            return limits["observe"]
        case Moment.AWAITING_APPROVAL:
            return {**limits["repair"], "RepairMode": "approve"}
        case Moment.REPAIRED | Moment.RESOLVED:
            return limits["repair"]
        case unreachable:
            assert_never(unreachable)


def _all_failed(lab: Lab) -> bool:
    """Whether everything has been put, and all of it is FAILED."""
    if len(lab.versions) < len(lab.scenario.objects):
        return False
    return all(
        replication_status(lab, each.key, each.version_id) == "FAILED" for each in lab.versions
    )


def replication_status(lab: Lab, key: str, version_id: str) -> str:
    """What S3 says of this version in the source bucket."""
    bucket = lab.scenario.world.source.name
    try:
        head = lab.client("s3").head_object(Bucket=bucket, Key=key, VersionId=version_id)
    except ClientError as error:
        return str(error)
    return str(head.get("ReplicationStatus"))


def _incident(lab: Lab, attribute: str) -> str | None:
    incidents = LedgerTable.of(lab).incidents
    return incidents[0][attribute] if len(incidents) == 1 else None


def _pass_until(lab: Lab, moment: Moment, holds: Callable[[], bool]) -> None:
    until = lab.now() + PATIENCE
    while not holds() and lab.now() < until:
        lab.clock.advance(GLANCE)
    _require(moment, holds=holds())


def _require(moment: Moment, *, holds: bool) -> None:
    if not holds:
        raise LabError(f"the flagship did not get to where it should be: {moment}")
