"""What to ask the owner of a policy for, where no change of ours would lift its refusal."""

import json
from collections.abc import Mapping, Sequence

from replimend.domain.access import Effect, LayerDecision
from replimend.domain.documents import Json, Statement
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


def for_a_dead_principal(key_arn: str, statement: Statement, dead: str, role_arn: str) -> str:
    """The statement that names a deleted role's id, as it is to read instead (aws-facts 5.4)."""
    mended = {**statement, "Principal": _renamed(statement.get("Principal"), dead, role_arn)}
    return (
        f"For the owner of the key policy of {key_arn}: in the statement "
        f"{statement.get('Sid') or 'without a Sid'}, put {role_arn} in place of {dead}, if the "
        f"role that was deleted was this one; it then reads "
        f"{_json(mended)}."
    )


def _renamed(principal: Json, dead: str, role_arn: str) -> Json:
    if isinstance(principal, str):
        return role_arn if principal == dead else principal
    if isinstance(principal, Mapping):
        return {kind: _renamed(each, dead, role_arn) for kind, each in principal.items()}
    if isinstance(principal, Sequence):
        return [_renamed(each, dead, role_arn) for each in principal]
    return principal


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(names)) or "that decides"


def _json(content: object) -> str:
    return json.dumps(content)
