"""Gather from the ledger what a review has to know beside the plan and the limits."""

from datetime import timedelta

from replimend.domain.changes import ChangeState
from replimend.domain.plan import Plan
from replimend.domain.safeguards import tagged_parts_of
from replimend.domain.unavailable import Unavailable
from replimend.domain.verdicts import Circumstances, Removal
from replimend.ports import Changes, Clock, Incidents, ResourceTags

BREAKER_COUNTS = timedelta(hours=1)


def circumstances_of(
    incident_id: str,
    plan: Plan,
    *,
    replayed: bool,
    removal: Removal | Unavailable | None,
    clock: Clock,
    incidents: Incidents,
    changes: Changes,
    tags: ResourceTags,
) -> Circumstances:
    """The circumstances of a review of this incident's plan at this moment."""
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
        removal=removal,
        tags={arn: tags.of(arn) for arn in sorted(tagged_parts_of(plan))},
    )
