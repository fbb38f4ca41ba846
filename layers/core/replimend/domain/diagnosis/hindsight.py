"""What a call would be answered under a document of the past, all else being as it is today."""

from dataclasses import replace

from replimend.domain.access import LayerName
from replimend.domain.assessment import decide
from replimend.domain.diagnosis.history import Act, ChangeEvent
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Bucket, Fact, Facts, Key, NamedPolicy, Role
from replimend.domain.requirements import Requirement
from replimend.errors import MalformedPolicyError


def refuses_under(event: ChangeEvent, requirement: Requirement, facts: Facts) -> bool | None:
    """Whether the layer that the event wrote refuses the call under what it wrote.

    None where the event wrote no policy, the document is beyond us, or the call is not judged by
    that layer for want of other facts.
    """
    if event.document is None or not isinstance(facts.role, Role):
        return None
    match event.act:
        case Act.PUT_KEY_POLICY | Act.PUT_BUCKET_POLICY:
            layer = LayerName.RESOURCE
            then = _with_resource_policy(facts, event)
        case Act.PUT_ROLE_POLICY:
            layer = LayerName.IDENTITY
            then = _with_inline_policy(facts, facts.role, event)
        case _:
            return None
    role = then.role if then is not None else None
    if then is None or not isinstance(role, Role):
        return None
    try:
        return layer in decide(requirement, then, role).blocking
    except MalformedPolicyError:
        return None


def _with_resource_policy(facts: Facts, event: ChangeEvent) -> Facts | None:
    """The facts with that policy on the key or bucket that the event is about."""
    document = event.document
    if document is None:
        return None
    return replace(
        facts,
        source=_bucket_with(facts.source, event.subject, document),
        destination=_bucket_with(facts.destination, event.subject, document),
        source_key=_key_with(facts.source_key, event.subject, document),
        destination_key=_key_with(facts.destination_key, event.subject, document),
    )


def _key_with(key: Fact[Key], arn: str, document: PolicyDocument) -> Fact[Key]:
    return replace(key, policy=document) if isinstance(key, Key) and key.arn == arn else key


def _bucket_with(bucket: Fact[Bucket], arn: str, document: PolicyDocument) -> Fact[Bucket]:
    if isinstance(bucket, Bucket) and arn.endswith(f":::{bucket.name}"):
        return replace(bucket, policy=document)
    return bucket


def _with_inline_policy(facts: Facts, role: Role, event: ChangeEvent) -> Facts | None:
    """The facts with that inline policy on the role, in place of the one of its name."""
    if (
        event.document is None
        or event.policy_name is None
        or not isinstance(role.identity_policies, tuple)
    ):
        return None
    others = [each for each in role.identity_policies if each.name != event.policy_name]
    policy = NamedPolicy(name=event.policy_name, document=event.document)
    return replace(facts, role=replace(role, identity_policies=(*others, policy)))
