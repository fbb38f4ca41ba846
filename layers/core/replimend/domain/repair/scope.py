"""What one plan may write: narrowed to one role, the calls S3 makes, and the pair's two buckets."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from replimend.domain.arn import Arn
from replimend.domain.documents import Document, Json, Statement
from replimend.domain.requirements import CONTEXT_KEY, VIA_SERVICE, Requirement, Side

KMS_CEILING = {
    Side.SOURCE: frozenset({"kms:Decrypt"}),
    Side.DESTINATION: frozenset({"kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"}),
}
"""The widest KMS access a plan may ever give, per side (aws-facts 5.2)."""

BUCKET_CEILING = {
    Side.SOURCE: frozenset({"s3:GetReplicationConfiguration", "s3:ListBucket"}),
    Side.DESTINATION: frozenset[str](),
}
"""The widest access to a bucket itself that a plan may give the role, per side (aws-facts 5.1)."""

OBJECT_CEILING = {
    Side.SOURCE: frozenset(
        {
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionTagging",
            "s3:GetObjectRetention",
            "s3:GetObjectLegalHold",
        }
    ),
    Side.DESTINATION: frozenset(
        {
            "s3:ReplicateObject",
            "s3:ReplicateDelete",
            "s3:ReplicateTags",
            "s3:ObjectOwnerOverrideToBucketOwner",
        }
    ),
}
"""The widest access to a bucket's objects that a plan may give, per side (aws-facts 5.1)."""

SID_PREFIX = "Replimend"
"""How the Sid of every statement of ours begins, and of nobody else's."""

GRANT_PREFIX = "replimend-"
"""How the name of every grant of ours begins."""

GRANT_CONTEXT = "aws:s3:arn"
"""The pair of the encryption context by which a grant is narrowed to one bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whom and what everything that one plan writes is narrowed to."""

    role_arn: str
    buckets: Mapping[Side, str]

    def bucket_arn(self, side: Side) -> str:
        """The ARN of this side's bucket."""
        partition = Arn.parse(self.role_arn).partition
        return str(Arn.of_bucket(self.buckets[side], partition=partition))

    def contexts(self, side: Side) -> frozenset[str]:
        """The encryption contexts that a statement may name: the bucket's, and its objects'."""
        bucket = self.bucket_arn(side)
        return frozenset({bucket, f"{bucket}/*"})

    def has_context(self, side: Side, value: str) -> bool:
        """Whether an encryption context, or a pattern of some, is this side's bucket's alone."""
        bucket = self.bucket_arn(side)
        return value == bucket or value.startswith(f"{bucket}/")

    def sid(self, side: Side, resource: str = "") -> str:
        """Ours for this role, bucket and resource; only letters and digits, as IAM demands."""
        named = f"{self.role_arn} {self.buckets[side]} {resource}".rstrip()
        return f"{SID_PREFIX}{side.value.title()}{_digest(named)}"

    def may_ask_for(self, requirement: Requirement) -> bool:
        """Whether the call is one that a plan may ever allow."""
        side = requirement.side
        if requirement.is_kms:
            return requirement.action in KMS_CEILING[side]
        return requirement.action in OBJECT_CEILING[side] | BUCKET_CEILING[side]

    def key_statement(
        self, needed: Sequence[Requirement], side: Side, earlier: Statement | None
    ) -> dict[str, Json]:
        """An Allow for just these calls, under the conditions that S3 meets.

        What our own earlier statement allows is kept: mending one call never breaks another.
        """
        return _joined(
            earlier,
            {
                "Sid": self.sid(side),
                "Effect": "Allow",
                "Principal": {"AWS": self.role_arn},
                "Action": one_or_many({each.action for each in needed} & KMS_CEILING[side]),
                "Resource": "*",
                "Condition": {
                    "StringEquals": {VIA_SERVICE: needed[0].context[VIA_SERVICE]},
                    "StringLike": {CONTEXT_KEY: self._contexts(needed, side)},
                },
            },
        )

    def role_key_statement(
        self, needed: Sequence[Requirement], side: Side, key_arn: str, earlier: Statement | None
    ) -> dict[str, Json]:
        """The same for the role's own policy, on the one key."""
        statement = self.key_statement(needed, side, None)
        del statement["Principal"]
        ours = {**statement, "Sid": self.sid(side, key_arn), "Resource": key_arn}
        return _joined(earlier, ours)

    def role_bucket_statement(
        self, needed: Sequence[Requirement], side: Side, resource: str, earlier: Statement | None
    ) -> dict[str, Json]:
        """An Allow for just these calls of S3, on the bucket or on its objects."""
        return _joined(
            earlier,
            {
                "Sid": self.sid(side, resource),
                "Effect": "Allow",
                "Action": one_or_many({each.action for each in needed}),
                "Resource": resource,
            },
        )

    def bucket_statement(
        self, needed: Sequence[Requirement], side: Side, earlier: Statement | None
    ) -> dict[str, Json]:
        """The same for the bucket's policy: this role, and the bucket's objects only."""
        return _joined(
            earlier,
            {
                "Sid": self.sid(side),
                "Effect": "Allow",
                "Principal": {"AWS": self.role_arn},
                "Action": one_or_many({each.action for each in needed} & OBJECT_CEILING[side]),
                "Resource": f"{self.bucket_arn(side)}/*",
            },
        )

    def grant(self, needed: Sequence[Requirement], side: Side) -> Document:
        """A grant for just these calls under the bucket's own context, as CreateGrant takes it.

        Its name follows from all that it says, and KMS makes of one name one grant (aws-facts 5.7).
        """
        content: dict[str, Json] = {
            "GranteePrincipal": self.role_arn,
            "Operations": sorted(each.action.removeprefix("kms:") for each in needed),
            "Constraints": {"EncryptionContextSubset": {GRANT_CONTEXT: self.bucket_arn(side)}},
        }
        named = Document.of({**content, "key": needed[0].resource}).fingerprint[:12]
        return Document.of({"Name": f"{GRANT_PREFIX}{side.value}-{named}", **content})

    def _contexts(self, needed: Sequence[Requirement], side: Side) -> Json:
        """The bucket's objects, and the bucket itself once a Bucket Key is in play.

        `bucket/*` does not match `bucket` (aws-facts 5.3), and both kinds of object live side by
        side in a bucket whose Bucket Key was switched on later.
        """
        bucket = self.bucket_arn(side)
        if any(each.context[CONTEXT_KEY] == bucket for each in needed):
            return [bucket, f"{bucket}/*"]
        return f"{bucket}/*"


