"""The answer "we could not read it", which is neither an empty value nor an absent one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A fact that could not be read, and why, in words fit for a person."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed(Unavailable):
    """S3 shows nothing of it without a key that only its owner has (SSE-C)."""
