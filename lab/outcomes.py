"""How one attempt to replicate a version under one rule ended."""

from dataclasses import dataclass

from lab.replication_rules import Rule
from lab.role_access import Refused

ALREADY_REPLICATED = "SrcReplicationNotPending"


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

    @property
    def leaves_it_replicated(self) -> bool:
        """Whether only the task failed: there was nothing to do for a version that is there."""
        return self.reason == ALREADY_REPLICATED


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEligible:
    """The rule leaves such versions alone: S3 says nothing, shows no status, sends no event."""

    rule: Rule
    why: str


type Outcome = Replicated | AlreadyThere | Failed | NotEligible
