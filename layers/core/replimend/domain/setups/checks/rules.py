"""Rules that replicate nothing, or nothing that is encrypted with KMS."""

from collections.abc import Iterator, Sequence

from replimend.domain.facts import Absent, ObjectVersion, ReplicationSetup
from replimend.domain.setups.findings import Finding, found
from replimend.domain.setups.inspection import Inspection
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.setup_findings import SetupFinding


def check_rules(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """No configuration, no rule, rules that are disabled or do not opt in."""
    bucket = setup.bucket_arn(setup.source_bucket)
    match setup.replication:
        case Absent():
            yield found(SetupFinding.REPLICATION_MISSING, bucket)
        case ReplicationSetup() as replication:
            for rule in replication.rules:
                if not rule.enabled:
                    yield found(SetupFinding.RULE_DISABLED, bucket, rule=rule.rule_id)
            if not any(rule.enabled for rule in replication.rules):
                yield found(SetupFinding.NO_RULE_ENABLED, bucket)
            elif not inspections:
                yield from _not_selected(setup, bucket)
        case _:
            return
    for each in inspections:
        yield from _not_opted_in(each, bucket)


def check_object(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """An object that S3 cannot replicate as it is."""
    version = setup.object
    if inspections and isinstance(version, ObjectVersion) and version.archived:
        yield found(
            SetupFinding.OBJECT_ARCHIVED,
            f"{setup.bucket_arn(setup.source_bucket)}/{version.key}",
            storage_class=version.storage_class,
        )


def _not_selected(setup: Setup, bucket: str) -> Iterator[Finding]:
    if isinstance(setup.object, ObjectVersion):
        subject = f"{bucket}/{setup.object.key}"
        yield found(SetupFinding.NO_RULE_SELECTS_OBJECT, subject, key=setup.object.key)


def _not_opted_in(inspection: Inspection, bucket: str) -> Iterator[Finding]:
    rule = inspection.rule
    if not inspection.version.encryption.uses_kms:
        return
    if not rule.replicates_kms_objects:
        yield found(SetupFinding.NOT_OPTED_IN, bucket, rule=rule.rule_id)
    elif rule.replica_key is None:
        yield found(SetupFinding.NO_REPLICA_KEY, bucket, rule=rule.rule_id)
