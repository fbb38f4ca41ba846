"""What befalls a world later on: somebody edits it, or somebody else re-copies the objects.

Each turn is a whole world; what differs from the one before is changed by the administrators of its
accounts. Only a key's state is put there directly: no caller can make a key `Creating`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from lab.clock import Clock
from lab.errors import ScenarioError
from lab.gate import Gate
from lab.key_store import KeyState, delete_key, set_state
from lab.making.storage import DEFAULT_REGION
from lab.storage import Storage
from lab.uploads import Uploads
from lab.world import WorldMaker, create_grant, put_key_policy, replicate
from lab.world_model import Bucket, GrantPlan, Key, Versioning, World
from lab.world_replication import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How the world is from `at` on, counted from the start.

    `is_recopied` when somebody runs a batch job over all that was put, after the edits;
    `has_lost_replicas` when somebody deletes every replica by its version id before that.
    """

    at: timedelta
    world: World
    is_recopied: bool
    has_lost_replicas: bool


class WorldChanges:
    """Lets every turn of a scenario come to pass on the lab's clock."""

    def __init__(
        self,
        gate: Gate,
        clock: Clock,
        storage: Storage,
        *,
        uploads: Uploads,
        world: World,
        turns: tuple[Turn, ...],
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._storage = storage
        self._uploads = uploads
        self._world = world
        self._turns = turns

    def plan(self) -> None:
        """Ask the clock for every turn."""
        before = self._world
        for turn in self._turns:
            happen = partial(self._happen, before, turn)
            self._clock.after(turn.at, "somebody changes the world", happen)
            before = turn.world

    def _happen(self, before: World, turn: Turn) -> None:
        change_world(self._gate, before, turn.world)
        self._storage.policies.note()
        if turn.has_lost_replicas:
            self._delete_replicas()
        if turn.is_recopied:
            delay = self._storage.policies.delay
            self._clock.after(delay, "somebody re-copies all", self._recopy)

    def _delete_replicas(self) -> None:
        for bucket in self._world.buckets.values():
            if bucket is self._world.source:
                continue
            s3 = self._gate.client("s3", bucket.account, bucket.region)
            for each in s3.list_object_versions(Bucket=bucket.name).get("Versions", []):
                s3.delete_object(Bucket=bucket.name, Key=each["Key"], VersionId=each["VersionId"])

    def _recopy(self) -> None:
        source = self._world.source.name
        for version in self._uploads.versions:
            self._storage.replication.replicate(source, version.key, version.version_id)


def change_world(gate: Gate, before: World, after: World) -> None:
    """Make the world that was `before` what it is `after`, through its administrators' calls.

    `ScenarioError` for a bucket or key that was not there before.
    """
    for name, key in after.keys.items():
        _change_key(gate, _known(before.keys, name), key)
    _change_role(gate, before.role, after.role)
    maker = WorldMaker(gate, after)
    for name, bucket in after.buckets.items():
        _change_bucket(gate, maker, _known(before.buckets, name), bucket)
    if (before.rules, before.replication_role) != (after.rules, after.replication_role):
        _change_rules(gate, after)


def _known[Thing](things: Mapping[str, Thing], name: str) -> Thing:
    if name not in things:
        raise ScenarioError(f"later: the world has no {name} before")
    return things[name]


def _change_key(gate: Gate, before: Key, after: Key) -> None:
    arn = str(after.arn)
    if after.policy is not None and after.policy != before.policy:
        put_key_policy(gate, after.arn, after.policy)
    kept = [grant for grant in before.grants if grant in after.grants]
    for gone in (grant for grant in before.grants if grant not in kept):
        _revoke(gate, after, gone)
    for new in (grant for grant in after.grants if grant not in kept):
        create_grant(gate, after.arn, new)
    if before.exists and not after.exists:
        delete_key(arn)
    elif before.state is not after.state:
        _change_state(gate, after)


def _change_state(gate: Gate, key: Key) -> None:
    kms = gate.client("kms", key.arn.account, key.arn.region)
    match key.state:
        case KeyState.DISABLED:
            kms.disable_key(KeyId=str(key.arn))
        case KeyState.PENDING_DELETION:
            kms.schedule_key_deletion(KeyId=str(key.arn), PendingWindowInDays=30)
        case _:
            set_state(str(key.arn), key.state)


def _revoke(gate: Gate, key: Key, grant: GrantPlan) -> None:
    kms = gate.client("kms", key.arn.account, key.arn.region)
    for each in kms.list_grants(KeyId=str(key.arn))["Grants"]:
        if each.get("Name") == grant.name:
            kms.revoke_grant(KeyId=str(key.arn), GrantId=each["GrantId"])


def _change_role(gate: Gate, before: Role, after: Role) -> None:
    iam = gate.client("iam", after.account, DEFAULT_REGION)
    for name, document in after.inline.items():
        if before.inline.get(name) != document:
            iam.put_role_policy(RoleName=after.name, PolicyName=name, PolicyDocument=document)
    for name in set(before.inline) - set(after.inline):
        iam.delete_role_policy(RoleName=after.name, PolicyName=name)
    if after.trust is not None and after.trust != before.trust:
        iam.update_assume_role_policy(RoleName=after.name, PolicyDocument=after.trust)
    if before.boundary is not None and after.boundary is None:
        iam.delete_role_permissions_boundary(RoleName=after.name)


def _change_bucket(gate: Gate, maker: WorldMaker, before: Bucket, after: Bucket) -> None:
    s3 = gate.client("s3", after.account, after.region)
    if after.policy != before.policy and after.policy is not None:
        s3.put_bucket_policy(Bucket=after.name, Policy=after.policy)
    elif after.policy != before.policy:
        s3.delete_bucket_policy(Bucket=after.name)
    if after.versioning is Versioning.ENABLED and after.versioning is not before.versioning:
        enabled = {"Status": str(after.versioning)}
        s3.put_bucket_versioning(Bucket=after.name, VersioningConfiguration=enabled)
    elif (after.exists, after.versioning) != (before.exists, before.versioning):
        maker.neglect(after)


def _change_rules(gate: Gate, world: World) -> None:
    source = world.source
    if world.rules:
        replicate(gate, world)
    else:
        s3 = gate.client("s3", source.account, source.region)
        s3.delete_bucket_replication(Bucket=source.name)
