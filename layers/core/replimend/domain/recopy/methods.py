"""By which method a version is brought over, and why by no other."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from replimend.domain.facts import Absent, Fact, ObjectVersion
from replimend.domain.failure_reasons import ReasonCode
from replimend.domain.unavailable import Unavailable

BYTES_A_GIGABYTE = 1024**3
RESTORE_DOLLARS_A_GIGABYTE: Final = {"DEEP_ARCHIVE": 0.02, "GLACIER": 0.01}
"""Standard retrieval in us-east-1; to be checked against the price list before it is paid."""


class Method(StrEnum):
    """A way to bring a version over."""

    REPLICATE = "replicate"
    """An S3 Batch Replication job: the same version, as a replica."""
    COPY = "copy"
    """A server-side copy to the destination: another version id, and no replica."""
    IN_PLACE = "in_place"
    """The current version copied onto itself, so that S3 replicates the copy."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Which methods besides `replicate` the stack's parameters allow; none unless they say so."""

    copy: bool = False
    in_place: bool = False

    @classmethod
    def to(cls, methods: Iterable[str]) -> "Consent":
        """The consent to these methods; ValueError names one that needs none or is unknown."""
        consented = set(methods) - {Method.REPLICATE.value}
        if unknown := consented - {Method.COPY.value, Method.IN_PLACE.value}:
            raise ValueError(f"{min(unknown)!r} is not among replicate, copy, in_place")
        return cls(copy=Method.COPY.value in consented, in_place=Method.IN_PLACE.value in consented)

    def in_incident(self, approved_by: str | None) -> "Consent":
        """What of it holds in an incident: `in_place` takes a person's approval of it besides."""
        return replace(self, in_place=self.in_place and approved_by is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A method with its explanation, and what a person could allow or do where it is `none`."""

    method: Method
    because: str
    proposal: str = ""

    @property
    def says(self) -> str:
        """The explanation as it is kept in the record."""
        proposal = f"; {self.proposal}" if self.proposal else ""
        return f"method {self.method}: {self.because}{proposal}"


def choose(
    source: Fact[ObjectVersion], last_error: str | None, consent: Consent, *, is_current: bool
) -> Choice:
    """The method for a version whose last re-copy failed with this code; None: never tried.

    Neither copy ever takes a version that is not current: it would become current at the
    destination (aws-facts 6.2). `in_place` is chosen all the same, and ends as superseded.
    """
    match source:
        case Absent():
            return Choice(method=Method.NONE, because="the version was deleted at the source")
        case Unavailable(reason=reason):
            return Choice(method=Method.NONE, because=f"the version cannot be read: {reason}")
        case ObjectVersion(archived=True, storage_class=storage_class, size=size):
            return Choice(
                method=Method.NONE,
                because="S3 replicates nothing out of an archive",
                proposal=restore_proposal(storage_class, size),
            )
        case ObjectVersion():
            pass
    if last_error is None:
        return Choice(
            method=Method.REPLICATE, because="a batch job keeps the version and proves the repair"
        )
    if last_error == ReasonCode.DST_OBJECT_HARD_DELETED:
        return _with_consent(
            Method.IN_PLACE,
            "S3 does not replicate again what was deleted for good at the destination",
            allowed=consent.in_place,
            # The newer one may be our own rewrite of it, which only the copy itself can tell.
            is_current=is_current or consent.in_place,
        )
    return _with_consent(
        Method.COPY,
        f"the batch job was refused with {last_error}",
        allowed=consent.copy,
        is_current=is_current,
    )


def choose_without_job(refusal: str, consent: Consent) -> Choice:
    """The method for versions of which S3 starts no job at all, for this reason."""
    because = f"S3 started no job: {refusal}"
    if not consent.copy:
        return Choice(method=Method.NONE, because=because, proposal=_proposal(Method.COPY))
    return Choice(method=Method.COPY, because=f"{because}; no replica proves the repair")


def _proposal(method: Method) -> str:
    approved = " in an approved incident" if method is Method.IN_PLACE else ""
    return f"{method} would do it, by your consent (RecopyMethods){approved}"


def _with_consent(method: Method, because: str, *, allowed: bool, is_current: bool) -> Choice:
    if not is_current:
        return Choice(
            method=Method.NONE,
            because=f"{because}, and the version is not current: {method} would make it so",
        )
    if not allowed:
        return Choice(method=Method.NONE, because=because, proposal=_proposal(method))
    return Choice(method=method, because=because)


def restore_proposal(storage_class: str, size: int) -> str:
    """What a person does about an archived version first, with about what it costs."""
    price = RESTORE_DOLLARS_A_GIGABYTE.get(storage_class, 0.0)
    dollars = size / BYTES_A_GIGABYTE * price
    return (
        f"archived in {storage_class}: restore it first ({size:,} bytes, about ${dollars:.2f} by "
        "standard retrieval), then re-copy it"
    )