def one_or_many(values: Iterable[str]) -> Json:
    """A single value bare, several as a sorted list: how people write policies."""
    ordered = sorted(values)
    return ordered[0] if len(ordered) == 1 else ordered


def texts(value: object) -> tuple[str, ...]:
    """A policy's text, or its list of texts, as a tuple; nothing of any other shape."""
    named: list[object] = value if isinstance(value, list) else [value]
    found = tuple(each for each in named if isinstance(each, str))
    return found if len(found) == len(named) else ()


def as_wide(statement: Statement, earlier: Statement) -> bool:
    """Whether the statement is the earlier one but for more actions and encryption contexts."""
    return (
        _less_lists(statement) == _less_lists(earlier)
        and set(texts(earlier.get("Action"))) <= set(texts(statement.get("Action")))
        and set(_contexts_of(earlier)) <= set(_contexts_of(statement))
    )


def _joined(earlier: Statement | None, statement: dict[str, Json]) -> dict[str, Json]:
    """The statement with the actions and contexts of ours before it; not of one that others edited.

    What others edited shows in the proof, which refuses to put another in its place.
    """
    if earlier is None or _less_lists(earlier) != _less_lists(statement):
        return statement
    actions = {*texts(earlier["Action"]), *texts(statement["Action"])}
    joined = {**statement, "Action": one_or_many(actions)}
    condition = statement.get("Condition")
    if isinstance(condition, Mapping):
        contexts = one_or_many({*_contexts_of(earlier), *_contexts_of(statement)})
        joined["Condition"] = {**condition, "StringLike": {CONTEXT_KEY: contexts}}
    return joined


def _less_lists(statement: Statement) -> Statement:
    """The statement without what ours may have more of: its actions and encryption contexts."""
    rest = {name: value for name, value in statement.items() if name != "Action"}
    condition = rest.get("Condition")
    if isinstance(condition, Mapping) and _contexts_of(statement):
        rest["Condition"] = {**condition, "StringLike": {CONTEXT_KEY: []}}
    return rest


def _contexts_of(statement: Statement) -> tuple[str, ...]:
    """The encryption contexts of a statement in our shape; none of any other shape."""
    condition = statement.get("Condition")
    like = condition.get("StringLike") if isinstance(condition, Mapping) else None
    if not isinstance(like, Mapping) or set(like) != {CONTEXT_KEY}:
        return ()
    return texts(like[CONTEXT_KEY])


def _digest(named: str) -> str:
    return hashlib.sha256(named.encode()).hexdigest()[:12]
