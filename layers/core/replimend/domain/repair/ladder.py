"""Which changes, if any, let S3 replicate again: the least of them, or why there is none.

Only computed things are written: the role of the live replication configuration, the calls that
were refused, the one key or bucket, the context S3 sends. Every statement carries a fixed Sid for
its role and bucket, and every grant a fixed name, so planning or writing twice is the same as once.

The ladder, least first: nothing but a replay; the role's own inline policy; one value more in the
condition of the statement that almost matched; a new statement in the key policy; a grant, where
that kind is allowed and a statement is not or has no room; a statement in the destination bucket's
policy. A rule that names its replica key by an alias, or a key that somebody disabled, is mended by
no policy: the one rule and the one state are changed, where those kinds are allowed, and always
after an approval.

A condition that no value of S3's would meet (of an organisation, a network, an address) stays as it
is: beside it comes a narrow statement of our own, as aws-facts 5.5 has it, for an Allow that does
not fit forbids nothing. Who means to forbid writes a Deny, and no Deny is worked around.
"""

from collections.abc import Iterable, Iterator, Sequence

from replimend.domain.access import Effect, LayerName
from replimend.domain.assessment import Assessment, assess
from replimend.domain.diagnosis.calls import assessments_of
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.diagnosis.near_misses import dead_principals_of
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Facts, Key, ReplicationSetup, Role
from replimend.domain.repair.configurations import configured
from replimend.domain.repair.key_states import made_usable
from replimend.domain.repair.owners import for_a_dead_principal, for_the_owner
from replimend.domain.repair.plan import (
    BY_DEFAULT,
    ROLE_POLICY_NAME,
    Change,
    ChangeKind,
    NoPlan,
    Plan,
)
from replimend.domain.repair.prospect import Prospect
from replimend.domain.repair.rungs import bucket_changes, key_changes, refuses, role_changes
from replimend.domain.repair.scope import Scope
from replimend.domain.requirements import Side

REPAIRABLE = frozenset(
    {
        Cause.ROLE_POLICY_LACKS_ACTION,
        Cause.KEY_POLICY_LACKS_ROLE,
        Cause.BOTH_SIDES_LACK_ROLE,
        Cause.BUCKET_POLICY_LACKS_ROLE,
        Cause.CONDITION_MISMATCH,
    }
)
"""The causes for which a policy change can be computed.

A dead principal is not among them: KMS refuses every document that still names it, so that the
statement of somebody else would have to be changed.
"""

OF_ONE_RULE = frozenset({Cause.REPLICA_KEY_IS_ALIAS, Cause.NOT_OPTED_IN})
"""The causes that lie in one rule of the replication configuration."""

OF_ONE_STATE = frozenset({Cause.SOURCE_KEY_UNUSABLE, Cause.DESTINATION_KEY_UNUSABLE})
"""The causes that lie in the state of one key."""

CHANGEABLE = frozenset({LayerName.IDENTITY, LayerName.RESOURCE})
"""The layers in which an Allow of ours can fill a silence."""


def plan_for(
    diagnosis: Diagnosis, facts: Facts, allowed: frozenset[str] = BY_DEFAULT
) -> Plan | NoPlan:
    """The least change that lets every refused call through, or why there is none.

    `allowed` chooses between kinds that would do as well as each other, and says whether
    permissions of S3 may be given at all. The plan may still hold a kind that is not allowed:
    that is for the guardrails to refuse, by name.
    """
    if not isinstance(facts.setup, ReplicationSetup):
        return NoPlan(reason=diagnosis.next)
    scope = Scope(
        role_arn=facts.setup.role_arn,
        buckets={Side.SOURCE: facts.source_bucket, Side.DESTINATION: facts.destination_bucket},
    )
    if diagnosis.cause.needs_only_replay:
        return _plan(scope, ())
    if diagnosis.cause in OF_ONE_RULE and ChangeKind.REPLICATION_CONFIGURATION in allowed:
        return _plan_of(configured(diagnosis, facts, scope), diagnosis, facts, scope)
    if diagnosis.cause in OF_ONE_STATE and ChangeKind.KEY_STATE in allowed:
        return _plan_of(made_usable(diagnosis, facts), diagnosis, facts, scope)
    if diagnosis.cause not in REPAIRABLE or not isinstance(facts.role, Role):
        asked = _of_dead_principals(diagnosis, facts, scope)
        return NoPlan(
            reason=" ".join([_with_owners_text(diagnosis, diagnosis.refused, scope), *asked])
        )
    if diagnosis.unknown:
        unread = ", ".join(each.requirement.action for each in diagnosis.unknown)
        return NoPlan(reason=f"not every policy could be read: {unread}. {diagnosis.next}")
    if (obstacle := _obstacle(diagnosis.refused, facts, scope, allowed)) is not None:
        return NoPlan(reason=f"{obstacle} {_with_owners_text(diagnosis, diagnosis.refused, scope)}")
    changes = _changes(diagnosis.refused, facts, facts.role, scope, allowed)
    if not changes:
        return NoPlan(reason=diagnosis.next)
    if (left := _left_refused(diagnosis.refused, changes, facts)) is not None:
        return NoPlan(
            reason=f"{left} would not be allowed for certain after every change. {diagnosis.next}"
        )
    return _plan(scope, changes)


