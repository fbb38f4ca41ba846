"""Causes in the two keys that no policy mends: missing, unusable, misplaced, of a wrong kind."""

from typing import assert_never

from replimend.domain.arn import Arn
from replimend.domain.destinations import is_alias, replica_key_named
from replimend.domain.diagnosis.cases import Case, found, undetermined
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.diagnosis.next_steps import step_for_state
from replimend.domain.facts import (
    USABLE_KEY_STATE,
    Absent,
    Bucket,
    Facts,
    Key,
    ObjectVersion,
)
from replimend.domain.failure_reasons import ReasonCode
from replimend.domain.unavailable import Unavailable


def source_key(case: Case) -> Diagnosis | None:
    """The key of the version is gone, or cannot be used."""
    version = case.facts.object
    if not isinstance(version, ObjectVersion) or not version.encryption.uses_kms:
        return None
    match case.facts.source_key:
        case Absent() if version.kms_key_arn is not None:
            name = version.kms_key_arn
            says = f"the version is encrypted with {name}, which does not exist"
            return found(Cause.SOURCE_KEY_MISSING, says, subject=name, key=name)
        case Key(state=state) as key if state != USABLE_KEY_STATE:
            return _unusable(Cause.SOURCE_KEY_UNUSABLE, key)
        case Unavailable() as unread if case.code is ReasonCode.SRC_KMS_KEY_INVALID_STATE:
            return _unread("the object's key", version.kms_key_arn, unread)
        case _:
            return None


def destination_key(case: Case) -> Diagnosis | None:
    """The replica key does not exist, cannot be used, or is of the wrong kind."""
    facts, rule = case.facts, case.facts.rule
    if rule is None or not rule.replica_key or not _needs_replica_key(case):
        return None
    match facts.destination_key:
        case Absent() if not is_alias(rule.replica_key):
            says = f"the rule encrypts replicas with {rule.replica_key}, which does not exist"
            subject = rule.replica_key
            return found(Cause.DESTINATION_KEY_MISSING, says, subject=subject, key=subject)
        case Key() as key:
            return _unfit(key, facts)
        case Unavailable() as unread if case.code in ABOUT_THE_REPLICA_KEY:
            return _unread("the replica key", rule.replica_key, unread)
        case _:
            return None


def alias(case: Case) -> Diagnosis | None:
    """The rule names the replica key by an alias, of which it is open whether S3 takes it.

    AWS's pages allow an alias, AWS Support does not (aws-facts 5.4; 10, question 8). Naming the key
    by its ARN is right under either answer, and a policy change is not: policies and grants attach
    to keys, and an alias may name another key tomorrow.
    """
    rule = case.facts.rule
    if rule is None or not rule.replica_key or not _needs_replica_key(case):
        return None
    if not is_alias(rule.replica_key):
        return None
    named, key = rule.replica_key, case.facts.destination_key
    match key:
        case Key():
            replacement, where = key.arn, f"is {key.arn} now"
        case Absent():
            replacement, where = "an existing key by its full ARN", "names no key there"
        case Unavailable(reason=reason):
            replacement = "the key's full ARN (kms:DescribeKey shows it)"
            where = f"could not be looked up: {reason}"
        case unreachable:
            assert_never(unreachable)
    says = f"the rule names the replica key by the alias {named}, which {where}"
    if replica_key_named(named) is None:
        says += f"; without an account in it, S3 looks in {case.facts.home_account}"
    return found(Cause.REPLICA_KEY_IS_ALIAS, says, subject=named, key=replacement, alias=named)


ABOUT_THE_REPLICA_KEY = frozenset(
    {ReasonCode.DST_KMS_KEY_INVALID_STATE, ReasonCode.DST_KMS_KEY_NOT_FOUND}
)


def _needs_replica_key(case: Case) -> bool:
    if case.code in ABOUT_THE_REPLICA_KEY:
        return True
    version = case.facts.object
    return isinstance(version, ObjectVersion) and version.encryption.needs_replica_key


def _unfit(key: Key, facts: Facts) -> Diagnosis | None:
    where = Arn.parse(key.arn)
    if isinstance(facts.destination, Bucket) and where.region != facts.destination.region:
        return _misplaced(key, where.region, facts.destination.region)
    if not key.customer_managed and where.account != facts.home_account:
        says = "the replica key is AWS managed, and such a key cannot be used from another account"
        return found(Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS, says, subject=key.arn, key=key.arn)
    if not key.encrypts_objects:
        says = f"the replica key is for {key.usage} with {key.spec}"
        return found(Cause.DESTINATION_KEY_OF_WRONG_KIND, says, subject=key.arn, key=key.arn)
    if key.state != USABLE_KEY_STATE:
        return _unusable(Cause.DESTINATION_KEY_UNUSABLE, key)
    return None


def _misplaced(key: Key, region: str, wanted: str) -> Diagnosis:
    says = f"the key is in {region}, the destination bucket in {wanted}"
    twin = next((each for each in key.siblings if Arn.parse(each).region == wanted), None)
    if twin is not None:
        says += f"; it is of a multi-Region key, which has {twin} there"
    elif key.siblings:
        says += "; it is of a multi-Region key, which has none there"
    return found(
        Cause.KEY_IN_WRONG_REGION,
        says,
        subject=key.arn,
        key=key.arn,
        replacement=twin or f"a key of {wanted}",
    )


def _unusable(cause: Cause, key: Key) -> Diagnosis:
    says = f"the state of {key.arn} is {key.state}"
    step = step_for_state(key.state, key.arn, key.deletion_date)
    return found(cause, says, subject=key.arn, state_step=step)


def _unread(what: str, name: str | None, unread: Unavailable) -> Diagnosis:
    return undetermined(
        f"{what}, of which S3 complains, could not be read: {unread.reason}",
        f"Let the triage function read {name or what} (kms:DescribeKey); then run triage again.",
    )
