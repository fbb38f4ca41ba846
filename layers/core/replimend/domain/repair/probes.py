"""Calls to try on a document before and after a change: none but the intended may differ.

The probes come from the documents themselves (whoever and whatever they name) and from what a
mistake would most likely give away: to a sibling role, another account or anybody; administrative
actions; another bucket's context; no context at all; another way than through S3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from replimend.domain.access import (
    Effect,
    Grant,
    LayerName,
    Layers,
    Policy,
    Request,
    Result,
    evaluate,
)
from replimend.domain.arn import Arn
from replimend.domain.assessment import SESSION_NAME
from replimend.domain.documents import Document, PolicyDocument, Statement
from replimend.domain.repair.plan import Change, ChangeKind
from replimend.domain.repair.scope import BUCKET_CEILING, KMS_CEILING, OBJECT_CEILING, Scope, texts
from replimend.domain.repair.widening import added_value
from replimend.domain.requirements import CONTEXT_KEY, VIA_SERVICE, Requirement, Side

STRANGER = "999999999999"
"""An account that no set-up is in."""

KMS_TEMPTATIONS = ("kms:ReEncryptFrom", "kms:DescribeKey", "kms:CreateGrant", "kms:PutKeyPolicy")
S3_TEMPTATIONS = ("s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy", "s3:DeleteObjectVersion")
BEYOND_POLICIES = frozenset({ChangeKind.REPLICATION_CONFIGURATION, ChangeKind.KEY_STATE})
"""The kinds that no policy evaluation has anything to say of: their proof is of their shape."""

MOST_NAMED = 4
"""How many principals, and how many actions, are taken from the documents."""

EVERYTHING = Policy.parse(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    name="everything",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes the call of a probe."""

    principal: str
    account: str
    role_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One call to try on both documents."""

    caller: Caller
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, str]

    def __str__(self) -> str:
        """The probe in a line: who, what, on what, in which context."""
        context = ", ".join(f"{key}={value}" for key, value in self.context.items())
        where = f" with {context}" if context else ""
        return f"{self.action} on {self.resource} by {self.caller.principal}{where}"


def first_difference(change: Change, scope: Scope) -> str | None:
    """The first probe that the change should not alter and does, or intended call that it refuses.

    None if the change does what it is for, and nothing else that any probe shows.
    """
    if change.kind in BEYOND_POLICIES:
        return None
    before, after = _layers(change, change.before), _layers(change, change.after)
    for requirement in change.serves:
        intended = _intended(requirement, change, scope)
        if not _allows(intended, after, change):
            return f"{intended} would still be refused"
    for probe in probes_of(change, scope):
        if _is_intended(probe, change, scope):
            continue
        is_allowed = _allows(probe, after, change)
        if is_allowed is not _allows(probe, before, change):
            return f"{probe} would become {'allowed' if is_allowed else 'refused'}"
    return None


def probes_of(change: Change, scope: Scope) -> Iterator[Probe]:
    """Every probe of this change."""
    for caller in _callers(change, scope):
        for resource, account, contexts in _resources(change, scope):
            for action in _actions(change, resource):
                for context in contexts:
                    yield Probe(
                        caller=caller,
                        action=action,
                        resource=resource,
                        resource_account=account,
                        context=context,
                    )


def _intended(requirement: Requirement, change: Change, scope: Scope) -> Probe:
    return Probe(
        caller=_session_of(scope.role_arn),
        action=requirement.action,
        resource=requirement.resource,
        resource_account=change.account,
        context=requirement.context,
    )


def _is_intended(probe: Probe, change: Change, scope: Scope) -> bool:
    """Whether the probe is of the role, the calls of one side, its key and bucket, through S3."""
    if probe.caller.role_arn != scope.role_arn:
        return False
    return any(_is_of(side, probe, change, scope) for side in Side)


def _is_of(side: Side, probe: Probe, change: Change, scope: Scope) -> bool:
    bucket = scope.bucket_arn(side)
    if not probe.action.startswith("kms:"):
        of_objects = probe.resource.startswith(f"{bucket}/")
        return (of_objects and probe.action in OBJECT_CEILING[side]) or (
            probe.resource == bucket and probe.action in BUCKET_CEILING[side]
        )
    calls = [each for each in change.serves if each.is_kms and each.side is side]
    via = {each.context[VIA_SERVICE] for each in calls}
    return (
        probe.action in KMS_CEILING[side]
        and probe.resource in {each.resource for each in calls}
        and scope.has_context(side, probe.context.get(CONTEXT_KEY, ""))
        # A grant cannot demand a way (aws-facts 5.7), and a widened statement has its owner's.
        and (probe.context.get(VIA_SERVICE) in via or not _demands_the_way(change))
    )


def _demands_the_way(change: Change) -> bool:
    if change.policies is None:
        return False
    before, after = change.policies
    edits = after.edits_since(before)
    return not any(old and new and added_value(old, new) is not None for old, new in edits)


def _allows(probe: Probe, layers: Layers, change: Change) -> bool:
    """Whether what the change writes allows the call, taken by itself."""
    request = Request(
        principal=probe.caller.principal,
        principal_account=probe.caller.account,
        role_arn=probe.caller.role_arn,
        action=probe.action,
        resource=probe.resource,
        resource_account=probe.resource_account,
        context=probe.context,
    )
    decision = evaluate(request, layers)
    match change.kind:
        case ChangeKind.ROLE_POLICY:
            return decision.layer(LayerName.IDENTITY).effect is Effect.ALLOWED
        case ChangeKind.KEY_POLICY | ChangeKind.BUCKET_POLICY | ChangeKind.GRANT:
            return decision.result is Result.ALLOWED
        case ChangeKind.REPLICATION_CONFIGURATION | ChangeKind.KEY_STATE:
            return False  # neither allows a call


def _layers(change: Change, document: Document | None) -> Layers:
    if change.kind is ChangeKind.ROLE_POLICY:
        policy = _policy(document, "role")
        return Layers(identity=(policy,), resource=None)
    if change.kind is ChangeKind.GRANT:
        listed = () if document is None else ({**document.content, "KeyId": change.subject},)
        nobody = _policy(None, "key")
        return Layers(
            identity=(EVERYTHING,),
            resource=nobody,
            grants=tuple(Grant.parse(each) for each in listed),
        )
    return Layers(identity=(EVERYTHING,), resource=_policy(document, change.subject))


def _policy(document: Document | None, name: str) -> Policy:
    content = (document or PolicyDocument.empty()).content
    return Policy.parse(content, name=name)


def _session_of(role_arn: str) -> Caller:
    role = Arn.parse(role_arn)
    session = f"assumed-role/{role.role_name}/{SESSION_NAME}"
    return Caller(
        principal=f"arn:{role.partition}:sts::{role.account}:{session}",
        account=role.account,
        role_arn=role_arn,
    )


def _callers(change: Change, scope: Scope) -> Iterator[Caller]:
    role = Arn.parse(scope.role_arn)
    yield _session_of(scope.role_arn)
    if change.kind is ChangeKind.ROLE_POLICY:
        return
    iam = f"arn:{role.partition}:iam:"
    yield _session_of(f"{scope.role_arn}-sibling")
    yield _session_of(f"{iam}:{STRANGER}:role/stranger")
    yield Caller(principal=f"{iam}:{change.account}:user/somebody", account=change.account)
    for arn in islice(_named_roles(change, scope), MOST_NAMED):
        yield _session_of(arn)


def _named_roles(change: Change, scope: Scope) -> Iterator[str]:
    named = dict.fromkeys(
        each
        for statement in _statements(change)
        for each in _aws_principals(statement.get("Principal"))
    )
    for each in named:
        if ":role/" in each and each != scope.role_arn and "*" not in each:
            yield each


def _aws_principals(principal: object) -> tuple[str, ...]:
    return texts(principal["AWS"]) if isinstance(principal, Mapping) and "AWS" in principal else ()


def _actions(change: Change, resource: str) -> Iterator[str]:
    of_kms = ":kms:" in resource
    ceilings = (KMS_CEILING,) if of_kms else (OBJECT_CEILING, BUCKET_CEILING)
    known = {action for ceiling in ceilings for actions in ceiling.values() for action in actions}
    named = (
        action
        for statement in _statements(change)
        for action in texts(statement.get("Action"))
        if "*" not in action and "?" not in action
    )
    service = "kms:" if of_kms else "s3:"
    fitting = [each for each in dict.fromkeys(named) if each.startswith(service)]
    tempting = KMS_TEMPTATIONS if of_kms else S3_TEMPTATIONS
    yield from dict.fromkeys((*sorted(known), *tempting, *fitting[:MOST_NAMED]))


type Contexts = tuple[Mapping[str, str], ...]


def _resources(change: Change, scope: Scope) -> Iterator[tuple[str, str, Contexts]]:
    kms = dict.fromkeys(each.resource for each in change.serves if each.is_kms)
    for key in kms:
        account = Arn.parse(key).account
        yield key, account, tuple(_contexts(change, scope))
        if change.kind is ChangeKind.ROLE_POLICY:
            yield f"{key[:-4]}0000", account, tuple(_contexts(change, scope))
    if len(kms) != len(change.serves):
        for side in Side:
            bucket = scope.bucket_arn(side)
            for resource in (bucket, f"{bucket}/a.txt", f"{bucket}-other/a.txt"):
                yield resource, change.account, ({},)


def _contexts(change: Change, scope: Scope) -> Iterator[Mapping[str, str]]:
    yield {}
    vias = dict.fromkeys(each.context[VIA_SERVICE] for each in change.serves if each.is_kms)
    for via in vias:
        for side in Side:
            bucket = scope.bucket_arn(side)
            yield {VIA_SERVICE: via, CONTEXT_KEY: bucket}
            yield {VIA_SERVICE: via, CONTEXT_KEY: f"{bucket}/a.txt"}
            yield {VIA_SERVICE: via, CONTEXT_KEY: f"{bucket}-other"}
            yield {VIA_SERVICE: via.replace("s3.", "ec2.", 1), CONTEXT_KEY: bucket}
            yield {CONTEXT_KEY: f"{bucket}/a.txt"}
        yield {VIA_SERVICE: via}


def _statements(change: Change) -> tuple[Statement, ...]:
    return change.policies[1].statements if change.policies else ()
