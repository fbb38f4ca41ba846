"""What AWS or a person told us, as frozen values; nothing here has been checked against AWS yet."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from replimend.domain.denials import Denial
from replimend.domain.failure_reasons import FailureReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationFailed:
    """S3 gave up on replicating one object version under one rule, and will not try again.

    `key` is decoded. Times carry their zone. `sequencer` is the object operation's and orders
    nothing here (aws-facts 1.4). The event names neither the role, nor a KMS key, nor an account.
    """

    bucket: str
    key: str
    version_id: str
    size: int | None
    etag: str | None
    rule_id: str
    destination_bucket: str
    reason: FailureReason
    operation: str
    request_time: datetime
    event_time: datetime
    region: str
    sequencer: str | None
    replayed: bool

    @property
    def idempotency_key(self) -> str:
        """The same for every delivery of one failure; 64 hexadecimal digits.

        S3 delivers at least once, a duplicate has a new SQS message id, and the request id is the
        upload's (aws-facts 1.4). A later failure of the same version after a batch retry has the
        same key too: tell it by `event_time`, with a counter beside the key.
        """
        return _digest(
            self.bucket,
            self.key,
            self.version_id,
            self.rule_id,
            self.destination_bucket,
            self.operation,
            self.request_time.astimezone(UTC).isoformat(),
        )


class KeyAccessDenied(NamedTuple):
    """CloudTrail saw KMS deny a call; it names no object, and often no key (aws-facts 3.5).

    `account` is the caller's, in which alone such a denial is logged, and `region` the key's.
    `role_arn` comes from the session's issuer and has the role's path. `denial` is what `message`
    says: other people's text, so nothing of it may go into a policy unchecked. A named tuple for
    the reason that `Denial` is one.
    """

    event_id: str
    event_time: datetime
    region: str
    account: str
    principal_arn: str | None
    role_arn: str | None
    session_name: str | None
    action: str
    key_arn: str | None
    denial: Denial
    error_code: str
    message: str
    encryption_context: Mapping[str, str] | None
    invoked_by: str | None
    replayed: bool

    @property
    def idempotency_key(self) -> str:
        """The same for every delivery of one denied call; 64 hexadecimal digits."""
        return _digest(self.event_id)

    def __hash__(self) -> int:
        """The event's: the context, a mapping, has none."""
        return hash(self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualRequest:
    """A person asks about one object; without a version id, about its current version."""

    bucket: str
    key: str
    version_id: str | None


class IgnoredKind(StrEnum):
    """What a well-formed message is that calls for nothing; each kind is counted."""

    TEST_EVENT = "test_event"
    """S3's word that a notification was configured."""
    REPLICATED_AFTER_THRESHOLD = "replicated_after_threshold"
    """A success, later than Replication Time Control promises."""
    MISSED_THRESHOLD = "missed_threshold"
    """Still pending after fifteen minutes; S3 keeps trying."""
    NOT_TRACKED = "not_tracked"
    """Metrics lost sight of an object; neither a failure nor a success."""
    OTHER_S3_EVENT = "other_s3_event"
    KMS_CALL_ALLOWED = "kms_call_allowed"
    """A KMS call that was made, not denied."""
    KMS_OTHER_ERROR = "kms_other_error"
    """A KMS call that failed for another reason than access."""
    OTHER_CLOUDTRAIL_EVENT = "other_cloudtrail_event"
    OTHER_EVENT = "other_event"
    """An EventBridge event that no rule of ours asks for."""
    SNS_NOTICE = "sns_notice"
    """SNS's own word that a subscription was made or ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A well-formed message that calls for nothing; `detail` says what it was, without any key."""

    kind: IgnoredKind
    detail: str


type Signal = ReplicationFailed | KeyAccessDenied | ManualRequest | Ignored
"""Whatever came in; take it apart with `match`."""


def _digest(*parts: str) -> str:
    # JSON keeps the parts apart whatever an object key holds.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
