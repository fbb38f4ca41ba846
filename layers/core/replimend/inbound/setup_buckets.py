"""The buckets of a snapshot: where they are, and the parts of their set-up."""

from collections.abc import Mapping

from replimend.domain.destinations import destination_account
from replimend.domain.facts import Absent, Bucket, Fact, ReplicationSetup
from replimend.domain.setups.setup import DefaultEncryption, End
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError
from replimend.inbound.buckets import default_encryption_of, has_object_lock, is_versioned
from replimend.inbound.fields import (
    JsonObject,
    bucket_name,
    objects,
    optional_text,
    path_to,
    text,
    wrong,
)
from replimend.inbound.parts import part, unwrapped
from replimend.inbound.setup_access import policy_of

_DIGITS_OF_AN_ACCOUNT = 12


def end_of(entry: JsonObject, at: str, account: str | None) -> End:
    """One end; the bucket is unknown where its account or Region is."""
    return End(
        bucket=_bucket(entry, at, account),
        encryption=part(entry, "encryption", at, _default_encryption),
    )


def destinations_of(
    snapshot: JsonObject, replication: Fact[ReplicationSetup], home: str
) -> Mapping[str, End]:
    """The ends under `destinations`, by their buckets' names."""
    ends = {}
    for entry, at in objects(snapshot, "destinations", ""):
        name = bucket_name(entry, "bucket", at)
        account = account_of(entry, at) or _account_of_rule(name, replication, home)
        ends[name] = end_of(entry, at, account)
    return ends


def account_of(entry: JsonObject, at: str) -> str | None:
    """The account that an entry names, None where it names none."""
    account = optional_text(entry, "account", at)
    if account is not None and not (
        len(account) == _DIGITS_OF_AN_ACCOUNT and account.isascii() and account.isdigit()
    ):
        raise MalformedEventError(path_to(at, "account"), "expected an account's 12 digits")
    return account


def _bucket(entry: JsonObject, at: str, account: str | None) -> Fact[Bucket]:
    name = bucket_name(entry, "bucket", at)
    policy = part(entry, "policy", at, policy_of)
    versioned = _false_for_absent(part(entry, "versioning", at, _versioned))
    object_lock = _false_for_absent(part(entry, "objectLock", at, _locked))
    match part(entry, "region", at, _region):
        case Absent():
            return Absent(what=f"the bucket {name}")
        case Unavailable() as unread:
            return unread
        case _ if account is None:
            return Unavailable(reason=f"the snapshot does not have {at}.account")
        case region:
            return Bucket(
                name=name,
                account=account,
                region=region,
                versioned=versioned,
                policy=policy,
                object_lock=object_lock,
            )


def _account_of_rule(bucket: str, replication: Fact[ReplicationSetup], home: str) -> str | None:
    rules = replication.rules if isinstance(replication, ReplicationSetup) else ()
    rule = next((each for each in rules if each.destination_bucket == bucket), None)
    return destination_account(rule, home) if rule else None


def _default_encryption(value: object, at: str) -> DefaultEncryption:
    return default_encryption_of(*unwrapped(value, "ServerSideEncryptionConfiguration", at))


def _versioned(value: object, at: str) -> bool:
    return is_versioned(unwrapped(value, "VersioningConfiguration", at)[0])


def _locked(value: object, at: str) -> bool:
    if not isinstance(value, dict):
        raise wrong(value, "an object", at)
    return has_object_lock({"ObjectLockConfiguration": value, **value}, at)


def _region(value: object, at: str) -> str:
    return text({at: value}, at, "")


def _false_for_absent(flag: Fact[bool]) -> Fact[bool]:
    return False if isinstance(flag, Absent) else flag
