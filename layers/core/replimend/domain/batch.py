"""What a queue handed over, parsed: the signals it held, and what could not be used."""

from collections.abc import Iterable
from dataclasses import dataclass

from replimend.domain.incident import FailureGroup
from replimend.domain.signals import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageRequest:
    """Replimend's own wish to have a group diagnosed again."""

    group: FailureGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One signal and the queue message that brought it."""

    message_id: str
    signal: Signal | TriageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A message, or one record of it, without a usable value at `path`."""

    message_id: str
    body: str
    path: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One delivery of the queue, taken apart."""

    heard: tuple[Heard, ...]
    unusable: tuple[Unusable, ...]

    @classmethod
    def of(cls, parts: Iterable[Heard | Unusable]) -> "Batch":
        """The batch of these parts, in their order."""
        kept = list(parts)
        return cls(
            heard=tuple(part for part in kept if isinstance(part, Heard)),
            unusable=tuple(part for part in kept if isinstance(part, Unusable)),
        )
