"""Ask the policy evaluator whether the replication role may make each call that S3 needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from replimend.domain.access import (
    Decision,
    Effect,
    Grant,
    LayerDecision,
    Layers,
    Policy,
    Request,
    Result,
    evaluate,
)
from replimend.domain.arn import Arn
from replimend.domain.denials import DenialLayer
from replimend.domain.diagnosis.agreement import agrees
from replimend.domain.diagnosis.out_of_sight import (
    conditions_out_of_sight,
    possible_contexts,
)
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Bucket, Fact, Facts, Key, NamedPolicy, Role
from replimend.domain.requirements import Requirement, Side
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable

SESSION_NAME = "s3-replication"
"""The session name S3 replication uses, seen in real key policies (aws-facts 3.4).

No page of AWS states it (aws-facts 10, question 2); it matters only where a policy names a session,
and a policy that names this one is taken at its word.
"""

NOT_READ = Unavailable(reason="not read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One call that S3 needs, and what every policy layer says of it."""

    requirement: Requirement
    decision: Decision

    @property
    def is_allowed(self) -> bool:
        """Whether the call is allowed for certain."""
        return self.decision.result is Result.ALLOWED

    @property
    def is_unknown(self) -> bool:
        """Whether a layer that could not be read might change the answer."""
        return self.decision.result is Result.UNKNOWN

    @property
    def is_refused(self) -> bool:
        """Whether the call is refused for certain."""
        return not self.is_allowed and not self.is_unknown

    @property
    def refusing_layers(self) -> tuple[LayerDecision, ...]:
        """The layers without whose change the call stays refused, the first to look at first."""
        return tuple(self.decision.layer(name) for name in self.decision.blocking)


def assess(
    needed: Iterable[Requirement],
    facts: Facts,
    role: Role,
) -> tuple[Assessment, ...]:
    """Every requirement with its decision, in order; organisation policies are not read.

    Service and resource control policies belong to the organisation's management account. They
    are taken as absent here, and a CloudTrail denial is what tells of them.
    """
    parsed = ParsedOnce()
    return tuple(
        Assessment(requirement=each, decision=decide(each, facts, role, parsed)) for each in needed
    )


@dataclass(slots=True)
class ParsedOnce:
    """The policies of one diagnosis: each is parsed when it is first asked for, and then kept."""

    _kept: dict[tuple[str, str], Policy] = field(default_factory=dict)

    def policy(self, name: str, document: PolicyDocument) -> Policy:
        """The document as the evaluator takes it, its statements named after `name`."""
        known = (name, document.text)
        if known not in self._kept:
            self._kept[known] = Policy.parse(document.content, name=name)
        return self._kept[known]


def decide(
    requirement: Requirement, facts: Facts, role: Role, parsed: ParsedOnce | None = None
) -> Decision:
    """What the policies in `facts` say of one call by the role's replication session.

    Unknown where it hangs on what no read of ours tells, such as the organisation of the role,
    unless a denial by the layer in question shows that its condition is not met.
    """
    parsed = parsed or ParsedOnce()
    request = session_request(requirement, role.arn)
    layers = Layers(
        identity=_identity_of(role, parsed),
        resource=_resource_policy(requirement, facts, parsed),
        boundary=_boundary_of(role, parsed),
        grants=_grants(requirement, facts),
    )
    decision = evaluate(request, layers)
    keys = conditions_out_of_sight(_documents(requirement, facts, role))
    if not keys:
        return decision
    named, other = (
        evaluate(replace(request, context={**request.context, **context}), layers)
        for context in possible_contexts(keys)
    )
    return _as_far_as_known([named, decision, other], keys, requirement, facts.denials)


