"""What could not be looked at, so that the answer stays open where it matters."""

from collections.abc import Iterator, Sequence

from replimend.domain.access import Effect
from replimend.domain.facts import Bucket, ReplicationSetup
from replimend.domain.setups.findings import Finding, found
from replimend.domain.setups.inspection import Inspection
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.setup_findings import SetupFinding
from replimend.domain.unavailable import Unavailable


def check_gaps(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Every part that may hide a failure and was not read."""
    bucket = setup.bucket_arn(setup.source_bucket)
    if isinstance(setup.replication, Unavailable):
        yield found(SetupFinding.UNREAD, bucket, reason=setup.replication.reason)
    for each in inspections:
        for subject, reason in (*_unread_facts(each), *_unread_layers(each)):
            yield found(SetupFinding.UNREAD, subject, reason=reason)


def _unread_facts(inspection: Inspection) -> Iterator[tuple[str, str]]:
    setup, rule, facts = inspection.setup, inspection.rule, inspection.facts
    source = setup.bucket_arn(setup.source_bucket)
    destination = setup.bucket_arn(rule.destination_bucket)
    role = facts.setup.role_arn if isinstance(facts.setup, ReplicationSetup) else source
    parts: list[tuple[str, object]] = [
        (source, facts.source),
        (destination, facts.destination),
        (role, facts.role),
        (inspection.version.kms_key_arn or source, facts.source_key),
        (rule.replica_key or destination, facts.destination_key),
    ]
    parts += [
        (subject, bucket.versioned)
        for subject, bucket in ((source, facts.source), (destination, facts.destination))
        if isinstance(bucket, Bucket)
    ]
    yield from ((subject, fact.reason) for subject, fact in parts if isinstance(fact, Unavailable))


def _unread_layers(inspection: Inspection) -> Iterator[tuple[str, str]]:
    for call in inspection.calls:
        if call.assessment.is_unknown:
            for layer in call.assessment.decision.layers:
                if layer.effect is Effect.UNKNOWN and layer.reason:
                    yield call.requirement.resource, layer.reason
