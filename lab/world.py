"""A scenario's world, made in the lab: roles, keys, buckets, notifications, replication.

It is made by administrators through the gate, so that S3 and KMS refuse here what they refuse on
AWS; only what no caller could make (a key's id, a state such as `Creating`) is put there directly.
"""

from lab import moto_world
from lab.gate import Gate
from lab.key_store import KeyState, delete_key, let_aws_manage, make_key, set_state
from lab.making.access import know_aws_managed_policy
from lab.making.storage import DEFAULT_REGION
from lab.notifications import EVENT
from lab.world_model import STACK_QUEUE, Bucket, GrantPlan, Key, KeyManager, Versioning, World
from lab.world_replication import Role
from lab.world_shapes import default_encryption, replication_rule
from replimend.domain.arn import Arn

NOTIFICATION_ID = "replication-failures"


class WorldMaker:
    """Makes one world; `make` comes before the stack is deployed, `connect` after it."""

    def __init__(self, gate: Gate, world: World) -> None:
        self._gate = gate
        self._world = world

    def make(self) -> None:
        """Roles, keys and buckets, with their policies."""
        world = self._world
        self._make_role(world.role)
        for key in world.keys.values():
            self._make_key(key)
        for bucket in world.buckets.values():
            self._make_bucket(bucket)
        # Policies cannot name a role that never was, so one that is gone goes last.
        if world.role.is_recreated or not world.role.exists:
            self._delete_role(world.role)
        if world.role.is_recreated:
            self._make_role(world.role)

    def connect(self, notification_queue_arn: str) -> None:
        """Notifications and replication, then whatever cannot be used any more."""
        world = self._world
        for bucket in world.buckets.values():
            if bucket.notifications is not None:
                is_ours = bucket.notifications == STACK_QUEUE
                queue = notification_queue_arn if is_ours else bucket.notifications
                self._notify(bucket, queue)
        if world.rules:
            replicate(self._gate, world)
        # S3 would not have taken the rules for a bucket like these, so they became so later.
        for bucket in world.buckets.values():
            self.neglect(bucket)
        for key in world.keys.values():
            if not key.exists:
                delete_key(str(key.arn))
            elif key.state is not KeyState.ENABLED:
                set_state(str(key.arn), key.state)

    def _make_role(self, role: Role) -> None:
        iam = self._gate.client("iam", role.account, DEFAULT_REGION)
        boundary = {}
        if role.boundary is not None:
            arn = self._make_policy(role, f"{role.name}-boundary", role.boundary)
            boundary = {"PermissionsBoundary": arn}
        iam.create_role(
            RoleName=role.name,
            Path=role.path,
            AssumeRolePolicyDocument=role.trust or "{}",
            **boundary,
        )
        for name, document in role.inline.items():
            iam.put_role_policy(RoleName=role.name, PolicyName=name, PolicyDocument=document)
        for name, document in role.attached.items():
            arn = self._make_policy(role, name, document)
            iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)

    def _make_policy(self, role: Role, name: str, document: str) -> str:
        iam = self._gate.client("iam", role.account, DEFAULT_REGION)
        arn = f"arn:aws:iam::{role.account}:policy/{name}"
        know_aws_managed_policy(role.account, arn)
        found = {policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]}
        if arn not in found:
            iam.create_policy(PolicyName=name, PolicyDocument=document)
        return arn

    def _delete_role(self, role: Role) -> None:
        iam = self._gate.client("iam", role.account, DEFAULT_REGION)
        for name in role.inline:
            iam.delete_role_policy(RoleName=role.name, PolicyName=name)
        for name in role.attached:
            arn = f"arn:aws:iam::{role.account}:policy/{name}"
            iam.detach_role_policy(RoleName=role.name, PolicyArn=arn)
        iam.delete_role(RoleName=role.name)

    def _make_key(self, key: Key) -> None:
        made = make_key(str(key.arn), alias=key.alias)
        if key.manager is KeyManager.AWS:
            let_aws_manage(made)
            return
        if key.policy is not None:
            put_key_policy(self._gate, key.arn, key.policy)
        for grant in key.grants:
            create_grant(self._gate, key.arn, grant)

    def _make_bucket(self, bucket: Bucket) -> None:
        s3 = self._gate.client("s3", bucket.account, bucket.region)
        place = {}
        if bucket.region != DEFAULT_REGION:
            place = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
        lock = {"ObjectLockEnabledForBucket": True} if bucket.has_object_lock else {}
        s3.create_bucket(Bucket=bucket.name, **place, **lock)
        s3.put_bucket_versioning(
            Bucket=bucket.name, VersioningConfiguration={"Status": str(Versioning.ENABLED)}
        )
        s3.put_bucket_encryption(
            Bucket=bucket.name,
            ServerSideEncryptionConfiguration={"Rules": [default_encryption(bucket)]},
        )
        s3.put_bucket_ownership_controls(
            Bucket=bucket.name,
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        )
        if bucket.policy is not None:
            s3.put_bucket_policy(Bucket=bucket.name, Policy=bucket.policy)

    def neglect(self, bucket: Bucket) -> None:
        """Leave the bucket as it should not be: deleted, or without versioning."""
        s3 = self._gate.client("s3", bucket.account, bucket.region)
        if not bucket.exists:
            s3.delete_bucket(Bucket=bucket.name)
        elif bucket.versioning is Versioning.SUSPENDED:
            s3.put_bucket_versioning(
                Bucket=bucket.name, VersioningConfiguration={"Status": str(bucket.versioning)}
            )
        elif bucket.versioning is Versioning.UNVERSIONED:
            made = moto_world.bucket_of(bucket.name)
            if made is not None:
                made.versioning_status = None  # somebody deleted it and made it anew

    def _notify(self, bucket: Bucket, queue_arn: str) -> None:
        queue = {"Id": NOTIFICATION_ID, "QueueArn": queue_arn, "Events": [EVENT]}
        self._gate.client(
            "s3", bucket.account, bucket.region
        ).put_bucket_notification_configuration(
            Bucket=bucket.name, NotificationConfiguration={"QueueConfigurations": [queue]}
        )


def put_key_policy(gate: Gate, arn: Arn, policy: str) -> None:
    """The key's policy, perhaps one that locks everybody out: that is the world's business."""
    gate.client("kms", arn.account, arn.region).put_key_policy(
        KeyId=str(arn),
        PolicyName="default",
        Policy=policy,
        BypassPolicyLockoutSafetyCheck=True,
    )


def create_grant(gate: Gate, arn: Arn, grant: GrantPlan) -> None:
    """The grant on that key, issued by the key's account."""
    constraints = {}
    if grant.context_equals:
        constraints["EncryptionContextEquals"] = dict(grant.context_equals)
    if grant.context_subset:
        constraints["EncryptionContextSubset"] = dict(grant.context_subset)
    gate.client("kms", arn.account, arn.region).create_grant(
        KeyId=str(arn),
        Name=grant.name,
        GranteePrincipal=grant.grantee,
        Operations=list(grant.operations),
        **({"Constraints": constraints} if constraints else {}),
    )


def replicate(gate: Gate, world: World) -> None:
    """The world's replication configuration, in the place of any that was."""
    source = world.source
    gate.client("s3", source.account, source.region).put_bucket_replication(
        Bucket=source.name,
        ReplicationConfiguration={
            "Role": world.replication_role,
            "Rules": [replication_rule(rule) for rule in world.rules],
        },
    )
