"""What went where: every hop of an event or message on its way through a stack."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Passage(StrEnum):
    """How a hop ended."""

    DELIVERED = "delivered"
    DEAD_LETTERED = "dead-lettered"
    LOST = "lost"
    """The target could not be reached, and there was no dead-letter queue that would take it."""
    UNMATCHED = "unmatched"
    """No rule of the bus wanted it."""
    GIVEN_BACK = "given back"
    """The consumer of a queue did not finish it; it becomes visible again."""
    FILTERED = "filtered"
    """The consumer's filter did not want it, so it was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step: `via` and `target` are ARNs (a bucket, bus, rule, Pipe, queue, function, topic).

    `what` is the event's id, or the message's; `reason` says why it did not get on.
    """

    at: datetime
    via: str
    what: str
    target: str
    passage: Passage
    reason: str = ""


class Trace:
    """The hops of one lab, in the order in which they happened."""

    def __init__(self) -> None:
        self.hops: list[Hop] = []

    def note(self, hop: Hop) -> None:
        """Append this hop."""
        self.hops.append(hop)

    def to(self, name: str) -> list[Hop]:
        """The hops whose target's ARN ends with this name."""
        return [hop for hop in self.hops if hop.target.endswith(name)]
