"""Causes in what a replication needs beside permissions: the role, the buckets, the keys."""

from replimend.domain.arn import Arn
from replimend.domain.cases import Case, found, undetermined
from replimend.domain.causes import Cause, Diagnosis
from replimend.domain.facts import Absent, Bucket, Facts, Key, ObjectVersion, Role
from replimend.domain.trust import role_is_assumable_by_s3
from replimend.domain.unavailable import Unavailable

USABLE_KEY_STATE = "Enabled"


def role(case: Case) -> Diagnosis | None:
    """The role does not exist, or S3 cannot assume it."""
    match case.facts.role:
        case Unavailable(reason=reason):
            return undetermined(
                f"the replication role could not be read: {reason}",
                "Let the triage function read the role and its policies (iam:GetRole and others).",
            )
        case Absent(what=what):
            return found(
                Cause.ROLE_MISSING,
                f"the replication role {what} does not exist",
                "Create the role again, or name another in the replication configuration.",
                subject=what,
            )
        case Role() as role if not role_is_assumable_by_s3(role, case.facts.home_account):
            return found(
                Cause.ROLE_NOT_ASSUMABLE,
                "the role's trust policy does not let s3.amazonaws.com assume it",
                "Allow s3.amazonaws.com to call sts:AssumeRole in the role's trust policy.",
                subject=role.arn,
            )
        case Role():
            return None


def destination_bucket(case: Case) -> Diagnosis | None:
    """The destination does not exist, or lacks what replicas need of it."""
    facts = case.facts
    match facts.destination:
        case Absent():
            return found(
                Cause.DESTINATION_BUCKET_MISSING,
                f"the bucket {facts.destination_bucket} does not exist",
                "Create the destination bucket again, versioned, or point the rule at another.",
                subject=facts.destination_bucket,
            )
        case Bucket(versioned=False) as bucket:
            return found(
                Cause.DESTINATION_UNVERSIONED,
                f"versioning is not enabled on {bucket.name}",
                "Enable versioning on the destination bucket.",
                subject=bucket.name,
            )
        case Bucket(object_lock=False) as bucket if (
            isinstance(facts.object, ObjectVersion) and facts.object.object_lock
        ):
            return found(
                Cause.DESTINATION_LACKS_OBJECT_LOCK,
                f"the version is locked, and {bucket.name} has no Object Lock",
                "Enable Object Lock on the destination bucket.",
                subject=bucket.name,
            )
        case _:
            return None


def source_key(case: Case) -> Diagnosis | None:
    """The source key cannot be used."""
    key = case.facts.source_key
    if isinstance(key, Key) and key.state != USABLE_KEY_STATE:
        return _unusable(Cause.SOURCE_KEY_UNUSABLE, key)
    return None


def destination_key(case: Case) -> Diagnosis | None:
    """The replica key does not exist, cannot be used, or is of the wrong kind."""
    facts = case.facts
    match facts.destination_key:
        case Absent(what=what) if facts.rule is not None and facts.rule.replica_key:
            return found(
                Cause.DESTINATION_KEY_MISSING,
                f"the rule encrypts replicas with {what}, which does not exist",
                "Name an existing key of the destination's Region in the rule's ReplicaKmsKeyID.",
                subject=facts.rule.replica_key,
            )
        case Key() as key if key.state != USABLE_KEY_STATE:
            return _unusable(Cause.DESTINATION_KEY_UNUSABLE, key)
        case Key() as key:
            return _misplaced(key, facts)
        case _:
            return None


def _misplaced(key: Key, facts: Facts) -> Diagnosis | None:
    where = Arn.parse(key.arn)
    if isinstance(facts.destination, Bucket) and where.region != facts.destination.region:
        return found(
            Cause.KEY_IN_WRONG_REGION,
            f"the key is in {where.region}, the destination bucket in {facts.destination.region}",
            "Name a key of the destination bucket's Region in the rule's ReplicaKmsKeyID.",
            subject=key.arn,
        )
    if not key.customer_managed and where.account != facts.home_account:
        return found(
            Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS,
            "the replica key is AWS managed, and such a key cannot be used from another account",
            "Create a customer managed key in the destination account and name it in the rule.",
            subject=key.arn,
        )
    return None


def _unusable(cause: Cause, key: Key) -> Diagnosis:
    next_step = (
        "Wait: the key is still being made; the objects only need to be re-copied then."
        if key.state in {"Creating", "Updating"}
        else "Decide whether this key should be usable; enabling it or cancelling its deletion "
        "is a security decision that Replimend leaves to you."
    )
    return found(cause, f"the key's state is {key.state}", next_step, subject=key.arn)
