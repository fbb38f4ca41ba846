"""The two keys: there, usable, of the right Region and account, named so that S3 finds them."""

from collections.abc import Iterator, Sequence

from replimend.domain.arn import Arn
from replimend.domain.destinations import is_alias, replica_key_named
from replimend.domain.facts import USABLE_KEY_STATE, Absent, Bucket, Key
from replimend.domain.setups.findings import Finding, FindingKind, found
from replimend.domain.setups.inspection import Inspection
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.setup_findings import SetupFinding

PASSING = frozenset({"Creating", "Updating"})


def check_source_keys(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:  # noqa: ARG001 - every check is called alike
    """Keys of source objects that are gone or cannot be used."""
    for each in inspections:
        named = each.version.kms_key_arn
        match each.facts.source_key:
            case Absent() if named is not None and each.version.encryption.uses_kms:
                yield found(SetupFinding.SOURCE_KEY_MISSING, named)
            case Key(state=state) as key if state != USABLE_KEY_STATE:
                yield _unusable(SetupFinding.SOURCE_KEY_UNUSABLE, key)
            case _:
                pass


def check_destination_keys(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Keys of replicas that are gone, cannot be used, or cannot be found by their name."""
    for each in inspections:
        name = each.rule.replica_key
        if name is None:
            continue
        yield from _badly_named(each, name, setup.home_account)
        match each.facts.destination_key:
            case Absent():
                kind = SetupFinding.DESTINATION_KEY_MISSING
                yield found(kind, name, rule=each.rule.rule_id)
            case Key() as key:
                yield from _unfit(each, key, setup.home_account)
            case _:
                pass


def _badly_named(inspection: Inspection, name: str, home: str) -> Iterator[Finding]:
    rule, key = inspection.rule.rule_id, inspection.facts.destination_key
    named = replica_key_named(name)
    is_bare = named is None and not name.startswith("arn:")
    destination = inspection.supposed.destination
    if is_bare and isinstance(destination, Bucket) and destination.account != home:
        kind = SetupFinding.REPLICA_KEY_WITHOUT_ACCOUNT
        yield found(kind, name, rule=rule, name=name, home=home)
    elif is_alias(name):
        full = key.arn if isinstance(key, Key) else "the key"
        yield found(SetupFinding.ALIAS_AS_REPLICA_KEY, name, rule=rule, key=full)


def _unfit(inspection: Inspection, key: Key, home: str) -> Iterator[Finding]:
    where, destination = Arn.parse(key.arn), inspection.facts.destination
    if isinstance(destination, Bucket) and where.region != destination.region:
        yield found(
            SetupFinding.KEY_IN_WRONG_REGION,
            key.arn,
            region=where.region,
            bucket_region=destination.region,
        )
    if not key.customer_managed and where.account != home:
        kind = SetupFinding.AWS_MANAGED_KEY_ACROSS_ACCOUNTS
        yield found(kind, key.arn, account=where.account)
    if key.state != USABLE_KEY_STATE:
        yield _unusable(SetupFinding.DESTINATION_KEY_UNUSABLE, key)


def _unusable(kind: FindingKind, key: Key) -> Finding:
    fix = (
        "Wait until the key is made; objects put before that have to be re-copied."
        if key.state in PASSING
        else "Enable the key or cancel its deletion, if it should be usable: a decision of its "
        "owner."
    )
    return found(kind, key.arn, state=key.state, next=fix)
