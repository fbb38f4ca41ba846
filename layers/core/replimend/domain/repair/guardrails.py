"""The limits within which access may be changed. A refusal is a value that lists every objection.

Each guardrail is one small function that returns an objection or None. A setting that is empty
refuses: nothing is allowed that was not listed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from replimend.domain.arn import Arn
from replimend.domain.repair.plan import ChangeKind, Plan
from replimend.domain.repair.proof import (
    document_fits,
    everything_else_is_unchanged,
    nothing_else_becomes_allowed,
    principal_is_the_live_role,
    statements_stay_below_the_ceiling,
)
from replimend.domain.repair.removals import cloudtrail_has_told, nobody_removed_it_lately
from replimend.domain.repair.safeguards import (
    a_person_agrees_to_what_needs_one,
    everything_is_opted_in,
    its_canary_did_not_fail,
    nobody_opted_out,
    nothing_of_ours_is_touched,
    now_is_within_the_hours,
)
from replimend.domain.repair.verdicts import (
    Approved,
    Circumstances,
    Limits,
    Mode,
    Objection,
    ObjectionKind,
    Refused,
    Verdict,
)

OF_KEYS = frozenset({ChangeKind.KEY_POLICY, ChangeKind.GRANT, ChangeKind.KEY_STATE})
"""The kinds of change that are made to a key."""


def review(plan: Plan, limits: Limits, circumstances: Circumstances) -> Verdict:
    """Whether this plan may be applied now; only `Approved` can be."""
    subject = Review(plan=plan, limits=limits, circumstances=circumstances)
    objections = tuple(
        objection for guardrail in GUARDRAILS if (objection := guardrail(subject)) is not None
    )
    if objections:
        return Refused(plan_hash=plan.hash, objections=objections)
    approval = circumstances.approval
    return Approved(plan_hash=plan.hash, by=approval.by if approval else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What every guardrail is given."""

    plan: Plan
    limits: Limits
    circumstances: Circumstances

    @property
    def is_approved(self) -> bool:
        """Whether a person approved exactly this plan, and not too long ago."""
        approval = self.circumstances.approval
        return (
            approval is not None
            and approval.plan_hash == self.plan.hash
            and self.circumstances.now < approval.expires
        )


type Guardrail = Callable[[Review], Objection | None]


def mode_allows_it(review: Review) -> Objection | None:
    """`observe` changes nothing; `approve` waits for a person; `repair` needs neither."""
    match review.limits.mode:
        case Mode.OBSERVE:
            return Objection(
                says="the mode is observe: nothing is changed", kind=ObjectionKind.OBSERVING
            )
        case Mode.APPROVE if not review.circumstances.approves(review.plan.hash):
            return Objection(
                says=f"the mode is approve: plan {review.plan.hash} waits for a person",
                kind=ObjectionKind.NEEDS_APPROVAL,
            )
        case Mode.APPROVE | Mode.REPAIR:
            return None


def nothing_is_frozen(review: Review) -> Objection | None:
    """A person's `pause` holds until `resume`."""
    if review.circumstances.frozen_by is None:
        return None
    return Objection(says=f"changes are paused by {review.circumstances.frozen_by}")


def signal_is_not_a_replay(review: Review) -> Objection | None:
    """Events replayed from an archive tell of the past and never cause a change."""
    if review.circumstances.replayed:
        return Objection(says="the signal is a replayed event, and those never cause a change")
    return None


def nobody_rejected_it(review: Review) -> Objection | None:
    """A plan that a person rejected or rolled back is never carried out again by itself."""
    rejection = review.circumstances.rejection
    if rejection is None or rejection.plan_hash != review.plan.hash:
        return None
    return Objection(says=f"{rejection.says}: make the change by hand if it is wanted after all")


def source_bucket_is_listed(review: Review) -> Objection | None:
    """Only buckets in SourceBucketArns; an empty list refuses all."""
    return _unlisted(
        review.plan.source_bucket, review.limits.source_buckets, "source buckets (SourceBucketArns)"
    )


