"""Causes in the configuration, the rule and the object itself, before any policy is looked at."""

from dataclasses import replace

from replimend.domain.diagnosis.cases import Case, found, reported, undetermined
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.facts import Absent, ObjectVersion, ReplicationRule, ReplicationSetup
from replimend.domain.failure_reasons import ReasonClass, ReasonCode
from replimend.domain.unavailable import Unavailable

ONWARD = (
    "Replicate the version with S3 Batch Replication (s3:InitiateReplication), which alone takes "
    "replicas further."
)
"""What a person does about a replica that should be replicated again (aws-facts 6.5)."""


def own_set_up(case: Case) -> Diagnosis | None:
    """The re-copy job of ours was refused, not the customer's replication."""
    if case.reason is None or case.reason.reason_class is not ReasonClass.OUR_SETUP:
        return None
    return reported(Cause.OWN_SET_UP, case)


def source_bucket(case: Case) -> Diagnosis | None:
    """The source bucket is gone, and its configuration with it."""
    name = case.facts.source_bucket
    if not isinstance(case.facts.source, Absent):
        return None
    says = f"the bucket {name} does not exist"
    return found(Cause.SOURCE_BUCKET_MISSING, says, subject=name, source=name)


def replication_configuration(case: Case) -> Diagnosis | None:
    """The source bucket replicates nothing at all, or we may not know."""
    match case.facts.setup:
        case Unavailable(reason=reason):
            return undetermined(
                f"the replication configuration could not be read: {reason}",
                "Let the triage function read s3:GetReplicationConfiguration on "
                f"{case.facts.source_bucket}, then run triage again.",
            )
        case Absent():
            name = case.facts.source_bucket
            says = f"the source bucket {name} has no replication configuration"
            cause = Cause.REPLICATION_CONFIGURATION_MISSING
            return found(cause, says, subject=name, source=name)
        case ReplicationSetup():
            return None


def rule(case: Case) -> Diagnosis | None:
    """The rule that failed is gone, switched off, or points elsewhere by now."""
    rule, name = case.facts.rule, repr(case.facts.rule_id)
    if rule is None:
        says = f"the configuration has no rule {name} any more"
        return found(Cause.RULE_MISSING, says, rule=name)
    if not rule.enabled:
        return found(Cause.RULE_DISABLED, f"the rule {name} is disabled", rule=name)
    if rule.destination_bucket != case.facts.destination_bucket:
        return found(
            Cause.RULE_CHANGED,
            f"the rule {name} replicates to {rule.destination_bucket} now, and the failure was on "
            f"the way to {case.facts.destination_bucket}",
            rule=name,
            bucket=case.facts.destination_bucket,
            replacement=rule.destination_bucket,
        )
    return None


def hard_deletion(case: Case) -> Diagnosis | None:
    """The replica was deleted by its version id, which the source's status does not show.

    The source stays COMPLETED, so that this comes before the status; no permission mends it.
    """
    is_told = case.code is ReasonCode.DST_OBJECT_HARD_DELETED
    if not is_told or isinstance(case.facts.object, Absent):
        return None
    return reported(Cause.REPLICA_HARD_DELETED, case)


def object_version(case: Case) -> Diagnosis | None:
    """The version is gone, archived, or replicated by now."""
    version = case.facts.object
    match version:
        case Absent() if case.code is ReasonCode.DST_DEL_OBJ_NOT_PERMITTED:
            # HEAD answers 405 for a delete marker: what failed is one, and has no content.
            return None
        case Absent():
            return found(Cause.OBJECT_GONE, "the object version no longer exists at the source")
        case Unavailable(reason=reason):
            return undetermined(
                f"the object version could not be read: {reason}",
                "Let the triage function HEAD objects of "
                f"{case.facts.source_bucket} (s3:GetObjectVersion), then run triage again.",
            )
        case ObjectVersion(replication_status="COMPLETED" | "COMPLETE" as status):
            return found(Cause.ALREADY_REPLICATED, _status(status))
        case ObjectVersion(replication_status="REPLICA" as status) if _is_settled(case):
            return found(Cause.ALREADY_REPLICATED, _status(status))
        case ObjectVersion() if case.code is ReasonCode.SRC_REPLICATION_NOT_PENDING:
            return reported(Cause.ALREADY_REPLICATED, case, _status(version.replication_status))
        case ObjectVersion(archived=True):
            return found(
                Cause.OBJECT_ARCHIVED,
                f"the version is archived in {version.storage_class}",
                storage_class=version.storage_class,
            )
        case ObjectVersion():
            return None


def selection(case: Case) -> Diagnosis | None:
    """The rule does not select the version, as far as its key and the number of its tags tell."""
    rule, version = case.facts.rule, case.facts.object
    if rule is None or not isinstance(version, ObjectVersion):
        return None
    if (says := _not_selected(rule, version)) is not None:
        return found(Cause.OBJECT_NOT_ELIGIBLE, says, rule=repr(rule.rule_id))
    if version.replication_status == "REPLICA" and case.reason is None:
        says = "the version is a replica itself, and S3 replicates replicas no further"
        diagnosis = found(Cause.OBJECT_NOT_ELIGIBLE, says, rule=repr(rule.rule_id))
        return replace(diagnosis, next=ONWARD)
    if case.code is ReasonCode.SRC_OBJECT_NOT_ELIGIBLE and rule.tags:
        wanted = ", ".join(f"{key}={value}" for key, value in rule.tags.items())
        says = f"the rule selects by the tags {wanted}, and HeadObject tells of none their values"
        return reported(Cause.OBJECT_NOT_ELIGIBLE, case, says, rule=repr(rule.rule_id))
    return None


def opt_in(case: Case) -> Diagnosis | None:
    """The rule never selected SSE-KMS objects, and so skips them silently."""
    rule, version = case.facts.rule, case.facts.object
    if not (
        isinstance(rule, ReplicationRule)
        and isinstance(version, ObjectVersion)
        and version.encryption.uses_kms
    ):
        return None
    if rule.replicates_kms_objects and rule.replica_key:
        return None
    lacks = "names no replica key" if rule.replicates_kms_objects else "does not select such"
    says = f"the version is encrypted with KMS, and the rule {rule.rule_id!r} {lacks}"
    return found(Cause.NOT_OPTED_IN, says, rule=repr(rule.rule_id))


def _status(status: str | None) -> str:
    return f"S3 gives the version's replication status as {status or 'none'}"


def _is_settled(case: Case) -> bool:
    """Whether REPLICA is what a version goes back to once its changes are brought over.

    With replica modification sync a replica is PENDING or FAILED meanwhile (aws-facts 6.1).
    """
    return case.facts.rule is not None and case.facts.rule.replica_modifications


def _not_selected(rule: ReplicationRule, version: ObjectVersion) -> str | None:
    if not version.key.startswith(rule.prefix):
        return f"the key of the version does not begin with the rule's prefix {rule.prefix!r}"
    if version.tag_count < len(rule.tags):
        return f"the rule selects by {len(rule.tags)} tags, and the version has {version.tag_count}"
    return None
