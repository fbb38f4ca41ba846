"""The facts as they would be once documents were written: what evaluation confirms a plan by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from replimend.domain.arn import Arn
from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Bucket, Fact, Facts, Key, NamedPolicy, Role


@dataclass(slots=True, kw_only=True)
class Prospect:
    """Documents to be written: by the ARN of their key or bucket, or an inline policy's name."""

    policies: dict[str, PolicyDocument] = field(default_factory=dict)
    grants: dict[str, Document] = field(default_factory=dict)
    inline: dict[str, PolicyDocument] = field(default_factory=dict)

    def role_policy(self, name: str, document: PolicyDocument) -> None:
        """Have the role's inline policy of this name be this document."""
        self.inline[name] = document

    def of(self, facts: Facts) -> Facts:
        """The facts with every document in its place, and all else as it is."""
        return replace(
            facts,
            role=self._role(facts.role),
            source_key=self._key(facts.source_key),
            destination_key=self._key(facts.destination_key),
            destination=self._bucket(facts.destination, facts),
        )

    def _role(self, role: Fact[Role]) -> Fact[Role]:
        if not isinstance(role, Role) or not isinstance(role.identity_policies, tuple):
            return role
        kept = tuple(each for each in role.identity_policies if each.name not in self.inline)
        written = tuple(NamedPolicy(name=name, document=each) for name, each in self.inline.items())
        return replace(role, identity_policies=(*kept, *written))

    def _key(self, key: Fact[Key]) -> Fact[Key]:
        if not isinstance(key, Key):
            return key
        policy: Fact[PolicyDocument] = self.policies.get(key.arn) or key.policy
        return replace(key, policy=policy, grants=self._grants(key))

    def _grants(self, key: Key) -> Fact[tuple[Mapping[str, object], ...]]:
        grant = self.grants.get(key.arn)
        if grant is None:
            return key.grants
        added = {**grant.content, "KeyId": key.arn}
        match key.grants:
            case tuple() as grants:
                return (*grants, added)
            case Absent():
                return (added,)
            case unread:
                return unread

    def _bucket(self, bucket: Fact[Bucket], facts: Facts) -> Fact[Bucket]:
        if not isinstance(bucket, Bucket):
            return bucket
        for arn, policy in self.policies.items():
            if Arn.parse(arn).bucket_name == facts.destination_bucket:
                return replace(bucket, policy=policy)
        return bucket
