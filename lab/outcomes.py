"""How one attempt to replicate a version under one rule ended."""

from dataclasses import dataclass

from lab.replication_rules import Rule
from lab.role_access import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicated:
    """The destination has the version now."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyThere:
    """The destination had the version before."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """S3 gave up with this failure reason; `refused` is set where policies were the cause.

    Without a rule it is the source itself that cannot be replicated.
    """

    reason: str
    rule: Rule | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEligible:
    """The rule leaves such versions alone: S3 says nothing, shows no status, sends no event."""

    rule: Rule
    why: str


type Outcome = Replicated | AlreadyThere | Failed | NotEligible
