"""The smallest set of changes that lets S3 replicate, each with its inverse.

Only computed things are written: the role of the live replication configuration, the calls that
were refused, the one key, the context S3 sends. Every statement carries a fixed Sid for its role
and bucket, so planning or writing twice is the same as once.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from replimend.domain.access import Effect, LayerName
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment
from replimend.domain.causes import Cause, Diagnosis
from replimend.domain.documents import Json, PolicyDocument, Statement
from replimend.domain.facts import Fact, Facts, Key, ReplicationSetup, Role
from replimend.domain.requirements import (
    CONTEXT_KEY,
    VIA_SERVICE,
    Requirement,
    Side,
)

ROLE_POLICY_NAME = "replimend"
"""The one inline policy of a replication role that is ours; no other is ever touched."""

KMS_CEILING = {
    Side.SOURCE: frozenset({"kms:Decrypt"}),
    Side.DESTINATION: frozenset({"kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"}),
}
"""The widest KMS access a plan may ever give, per side (aws-facts 5.2)."""


class ChangeKind(StrEnum):
    """The ways in which access can be changed, least first."""

    ROLE_POLICY = "role_policy"
    KEY_POLICY = "key_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One document to replace, with what it was; `before` is None where there was no document."""

    kind: ChangeKind
    subject: str
    account: str
    region: str
    policy_name: str | None
    before: PolicyDocument | None
    after: PolicyDocument
    statement: Statement
    serves: tuple[Requirement, ...]
    blast_radius: str
    reverses: str

    @property
    def sid(self) -> str:
        """The Sid by which our statement is known."""
        return str(self.statement["Sid"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes that mend one cause; without changes, the objects only need re-copying."""

    source_bucket: str
    destination_bucket: str
    role_arn: str
    changes: tuple[Change, ...]

    @property
    def hash(self) -> str:
        """Names exactly these changes to exactly these documents; what an approval binds to."""
        content = [
            [
                change.kind,
                change.subject,
                change.policy_name,
                change.before.fingerprint if change.before else None,
                change.after.fingerprint,
            ]
            for change in self.changes
        ]
        scope = [self.source_bucket, self.destination_bucket, self.role_arn, content]
        return hashlib.sha256(json.dumps(scope).encode()).hexdigest()[:32]

    @property
    def is_replay_only(self) -> bool:
        """Whether no access changes at all."""
        return not self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """Nothing that Replimend may do would mend this; a person has to."""

    reason: str


REPAIRABLE = frozenset(
    {
        Cause.ROLE_POLICY_LACKS_ACTION,
        Cause.KEY_POLICY_LACKS_ROLE,
        Cause.BOTH_SIDES_LACK_ROLE,
        Cause.CONDITION_MISMATCH,
    }
)
"""The causes for which a policy change can be computed.

A dead principal is not among them: KMS refuses every document that still names it, so that the
statement of somebody else would have to be changed.
"""

CHANGEABLE = frozenset({LayerName.IDENTITY, LayerName.RESOURCE})
"""The layers in which an Allow of ours can fill a silence."""

SID_PREFIX = "Replimend"
"""How the Sid of every statement of ours begins, and of nobody else's."""


def plan_for(diagnosis: Diagnosis, facts: Facts) -> Plan | NoPlan:
    """The least change that lets every refused call through, or why there is none."""
    if not isinstance(facts.setup, ReplicationSetup):
        return NoPlan(reason=diagnosis.next)
    scope = _Scope(
        role_arn=facts.setup.role_arn,
        buckets={Side.SOURCE: facts.source_bucket, Side.DESTINATION: facts.destination_bucket},
    )
    if diagnosis.cause.needs_only_replay:
        return scope.plan(())
    if diagnosis.cause not in REPAIRABLE or not isinstance(facts.role, Role):
        return NoPlan(reason=diagnosis.next)
    if diagnosis.unknown:
        unread = ", ".join(each.requirement.action for each in diagnosis.unknown)
        return NoPlan(reason=f"not every policy could be read: {unread}. {diagnosis.next}")
    if (obstacle := _obstacle(diagnosis.refused, facts)) is not None:
        return NoPlan(reason=f"{obstacle} {diagnosis.next}")
    changes = (
        *_role_changes(diagnosis.refused, scope, facts.role),
        *_key_changes(diagnosis.refused, scope, Side.SOURCE, facts.source_key),
        *_key_changes(diagnosis.refused, scope, Side.DESTINATION, facts.destination_key),
    )
    return scope.plan(changes) if changes else NoPlan(reason=diagnosis.next)


def _obstacle(refused: Sequence[Assessment], facts: Facts) -> str | None:
    """Why no change of ours would let every refused call through, if that is so."""
    others = [each.requirement.action for each in refused if not each.requirement.is_kms]
    if others:
        return f"{', '.join(others)}: permissions of S3 are left to you."
    for each in refused:
        for layer in each.refusing_layers:
            if layer.layer not in CHANGEABLE or layer.effect is not Effect.IMPLICITLY_DENIED:
                return f"{each.requirement.action}: no allow lifts the refusal by {layer.layer}."
    for key in (facts.source_key, facts.destination_key):
        if isinstance(key, Key) and not key.customer_managed and _must_admit(key, refused):
            return f"{key.arn} is AWS managed, and such a key's policy cannot be changed."
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """Whom and what every statement of one plan is narrowed to."""

    role_arn: str
    buckets: Mapping[Side, str]

    def plan(self, changes: tuple[Change, ...]) -> Plan:
        return Plan(
            source_bucket=self.buckets[Side.SOURCE],
            destination_bucket=self.buckets[Side.DESTINATION],
            role_arn=self.role_arn,
            changes=changes,
        )

    def bucket_arn(self, side: Side) -> str:
        partition = Arn.parse(self.role_arn).partition
        return str(Arn.of_bucket(self.buckets[side], partition=partition))

    def sid(self, side: Side) -> str:
        """Ours for this role and bucket; letters and digits only, as IAM demands of a Sid."""
        named = hashlib.sha256(f"{self.role_arn} {self.buckets[side]}".encode()).hexdigest()[:12]
        return f"{SID_PREFIX}{side.value.title()}{named}"

    def statement(self, needed: Sequence[Requirement], side: Side) -> dict[str, Json]:
        """An Allow for just these calls, under the conditions that S3 meets."""
        return {
            "Sid": self.sid(side),
            "Effect": "Allow",
            "Action": _one_or_many({each.action for each in needed} & KMS_CEILING[side]),
            "Resource": "*",
            "Condition": {
                "StringEquals": {VIA_SERVICE: needed[0].context[VIA_SERVICE]},
                "StringLike": {CONTEXT_KEY: self._contexts(needed, side)},
            },
        }

    def _contexts(self, needed: Sequence[Requirement], side: Side) -> Json:
        """The bucket's objects, and the bucket itself once a Bucket Key is in play.

        `bucket/*` does not match `bucket` (aws-facts 5.3), and both kinds of object live side by
        side in a bucket whose Bucket Key was switched on later.
        """
        bucket = self.bucket_arn(side)
        if any(each.context[CONTEXT_KEY] == bucket for each in needed):
            return [bucket, f"{bucket}/*"]
        return f"{bucket}/*"


def _role_changes(refused: Sequence[Assessment], scope: _Scope, role: Role) -> tuple[Change, ...]:
    """Allow in the role's own inline policy what the role's policies are silent on."""
    needed = [each.requirement for each in refused if _refuses(each, LayerName.IDENTITY)]
    if not needed:
        return ()
    before = _own_policy(role)
    after = before or PolicyDocument.empty()
    for side in Side:
        if wanted := [each for each in needed if each.side is side]:
            keys = _one_or_many({each.resource for each in wanted})
            after = after.with_statement({**scope.statement(wanted, side), "Resource": keys})
    keys_named = ", ".join(sorted({each.resource for each in needed}))
    return (
        Change(
            kind=ChangeKind.ROLE_POLICY,
            subject=role.arn,
            account=Arn.parse(role.arn).account,
            region="",
            policy_name=ROLE_POLICY_NAME,
            before=before,
            after=after,
            statement=after.statements[-1],
            serves=tuple(needed),
            blast_radius=f"Only sessions of {role.arn} gain access, to {keys_named} through S3, "
            "for objects of this pair of buckets.",
            reverses=f"delete the inline policy {ROLE_POLICY_NAME}"
            if before is None
            else f"put the stored inline policy {ROLE_POLICY_NAME} back",
        ),
    )


def _key_changes(
    refused: Sequence[Assessment], scope: _Scope, side: Side, key: Fact[Key]
) -> tuple[Change, ...]:
    """Admit the role in the key policy of this side, where that is silent on it."""
    needed = [
        each.requirement
        for each in refused
        if each.requirement.side is side and _refuses(each, LayerName.RESOURCE)
    ]
    if not needed or not isinstance(key, Key) or not isinstance(key.policy, PolicyDocument):
        return ()
    statement = {
        "Sid": scope.sid(side),
        "Effect": "Allow",
        "Principal": {"AWS": scope.role_arn},
        **scope.statement(needed, side),
    }
    where = Arn.parse(key.arn)
    return (
        Change(
            kind=ChangeKind.KEY_POLICY,
            subject=key.arn,
            account=where.account,
            region=where.region,
            policy_name=None,
            before=key.policy,
            after=key.policy.with_statement(statement),
            statement=statement,
            serves=tuple(needed),
            blast_radius=f"Only {scope.role_arn} gains access, to this key, through S3 in "
            f"{where.region}, for what is encrypted for {scope.buckets[side]}.",
            reverses="put the stored key policy back, or, if others have edited since, "
            f"remove the one statement {scope.sid(side)}",
        ),
    )


def _own_policy(role: Role) -> PolicyDocument | None:
    if not isinstance(role.identity_policies, tuple):
        return None
    named = (each for each in role.identity_policies if each.name == ROLE_POLICY_NAME)
    return next((each.document for each in named), None)


def _must_admit(key: Key, refused: Sequence[Assessment]) -> bool:
    return any(
        each.requirement.resource == key.arn and _refuses(each, LayerName.RESOURCE)
        for each in refused
    )


def _refuses(assessment: Assessment, layer: LayerName) -> bool:
    return any(each.layer is layer for each in assessment.refusing_layers)


def _one_or_many(values: Iterable[str]) -> Json:
    """A single value bare, several as a sorted list: how people write policies."""
    ordered = sorted(values)
    return ordered[0] if len(ordered) == 1 else ordered
