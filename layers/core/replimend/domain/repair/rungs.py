"""The rungs of the ladder: the one change of a role, key or bucket that lets calls through."""

from collections.abc import Sequence
from datetime import timedelta

from replimend.domain.access import LayerName
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment
from replimend.domain.documents import PolicyDocument, Statement
from replimend.domain.facts import Absent, Bucket, Fact, Key, Role
from replimend.domain.repair.plan import ROLE_POLICY_NAME, Change, ChangeKind
from replimend.domain.repair.scope import Scope
from replimend.domain.repair.widening import Widening, widening_for
from replimend.domain.requirements import CONTEXT_KEY, Requirement, Side
from replimend.domain.unavailable import Unavailable

GRANT_LIVES = timedelta(days=30)
"""How long a grant of ours stays, unless it is rolled back before."""

KEY_POLICY_ROOM = 32_768 * 9 // 10
"""Bytes beyond which a key policy counts as full (aws-facts 5.6 and 8.5)."""


def role_changes(refused: Sequence[Assessment], scope: Scope, role: Role) -> tuple[Change, ...]:
    """Allow in the role's own inline policy what the role's policies are silent on."""
    needed = [each.requirement for each in refused if refuses(each, LayerName.IDENTITY)]
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


def key_changes(
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
        and refuses(each, LayerName.RESOURCE)
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


def bucket_changes(
    refused: Sequence[Assessment], scope: Scope, bucket: Fact[Bucket]
) -> tuple[Change, ...]:
    """Admit the role to the destination bucket's objects, where its policy is silent on it."""
    needed = tuple(
        each.requirement
        for each in refused
        if not each.requirement.is_kms and refuses(each, LayerName.RESOURCE)
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


def refuses(assessment: Assessment, layer: LayerName) -> bool:
    """Whether this layer is one of those that refuse the call."""
    return any(each.layer is layer for each in assessment.refusing_layers)
