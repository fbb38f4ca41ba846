"""Causes in what a replication needs beside permissions: the role and the destination bucket."""

from replimend.domain.arn import Arn
from replimend.domain.diagnosis.cases import Case, found, undetermined
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.diagnosis.trust import role_is_assumable_by_s3
from replimend.domain.facts import Absent, Bucket, ObjectVersion, Role
from replimend.domain.failure_reasons import ReasonCode
from replimend.domain.unavailable import Unavailable


def role(case: Case) -> Diagnosis | None:
    """The role does not exist, or S3 cannot assume it."""
    match case.facts.role:
        case Unavailable(reason=reason) if case.code is ReasonCode.ASSUME_ROLE_NOT_PERMITTED:
            return undetermined(
                f"the replication role, which S3 could not assume, could not be read: {reason}",
                "Let the triage function read the role (iam:GetRole), then run triage again.",
            )
        case Absent(what=what):
            says = f"the replication role {what} does not exist"
            return found(Cause.ROLE_MISSING, says, subject=what, role=what)
        case Role() as role if not _is_assumable(role, case):
            says = "the role's trust policy does not let s3.amazonaws.com assume it"
            return found(Cause.ROLE_NOT_ASSUMABLE, says, subject=role.arn, role=role.arn)
        case _:
            return None


def destination_bucket(case: Case) -> Diagnosis | None:
    """The destination does not exist, or lacks what replicas need of it."""
    name = case.facts.destination_bucket
    match case.facts.destination:
        case Absent():
            says = f"the bucket {name} does not exist"
            return found(Cause.DESTINATION_BUCKET_MISSING, says, subject=name, bucket=name)
        case Bucket(versioned=False):
            says = f"versioning is not enabled on {name}"
            return found(Cause.DESTINATION_UNVERSIONED, says, subject=name, bucket=name)
        case Bucket(object_lock=False) if (why := _needs_object_lock(case)) is not None:
            says = f"{why}, and {name} has no Object Lock"
            return found(Cause.DESTINATION_LACKS_OBJECT_LOCK, says, subject=name, bucket=name)
        case Unavailable(reason=reason) if case.code in ABOUT_THE_BUCKET:
            return undetermined(
                f"the bucket {name}, of which S3 complains, could not be read: {reason}",
                f"Let the triage function call s3:GetBucketLocation on {name}; then run it again.",
            )
        case Bucket() as bucket if (read := _unread(bucket, case.code)) is not None:
            return undetermined(
                f"what S3 complains of could not be read on {name}",
                f"Let the triage function call {read} on {name}; then run it again.",
            )
        case _:
            return None


ABOUT_THE_BUCKET = frozenset(
    {
        ReasonCode.DST_BUCKET_NOT_FOUND,
        ReasonCode.DST_BUCKET_UNVERSIONED,
        ReasonCode.DST_BUCKET_OBJECT_LOCK_CONFIG_MISSING,
    }
)


def _is_assumable(role: Role, case: Case) -> bool:
    """Whether S3 can assume the role; a condition on `aws:SourceArn` counts only if S3 complains.

    Whether S3 sends it is not documented. If it does, the condition on the right bucket is met; if
    it does not, the code is there to say so.
    """
    account = case.facts.home_account
    if role_is_assumable_by_s3(role, account):
        return True
    if case.code is ReasonCode.ASSUME_ROLE_NOT_PERMITTED:
        return False
    partition = Arn.parse(role.arn).partition
    bucket = str(Arn.of_bucket(case.facts.source_bucket, partition=partition))
    return role_is_assumable_by_s3(role, account, bucket)


def _needs_object_lock(case: Case) -> str | None:
    version = case.facts.object
    if isinstance(version, ObjectVersion) and version.object_lock:
        return "the version is locked"
    if case.code is ReasonCode.DST_BUCKET_OBJECT_LOCK_CONFIG_MISSING:
        return "S3 says that the source bucket has Object Lock"
    return None


def _unread(bucket: Bucket, code: ReasonCode | None) -> str | None:
    """The read that would settle what the code says of the bucket, where it was not possible."""
    match code:
        case ReasonCode.DST_BUCKET_UNVERSIONED if isinstance(bucket.versioned, Unavailable):
            return "s3:GetBucketVersioning"
        case ReasonCode.DST_BUCKET_OBJECT_LOCK_CONFIG_MISSING if isinstance(
            bucket.object_lock, Unavailable
        ):
            return "s3:GetBucketObjectLockConfiguration"
        case _:
            return None
