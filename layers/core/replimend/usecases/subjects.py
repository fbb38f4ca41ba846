"""What a change is made to: for each kind of change, how its document is read and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Fact
from replimend.domain.repair.changes import ChangeRecord
from replimend.domain.repair.key_states import DISABLED, ENABLED, state_in
from replimend.domain.repair.plan import ChangeKind
from replimend.errors import PolicyChangedError
from replimend.ports import Buckets, Keys, Roles


class Subject(Protocol):
    """The document that a kind of change replaces; none stands for there being no such document."""

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The document at this moment."""

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Put the document in place of what is there; None takes it away."""


type Subjects = Mapping[ChangeKind, Subject]


def subjects_of(keys: Keys, roles: Roles, buckets: Buckets) -> Subjects:
    """A subject for every kind of change."""
    return {
        ChangeKind.ROLE_POLICY: RolePolicies(roles=roles),
        ChangeKind.KEY_POLICY: KeyPolicies(keys=keys),
        ChangeKind.GRANT: Grants(keys=keys),
        ChangeKind.BUCKET_POLICY: BucketPolicies(buckets=buckets),
        ChangeKind.REPLICATION_CONFIGURATION: Configurations(buckets=buckets),
        ChangeKind.KEY_STATE: KeyStates(keys=keys),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicies:
    """A key always has a policy."""

    keys: Keys

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The key's policy."""
        return self.keys.policy_of(record.subject)

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Replace the key's policy; PolicyChangedError where none was stored."""
        self.keys.put_policy(record.subject, _policy(record, document))


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePolicies:
    """The one inline policy of a role that is ours."""

    roles: Roles

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The inline policy."""
        return self.roles.inline_policy(record.subject, record.policy_name or "")

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Put the inline policy, or delete it."""
        name = record.policy_name or ""
        if document is None:
            self.roles.delete_inline_policy(record.subject, name)
        else:
            self.roles.put_inline_policy(record.subject, name, _policy(record, document))


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPolicies:
    """A bucket may have no policy."""

    buckets: Buckets

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The bucket's policy."""
        return self.buckets.policy_of(record.subject, record.account, record.region)

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Replace the bucket's policy, or delete it."""
        policy = None if document is None else _policy(record, document)
        self.buckets.put_policy(record.subject, record.account, record.region, policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """A grant cannot be edited, only made and revoked; so nobody else's edit can be lost."""

    keys: Keys

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The grant by our name."""
        return self.keys.grant_named(record.subject, record.policy_name or "")

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Make the grant, or revoke it."""
        if document is None:
            self.keys.revoke_grant(record.subject, record.policy_name or "")
        else:
            self.keys.create_grant(record.subject, document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configurations:
    """A bucket whose configuration is changed has one; it is never taken away."""

    buckets: Buckets

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The bucket's replication configuration, all of it."""
        return self.buckets.configuration_of(record.subject)

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Replace the configuration; PolicyChangedError where none was stored."""
        if document is None:
            raise PolicyChangedError(f"{record.subject} had no stored configuration to put back")
        self.buckets.put_configuration(record.subject, record.region, document)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStates:
    """A key is enabled, disabled, or kept from deletion; none is ever scheduled for it."""

    keys: Keys

    def read(self, record: ChangeRecord) -> Fact[Document]:
        """The key's state."""
        return self.keys.state_of(record.subject)

    def write(self, record: ChangeRecord, document: Document | None) -> None:
        """Bring the key into the state; PolicyChangedError for any that is not for us to make."""
        state = state_in(document) if document else ""
        if state == ENABLED:
            self.keys.enable(record.subject)
        elif state == DISABLED and record.is_final:
            self.keys.cancel_deletion(record.subject)
        elif state == DISABLED:
            self.keys.disable(record.subject)
        else:
            raise PolicyChangedError(f"{record.subject} is not made {state or 'nothing'} by us")


def _policy(record: ChangeRecord, document: Document | None) -> PolicyDocument:
    if not isinstance(document, PolicyDocument):
        raise PolicyChangedError(f"{record.subject} had no stored policy to put back")
    return document
