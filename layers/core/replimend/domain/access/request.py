"""One call to judge, and the policy layers that have a say in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from replimend.domain.access.call import Call
from replimend.domain.access.grants import Grant
from replimend.domain.access.policy import Policy
from replimend.domain.access.principals import Caller, CallerKind
from replimend.domain.unavailable import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A principal's call of one action on one resource, with the context that AWS would see.

    `principal` is the ARN of a user, role, session, federated user or root, or the name of a
    service. A session ARN drops the path of its role: `role_arn`, else `aws:PrincipalArn` of the
    context, has it. Context keys ignore letter case. What the rest of the request tells
    (`aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalIsAWSService`, `aws:ResourceAccount`,
    `kms:CallerAccount`) is added where the context does not say it.
    """

    principal: str
    principal_account: str
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, str | tuple[str, ...]]
    role_arn: str | None = None

    def to_call(self, *, has_boundary: bool) -> Call:
        """The request made ready to be compared with statements."""
        context = {
            key.lower(): (value,) if isinstance(value, str) else tuple(value)
            for key, value in self.context.items()
        }
        told = next(iter(context.get("aws:principalarn", ())), None)
        caller = Caller.of(
            self.principal,
            self.principal_account,
            role_arn=self.role_arn or told,
            has_boundary=has_boundary,
        )
        action = self.action.lower()
        if self.role_arn is not None:
            context["aws:principalarn"] = (caller.principal_arn,)
        context.setdefault("aws:resourceaccount", (self.resource_account,))
        if caller.kind is not CallerKind.SERVICE:
            context.setdefault("aws:principalarn", (caller.principal_arn,))
            context.setdefault("aws:principalaccount", (self.principal_account,))
        is_service = "true" if caller.kind is CallerKind.SERVICE else "false"
        context.setdefault("aws:principalisawsservice", (is_service,))
        if action.startswith("kms:"):
            context.setdefault("kms:calleraccount", (self.principal_account,))
        return Call(
            caller=caller,
            action=action,
            resource=self.resource,
            crosses_accounts=self.principal_account != self.resource_account,
            context=context,
            given=self.context,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A root, organisational unit or account, with the SCPs or RCPs attached to it."""

    name: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Every policy that has a say; `Unavailable` where it could not be read.

    `resource` is the key policy, the bucket policy or the trust policy. None means that there is no
    such layer; no levels of SCPs or RCPs, that no organisation has a say. Levels are in order, root
    first; the full-access RCP that AWS keeps at each need not be listed. Several policies of one
    layer count as one.
    """

    identity: tuple[Policy, ...] | Unavailable
    resource: Policy | Unavailable | None
    boundary: tuple[Policy, ...] | Unavailable | None = None
    session: tuple[Policy, ...] | Unavailable | None = None
    scps: tuple[Level, ...] | Unavailable = ()
    rcps: tuple[Level, ...] | Unavailable = ()
    endpoint: tuple[Policy, ...] | Unavailable | None = None
    grants: tuple[Grant, ...] | Unavailable = ()
