"""What the lab's AWS does where AWS leaves a choice: delays, and the questions nobody answered."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class AliasHandling(StrEnum):
    """What S3 makes of an alias in `ReplicaKmsKeyID` (aws-facts §10, question 8)."""

    REFUSED = "refused"
    """As AWS Support is reported to have said: no such key."""
    OF_DESTINATION_ACCOUNT = "of_destination_account"
    OF_REQUESTER_ACCOUNT = "of_requester_account"


class AlreadyReplicated(StrEnum):
    """How a batch job ends a version that every destination already has (question 10)."""

    SUCCEEDS = "succeeds"
    NOT_PENDING = "not_pending"


class ReportColumns(StrEnum):
    """Which of two spellings a completion report uses.

    AWS names the columns in one order (`ErrorCode, HTTPStatusCode`) and prints sample rows in the
    other, so a reader has to survive both.
    """

    AS_NAMED = "as_named"
    AS_SAMPLED = "as_sampled"


class DenialRecord(StrEnum):
    """What CloudTrail keeps of a denial by KMS (question 2).

    No public capture of one made by S3 replication is known.
    """

    WITH_REASON = "with_reason"
    """The layer is named, or the three causes that KMS does not tell apart (facts §4.2 a to e)."""
    BARE = "bare"
    """Who, what and which key, and no reason (facts §4.2 h)."""
    NONE = "none"
    """Nothing: delivery is best effort, and a trail may leave out KMS (facts §3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How this lab's AWS behaves: each default is the likelier answer; a scenario may differ."""

    policies_take_effect_after: timedelta = timedelta(seconds=30)
    replication_takes: timedelta = timedelta(seconds=5)
    notifications_take: timedelta = timedelta(seconds=5)
    cloudtrail_takes: timedelta = timedelta(seconds=90)

    grants_take_effect_after: timedelta = timedelta(seconds=30)
    """S3 passes no grant token, so it waits until a grant is known everywhere (question 4)."""

    denial_records: DenialRecord = DenialRecord.WITH_REASON
    session_name: str = "s3-replication"
    """What S3 calls its sessions of the role (question 2)."""

    service_name_in_records: str = "AWS Internal"
    """Who called KMS, as CloudTrail has it: that, or S3's DNS name (question 2)."""

    source_decrypt_refused_as: str = "SrcGetObjectNotPermitted"
    """The code for a denied kms:Decrypt on the source key; none is documented (question 1)."""

    source_read_refused_as: str = "SrcGetObjectNotPermitted"
    """Two documented codes name s3:GetObjectVersionForReplication; S3 may use either."""

    replicas_need_data_key: bool = False
    """Whether SSE-KMS replicas take kms:GenerateDataKey as well (question 3)."""

    grants_count: bool = True
    """Whether a KMS grant to the replication role is honoured (question 4)."""

    bucket_keys_are_remembered_for: timedelta = timedelta(0)
    """How long S3 reuses a Bucket Key without asking KMS again (question 5)."""

    bucket_key_denials_repeat_after: timedelta = timedelta(minutes=5)
    """Bucket Keys mean fewer KMS calls, so at most one denial record in this time (facts §3.6)."""

    event_version: str = "2.2"
    """The notification's eventVersion; newer AWS may send a unified 2.4 or later (question 6)."""

    put_operation: str = "OBJECT_PUT"
    """The notification's s3Operation for an object; one value only is documented (question 6)."""

    batch_failures_notify: bool = True
    """Whether a failed batch task also emits the S3 notification (question 7)."""

    batch_steps_take: timedelta = timedelta(seconds=10)
    """Between two statuses of a batch job."""

    batch_tasks_per_second: int = 100

    aliases: AliasHandling = AliasHandling.REFUSED
    already_replicated: AlreadyReplicated = AlreadyReplicated.SUCCEEDS
    report_columns: ReportColumns = ReportColumns.AS_NAMED

    seed: int = 20180820
    """Orders batch tasks and makes request ids, so that a run repeats."""
