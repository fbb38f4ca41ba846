"""Signals, incidents and what hangs on them, as domain values with boring defaults.

They belong to the pair of `tests/facts.py`. A test names only what it is about.
"""

from dataclasses import replace
from typing import Any

from replimend.domain.batch import Batch, Heard
from replimend.domain.denials import parse_denial
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import FailureGroup, Incident, Sample, Status
from replimend.domain.recopy.objects import HeldObject
from replimend.domain.repair.changes import ChangeRecord, ChangeState
from replimend.domain.repair.plan import ChangeKind
from replimend.domain.repair.verdicts import Limits, Mode
from replimend.domain.signals import KeyAccessDenied, ReplicationFailed, Signal
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    OBJECT_KEY,
    ROLE_ARN,
    VERSION,
    administered_by,
    document,
)

GROUP = FailureGroup(
    bucket="orders-ireland",
    rule_id="to-frankfurt",
    destination_bucket="orders-frankfurt",
    reason="DstPutObjectNotPermitted",
)
LIMITS = Limits(
    mode=Mode.REPAIR,
    source_buckets=frozenset({"orders-ireland"}),
    destination_buckets=frozenset({"orders-frankfurt"}),
    replication_roles=frozenset({ROLE_ARN}),
    repairable_keys=frozenset({DESTINATION_KEY}),
    accounts=frozenset({MEMBER}),
    allowed_changes=frozenset({"role_policy", "key_policy"}),
    changes_per_hour=4,
    changes_per_incident=2,
)
"""Just enough to mend the flagship pair."""
SESSION_ARN = f"arn:aws:sts::{HOME}:assumed-role/orders-replication/s3-replication"
DENIED = (
    f"User: {SESSION_ARN} is not authorized to perform: kms:Encrypt on resource: {DESTINATION_KEY} "
    "because no resource-based policy allows the kms:Encrypt action"
)


def a_failure(**changes: Any) -> ReplicationFailed:
    failure = ReplicationFailed(
        bucket="orders-ireland",
        key=OBJECT_KEY,
        version_id=VERSION,
        size=1_024,
        etag=None,
        rule_id="to-frankfurt",
        destination_bucket="orders-frankfurt",
        reason=FailureReason.parse("DstPutObjectNotPermitted"),
        operation="OBJECT_PUT",
        request_time=NOON,
        event_time=NOON,
        region="eu-west-1",
        sequencer=None,
        replayed=False,
    )
    return replace(failure, **changes)


def a_denial(message: str = DENIED, **changes: Any) -> KeyAccessDenied:
    denial = KeyAccessDenied(
        event_id="33333333-3333-4333-8333-333333333333",
        event_time=NOON,
        region="eu-central-1",
        account=HOME,
        principal_arn=SESSION_ARN,
        role_arn=ROLE_ARN,
        session_name="s3-replication",
        action="kms:Encrypt",
        key_arn=DESTINATION_KEY,
        denial=parse_denial(message),
        error_code="AccessDenied",
        message=message,
        encryption_context=None,
        invoked_by=None,
        replayed=False,
    )
    return denial._replace(**changes)


def a_batch(*signals: Signal) -> Batch:
    """A delivery with one message for each signal, by the ids `m0`, `m1` and so on."""
    return Batch.of(Heard(message_id=f"m{i}", signal=each) for i, each in enumerate(signals))


def a_held_object(**changes: Any) -> HeldObject:
    held = HeldObject(
        bucket="orders-ireland",
        destination_bucket="orders-frankfurt",
        key=OBJECT_KEY,
        version_id=VERSION,
        size=1_024,
        requested_at=NOON,
        failed_at=NOON,
    )
    return replace(held, **changes)


def an_incident(**changes: Any) -> Incident:
    incident = Incident(
        incident_id="0123456789ab",
        status=Status.AWAITING_APPROVAL,
        round=1,
        group=GROUP,
        sample=Sample(key=OBJECT_KEY, version_id=VERSION),
        cause="key_policy_lacks_role",
        confidence="evaluated",
        summary="the key policy does not admit the role",
        role_arn=ROLE_ARN,
        plan_hash="0" * 32,
        replayed=False,
        opened_at=NOON,
        updated_at=NOON,
    )
    return replace(incident, **changes)


def a_change(**changes: Any) -> ChangeRecord:
    change = ChangeRecord(
        change_id="cba987654321",
        incident_id="0123456789ab",
        round=1,
        plan_hash="0" * 32,
        kind=ChangeKind.KEY_POLICY,
        subject=DESTINATION_KEY,
        account=MEMBER,
        region="eu-central-1",
        policy_name=None,
        sid="ReplimendDestination0123456789ab",
        before=document(administered_by(MEMBER)),
        after=document(administered_by(MEMBER), {"Sid": "Added"}),
        approved_by=None,
        why="the key policy does not admit the role",
        at=NOON,
        state=ChangeState.INTENDED,
    )
    return replace(change, **changes)
