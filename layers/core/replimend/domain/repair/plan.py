"""A plan: the changes of access that mend one cause, each with its inverse, and what names it.

Choosing them is the ladder's work (`ladder`), making them the rungs' (`rungs`).
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from replimend.domain.documents import Document, PolicyDocument, Statement
from replimend.domain.requirements import Requirement

ROLE_POLICY_NAME = "replimend"
"""The one inline policy of a replication role that is ours; no other is ever touched."""


class ChangeKind(StrEnum):
    """The ways in which access can be changed, least first."""

    ROLE_POLICY = "role_policy"
    KEY_POLICY = "key_policy"
    GRANT = "grant"
    BUCKET_POLICY = "bucket_policy"
    REPLICATION_CONFIGURATION = "replication_configuration"
    KEY_STATE = "key_state"


OF_POLICIES = frozenset({ChangeKind.ROLE_POLICY, ChangeKind.KEY_POLICY, ChangeKind.BUCKET_POLICY})
"""The kinds that replace a policy document, rather than another."""

BY_DEFAULT = frozenset({ChangeKind.ROLE_POLICY.value, ChangeKind.KEY_POLICY.value})
"""The kinds that are allowed unless a stack says otherwise; the others are opt-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One document to replace, with what it was; `before` is None where there was none.

    `statement` is what the change is about: the statement added or widened, the grant, the rule,
    or the state. `policy_name` tells changes of one subject apart where that takes a name. `lives`
    is how long the change stays before it is to be rolled back; None means for good.
    """

    kind: ChangeKind
    subject: str
    account: str
    region: str
    policy_name: str | None
    before: Document | None
    after: Document
    statement: Statement
    serves: tuple[Requirement, ...]
    blast_radius: str
    reverses: str
    lives: timedelta | None = None

    @property
    def sid(self) -> str:
        """The Sid by which our statement is known, the name of our grant, or the id of a rule."""
        names = (self.statement.get(each) for each in ("Sid", "Name", "ID"))
        return str(next(filter(None, names), ""))

    @property
    def policies(self) -> tuple[PolicyDocument, PolicyDocument] | None:
        """The policy before and after, an empty one where there was none; None of others."""
        if not isinstance(self.after, PolicyDocument):
            return None
        before = self.before if isinstance(self.before, PolicyDocument) else PolicyDocument.empty()
        return before, self.after


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
