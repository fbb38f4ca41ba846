"""Who changed what, as CloudTrail keeps it for 90 days.

Nothing here decides a cause: the live set-up does. History says how it came to be so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from replimend.domain.arn import Arn
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Bucket, Fact
from replimend.domain.unavailable import Unavailable


class Act(StrEnum):
    """A change of access or of set-up, by CloudTrail's name for it (aws-facts 3.7)."""

    PUT_KEY_POLICY = "PutKeyPolicy"
    REVOKE_GRANT = "RevokeGrant"
    RETIRE_GRANT = "RetireGrant"
    DISABLE_KEY = "DisableKey"
    SCHEDULE_KEY_DELETION = "ScheduleKeyDeletion"
    PUT_ROLE_POLICY = "PutRolePolicy"
    DELETE_ROLE_POLICY = "DeleteRolePolicy"
    ATTACH_ROLE_POLICY = "AttachRolePolicy"
    DETACH_ROLE_POLICY = "DetachRolePolicy"
    PUT_ROLE_BOUNDARY = "PutRolePermissionsBoundary"
    UPDATE_TRUST = "UpdateAssumeRolePolicy"
    DELETE_ROLE = "DeleteRole"
    PUT_BUCKET_POLICY = "PutBucketPolicy"
    DELETE_BUCKET_POLICY = "DeleteBucketPolicy"
    PUT_BUCKET_REPLICATION = "PutBucketReplication"
    DELETE_BUCKET_REPLICATION = "DeleteBucketReplication"
    PUT_BUCKET_VERSIONING = "PutBucketVersioning"


class Channel(StrEnum):
    """How somebody made a change, as far as the record tells."""

    CONSOLE = "the console"
    COMMAND_LINE = "the AWS CLI"
    CLOUDFORMATION = "CloudFormation"
    TERRAFORM = "Terraform"
    SERVICE = "an AWS service"
    PROGRAM = "a program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who made a change: the principal, and the role behind it if it is a role's session."""

    principal: str
    role_arn: str | None
    channel: Channel
    is_replimend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """A change that AWS carried out; `document` is what it wrote, where the record has it.

    `policy_name` is set for a role's inline policies only.
    """

    event_id: str
    act: Act
    at: datetime
    author: Author
    subject: str
    policy_name: str | None = None
    document: PolicyDocument | None = None

    @property
    def says(self) -> str:
        """The change in a sentence for people."""
        when = self.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        role = f" ({self.author.role_arn})" if self.author.role_arn else ""
        return (
            f"{self.author.principal}{role} called {self.act} on {self.subject} at {when}, "
            f"by {self.author.channel} (CloudTrail event {self.event_id})"
        )


class SubjectKind(StrEnum):
    """What can be changed so that replication breaks."""

    KEY = "key"
    ROLE = "role"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A key, role or bucket by its ARN, and where its changes are logged.

    IAM is global: its Region is empty here, and whoever asks knows where its log is.
    """

    kind: SubjectKind
    arn: str
    account: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The changes of one subject, oldest first; before `read_back_to` there may be more.

    `read_back_to` is None where everything was read that CloudTrail still has. What happened after
    `told_until` CloudTrail may not have told yet.
    """

    subject: Subject
    events: tuple[ChangeEvent, ...]
    read_back_to: datetime | None = None
    told_until: datetime | None = None

    def is_still_silent_about(self, moment: datetime) -> bool:
        """Whether a change just before that moment may not have been told yet."""
        return self.told_until is not None and self.told_until < moment


TOLD_WITHIN = timedelta(minutes=10)
"""CloudTrail tells of an event after about five minutes on average; twice that is waited for."""

type Pasts = Mapping[Subject, Past | Unavailable]
"""What was read of each subject that was asked about."""


def subject_of_key(arn: str) -> Subject:
    """The key as a subject; it is logged in its own account and Region."""
    key = Arn.parse(arn)
    return Subject(kind=SubjectKind.KEY, arn=arn, account=key.account, region=key.region)


def subject_of_role(arn: str) -> Subject:
    """The role as a subject; IAM has one log for all Regions."""
    return Subject(kind=SubjectKind.ROLE, arn=arn, account=Arn.parse(arn).account, region="")


def subject_of_bucket(bucket: Fact[Bucket], partition: str) -> Subject | None:
    """The bucket as a subject; None where it is not known in which Region it is."""
    if not isinstance(bucket, Bucket):
        return None
    arn = str(Arn.of_bucket(bucket.name, partition=partition))
    return Subject(kind=SubjectKind.BUCKET, arn=arn, account=bucket.account, region=bucket.region)