def _plan_of(
    changes: tuple[Change, ...] | NoPlan, diagnosis: Diagnosis, facts: Facts, scope: Scope
) -> Plan | NoPlan:
    """The plan of changes that no policy has a part in, if the policies allow every call."""
    if isinstance(changes, NoPlan):
        return changes
    for each in assessments_of(facts):
        if not each.is_allowed:
            says = f"{each.requirement.action} is not known to be allowed, which has to come first."
            return NoPlan(reason=f"{says} {diagnosis.next}")
    return _plan(scope, changes)


def _plan(scope: Scope, changes: tuple[Change, ...]) -> Plan:
    return Plan(
        source_bucket=scope.buckets[Side.SOURCE],
        destination_bucket=scope.buckets[Side.DESTINATION],
        role_arn=scope.role_arn,
        changes=changes,
    )


def _with_owners_text(diagnosis: Diagnosis, refused: Sequence[Assessment], scope: Scope) -> str:
    """What a person does now, with the very text for whoever owns the policy that refuses."""
    asked = [
        for_the_owner(layer, each.requirement, scope.role_arn)
        for each in refused
        for layer in each.refusing_layers
        if layer.layer not in CHANGEABLE or layer.effect is Effect.EXPLICITLY_DENIED
    ]
    return " ".join([diagnosis.next, *dict.fromkeys(asked)])


def _of_dead_principals(diagnosis: Diagnosis, facts: Facts, scope: Scope) -> Iterator[str]:
    """For each statement that names a deleted role's id, how it is to read instead."""
    if diagnosis.cause is not Cause.DEAD_PRINCIPAL:
        return
    for key in (facts.source_key, facts.destination_key):
        if not isinstance(key, Key) or not isinstance(key.policy, PolicyDocument):
            continue
        if not any(each.requirement.resource == key.arn for each in diagnosis.refused):
            continue
        for statement in key.policy.statements:
            alone = PolicyDocument.of({"Statement": [statement]})
            for dead in dead_principals_of(alone):
                yield for_a_dead_principal(key.arn, statement, dead, scope.role_arn)


def _obstacle(
    refused: Sequence[Assessment], facts: Facts, scope: Scope, allowed: frozenset[str]
) -> str | None:
    """Why no change of ours would let every refused call through, if that is so."""
    of_s3 = [each.requirement for each in refused if not each.requirement.is_kms]
    if of_s3 and ChangeKind.BUCKET_POLICY not in allowed:
        actions = ", ".join(each.action for each in of_s3)
        return (
            f"{actions}: permissions of S3 are left to you (AllowedChanges has no bucket_policy)."
        )
    if beyond := [each for each in refused if not _is_ours_to_give(each, scope)]:
        actions = ", ".join(each.requirement.action for each in beyond)
        return f"{actions}: this is left to you."
    for each in refused:
        for layer in each.refusing_layers:
            if layer.layer not in CHANGEABLE or layer.effect is not Effect.IMPLICITLY_DENIED:
                return f"{each.requirement.action}: no allow lifts the refusal by {layer.layer}."
    for key in (facts.source_key, facts.destination_key):
        if isinstance(key, Key) and not key.customer_managed and _must_admit(key, refused):
            return f"{key.arn} is AWS managed, and such a key's policy cannot be changed."
    return None


def _is_ours_to_give(assessment: Assessment, scope: Scope) -> bool:
    """The source bucket's own policy is nobody's but its owner's: the role's suffices there."""
    requirement = assessment.requirement
    is_of_source_policy = (
        not requirement.is_kms
        and requirement.side is Side.SOURCE
        and refuses(assessment, LayerName.RESOURCE)
    )
    return scope.may_ask_for(requirement) and not is_of_source_policy


def _changes(
    refused: Sequence[Assessment], facts: Facts, role: Role, scope: Scope, allowed: frozenset[str]
) -> tuple[Change, ...]:
    """All the changes, least first; what a grant lets through needs nothing else."""
    keys = [
        change
        for side, key in (
            (Side.SOURCE, facts.source_key),
            (Side.DESTINATION, facts.destination_key),
        )
        for change in key_changes(refused, scope, side, key, allowed)
    ]
    granted = [call for each in keys if each.kind is ChangeKind.GRANT for call in each.serves]
    left = [each for each in refused if each.requirement not in granted]
    return (
        *role_changes(left, scope, role),
        *keys,
        *bucket_changes(left, scope, facts.destination),
    )


def _left_refused(
    refused: Sequence[Assessment], changes: Iterable[Change], facts: Facts
) -> str | None:
    """The first call that the evaluation still refuses once all changes are made."""
    after = _prospect(changes).of(facts)
    if not isinstance(after.role, Role):
        return None
    calls = assess((each.requirement for each in refused), after, after.role)
    return next((each.requirement.action for each in calls if not each.is_allowed), None)


def _prospect(changes: Iterable[Change]) -> Prospect:
    """The facts' documents as these changes would leave them."""
    prospect = Prospect()
    for change in changes:
        match change.kind, change.after:
            case ChangeKind.ROLE_POLICY, PolicyDocument() as after:
                prospect.role_policy(ROLE_POLICY_NAME, after)
            case ChangeKind.KEY_POLICY | ChangeKind.BUCKET_POLICY, PolicyDocument() as after:
                prospect.policies[change.subject] = after
            case ChangeKind.GRANT, after:
                prospect.grants[change.subject] = after
            case _:
                continue
    return prospect


def _must_admit(key: Key, refused: Sequence[Assessment]) -> bool:
    return any(
        each.requirement.resource == key.arn and refuses(each, LayerName.RESOURCE)
        for each in refused
    )
