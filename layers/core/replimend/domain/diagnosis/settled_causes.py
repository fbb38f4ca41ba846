"""What is left to say once nothing that was read refuses: S3's own word, a wait, or a replay.

What people can change may have been changed since S3 failed, so that the code's word and a live
state that is well mean "mended". What cannot come back, such as a deleted version, leaves a
contradiction, and that is undetermined.
"""

from collections.abc import Iterator, Mapping

from replimend.domain.diagnosis.agreement import is_of_call
from replimend.domain.diagnosis.cases import Case, reported, undetermined
from replimend.domain.diagnosis.causes import (
    Cause,
    Confidence,
    Diagnosis,
    Evidence,
    Source,
)
from replimend.domain.diagnosis.next_steps import next_step
from replimend.domain.diagnosis.pending_grants import pending_grant
from replimend.domain.facts import Facts, ObjectVersion
from replimend.domain.failure_reasons import ReasonCode

OF_THE_EVENT: Mapping[ReasonCode, Cause] = {
    ReasonCode.ANNOTATION_LIMIT_EXCEEDED: Cause.TOO_MANY_ANNOTATIONS,
    ReasonCode.SRC_ANNOTATION_ENCRYPTION_UNSUPPORTED: Cause.ANNOTATION_ENCRYPTION_UNSUPPORTED,
    ReasonCode.SRC_ANNOTATION_NOT_FOUND: Cause.ANNOTATION_GONE,
}
"""What S3 says of annotations: HeadObject shows none, so that nothing which is read tells."""

CANNOT_COME_BACK: Mapping[ReasonCode, str] = {
    ReasonCode.SRC_BUCKET_NOT_FOUND: "the source bucket is missing, and it is there",
    ReasonCode.SRC_KEY_NOT_FOUND: "no object has this key, and HeadObject shows one",
    ReasonCode.SRC_OBJECT_NOT_FOUND: "the object is missing, and HeadObject shows it",
    ReasonCode.SRC_VERSION_NOT_FOUND: "the version is missing, and HeadObject shows it",
}
"""Codes that no change in between explains: a version that is gone never comes back."""

IF_IT_FAILS_AGAIN: Mapping[ReasonCode, str] = {
    ReasonCode.ASSUME_ROLE_NOT_PERMITTED: "the role meant was the batch job's, or an SCP refuses "
    "sts:AssumeRole",
    ReasonCode.DST_KMS_KEY_NOT_FOUND: "compare the rule's ReplicaKmsKeyID with what it was when "
    "S3 failed (PutBucketReplication in CloudTrail)",
    ReasonCode.SRC_GET_ACL_NOT_PERMITTED: "the object belongs to another account than its bucket: "
    "its owner has to give the bucket owner control (s3:PutObjectAcl)",
    ReasonCode.SRC_OBJECT_NOT_ELIGIBLE: "compare the rule's filter with what it was when S3 failed "
    "(PutBucketReplication in CloudTrail)",
}


def annotations(case: Case) -> Diagnosis | None:
    """What S3 says of the version's annotations."""
    cause = OF_THE_EVENT.get(case.code) if case.code else None
    return reported(cause, case) if cause is not None else None


def settled(case: Case) -> Diagnosis | None:
    """Every call is allowed: what remains to be done, if the code leaves that open at all."""
    if not case.assessments or not all(each.is_allowed for each in case.assessments):
        return None
    if case.reason is not None and case.reason.documented is None:
        return undetermined(
            f"S3 reported the undocumented reason {case.reason.code!r}, and every call is allowed",
            f"Look {case.reason.code} up in the S3 User Guide, and re-copy one object "
            "(s3:InitiateReplication): its outcome settles it.",
        )
    if case.code is not None and case.code in CANNOT_COME_BACK:
        return undetermined(
            f"S3 says that {CANNOT_COME_BACK[case.code]}",
            "Re-copy this one version: if S3 says the same again, compare its key and version id "
            "with s3:ListBucketVersions, byte by byte.",
        )
    if case.code is ReasonCode.DST_VERSION_NOT_FOUND:
        return reported(Cause.REPLICA_MISSING, case)
    return pending_grant(case) or _pending(case) or _mended(case)


def _pending(case: Case) -> Diagnosis | None:
    version = case.facts.object
    is_pending = isinstance(version, ObjectVersion) and version.replication_status == "PENDING"
    if case.reason is not None or not is_pending:
        return None
    says = "S3 gives the version's replication status as PENDING, and every call is allowed"
    return reported(Cause.REPLICATION_PENDING, case, says)


def _mended(case: Case) -> Diagnosis:
    count = len(case.assessments)
    return Diagnosis(
        cause=Cause.MENDED,
        confidence=Confidence.EVALUATED,
        next=_replay(case),
        evidence=(
            *case.reported,
            Evidence(source=Source.POLICY, says=f"all {count} calls that S3 makes are allowed now"),
            *_denied_before(case),
            *_without_metrics(case.facts),
        ),
    )


def _replay(case: Case) -> str:
    step = next_step(Cause.MENDED)
    again = IF_IT_FAILS_AGAIN.get(case.code) if case.code else None
    newest = _newest_denial(case)
    if newest is not None:
        again = (
            f"{newest} was after the last change of a policy, and a layer that cannot be read "
            "refuses (SCP, RCP, VPC endpoint): a new denial names it"
        )
    return f"{step} If the first one fails again, {again}." if again else step


def _newest_denial(case: Case) -> str | None:
    """How the newest denial of a call that is allowed now is known.

    A Bucket Key hides a change of access from KMS for a while, for how long is open (aws-facts 10,
    question 5), so that a denial may be older than the repair, and a success older than a loss.
    """
    denials = [
        denial
        for denial in case.facts.denials
        if any(is_of_call(denial, each.requirement) for each in case.assessments)
    ]
    if not denials:
        return None
    newest = denials[-1]
    return f"the denial {newest.event_id} of {newest.action} at {newest.event_time.isoformat()}"


def _denied_before(case: Case) -> Iterator[Evidence]:
    newest = _newest_denial(case)
    if newest is not None:
        yield Evidence(
            source=Source.DENIAL, says=f"{newest} is of a call that the policies read since allow"
        )


def _without_metrics(facts: Facts) -> Iterator[Evidence]:
    if facts.rule is not None and not facts.rule.metrics:
        yield Evidence(
            source=Source.STATE,
            says=f"the rule {facts.rule.rule_id!r} has no metrics, so that S3 reports none of its "
            "failures",
        )
