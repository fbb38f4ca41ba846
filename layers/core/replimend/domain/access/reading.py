"""What one policy layer says of a call: which statements apply, and which all but apply."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from replimend.domain.access.call import Call
from replimend.domain.access.conditions import Condition
from replimend.domain.access.decision import Effect, LayerDecision, LayerName, MissedCondition
from replimend.domain.access.grants import GRANTS, Grant
from replimend.domain.access.policy import Policy
from replimend.domain.access.principals import Reach
from replimend.domain.access.request import Level
from replimend.domain.access.statements import Statement, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A layer's decision, and the most direct way in which an allow in it means the caller."""

    decision: LayerDecision
    reach: Reach = Reach.NONE


def read_policies(
    layer: LayerName, policies: Iterable[Policy], call: Call, *, unnamed: Reach
) -> Opinion:
    """What the policies say together; a statement without principals has the reach `unnamed`."""
    reading = _Reading()
    for policy in policies:
        reading.add_policy(policy, call, unnamed)
    return reading.opinion(layer, silent=Effect.IMPLICITLY_DENIED)


def read_service_control_policies(levels: Iterable[Level], call: Call) -> Opinion:
    """What SCPs say: every level, from the root to the account, must allow the call."""
    reading = _Reading()
    silent = []
    for level in levels:
        allows_above = len(reading.allows)
        for policy in level.policies:
            reading.add_policy(policy, call, Reach.DIRECT)
        if len(reading.allows) == allows_above:
            silent.append(level.name)
    if not silent:
        return reading.opinion(LayerName.SCP, silent=Effect.IMPLICITLY_DENIED)
    reading.allows.clear()
    reason = f"no service control policy of {silent[0]} allows it"
    return reading.opinion(LayerName.SCP, silent=Effect.IMPLICITLY_DENIED, reason=reason)


def read_resource_control_policies(levels: Iterable[Level], call: Call) -> Opinion:
    """What RCPs say: they can only deny, since AWS keeps a full-access policy at every level."""
    reading = _Reading()
    for level in levels:
        for policy in level.policies:
            reading.add_policy(policy, call, Reach.DIRECT)
    return reading.opinion(LayerName.RCP, silent=Effect.ALLOWED)


def read_grants(grants: Iterable[Grant], call: Call) -> Opinion:
    """What the grants say: they can only allow."""
    reading = _Reading()
    for grant in grants:
        reading.add_grant(grant, call)
    return reading.opinion(LayerName.GRANT, silent=Effect.NOT_APPLICABLE)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What has been found so far; a statement is the name of its policy and its label."""

    allows: list[tuple[str, str]] = field(default_factory=list)
    denies: list[tuple[str, str]] = field(default_factory=list)
    missed: list[MissedCondition] = field(default_factory=list)
    reach: Reach = Reach.NONE

    def add_policy(self, policy: Policy, call: Call, unnamed: Reach) -> None:
        for statement in policy.statements:
            if not statement.covers(call):
                continue
            reach = statement.reach(call, unnamed)
            if reach is Reach.NONE:
                continue
            unmet = statement.unmet(call)
            match statement.verb:
                case Verb.ALLOW if unmet:
                    self.missed += _missed(policy, statement, unmet, call)
                case Verb.ALLOW:
                    self.allows.append((policy.name, statement.label))
                    self.reach = max(self.reach, reach)
                case Verb.DENY if not unmet:
                    self.denies.append((policy.name, statement.label))
                case Verb.DENY:
                    pass

    def add_grant(self, grant: Grant, call: Call) -> None:
        reach = grant.reach(call)
        if reach is Reach.NONE:
            return
        if missed := grant.missed(call):
            self.missed += missed
            return
        self.allows.append((GRANTS, grant.label))
        self.reach = max(self.reach, reach)

    def opinion(self, layer: LayerName, *, silent: Effect, reason: str | None = None) -> Opinion:
        """The layer's opinion; its effect is `silent` where no statement applies."""
        deciding = self.denies or self.allows
        effect = (
            Effect.EXPLICITLY_DENIED if self.denies else Effect.ALLOWED if self.allows else silent
        )
        return Opinion(
            decision=LayerDecision(
                layer=layer,
                effect=effect,
                statements=tuple([label for _, label in deciding]),
                policies=tuple([name for name, _ in deciding]),
                missed=tuple(self.missed),
                reason=reason,
            ),
            reach=self.reach,
        )


def _missed(
    policy: Policy, statement: Statement, unmet: Iterable[Condition], call: Call
) -> Iterable[MissedCondition]:
    for condition in unmet:
        values = condition.actual(call.context)
        yield MissedCondition(
            policy=policy.name,
            statement=statement.label,
            condition=f"{condition.operator} {condition.key}",
            expected=condition.expected,
            actual=values[0] if values is not None and len(values) == 1 else values,
        )
