"""The smallest set of changes that lets S3 replicate, each with its inverse.

Only computed things are written: the role of the live replication configuration, the calls that
were refused, the one key or bucket, the context S3 sends. Every statement carries a fixed Sid for
its role and bucket, and every grant a fixed name, so planning or writing twice is the same as once.

The ladder, least first: nothing but a replay; the role's own inline policy; one value more in the
condition of the statement that almost matched; a new statement in the key policy; a grant, where
that kind is allowed and a statement is not or has no room; a statement in the destination bucket's
policy. A condition that no value of S3's would meet (of an organisation, a network, an address)
stays as it is: beside it comes a narrow statement of our own, as aws-facts 5.5 has it, for an Allow
that does not fit forbids nothing. Who means to forbid writes a Deny, and no Deny is worked around.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from replimend.domain.access import Effect, LayerName
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment, assess
from replimend.domain.causes import Cause, Diagnosis
from replimend.domain.documents import Document, PolicyDocument, Statement
from replimend.domain.facts import Absent, Bucket, Fact, Facts, Key, ReplicationSetup, Role
from replimend.domain.owners import for_the_owner
from replimend.domain.prospect import Prospect
from replimend.domain.requirements import CONTEXT_KEY, Requirement, Side
from replimend.domain.scope import Scope
from replimend.domain.unavailable import Unavailable
from replimend.domain.widening import Widening, widening_for

ROLE_POLICY_NAME = "replimend"
"""The one inline policy of a replication role that is ours; no other is ever touched."""

GRANT_LIVES = timedelta(days=30)
"""How long a grant of ours stays, unless it is rolled back before."""

KEY_POLICY_ROOM = 32_768 * 9 // 10
"""Bytes beyond which a key policy counts as full (aws-facts 5.6 and 8.5)."""


class ChangeKind(StrEnum):
    """The ways in which access can be changed, least first."""

    ROLE_POLICY = "role_policy"
    KEY_POLICY = "key_policy"
    GRANT = "grant"
    BUCKET_POLICY = "bucket_policy"


BY_DEFAULT = frozenset({ChangeKind.ROLE_POLICY.value, ChangeKind.KEY_POLICY.value})
"""The kinds that are allowed unless a stack says otherwise; the others are opt-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One document to replace, with what it was; `before` is None where there was none.

    `statement` is what the change is about: the statement added or widened, or the grant. `lives`
    is how long the change stays before it is to be rolled back; None means for good.
    """

    kind: ChangeKind
    subject: str
    account: str
    region: str
    policy_name: str | None
    before: Document | None
    after: Document
    statement: Statement
    serves: tuple[Requirement, ...]
    blast_radius: str
    reverses: str
    lives: timedelta | None = None

    @property
    def sid(self) -> str:
        """The Sid by which our statement is known, or the name of our grant."""
        return str(self.statement.get("Sid") or self.statement.get("Name") or "")

    @property
    def policies(self) -> tuple[PolicyDocument, PolicyDocument] | None:
        """The policy before and after, an empty one where there was none; None of a grant."""
        if not isinstance(self.after, PolicyDocument):
            return None
        before = self.before if isinstance(self.before, PolicyDocument) else PolicyDocument.empty()
        return before, self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes that mend one cause; without changes, the objects only need re-copying."""

    source_bucket: str
    destination_bucket: str
    role_arn: str
    changes: tuple[Change, ...]

    @property
    def hash(self) -> str:
        """Names exactly these changes to exactly these documents; what an approval binds to."""
        content = [
            [
                change.kind,
                change.subject,
                change.policy_name,
                change.before.fingerprint if change.before else None,
                change.after.fingerprint,
            ]
            for change in self.changes
        ]
        scope = [self.source_bucket, self.destination_bucket, self.role_arn, content]
        return hashlib.sha256(json.dumps(scope).encode()).hexdigest()[:32]

    @property
    def is_replay_only(self) -> bool:
        """Whether no access changes at all."""
        return not self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """Nothing that Replimend may do would mend this; a person has to."""

    reason: str


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
    if diagnosis.cause not in REPAIRABLE or not isinstance(facts.role, Role):
        return NoPlan(reason=_with_owners_text(diagnosis, diagnosis.refused, scope))
    if diagnosis.unknown:
        unread = ", ".join(each.requirement.action for each in diagnosis.unknown)
        return NoPlan(reason=f"not every policy could be read: {unread}. {diagnosis.next}")
    if (obstacle := _obstacle(diagnosis.refused, facts, scope, allowed)) is not None:
        return NoPlan(reason=f"{obstacle} {_with_owners_text(diagnosis, diagnosis.refused, scope)}")
    changes = _changes(diagnosis.refused, facts, facts.role, scope, allowed)
    if not changes:
        return NoPlan(reason=diagnosis.next)
    if (left := _left_refused(diagnosis.refused, changes, facts)) is not None:
        return NoPlan(reason=f"{left} would stay refused after every change. {diagnosis.next}")
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
        and _refuses(assessment, LayerName.RESOURCE)
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
        for change in _key_changes(refused, scope, side, key, allowed)
    ]
    granted = [call for each in keys if each.kind is ChangeKind.GRANT for call in each.serves]
    left = [each for each in refused if each.requirement not in granted]
    return (
        *_role_changes(left, scope, role),
        *keys,
        *_bucket_changes(left, scope, facts.destination),
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


def _role_changes(refused: Sequence[Assessment], scope: Scope, role: Role) -> tuple[Change, ...]:
    """Allow in the role's own inline policy what the role's policies are silent on."""
    needed = [each.requirement for each in refused if _refuses(each, LayerName.IDENTITY)]
    if not needed:
        return ()
    before = _own_policy(role)
    after, statement = before or PolicyDocument.empty(), None
    for side, resource in dict.fromkeys(
        (each.side, _in_role_policy(each, scope)) for each in needed
    ):
        wanted = [
            each for each in needed if (each.side, _in_role_policy(each, scope)) == (side, resource)
        ]
        earlier = after.statement_named(scope.sid(side, resource))
        build = scope.role_key_statement if wanted[0].is_kms else scope.role_bucket_statement
        statement = build(wanted, side, resource, earlier)
        after = after.with_statement(statement)
    named = ", ".join(sorted({_in_role_policy(each, scope) for each in needed}))
    return (
        Change(
            kind=ChangeKind.ROLE_POLICY,
            subject=role.arn,
            account=Arn.parse(role.arn).account,
            region="",
            policy_name=ROLE_POLICY_NAME,
            before=before,
            after=after,
            statement=statement or {},
            serves=tuple(needed),
            blast_radius=f"Only sessions of {role.arn} gain access, to {named} through S3, "
            "for objects of this pair of buckets.",
            reverses=f"delete the inline policy {ROLE_POLICY_NAME}"
            if before is None
            else f"put the stored inline policy {ROLE_POLICY_NAME} back",
        ),
    )


def _in_role_policy(requirement: Requirement, scope: Scope) -> str:
    """What a statement of the role's policy names for this call: the key, bucket or its objects."""
    if requirement.is_kms:
        return requirement.resource
    bucket = scope.bucket_arn(requirement.side)
    return bucket if requirement.resource == bucket else f"{bucket}/*"


def _key_changes(
    refused: Sequence[Assessment],
    scope: Scope,
    side: Side,
    key: Fact[Key],
    allowed: frozenset[str],
) -> tuple[Change, ...]:
    """Admit the role to the key of this side, where its policy is silent on it."""
    silent = [
        each
        for each in refused
        if each.requirement.is_kms
        and each.requirement.side is side
        and _refuses(each, LayerName.RESOURCE)
    ]
    if not silent or not isinstance(key, Key) or not isinstance(key.policy, PolicyDocument):
        return ()
    needed = tuple(each.requirement for each in silent)
    if (widening := widening_for(key.policy, silent, scope, side)) is not None:
        change = _widened(key, key.policy, widening, needed, scope)
    else:
        change = _admitted(key, key.policy, needed, scope, side)
    is_refused = ChangeKind.KEY_POLICY not in allowed or change.after.size > KEY_POLICY_ROOM
    can_be_granted = all(each.context[CONTEXT_KEY] == scope.bucket_arn(side) for each in needed)
    if is_refused and can_be_granted and ChangeKind.GRANT in allowed:
        return (_granted(key, needed, scope, side),)
    return (change,)


def _admitted(
    key: Key, policy: PolicyDocument, needed: tuple[Requirement, ...], scope: Scope, side: Side
) -> Change:
    sid = scope.sid(side)
    statement = scope.key_statement(needed, side, policy.statement_named(sid))
    region = Arn.parse(key.arn).region
    return _key_change(
        key,
        policy,
        policy.with_statement(statement),
        statement,
        needed,
        blast_radius=f"Only {scope.role_arn} gains access, to this key, through S3 in "
        f"{region}, for what is encrypted for {scope.buckets[side]}.",
        reverses="put the stored key policy back, or, if others have edited since, "
        f"remove the one statement {sid}",
    )


def _widened(
    key: Key,
    policy: PolicyDocument,
    widening: Widening,
    needed: tuple[Requirement, ...],
    scope: Scope,
) -> Change:
    label = str(widening.statement.get("Sid") or widening.index)
    return _key_change(
        key,
        policy,
        policy.with_statement_at(widening.index, widening.statement),
        widening.statement,
        needed,
        blast_radius=f"Only {scope.role_arn} gains access, to this key, by the statement {label} "
        f"that it has already: its {widening.condition} takes {widening.value} as well.",
        reverses="put the stored key policy back, or, if others have edited since, "
        f"take {widening.value} out of the statement {label} again",
    )


def _key_change(
    key: Key,
    before: PolicyDocument,
    after: PolicyDocument,
    statement: Statement,
    serves: tuple[Requirement, ...],
    *,
    blast_radius: str,
    reverses: str,
) -> Change:
    where = Arn.parse(key.arn)
    return Change(
        kind=ChangeKind.KEY_POLICY,
        subject=key.arn,
        account=where.account,
        region=where.region,
        policy_name=None,
        before=before,
        after=after,
        statement=statement,
        serves=serves,
        blast_radius=blast_radius,
        reverses=reverses,
    )


def _granted(key: Key, needed: tuple[Requirement, ...], scope: Scope, side: Side) -> Change:
    grant = scope.grant(needed, side)
    name = str(grant.content["Name"])
    where = Arn.parse(key.arn)
    return Change(
        kind=ChangeKind.GRANT,
        subject=key.arn,
        account=where.account,
        region=where.region,
        policy_name=name,
        before=None,
        after=grant,
        statement=grant.content,
        serves=needed,
        blast_radius=f"Only {scope.role_arn} gains access, to this key, for what is encrypted "
        f"under the Bucket Key of {scope.buckets[side]}; a grant cannot demand that S3 is the "
        "caller, so that the role could use it directly as well.",
        reverses=f"revoke the grant {name}; due after {GRANT_LIVES.days} days in any case",
        lives=GRANT_LIVES,
    )


def _bucket_changes(
    refused: Sequence[Assessment], scope: Scope, bucket: Fact[Bucket]
) -> tuple[Change, ...]:
    """Admit the role to the destination bucket's objects, where its policy is silent on it."""
    needed = tuple(
        each.requirement
        for each in refused
        if not each.requirement.is_kms and _refuses(each, LayerName.RESOURCE)
    )
    if not needed or not isinstance(bucket, Bucket):
        return ()
    if isinstance(bucket.policy, Unavailable):
        return ()
    before = None if isinstance(bucket.policy, Absent) else bucket.policy
    policy = before or PolicyDocument.empty()
    sid = scope.sid(Side.DESTINATION)
    statement = scope.bucket_statement(needed, Side.DESTINATION, policy.statement_named(sid))
    return (
        Change(
            kind=ChangeKind.BUCKET_POLICY,
            subject=scope.bucket_arn(Side.DESTINATION),
            account=bucket.account,
            region=bucket.region,
            policy_name=None,
            before=before,
            after=policy.with_statement(statement),
            statement=statement,
            serves=needed,
            blast_radius=f"Only {scope.role_arn} gains access, to write replicas into "
            f"{bucket.name}; it can read nothing there.",
            reverses="delete the bucket policy, or, if others have edited since, "
            f"remove the one statement {sid}"
            if before is None
            else "put the stored bucket policy back, or, if others have edited since, "
            f"remove the one statement {sid}",
        ),
    )


def _own_policy(role: Role) -> PolicyDocument | None:
    if not isinstance(role.identity_policies, tuple):
        return None
    named = (each for each in role.identity_policies if each.name == ROLE_POLICY_NAME)
    return next((each.document for each in named), None)


def _must_admit(key: Key, refused: Sequence[Assessment]) -> bool:
    return any(
        each.requirement.resource == key.arn and _refuses(each, LayerName.RESOURCE)
        for each in refused
    )


def _refuses(assessment: Assessment, layer: LayerName) -> bool:
    return any(each.layer is layer for each in assessment.refusing_layers)
