"""Statements that never apply, or that allow the role more than replication needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replimend.domain.diagnosis.near_misses import dead_principals_of
from replimend.domain.documents import PolicyDocument, Statement
from replimend.domain.facts import Bucket
from replimend.domain.setups.access_findings import AccessFinding
from replimend.domain.setups.checks.slips import MISPRINT, where
from replimend.domain.setups.findings import Finding, Severity, found
from replimend.domain.setups.inspection import Inspection
from replimend.domain.setups.setup import RoleParts, Setup

WILDCARDS = {
    "*": (AccessFinding.KMS_WILDCARD, AccessFinding.S3_WILDCARD),
    "kms:*": (AccessFinding.KMS_WILDCARD,),
    "s3:*": (AccessFinding.S3_WILDCARD,),
}
NEEDLESS = ("kms:reencrypt", "kms:creategrant", "kms:putkeypolicy", "kms:schedulekeydeletion")
"""How the actions begin that no page of AWS asks for (aws-facts 5.2), in lower case."""


def check_statements(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Slips and excess in every policy that admits the role; by themselves they fail nothing."""
    if not inspections:
        return
    role = setup.role.arn if isinstance(setup.role, RoleParts) else ""
    for policy in _policies(setup):
        for principal in dead_principals_of(policy.document):
            kind = AccessFinding.DEAD_PRINCIPAL
            yield found(kind, policy.subject, severity=Severity.WARNING, principal=principal)
        for index, statement in enumerate(policy.document.statements):
            if statement.get("Effect") == "Allow":
                label = where(policy.name, str(statement.get("Sid") or index), policy.subject)
                yield from _misprinted(policy, statement, label)
                if policy.is_identity or _names(statement, role):
                    yield from _too_wide(policy, statement, label)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    """A policy document and what it is attached to; a resource's policy bears its name."""

    subject: str
    name: str
    document: PolicyDocument

    @property
    def is_identity(self) -> bool:
        return self.name != self.subject


def _policies(setup: Setup) -> Iterator[_Policy]:
    role = setup.role
    if isinstance(role, RoleParts) and isinstance(role.identity_policies, tuple):
        for each in role.identity_policies:
            yield _Policy(subject=role.arn, name=each.name, document=each.document)
    for key in {parts.arn: parts for parts in setup.keys.values()}.values():
        if isinstance(key.policy, PolicyDocument):
            yield _Policy(subject=key.arn, name=key.arn, document=key.policy)
    for end in setup.destinations.values():
        if isinstance(end.bucket, Bucket) and isinstance(end.bucket.policy, PolicyDocument):
            arn = setup.bucket_arn(end.bucket.name)
            yield _Policy(subject=arn, name=arn, document=end.bucket.policy)


def _misprinted(policy: _Policy, statement: Statement, label: str) -> Iterator[Finding]:
    block = statement.get("Condition")
    operators = block.values() if isinstance(block, dict) else ()
    keys = (key for operator in operators if isinstance(operator, dict) for key in operator)
    if any(key.lower() == MISPRINT.lower() for key in keys):
        kind = AccessFinding.MISPRINTED_ENCRYPTION_CONTEXT
        yield found(kind, policy.subject, severity=Severity.WARNING, where=label)


def _too_wide(policy: _Policy, statement: Statement, label: str) -> Iterator[Finding]:
    for action in _texts(statement.get("Action")):
        for kind in WILDCARDS.get(action.lower(), ()):
            yield found(kind, policy.subject, where=label, action=action)
        if action.lower().startswith(NEEDLESS):
            kind = AccessFinding.NEEDLESS_KMS_ACTION
            yield found(kind, policy.subject, where=label, action=action)


def _names(statement: Statement, role_arn: str) -> bool:
    """Whether a statement of a resource's policy names the role itself."""
    principal = statement.get("Principal")
    return isinstance(principal, dict) and role_arn in _texts(principal.get("AWS"))


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()
