"""The snapshot of a replication set-up, as AWS's APIs return its parts, to a Setup (design 9).

A part that the file lacks is Unavailable, one that is null is Absent: AWS says that it does not
exist. Answers may stand as they came, `{"ReplicationConfiguration": {…}}`, or unwrapped.
"""

from collections.abc import Callable

from replimend.domain.arn import Arn
from replimend.domain.facts import Absent, Fact, ObjectVersion, ReplicationSetup
from replimend.domain.setups.setup import Notification, RoleParts, Setup, Trail
from replimend.domain.setups.typical import ANY
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError
from replimend.inbound.buckets import notifications_of
from replimend.inbound.fields import JsonObject, bucket_name, fields, object_key, objects, wrong
from replimend.inbound.head_object import object_version_of
from replimend.inbound.messages import parse_record, records_of
from replimend.inbound.parts import none_for_absent, part, unwrapped
from replimend.inbound.replication import replication_setup_of
from replimend.inbound.setup_access import keys_of, role_of
from replimend.inbound.setup_buckets import account_of, destinations_of, end_of
from replimend.inbound.trails import trail_of


def setup_of(snapshot: object) -> Setup:
    """The set-up that a snapshot describes; MalformedEventError at the first field that is wrong.

    What is not in the snapshot is never an error but where it names what the snapshot is of.
    """
    if not isinstance(snapshot, dict):
        raise wrong(snapshot, "an object with source, destinations, role and keys", "")
    source = fields(snapshot, "source", "")
    replication = part(source, "replication", "source", _replication)
    home = account_of(source, "source") or _account_of_role(replication)
    return Setup(
        home_account=home or "",
        source_bucket=bucket_name(source, "bucket", "source"),
        source=end_of(source, "source", home),
        replication=replication,
        notifications=none_for_absent(part(source, "notification", "source", _notifications)),
        destinations=destinations_of(snapshot, replication, home or ""),
        role=_replication_role(part(snapshot, "role", "", role_of), replication),
        keys=keys_of(snapshot),
        object=part(snapshot, "object", "", _object_in(source)),
        trails=none_for_absent(part(snapshot, "trails", "", _trails)),
        denials=_denials(snapshot),
    )


_UNASKED: JsonObject = {
    "ContentLength": 0,
    "ETag": '""',
    "LastModified": "1970-01-01T00:00:00Z",
}
"""What no explanation asks of an object, so that a file written by hand may leave it out."""


def _replication(value: object, at: str) -> ReplicationSetup:
    return replication_setup_of(*unwrapped(value, "ReplicationConfiguration", at))


def _notifications(value: object, at: str) -> tuple[Notification, ...]:
    return notifications_of(*unwrapped(value, "NotificationConfiguration", at))


def _account_of_role(replication: Fact[ReplicationSetup]) -> str | None:
    """The replication role belongs to the source bucket's account."""
    if isinstance(replication, ReplicationSetup):
        return Arn.parse(replication.role_arn).account
    return None


def _replication_role(
    role: Fact[RoleParts], replication: Fact[ReplicationSetup]
) -> Fact[RoleParts]:
    """The role in the snapshot, if it is the one that the configuration names."""
    if not isinstance(replication, ReplicationSetup):
        return role
    match role:
        case RoleParts(arn=arn) if arn != replication.role_arn:
            return Unavailable(
                reason=f"the snapshot has the role {arn}, the configuration names "
                f"{replication.role_arn}"
            )
        case Absent():
            return Absent(what=replication.role_arn)
        case _:
            return role


def _object_in(source: JsonObject) -> Callable[[object, str], ObjectVersion]:
    def read(value: object, at: str) -> ObjectVersion:
        head, at = unwrapped(value, "HeadObject", at)
        return object_version_of(
            {**_UNASKED, **head},
            at,
            bucket=bucket_name(source, "bucket", "source"),
            key=object_key(head, "Key", at) if "Key" in head else ANY,
        )

    return read


def _trails(value: object, at: str) -> tuple[Trail, ...]:
    return tuple(trail_of(each, path) for each, path in objects({at: value}, at, ""))


def _denials(snapshot: JsonObject) -> tuple[KeyAccessDenied, ...]:
    """The denials among the CloudTrail records, oldest first; other records say nothing here."""
    records = snapshot.get("denials")
    if records is not None and not isinstance(records, list):
        raise wrong(records, "a list", "denials")
    found = []
    for record in records_of(records) if records else ():
        try:
            signal = parse_record(record)
        except MalformedEventError as error:
            raise MalformedEventError(f"denials{error.path}", error.problem) from error
        if isinstance(signal, KeyAccessDenied):
            found.append(signal)
    return tuple(sorted(found, key=lambda each: each.event_time))
