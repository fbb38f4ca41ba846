"""The policies in force, as authorization reads them; what "in force" means can be replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from moto.events.models import events_backends
from moto.iam.models import ManagedPolicy, iam_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from lab import moto_world

type Grant = Mapping[str, Any]

NOTHING_ALLOWED = "{}"  # what is left of a boundary whose policy was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePolicies:
    """The identity layers of a role, as JSON texts; `boundary` is None where it has none."""

    identity: tuple[str, ...] = ()
    boundary: str | None = None


class PoliciesInForce(Protocol):
    """Where the gate reads policies from, each as its JSON text."""

    def of_role(self, role_arn: str) -> RolePolicies:
        """The role's inline and attached policies and its boundary; none for a role that is not."""

    def of_resource(self, arn: str) -> str | None:
        """The policy on a key, bucket, queue, topic or bus; for a role its trust policy."""

    def grants_on(self, key_arn: str) -> tuple[Grant, ...]:
        """The grants on a key, shaped as `ListGrants` returns them."""


class PoliciesOfMoto:
    """Every policy takes effect the moment it is written: what moto stores is in force."""

    def of_role(self, role_arn: str) -> RolePolicies:
        """See `PoliciesInForce`."""
        role = moto_world.role_of(role_arn)
        if role is None:
            return RolePolicies()
        attached = (_default_document(policy) for policy in role.managed_policies.values())
        boundary_arn = role.permissions_boundary_arn
        return RolePolicies(
            identity=(*role.policies.values(), *attached),
            boundary=_managed_document(boundary_arn, role.account_id) if boundary_arn else None,
        )

    def of_resource(self, arn: str) -> str | None:
        """See `PoliciesInForce`."""
        _, _, service, region, account, resource = (*arn.split(":", 5), *[""] * 5)[:6]
        match service:
            case "kms":
                key = moto_world.key_of(arn)
                return key.policy if key else None
            case "s3" if not region:
                bucket = moto_world.bucket_of(resource.split("/", 1)[0])
                return bucket.policy.decode() if bucket and bucket.policy else None
            case "sqs":
                queue = sqs_backends[account][region].queues.get(resource)
                return queue.policy if queue else None
            case "sns":
                topic = sns_backends[account][region].topics.get(arn)
                return topic.policy if topic else None
            case "events":
                bus = events_backends[account][region].event_buses.get(resource.rsplit("/")[-1])
                return bus.policy if bus else None
            case "iam":
                role = moto_world.role_of(arn)
                return role.assume_role_policy_document if role else None
            case _:
                return None

    def grants_on(self, key_arn: str) -> tuple[Grant, ...]:
        """See `PoliciesInForce`."""
        key = moto_world.key_of(key_arn)
        return tuple(grant.to_json() for grant in key.grants.values()) if key else ()


def _managed_document(arn: str, account: str) -> str:
    policy = iam_backends[account][moto_world.PARTITION].managed_policies.get(arn)
    return _default_document(policy) if policy else NOTHING_ALLOWED


def _default_document(policy: ManagedPolicy) -> str:
    return next(str(version.document) for version in policy.versions if version.is_default)
