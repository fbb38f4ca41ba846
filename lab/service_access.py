"""What AWS services may do in the lab: by the policy on a target, or by a role they were given."""

from collections.abc import Mapping
from functools import lru_cache

from lab.gate import Gate
from replimend.domain.access import Layers, Policy, Request, Result, evaluate


class ServiceAccess:
    """Judges the calls that a service makes by the policies in force; an objection or None."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def objection_to_service(
        self, service: str, action: str, resource: str, *, source_arn: str, source_account: str
    ) -> str | None:
        """Why the policy on `resource` does not let the service act for `source_arn`."""
        text = self._gate.policies.of_resource(resource)
        request = Request(
            principal=service,
            principal_account="",
            action=action,
            resource=resource,
            resource_account=_account_of(resource),
            context={"aws:SourceArn": source_arn, "aws:SourceAccount": source_account},
        )
        layers = Layers(identity=(), resource=_policy(text) if text else None)
        if evaluate(request, layers).result is Result.ALLOWED:
            return None
        return f"the policy on {resource} does not let {service} {action} for {source_arn}"

    def objection_to_role(
        self, service: str, role_arn: str, action: str, resource: str, *, source_arn: str
    ) -> str | None:
        """Why the service, in this role, cannot act: by the role's trust, or by its policies."""
        account = _account_of(role_arn)
        distrust = self.objection_to_service(
            service, "sts:AssumeRole", role_arn, source_arn=source_arn, source_account=account
        )
        if distrust is not None:
            return distrust
        return self.objection_to_session(role_arn, action, resource)

    def objection_to_session(
        self, role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> str | None:
        """Why a session of this role cannot act, by every layer that the lab has."""
        role = self._gate.policies.of_role(role_arn)
        text = self._gate.policies.of_resource(resource)
        name = role_arn.rsplit("/", 1)[-1]
        account = _account_of(role_arn)
        request = Request(
            principal=f"arn:aws:sts::{account}:assumed-role/{name}/lab",
            principal_account=account,
            action=action,
            resource=resource,
            resource_account=_account_of(resource) or account,
            context=dict(context or {}),
            role_arn=role_arn,
        )
        layers = Layers(
            identity=tuple(_policy(each) for each in role.identity),
            resource=_policy(text) if text else None,
            boundary=(_policy(role.boundary),) if role.boundary else None,
        )
        if evaluate(request, layers).result is Result.ALLOWED:
            return None
        return f"{role_arn} may not {action} on {resource}"


def _account_of(arn: str) -> str:
    return arn.split(":")[4]


@lru_cache(maxsize=1024)
def _policy(text: str) -> Policy:
    return Policy.parse(text, name="policy")