def destination_bucket_is_listed(review: Review) -> Objection | None:
    """Only buckets in DestinationBucketArns; an empty list refuses all."""
    return _unlisted(
        review.plan.destination_bucket,
        review.limits.destination_buckets,
        "destination buckets (DestinationBucketArns)",
    )


def role_is_listed(review: Review) -> Objection | None:
    """Only roles in ReplicationRoleArns; an empty list refuses all."""
    return _unlisted(
        review.plan.role_arn,
        review.limits.replication_roles,
        "replication roles (ReplicationRoleArns)",
    )


def keys_are_listed(review: Review) -> Objection | None:
    """Only keys in RepairableKeyArns may be opened further, in whichever policy; empty refuses."""
    for change in review.plan.changes:
        edited = [change.subject] if change.kind in OF_KEYS else []
        for key in (*edited, *(each.resource for each in change.serves if each.is_kms)):
            if key not in review.limits.repairable_keys:
                return Objection(says=f"{key} is not among the keys (RepairableKeyArns)")
    return None


def accounts_are_listed(review: Review) -> Objection | None:
    """The role's own account, and those in RepairableAccounts."""
    home = Arn.parse(review.plan.role_arn).account
    for change in review.plan.changes:
        account = change.account
        if account != home and account not in review.limits.accounts:
            return Objection(says=f"{account} is not among the accounts (RepairableAccounts)")
    return None


def kinds_are_allowed(review: Review) -> Objection | None:
    """Only the kinds of change in AllowedChanges; an empty list refuses all."""
    for change in review.plan.changes:
        if change.kind not in review.limits.allowed_changes:
            return Objection(says=f"changes of kind {change.kind} are not allowed (AllowedChanges)")
    return None


def changes_are_few(review: Review) -> Objection | None:
    """Within ChangesPerIncident for this incident."""
    if review.plan.is_replay_only:
        return None
    made, new = review.circumstances.changes_of_incident, len(review.plan.changes)
    if made + new > review.limits.changes_per_incident:
        return Objection(says="this incident's changes are used up (ChangesPerIncident)")
    return None


def breaker_is_closed(review: Review) -> Objection | None:
    """Within ChangesPerHour over all incidents, counted anew from a person's `resume`.

    A plan that nothing else speaks against opens the breaker by this objection: changes are then
    paused, which is told once, until a person resumes them. With a limit of zero there is nothing
    to open: no change is ever allowed.
    """
    if review.plan.is_replay_only:
        return None
    made, most = review.circumstances.changes_last_hour, review.limits.changes_per_hour
    if made + len(review.plan.changes) <= most:
        return None
    return Objection(
        says=f"the hour's changes are used up: {made} made, {most} allowed (ChangesPerHour)",
        kind=ObjectionKind.BREAKER if made else ObjectionKind.LIMIT,
    )


GUARDRAILS: tuple[Guardrail, ...] = (
    mode_allows_it,
    nothing_is_frozen,
    signal_is_not_a_replay,
    nobody_rejected_it,
    nothing_of_ours_is_touched,
    nobody_removed_it_lately,
    cloudtrail_has_told,
    its_canary_did_not_fail,
    source_bucket_is_listed,
    destination_bucket_is_listed,
    role_is_listed,
    keys_are_listed,
    accounts_are_listed,
    kinds_are_allowed,
    principal_is_the_live_role,
    statements_stay_below_the_ceiling,
    everything_else_is_unchanged,
    document_fits,
    nothing_else_becomes_allowed,
    a_person_agrees_to_what_needs_one,
    nobody_opted_out,
    everything_is_opted_in,
    now_is_within_the_hours,
    changes_are_few,
    breaker_is_closed,
)
"""All of them are asked, in this order."""


def _unlisted(name: str, listed: frozenset[str], what: str) -> Objection | None:
    if name in listed:
        return None
    return Objection(says=f"{name} is not among the {what}")
