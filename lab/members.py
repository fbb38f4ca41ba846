"""Which member stacks a world needs, and with which parameters."""

from collections.abc import Iterator, Mapping

from lab.documents import Fields
from lab.physical import Place
from lab.world_model import World

HOME_STACK = "replimend"
MEMBER_STACK = "replimend-member"
SHARED = (
    "AllowedChanges",
    "MemberExternalId",
    "MemberReaderRoleName",
    "MemberRepairerRoleName",
    "PermissionsBoundaryArn",
    "ReplicationRoleArns",
    "RequiredTag",
)


def home_place(world: World) -> Place:
    """Where the home stack is: with the source bucket."""
    return Place(account=world.source.account, region=world.source.region, stack=HOME_STACK)


def member_places(world: World) -> tuple[Place, ...]:
    """Where member stacks go: the home account's other Regions, and every other account once.

    KMS logs a denial in the caller's account, in the Region of the key.
    """
    home = home_place(world)
    others = {name: bucket for name, bucket in world.buckets.items() if name != "source"}.values()
    regions = {key.arn.region for key in world.keys.values()} | {each.region for each in others}
    accounts: dict[str, str] = {}
    for account, region in (
        *((each.account, each.region) for each in others),
        *((key.arn.account, key.arn.region) for key in world.keys.values()),
    ):
        accounts.setdefault(account, region)
    return tuple(_places(home, sorted(regions), accounts))


def member_parameters(
    template: Fields, world: World, home: Mapping[str, str], place: Place
) -> dict[str, str]:
    """A member stack's parameters when the home stack has these; buckets are its own account's."""
    buckets = [
        bucket.arn
        for name, bucket in world.buckets.items()
        if name != "source" and bucket.account == place.account
    ]
    keys = [
        arn for arn in home.get("RepairableKeyArns", "").split(",") if f":{place.account}:" in arn
    ]
    source = world.source
    parameters = {
        "HomeAccountId": source.account,
        "HomeRegion": source.region,
        "HomeStackName": HOME_STACK,
        "DestinationBucketArns": ",".join(buckets),
        "RepairableKeyArns": ",".join(keys),
        **{name: home[name] for name in SHARED if name in home},
    }
    declared = template.get("Parameters")
    known = declared if isinstance(declared, dict) else {}
    return {name: value for name, value in parameters.items() if name in known}


def _places(home: Place, regions: list[str], accounts: Mapping[str, str]) -> Iterator[Place]:
    for region in regions:
        if region != home.region:
            yield Place(account=home.account, region=region, stack=MEMBER_STACK)
    for account, region in accounts.items():
        if account != home.account:
            yield Place(account=account, region=region, stack=MEMBER_STACK)
