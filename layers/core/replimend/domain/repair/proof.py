"""The guardrails that look at what a plan writes: proof that it gives this access and no other.

The proof is structural, since an Allow only ever adds: a policy is the one before but for one
statement of ours, or one value in one condition of a statement that is about nothing but our role,
and what either can match lies below the ceiling. Evaluation confirms it on probes (`probes`).
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, assert_never

from replimend.domain.documents import Document, Edit, Statement
from replimend.domain.repair.configurations import is_one_rule_mended
from replimend.domain.repair.key_states import is_step
from replimend.domain.repair.plan import ROLE_POLICY_NAME, Change, ChangeKind, Plan
from replimend.domain.repair.probes import first_difference
from replimend.domain.repair.scope import (
    BUCKET_CEILING,
    GRANT_CONTEXT,
    GRANT_PREFIX,
    KMS_CEILING,
    OBJECT_CEILING,
    SID_PREFIX,
    Scope,
    as_wide,
    texts,
)
from replimend.domain.repair.verdicts import Objection
from replimend.domain.repair.widening import added_value, is_only_about, is_within_scope
from replimend.domain.requirements import CONTEXT_KEY, VIA_SERVICE, Side

if TYPE_CHECKING:
    from replimend.domain.repair.guardrails import Review

SERVICE_LIMITS = {
    ChangeKind.KEY_POLICY: 32_768,
    ChangeKind.ROLE_POLICY: 10_240,
    ChangeKind.BUCKET_POLICY: 20_480,
}
"""Bytes of a key or bucket policy, characters of a role's inline policies (aws-facts 5.6, 5.8)."""


def principal_is_the_live_role(review: "Review") -> Objection | None:
    """The one principal is the role of the live replication configuration: no text of an event."""
    role = review.plan.role_arn
    for change in review.plan.changes:
        if not _admits_only(role, change):
            return Objection(says=f"the change of {change.subject} admits another than {role}")
    return None


def statements_stay_below_the_ceiling(review: "Review") -> Objection | None:
    """Allow, the computed calls, through S3, for the buckets of this pair: no more."""
    for change in review.plan.changes:
        if not _is_below_the_ceiling(change, scope_of(review.plan)):
            return Objection(
                says=f"a statement for {change.subject} is wider than S3 replication needs"
            )
    return None


def everything_else_is_unchanged(review: "Review") -> Objection | None:
    """Every other statement survives, unchanged and in its order; ours loses nothing."""
    for change in review.plan.changes:
        if not _keeps_all_else(change):
            return Objection(says=f"the plan would alter what {change.subject} already has")
    return None


def document_fits(review: "Review") -> Objection | None:
    """The new document stays within PolicySizeShare of the service's own limit."""
    for change in review.plan.changes:
        if change.kind not in SERVICE_LIMITS:
            continue
        allowed = SERVICE_LIMITS[change.kind] * review.limits.policy_size_share // 100
        if change.after.size > allowed:
            return Objection(
                says=f"the document for {change.subject} would have {change.after.size} bytes, "
                f"more than {allowed} (PolicySizeShare)"
            )
    return None


def nothing_else_becomes_allowed(review: "Review") -> Objection | None:
    """Every probe is answered before and after alike, but for the calls that the plan is for."""
    scope = scope_of(review.plan)
    for change in review.plan.changes:
        if (difference := first_difference(change, scope)) is not None:
            return Objection(says=f"the proof fails for {change.subject}: {difference}")
    return None


def scope_of(plan: Plan) -> Scope:
    """Whom and what everything in this plan has to be narrowed to."""
    buckets = {Side.SOURCE: plan.source_bucket, Side.DESTINATION: plan.destination_bucket}
    return Scope(role_arn=plan.role_arn, buckets=buckets)


def _admits_only(role: str, change: Change) -> bool:
    match change.kind:
        case ChangeKind.ROLE_POLICY:
            return change.subject == role and change.policy_name == ROLE_POLICY_NAME
        case ChangeKind.GRANT:
            return change.after.content.get("GranteePrincipal") == role
        case ChangeKind.REPLICATION_CONFIGURATION:
            return change.after.content.get("Role") == role
        case ChangeKind.KEY_STATE:
            return True  # a state names nobody; whom it concerns, a person is told who approves it
        case ChangeKind.KEY_POLICY | ChangeKind.BUCKET_POLICY:
            written = [new for _, new in _edits(change) if new is not None]
            return all(_names_only(role, each.get("Principal")) for each in written)
        case unreachable:
            assert_never(unreachable)


def _names_only(role: str, principal: object) -> bool:
    return (
        isinstance(principal, Mapping)
        and set(principal) == {"AWS"}
        and texts(principal["AWS"]) == (role,)
    )


def _is_below_the_ceiling(change: Change, scope: Scope) -> bool:
    match change.kind:
        case ChangeKind.GRANT:
            return any(_grant_is_narrow(change.after, scope, side) for side in Side)
        case ChangeKind.REPLICATION_CONFIGURATION:
            return (
                change.subject == scope.bucket_arn(Side.SOURCE)
                and change.before is not None
                and is_one_rule_mended(change.before, change.after, scope)
            )
        case ChangeKind.KEY_STATE:
            return is_step(change.before, change.after)
        case ChangeKind.ROLE_POLICY | ChangeKind.KEY_POLICY | ChangeKind.BUCKET_POLICY:
            return all(_edit_is_narrow(edit, change, scope) for edit in _edits(change))
        case unreachable:
            assert_never(unreachable)


