"""Whether anybody hears of a failure: metrics, notifications, trails (aws-facts 1.2, 3.2)."""

from collections.abc import Iterator, Sequence

from replimend.domain.arn import Arn
from replimend.domain.facts import Key
from replimend.domain.setups.findings import Finding, found
from replimend.domain.setups.hearing_findings import HearingFinding
from replimend.domain.setups.inspection import Inspection
from replimend.domain.setups.setup import Setup, Trail

FAILED = frozenset({"s3:Replication:OperationFailedReplication", "s3:Replication:*"})


def check_metrics(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Rules without metrics: S3 sends no failure events for them."""
    for each in inspections:
        if not each.rule.metrics:
            bucket = setup.bucket_arn(setup.source_bucket)
            yield found(HearingFinding.METRICS_OFF, bucket, rule=each.rule.rule_id)


def check_notifications(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Failure events that go nowhere."""
    if not inspections or not isinstance(setup.notifications, tuple):
        return
    bucket = setup.bucket_arn(setup.source_bucket)
    if not setup.notifications:
        yield found(HearingFinding.NOTIFICATION_MISSING, bucket)
    elif not any(each.events & FAILED for each in setup.notifications):
        yield found(HearingFinding.NOTIFICATION_UNWIRED, bucket)


def check_trails(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Trails that do not let EventBridge hear of denied KMS calls; one that does is enough."""
    if not inspections or not isinstance(setup.trails, tuple):
        return
    if not setup.trails:
        account = f"arn:{setup.partition}:iam::{setup.home_account}:root"
        yield found(HearingFinding.TRAIL_MISSING, account)
        return
    hearing = [trail for trail in setup.trails if not list(_deafness(trail))]
    if not hearing:
        for trail in setup.trails:
            yield from _deafness(trail)
    elif all(trail.region for trail in hearing):
        covered = {trail.region for trail in hearing}
        for arn, region in _key_regions(inspections):
            if region not in covered:
                yield found(HearingFinding.TRAIL_MISSES_REGION, arn, region=region)


def _deafness(trail: Trail) -> Iterator[Finding]:
    if trail.is_logging is False:
        yield found(HearingFinding.TRAIL_STOPPED, trail.name)
    if trail.logs_reads is False:
        yield found(HearingFinding.TRAIL_SKIPS_READS, trail.name)
    elif trail.logs_kms is False:
        yield found(HearingFinding.TRAIL_EXCLUDES_KMS, trail.name)


def _key_regions(inspections: Sequence[Inspection]) -> Iterator[tuple[str, str]]:
    """A denial is logged in the key's Region, of the caller's account."""
    for each in inspections:
        for key in (each.facts.source_key, each.facts.destination_key):
            if isinstance(key, Key):
                yield key.arn, Arn.parse(key.arn).region
