"""KMS grants: they allow, never deny, and suffice without any policy, also across accounts.

No public example shows a grant in use by an S3 replication role (aws-facts 5.7). By KMS's own
rules it works, since S3 calls KMS with the role's session; so a grant to the role counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from replimend.domain.access.call import Call
from replimend.domain.access.decision import MissedCondition
from replimend.domain.access.elements import mapping_at, strings_at, text_at
from replimend.domain.access.principals import CallerKind, Principals, Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant as KMS lists it; `operations` are KMS actions in lower case, such as `kms:encrypt`.

    Of the constraints, `context_equals` and `context_includes` are pairs of the encryption context;
    their values are compared exactly, their keys in any letter case (KMS API Reference,
    `GrantConstraints`). None where the grant has no such constraint.
    """

    label: str
    key: str | None
    grantee: Principals
    operations: frozenset[str]
    context_equals: Mapping[str, str] | None
    context_includes: Mapping[str, str] | None
    source_arn: str | None

    @classmethod
    def parse(cls, listed: Mapping[str, object]) -> Self:
        """A grant as `ListGrants` returns it; MalformedPolicyError names the field at fault."""
        entry = mapping_at(listed, "")
        constraints = mapping_at(entry.get("Constraints") or {}, CONSTRAINTS)
        label = _text(entry, "Name", "Name") or _text(entry, "GrantId", "GrantId")
        return cls(
            label=label or "grant",
            key=_text(entry, "KeyId", "KeyId"),
            grantee=_grantee(entry),
            operations=frozenset(
                f"kms:{name.lower()}" for name in strings_at(entry.get("Operations"), "Operations")
            ),
            context_equals=_pairs(constraints, EQUALS),
            context_includes=_pairs(constraints, INCLUDES),
            source_arn=_text(constraints, SOURCE_ARN, f"{CONSTRAINTS}.{SOURCE_ARN}"),
        )

    def reach(self, call: Call) -> Reach:
        """How directly the grant means this call, leaving its constraints aside."""
        if call.action not in self.operations or not self._is_on(call.resource):
            return Reach.NONE
        return self.grantee.reach(call.caller)

    def missed(self, call: Call) -> tuple[MissedCondition, ...]:
        """The constraints that this call does not meet; empty if it meets them all."""
        return (*self._source_missed(call), *self._context_missed(call))

    def _is_on(self, key_arn: str) -> bool:
        return self.key is None or key_arn == self.key or key_arn.endswith(f":key/{self.key}")

    def _source_missed(self, call: Call) -> Iterable[MissedCondition]:
        """KMS looks at `SourceArn` only where a service calls (KMS guide, "Creating grants")."""
        if self.source_arn is None or call.caller.kind is not CallerKind.SERVICE:
            return
        sources = call.context.get("aws:sourcearn", ())
        if self.source_arn not in sources:
            yield self._missed(SOURCE_ARN, self.source_arn, sources[0] if sources else None)

    def _context_missed(self, call: Call) -> Iterable[MissedCondition]:
        if call.action in WITHOUT_ENCRYPTION_CONTEXT:
            return
        sent = {key.lower(): value for key, value in call.encryption_context.items()}
        for name, pairs in ((INCLUDES, self.context_includes), (EQUALS, self.context_equals)):
            for key, expected in (pairs or {}).items():
                actual = sent.get(key.lower())
                if actual != expected:
                    yield self._missed(f"{name} {key}", expected, actual)
        if self.context_equals is None:
            return
        named = {key.lower() for key in self.context_equals}
        for key, value in call.encryption_context.items():
            if key.lower() not in named:
                yield self._missed(f"{EQUALS} {key}", None, value)

    def _missed(self, condition: str, expected: str | None, actual: str | None) -> MissedCondition:
        return MissedCondition(
            policy=GRANTS,
            statement=self.label,
            condition=condition,
            expected=() if expected is None else (expected,),
            actual=actual,
        )


GRANTS = "grants"
CONSTRAINTS = "Constraints"
EQUALS = "EncryptionContextEquals"
INCLUDES = "EncryptionContextSubset"
SOURCE_ARN = "SourceArn"
# These operations have no encryption context, so its constraints are ignored for them.
WITHOUT_ENCRYPTION_CONTEXT = frozenset({"kms:describekey", "kms:retiregrant"})


def _grantee(entry: Mapping[str, object]) -> Principals:
    principal = _text(entry, "GranteePrincipal", "GranteePrincipal")
    service = _text(entry, "GranteeServicePrincipal", "GranteeServicePrincipal")
    names = frozenset(name for name in (principal, service) if name)
    return Principals(is_everyone=False, aws=names, others=names)


def _pairs(constraints: Mapping[str, object], name: str) -> Mapping[str, str] | None:
    value = constraints.get(name)
    if value is None:
        return None
    path = f"{CONSTRAINTS}.{name}"
    return {key: text_at(each, f"{path}.{key}") for key, each in mapping_at(value, path).items()}


def _text(entry: Mapping[str, object], name: str, path: str) -> str | None:
    value = entry.get(name)
    return None if value is None else text_at(value, path)
