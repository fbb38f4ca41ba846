"""Gather from the ledger what a review has to know beside the plan and the limits."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from replimend.domain.repair.changes import ChangeRecord, ChangeState
from replimend.domain.repair.plan import Plan
from replimend.domain.repair.safeguards import tagged_parts_of
from replimend.domain.repair.verdicts import Circumstances
from replimend.ports import Changes, Clock, Incidents, ResourceTags
from replimend.usecases.investigation import Finding

BREAKER_COUNTS = timedelta(hours=1)


def circumstances_of(
    incident_id: str,
    plan: Plan,
    *,
    replayed: bool,
    finding: Finding,
    clock: Clock,
    incidents: Incidents,
    changes: Changes,
    tags: ResourceTags,
) -> Circumstances:
    """The circumstances of a review of this incident's plan, which the finding came to, now."""
    now = clock.now()
    resumed = incidents.resumed_at()
    counted_from = now - BREAKER_COUNTS
    if resumed is not None:
        counted_from = max(counted_from, resumed)
    made = [
        each for each in changes.of_incident(incident_id) if each.state is not ChangeState.ABANDONED
    ]
    return Circumstances(
        now=now,
        frozen_by=incidents.frozen_by(),
        replayed=replayed,
        changes_last_hour=changes.count_since(counted_from),
        changes_of_incident=len(made),
        approval=incidents.approval_of(incident_id),
        rejection=incidents.rejection_of(incident_id),
        removal=finding.removal,
        untold_until=finding.untold_until,
        canary_failed_at=_canary_failed_at(plan, made),
        tags={arn: tags.of(arn) for arn in sorted(tagged_parts_of(plan))},
    )


def _canary_failed_at(plan: Plan, made: Sequence[ChangeRecord]) -> datetime | None:
    """When the newest try of this very plan was undone, unless that was since its time was over."""
    newest = [each for each in made if each.plan_hash == plan.hash][-1:]
    return next(
        (
            each.state_since
            for each in newest
            if each.state is ChangeState.ROLLED_BACK and not _is_over(each)
        ),
        None,
    )


def _is_over(change: ChangeRecord) -> bool:
    ended, expires = change.state_since, change.expires
    return ended is not None and expires is not None and expires <= ended