def _edit_is_narrow(edit: Edit, change: Change, scope: Scope) -> bool:
    old, new = edit
    if new is None:
        return False
    if old is not None and not _is_ours(old):
        return any(_is_widened(old, new, change, scope, side) for side in Side)
    return _is_ours(new) and any(_has_our_shape(new, change, scope, side) for side in Side)


def _has_our_shape(statement: Statement, change: Change, scope: Scope, side: Side) -> bool:
    """Whether the statement is exactly of one of the few shapes that a plan may write."""
    bucket = scope.bucket_arn(side)
    match change.kind:
        case ChangeKind.KEY_POLICY:
            return _is_of_a_key(statement, change, scope, side, principal=True, keys={"*"})
        case ChangeKind.ROLE_POLICY:
            keys = {each.resource for each in change.serves if each.is_kms and each.side is side}
            return (
                _is_of_a_key(statement, change, scope, side, principal=False, keys=keys)
                or _is_of_s3(statement, OBJECT_CEILING[side], f"{bucket}/*", principal=False)
                or _is_of_s3(statement, BUCKET_CEILING[side], bucket, principal=False)
            )
        case ChangeKind.BUCKET_POLICY:
            is_destination = side is Side.DESTINATION
            return is_destination and _is_of_s3(
                statement, OBJECT_CEILING[side], f"{bucket}/*", principal=True
            )
        case ChangeKind.GRANT | ChangeKind.REPLICATION_CONFIGURATION | ChangeKind.KEY_STATE:
            return False
        case unreachable:
            assert_never(unreachable)


def _is_of_a_key(
    statement: Statement,
    change: Change,
    scope: Scope,
    side: Side,
    *,
    principal: bool,
    keys: Collection[str],
) -> bool:
    elements = {"Sid", "Effect", "Action", "Resource", "Condition"}
    condition = statement.get("Condition")
    if not (
        set(statement) == elements | ({"Principal"} if principal else set())
        and statement["Effect"] == "Allow"
        and _is_within(statement["Action"], KMS_CEILING[side])
        and _is_within(statement["Resource"], keys)
        and isinstance(condition, Mapping)
        and set(condition) == {"StringEquals", "StringLike"}
    ):
        return False
    equal, like = condition["StringEquals"], condition["StringLike"]
    via = {each.context[VIA_SERVICE] for each in change.serves if each.is_kms and each.side is side}
    return (
        isinstance(equal, Mapping)
        and isinstance(like, Mapping)
        and set(equal) == {VIA_SERVICE}
        and set(like) == {CONTEXT_KEY}
        and _is_within(equal[VIA_SERVICE], via)
        and _is_within(like[CONTEXT_KEY], scope.contexts(side))
    )


def _is_of_s3(
    statement: Statement, actions: Collection[str], resource: str, *, principal: bool
) -> bool:
    return (
        set(statement)
        == {"Sid", "Effect", "Action", "Resource"} | ({"Principal"} if principal else set())
        and statement["Effect"] == "Allow"
        and _is_within(statement["Action"], actions)
        and statement["Resource"] == resource
    )


def _is_widened(old: Statement, new: Statement, change: Change, scope: Scope, side: Side) -> bool:
    """Whether just one value was added to one condition, and lets through only what S3 sends."""
    added = added_value(old, new)
    via = {each.context[VIA_SERVICE] for each in change.serves if each.is_kms and each.side is side}
    return (
        change.kind is ChangeKind.KEY_POLICY
        and added is not None
        and len(via) == 1
        and is_only_about(new, scope, side, change.subject)
        and is_within_scope(old, added, scope, side, *via)
    )


def _grant_is_narrow(grant: Document, scope: Scope, side: Side) -> bool:
    content = grant.content
    operations = {each.removeprefix("kms:") for each in KMS_CEILING[side]}
    context = {GRANT_CONTEXT: scope.bucket_arn(side)}
    return (
        set(content) == {"Name", "GranteePrincipal", "Operations", "Constraints"}
        and str(content["Name"]).startswith(GRANT_PREFIX)
        and _is_within(content["Operations"], operations)
        and content["Constraints"] == {"EncryptionContextSubset": context}
    )


def _keeps_all_else(change: Change) -> bool:
    if change.kind is ChangeKind.GRANT:
        return change.before is None
    if change.policies is None:
        return change.before is not None  # all else was compared with the ceiling
    before, after = change.policies
    edits = _edits(change)
    rest_before = {k: v for k, v in before.content.items() if k != "Statement"}
    rest_after = {k: v for k, v in after.content.items() if k != "Statement"}
    is_single = change.kind is ChangeKind.ROLE_POLICY or len(edits) <= 1
    return is_single and rest_before == rest_after and all(_loses_nothing(edit) for edit in edits)


def _loses_nothing(edit: Edit) -> bool:
    old, new = edit
    if old is None:
        return new is not None
    if new is None:
        return False
    is_our_own = _is_ours(old) and old.get("Sid") == new.get("Sid") and as_wide(new, old)
    return is_our_own or added_value(old, new) is not None


def _edits(change: Change) -> tuple[Edit, ...]:
    if change.policies is None:
        return ()
    before, after = change.policies
    return after.edits_since(before)


def _is_ours(statement: Statement) -> bool:
    return str(statement.get("Sid")).startswith(SID_PREFIX)


def _is_within(value: object, allowed: Collection[str]) -> bool:
    """Whether a policy's text or list of texts names something, and only what is allowed."""
    named = texts(value)
    return bool(named) and all(each in allowed for each in named)
