"""Whether a role's session, or S3 itself, may make one call under the policies in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lab.cloudtrail import PolicyType
from lab.policies import PoliciesInForce
from lab.s3_calls import S3Call
from replimend.domain.access import (
    Decision,
    Effect,
    Grant,
    LayerName,
    Layers,
    Level,
    Policy,
    Request,
    Result,
    evaluate,
)

POLICY_TYPES = {
    LayerName.IDENTITY: PolicyType.IDENTITY,
    LayerName.RESOURCE: PolicyType.RESOURCE,
    LayerName.BOUNDARY: PolicyType.BOUNDARY,
    LayerName.SESSION: PolicyType.SESSION,
    LayerName.SCP: PolicyType.SERVICE_CONTROL,
    LayerName.RCP: PolicyType.RESOURCE_CONTROL,
    LayerName.VPC_ENDPOINT: PolicyType.ENDPOINT,
    # KMS names no grants in its messages: what lacks is then the key's own policy.
    LayerName.GRANT: PolicyType.RESOURCE,
}
# AWS names one layer only (facts §4.1); of several that stay silent, the one it asks first.
NAMED_FIRST = (LayerName.SCP, LayerName.RESOURCE, LayerName.IDENTITY, LayerName.BOUNDARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The organisation around the accounts: its id and members, SCPs and RCPs by account."""

    organization_id: str
    members: frozenset[str]
    service_control: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    resource_control: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A call that policies refuse; `policy_type` is the one layer that an error message names."""

    call: S3Call
    policy_type: PolicyType
    is_explicit: bool


class RoleAccess:
    """Judges what AWS services call: as a role's session, or as themselves to assume the role."""

    def __init__(
        self,
        policies: PoliciesInForce,
        *,
        organization: Organization | None = None,
        grants_count: bool = True,
    ) -> None:
        self._policies = policies
        self._organization = organization
        self._grants_count = grants_count

    def refusal_of_assumption(self, service: str, call: S3Call) -> Refused | None:
        """Why the service may not assume the role, or None if its trust policy admits it."""
        trust = self._policies.of_resource(call.resource)
        if trust is None:
            return Refused(call=call, policy_type=PolicyType.RESOURCE, is_explicit=False)
        decision = evaluate(
            Request(
                principal=service,
                principal_account=call.context.get("aws:SourceAccount", call.resource_account),
                action=call.action,
                resource=call.resource,
                resource_account=call.resource_account,
                context=call.context,
            ),
            Layers(identity=(), resource=parsed(trust)),
        )
        return _refused(call, decision)

    def refusal(self, role_arn: str, session: str, call: S3Call) -> Refused | None:
        """Why the role's session may not make the call, or None if it may."""
        refused = self._judged(role_arn, session, call, call.action)
        if refused is not None and call.or_action is not None:
            return self._judged(role_arn, session, call, call.or_action)
        return refused

    def _judged(self, role_arn: str, session: str, call: S3Call, action: str) -> Refused | None:
        _, partition, _, _, account, path = role_arn.split(":", 5)
        name = path.rsplit("/", 1)[-1]
        request = Request(
            principal=f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}",
            principal_account=account,
            role_arn=role_arn,
            action=action,
            resource=call.resource,
            resource_account=call.resource_account,
            context=self._context(call, account),
        )
        return _refused(call, evaluate(request, self._layers(role_arn, account, call)))

    def _layers(self, role_arn: str, account: str, call: S3Call) -> Layers:
        role = self._policies.of_role(role_arn)
        policy = self._policies.of_resource(call.resource)
        with_grants = call.is_kms and self._grants_count
        organization = self._organization
        return Layers(
            identity=tuple(parsed(text) for text in role.identity),
            boundary=(parsed(role.boundary),) if role.boundary else None,
            resource=parsed(policy) if policy else None,
            grants=tuple(Grant.parse(grant) for grant in self._policies.grants_on(call.resource))
            if with_grants
            else (),
            scps=organization.service_control.get(account, ()) if organization else (),
            rcps=organization.resource_control.get(call.resource_account, ())
            if organization
            else (),
        )

    def _context(self, call: S3Call, account: str) -> dict[str, str]:
        context = {
            **call.context,
            "aws:PrincipalType": "AssumedRole",
            "aws:RequestedRegion": call.region,
            "aws:SecureTransport": "true",
        }
        if self._organization and account in self._organization.members:
            context["aws:PrincipalOrgID"] = self._organization.organization_id
        if self._organization and call.resource_account in self._organization.members:
            context["aws:ResourceOrgID"] = self._organization.organization_id
        return context


@lru_cache(maxsize=256)
def parsed(text: str) -> Policy:
    """The policy of this text, compiled once."""
    return Policy.parse(text, name="policy")


def _refused(call: S3Call, decision: Decision) -> Refused | None:
    if decision.result is Result.ALLOWED:
        return None
    is_explicit = decision.result is Result.EXPLICITLY_DENIED
    return Refused(
        call=call, policy_type=POLICY_TYPES[_named_layer(decision)], is_explicit=is_explicit
    )


def _named_layer(decision: Decision) -> LayerName:
    if decision.result is Result.EXPLICITLY_DENIED:
        return next(
            each.layer for each in decision.layers if each.effect is Effect.EXPLICITLY_DENIED
        )
    return next(
        (layer for layer in NAMED_FIRST if layer in decision.blocking),
        decision.blocking[0] if decision.blocking else LayerName.RESOURCE,
    )
