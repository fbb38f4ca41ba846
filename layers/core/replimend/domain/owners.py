"""What to ask the owner of a policy for, where no change of ours would lift its refusal."""

import json

from replimend.domain.access import Effect, LayerDecision
from replimend.domain.requirements import Requirement


def for_the_owner(layer: LayerDecision, requirement: Requirement, role_arn: str) -> str:
    """The statement to change and what to, ready to be sent to whoever owns the layer's policy."""
    if layer.effect is Effect.EXPLICITLY_DENIED:
        return (
            f"For the owner of the {layer.layer} policy {_named(layer.policies)}: the statement "
            f"{_named(layer.statements)} denies {requirement.action} on {requirement.resource}; "
            f"except the role by adding to its Condition "
            f"{_json({'ArnNotEquals': {'aws:PrincipalArn': role_arn}})}."
        )
    allowed = {"Effect": "Allow", "Action": requirement.action, "Resource": requirement.resource}
    return f"For the owner of the {layer.layer} policy: it lacks the statement {_json(allowed)}."


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(names)) or "that decides"


def _json(content: object) -> str:
    return json.dumps(content)
