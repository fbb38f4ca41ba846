"""The limits of a scenario: the home stack's parameters in each of its phases."""

from collections.abc import Mapping

from lab.documents import Json
from lab.fields import Section
from lab.world_model import World

EXTERNAL_ID = "replimend-lab"
PHASES = ("observe", "repair")

type Parameters = Mapping[str, str]


def read_limits(section: Section, world: World) -> Mapping[str, Parameters]:
    """Each phase's parameters; by default the repairing one allows all that this world has."""
    accounts = {world.role.account, *(bucket.account for bucket in world.buckets.values())}
    others = sorted(accounts - {world.source.account})
    # Without another account there is nothing to share an external ID with.
    external_id = {"MemberExternalId": EXTERNAL_ID} if others else {}
    destinations = [bucket.arn for name, bucket in world.buckets.items() if name != "source"]
    defaults: dict[str, Parameters] = {
        "observe": {"RepairMode": "observe", **external_id},
        "repair": {
            "RepairMode": "repair",
            "SourceBucketArns": world.source.arn,
            "DestinationBucketArns": ",".join(destinations),
            "ReplicationRoleArns": world.role.arn,
            "RepairableKeyArns": ",".join(str(key.arn) for key in world.keys.values()),
            "RepairableAccounts": ",".join(others),
            **external_id,
        },
    }
    return {phase: {**defaults[phase], **_parameters(section.section(phase))} for phase in PHASES}


def _parameters(section: Section) -> Parameters:
    return {name: _parameter(section, name, value) for name, value in section.fields().items()}


def _parameter(section: Section, name: str, value: Json) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(each, str) for each in value):
            return ",".join(map(str, value))
        case None:
            return ""
        case _:
            raise section.error(name, "must be a value or a list of texts")