def _as_far_as_known(
    decisions: Sequence[Decision],
    keys: Mapping[str, str],
    requirement: Requirement,
    denials: Sequence[KeyAccessDenied],
) -> Decision:
    """The decision if it is the same whatever the keys are; else the one that a denial shows.

    What is refused whatever they are is refused by the layers that refuse where they are met: a
    condition that may well be met is not blamed beside those, unless a denial names its layer.
    """
    told = [each for each in denials if each.denial.layer is not DenialLayer.UNKNOWN]
    refused = [each for each in decisions if each.blocking]
    least = min((len(each.blocking) for each in refused), default=0)
    hanging = next((each for each in refused if len(each.blocking) > least), None)
    if len({each.result for each in decisions}) == 1:
        certain = next((each for each in refused if len(each.blocking) == least), decisions[0])
        if hanging is not None and _show(told, requirement, hanging, beside=certain):
            return hanging
        return certain
    shown = refused[0] if refused else decisions[0]
    if _show(told, requirement, shown):
        return shown
    reason = f"it hangs on {', '.join(keys)}, which no read of Replimend tells"
    return Decision(
        result=Result.UNKNOWN,
        layers=tuple(
            replace(each, effect=Effect.UNKNOWN, reason=reason)
            if each.layer in shown.blocking
            else each
            for each in decisions[0].layers
        ),
        blocking=(),
    )


def _show(
    denials: Sequence[KeyAccessDenied],
    requirement: Requirement,
    refused: Decision,
    beside: Decision | None = None,
) -> bool:
    """Whether a denial is by a layer that refuses there, and does not refuse beside it."""
    certain = beside.blocking if beside is not None else ()
    layers = frozenset(each.value for each in refused.blocking if each not in certain)
    return any(agrees(each, requirement, layers) for each in denials)


def _documents(requirement: Requirement, facts: Facts, role: Role) -> Iterator[PolicyDocument]:
    policies = role.identity_policies
    yield from (each.document for each in (policies if isinstance(policies, tuple) else ()))
    if isinstance(role.boundary, NamedPolicy):
        yield role.boundary.document
    resource = _policy_fact(requirement, facts)
    if isinstance(resource, PolicyDocument):
        yield resource


def session_request(requirement: Requirement, role_arn: str) -> Request:
    """The request as S3 makes it: the role's session, with the context S3 sends."""
    role = Arn.parse(role_arn)
    session = (
        f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.role_name}/{SESSION_NAME}"
    )
    return Request(
        principal=session,
        principal_account=role.account,
        role_arn=role_arn,
        action=requirement.action,
        resource=requirement.resource,
        resource_account=requirement.resource_account,
        context=_context(requirement),
    )


def _context(requirement: Requirement) -> dict[str, str]:
    context = {
        **requirement.context,
        "aws:PrincipalType": "AssumedRole",
        "aws:SecureTransport": "true",
    }
    if requirement.is_kms:
        context["aws:RequestedRegion"] = Arn.parse(requirement.resource).region
    return context


def _identity_of(role: Role, parsed: ParsedOnce) -> tuple[Policy, ...] | Unavailable:
    match role.identity_policies:
        case tuple(policies):
            return tuple(parsed.policy(each.name, each.document) for each in policies)
        case Absent():
            return ()
        case Unavailable() as unavailable:
            return unavailable


def _boundary_of(role: Role, parsed: ParsedOnce) -> tuple[Policy, ...] | Unavailable | None:
    match role.boundary:
        case NamedPolicy() as policy:
            return (parsed.policy(policy.name, policy.document),)
        case Absent():
            return None
        case Unavailable() as unavailable:
            return unavailable


def _resource_policy(
    requirement: Requirement, facts: Facts, parsed: ParsedOnce
) -> Policy | Unavailable | None:
    policy = _policy_fact(requirement, facts)
    match policy:
        case PolicyDocument():
            return parsed.policy(requirement.resource, policy)
        case Absent():
            return None
        case Unavailable() as unavailable:
            return unavailable


def _policy_fact(requirement: Requirement, facts: Facts) -> Fact[PolicyDocument]:
    owner: Fact[Key] | Fact[Bucket]
    if requirement.is_kms:
        owner = facts.source_key if requirement.side is Side.SOURCE else facts.destination_key
    else:
        owner = facts.source if requirement.side is Side.SOURCE else facts.destination
    return owner.policy if isinstance(owner, Key | Bucket) else NOT_READ


def _grants(requirement: Requirement, facts: Facts) -> tuple[Grant, ...] | Unavailable:
    if not requirement.is_kms:
        return ()
    key = facts.source_key if requirement.side is Side.SOURCE else facts.destination_key
    if not isinstance(key, Key):
        return NOT_READ
    match key.grants:
        case tuple(grants):
            return tuple(Grant.parse(grant) for grant in grants)
        case Absent():
            return ()
        case Unavailable() as unavailable:
            return unavailable
