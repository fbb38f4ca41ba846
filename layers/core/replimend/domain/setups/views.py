"""Facts about one object version under one rule, out of a whole set-up."""

from collections.abc import Iterator
from dataclasses import replace

from replimend.domain.arn import Arn, MalformedArnError
from replimend.domain.destinations import destination_account, replica_key_named
from replimend.domain.diagnosis.trust import S3_SERVICE
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import (
    USABLE_KEY_STATE,
    Absent,
    Bucket,
    Fact,
    Facts,
    Key,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
    Role,
)
from replimend.domain.setups.setup import RoleParts, Setup
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable

TRUSTED_BY_S3 = PolicyDocument.of(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": S3_SERVICE},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def facts_about(
    setup: Setup, rule_id: str, destination_bucket: str, version: Fact[ObjectVersion]
) -> Facts:
    """What the set-up says of this version under this rule, and no more than it says."""
    replication = setup.replication
    rule = replication.rule_named(rule_id) if isinstance(replication, ReplicationSetup) else None
    return Facts(
        home_account=setup.home_account,
        source_bucket=setup.source_bucket,
        rule_id=rule_id,
        destination_bucket=destination_bucket,
        setup=replication,
        object=version,
        source=setup.source.bucket,
        destination=setup.end(destination_bucket).bucket,
        role=_role(setup.role),
        source_key=_source_key(setup, version),
        destination_key=_destination_key(setup, rule),
        denials=tuple(_denials_of_the_role(setup)),
    )


def as_if_complete(facts: Facts, setup: Setup) -> Facts:
    """The facts with everything well that is not known, but for what decides who may do what.

    A call that is refused under these facts is refused for certain; one that is allowed is not
    known to be, since the key may be disabled, the role not assumable, a policy be unread.
    """
    rule = facts.rule
    return replace(
        facts,
        source=_bucket_or_shell(facts.source, facts.source_bucket, setup.home_account, ""),
        destination=_bucket_or_shell(
            facts.destination,
            facts.destination_bucket,
            destination_account(rule, setup.home_account),
            _region_of(rule.replica_key if rule else None),
        ),
        role=_role_or_shell(facts.role, setup.role),
        source_key=_key_or_shell(
            facts.source_key,
            setup,
            facts.object.kms_key_arn if isinstance(facts.object, ObjectVersion) else None,
        ),
        destination_key=_key_or_shell(
            facts.destination_key, setup, rule.replica_key if rule else None
        ),
    )


def is_by(denial: KeyAccessDenied, role_arn: str) -> bool:
    """Whether the role, as far as the record tells, was the caller."""
    if denial.role_arn is not None:
        return denial.role_arn == role_arn
    try:
        caller = Arn.parse(denial.principal_arn or "")
    except MalformedArnError:
        return True
    role = Arn.parse(role_arn)
    return (caller.account, caller.role_name) == (role.account, role.role_name)


def role_of(parts: RoleParts, trust: Fact[PolicyDocument]) -> Role:
    """The role with this trust policy; one that AWS says does not exist admits nobody."""
    return Role(
        arn=parts.arn,
        trust=trust if isinstance(trust, PolicyDocument) else PolicyDocument.empty(),
        identity_policies=parts.identity_policies,
        boundary=parts.boundary,
    )


def _denials_of_the_role(setup: Setup) -> Iterator[KeyAccessDenied]:
    if isinstance(setup.replication, ReplicationSetup):
        role_arn = setup.replication.role_arn
        yield from (denial for denial in setup.denials if is_by(denial, role_arn))


def _role(role: Fact[RoleParts]) -> Fact[Role]:
    match role:
        case RoleParts(trust=Unavailable() as unread):
            return unread
        case RoleParts() as parts:
            return role_of(parts, parts.trust)
        case Absent() | Unavailable():
            return role


def _source_key(setup: Setup, version: Fact[ObjectVersion]) -> Fact[Key]:
    match version:
        case ObjectVersion() if not version.encryption.uses_kms:
            return Absent(what="a source key: the version is not encrypted with KMS")
        case ObjectVersion(kms_key_arn=str() as name):
            return _described(setup, name)
        case ObjectVersion():
            return Unavailable(reason="the snapshot does not say with which key")
        case Absent() | Unavailable():
            return Unavailable(reason="the version, which names its key, is not known")


def _destination_key(setup: Setup, rule: ReplicationRule | None) -> Fact[Key]:
    if rule is None or rule.replica_key is None:
        return Absent(what="a replica key: the rule names none")
    if rule.replica_key.startswith("arn:") and replica_key_named(rule.replica_key) is None:
        return Absent(what=f"a key by the name {rule.replica_key}")
    return _described(setup, rule.replica_key)


def _described(setup: Setup, name: str) -> Fact[Key]:
    parts = setup.key_named(name)
    if parts is None:
        return Unavailable(reason=f"the snapshot does not have the key {name}")
    return parts.described


def _bucket_or_shell(bucket: Fact[Bucket], name: str, account: str, region: str) -> Fact[Bucket]:
    if not isinstance(bucket, Unavailable):
        return bucket
    return Bucket(
        name=name,
        account=account,
        region=region,
        versioned=bucket,
        policy=bucket,
        object_lock=bucket,
    )


def _region_of(key: str | None) -> str:
    named = replica_key_named(key or "")
    return named.region if named else ""


def _role_or_shell(role: Fact[Role], parts: Fact[RoleParts]) -> Fact[Role]:
    if isinstance(role, Unavailable) and isinstance(parts, RoleParts):
        return role_of(parts, TRUSTED_BY_S3)
    return role


def _key_or_shell(key: Fact[Key], setup: Setup, name: str | None) -> Fact[Key]:
    if not isinstance(key, Unavailable) or name is None:
        return key
    parts = setup.key_named(name)
    arn = replica_key_named(parts.arn if parts else name)
    if arn is None or not arn.is_kms_key:
        return key
    return Key(
        arn=str(arn),
        state=USABLE_KEY_STATE,
        customer_managed=True,
        policy=parts.policy if parts else key,
        grants=parts.grants if parts else key,
    )
