"""Whether the user's own code has a change by now, told from the live policies alone.

It has if what we added is gone, or if the policies allow the same without it. Where the code took
over our very statement, or the value that we added to one of its own, nothing shows: then a person
says so (`replimend adopted`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from replimend.domain.access import Effect, LayerName, Layers, Policy, Request, evaluate
from replimend.domain.arn import Arn
from replimend.domain.documents import Document, PolicyDocument, Statement
from replimend.domain.repair.changes import ChangeRecord
from replimend.domain.repair.plan import ChangeKind
from replimend.domain.repair.scope import SID_PREFIX
from replimend.domain.requirements import CONTEXT_KEY

SOME_OBJECT = "an-object"
"""Stands for whatever object a pattern of ours covers."""

IN_THE_RESOURCE = frozenset({ChangeKind.KEY_POLICY, ChangeKind.BUCKET_POLICY})
"""The kinds of change whose statements stand in a resource's own policy."""


def is_adopted(
    change: ChangeRecord, ours: Document | None, others: tuple[PolicyDocument, ...]
) -> bool:
    """Whether the change is no longer what access rests on.

    `ours` is the document that was changed, as it is now, or None if it is gone; `others` are the
    further policies of the same layer.
    """
    added = change.after.added_to(change.before)
    if ours is None or not any(each in ours.statements for each in added):
        return True
    if not all(str(each.get("Sid")).startswith(SID_PREFIX) for each in added):
        return False
    left = PolicyDocument.of(
        {**ours.content, "Statement": [each for each in ours.statements if each not in added]}
    )
    policies = (left, *others) if left.statements else others
    return all(
        _allows(policies, request, in_the_resource=change.kind in IN_THE_RESOURCE)
        for statement in added
        for request in _requests(statement, change)
    )


def _allows(
    policies: tuple[PolicyDocument, ...], request: Request, *, in_the_resource: bool
) -> bool:
    """Whether this one layer allows the request by itself."""
    parsed = tuple(
        Policy.parse(each.content, name=str(i)) for i, each in enumerate(policies, start=1)
    )
    if in_the_resource:
        layers = Layers(identity=(), resource=parsed[0] if parsed else None)
        layer = LayerName.RESOURCE
    else:
        layers = Layers(identity=parsed, resource=None)
        layer = LayerName.IDENTITY
    effects = {each.layer: each.effect for each in evaluate(request, layers).layers}
    return effects[layer] is Effect.ALLOWED


def _requests(statement: Statement, change: ChangeRecord) -> Iterator[Request]:
    """Each call that a statement of ours lets through, by one example."""
    content: Mapping[str, Any] = statement
    principal = content.get("Principal", {}).get("AWS", change.subject)
    resources = _listed(content["Resource"])
    conditions = content.get("Condition", {})
    fixed = {key: _listed(value)[0] for key, value in conditions.get("StringEquals", {}).items()}
    for action in _listed(content["Action"]):
        for resource in resources:
            arn = change.subject if resource == "*" else resource
            for pattern in _listed(conditions.get("StringLike", {}).get(CONTEXT_KEY, "")):
                example = pattern.replace("*", SOME_OBJECT)
                yield Request(
                    principal=principal,
                    principal_account=Arn.parse(principal).account,
                    action=action,
                    resource=arn,
                    resource_account=Arn.parse(arn).account or change.account,
                    context={**fixed, CONTEXT_KEY: example} if example else fixed,
                )


def _listed(value: Any) -> list[str]:  # noqa: ANN401 - a policy's text or list of texts
    return [value] if isinstance(value, str) else list(value)
