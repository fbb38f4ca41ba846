"""Causes in the configuration, the rule and the object itself, before any policy is looked at."""

from replimend.domain.cases import Case, found, undetermined
from replimend.domain.causes import Cause, Confidence, Diagnosis, Source
from replimend.domain.facts import Absent, ObjectVersion, ReplicationRule, ReplicationSetup
from replimend.domain.failure_reasons import ReasonClass
from replimend.domain.unavailable import Unavailable


def own_set_up(case: Case) -> Diagnosis | None:
    """The re-copy job of ours was refused, not the customer's replication."""
    if case.reason is None or case.reason.reason_class is not ReasonClass.OUR_SETUP:
        return None
    return found(
        Cause.OWN_SET_UP,
        f"S3 reported {case.reason.code}: {case.reason.meaning}",
        "Check the stack's batch job role and Region: the re-copy job itself was refused.",
        source=Source.EVENT,
        confidence=Confidence.REPORTED,
    )


def replication_configuration(case: Case) -> Diagnosis | None:
    """The source bucket replicates nothing at all, or we may not know."""
    match case.facts.setup:
        case Unavailable(reason=reason):
            return undetermined(
                f"the replication configuration could not be read: {reason}",
                "Let the triage function read s3:GetReplicationConfiguration on the source bucket.",
            )
        case Absent():
            return found(
                Cause.REPLICATION_CONFIGURATION_MISSING,
                "the source bucket has no replication configuration",
                "Put the replication configuration back, or let the objects stay where they are.",
            )
        case ReplicationSetup():
            return None


def rule(case: Case) -> Diagnosis | None:
    """The rule that failed is gone or switched off."""
    rule = case.facts.rule
    if rule is None:
        return found(
            Cause.RULE_MISSING,
            f"the configuration has no rule {case.facts.rule_id!r} any more",
            "Nothing to do if the rule was removed on purpose; else put it back and re-copy.",
        )
    if not rule.enabled:
        return found(
            Cause.RULE_DISABLED,
            f"the rule {rule.rule_id!r} is disabled",
            "Enable the rule if it was disabled by mistake; then re-copy.",
        )
    return None


def object_version(case: Case) -> Diagnosis | None:
    """The version is gone, archived, or replicated by now."""
    version = case.facts.object
    match version:
        case Unavailable(reason=reason):
            return undetermined(
                f"the object version could not be read: {reason}",
                "Let the triage function HEAD objects of the source bucket (s3:GetObjectVersion).",
            )
        case Absent():
            return found(
                Cause.OBJECT_GONE,
                "the object version no longer exists at the source",
                "Nothing: a version that was deleted cannot be replicated.",
            )
        case ObjectVersion(replication_status="COMPLETED" | "COMPLETE" | "REPLICA"):
            return found(
                Cause.ALREADY_REPLICATED,
                f"S3 gives the version's replication status as {version.replication_status}",
                "Nothing: the version has been replicated since.",
            )
        case ObjectVersion(archived=True):
            return found(
                Cause.OBJECT_ARCHIVED,
                f"the version is archived in {version.storage_class}",
                "Restore the version first: S3 cannot replicate an archived object.",
            )
        case ObjectVersion():
            return None


def opt_in(case: Case) -> Diagnosis | None:
    """The rule never selected SSE-KMS objects, and so skips them silently."""
    rule, version = case.facts.rule, case.facts.object
    if (
        isinstance(rule, ReplicationRule)
        and isinstance(version, ObjectVersion)
        and version.encryption.uses_kms
        and not rule.replicates_kms_objects
    ):
        return found(
            Cause.NOT_OPTED_IN,
            f"the rule {rule.rule_id!r} does not select SSE-KMS objects, and the version is one",
            "Set SourceSelectionCriteria.SseKmsEncryptedObjects to Enabled and name a "
            "ReplicaKmsKeyID in the rule; S3 skips these objects silently until then.",
        )
    return None
