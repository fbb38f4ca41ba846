"""Access that rests on a grant which had not taken effect everywhere when S3 failed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from replimend.domain.access import Grant
from replimend.domain.assessment import decide
from replimend.domain.diagnosis.cases import Case
from replimend.domain.diagnosis.causes import (
    Cause,
    Confidence,
    Diagnosis,
    Evidence,
    Source,
)
from replimend.domain.diagnosis.near_misses import key_of
from replimend.domain.diagnosis.next_steps import next_step
from replimend.domain.facts import Facts, Key, Role

GRANT_TAKES = timedelta(minutes=5)
"""How long a grant may take to count everywhere; S3 can pass no grant token (aws-facts 5.7)."""


def pending_grant(case: Case) -> Diagnosis | None:
    """Access rests on a grant that was made only just before S3 failed.

    Whether a grant to the role counts at all, and how soon, is open (aws-facts 10, question 4): the
    wait is the longest that KMS documents, and one object is re-copied before the rest.
    """
    failed_at, role = case.facts.failed_at, case.facts.role
    if failed_at is None or not isinstance(role, Role):
        return None
    young = _without_young_grants(case.facts, failed_at)
    for each in case.assessments:
        requirement = each.requirement
        if requirement.is_kms and decide(requirement, young, role).blocking:
            key = key_of(requirement, case.facts)
            made_at, name = max(_young(key, failed_at), default=(failed_at, "of the key"))
            ready = (made_at + GRANT_TAKES).isoformat(timespec="minutes")
            says = (
                f"only the grant {name}, made at {made_at.isoformat()}, allows "
                f"{requirement.action} on {requirement.resource}"
            )
            return Diagnosis(
                cause=Cause.GRANT_PENDING,
                confidence=Confidence.EVALUATED,
                next=next_step(Cause.GRANT_PENDING, ready=ready, grant=name),
                subject=requirement.resource,
                requirement=requirement,
                layer="grant",
                effect="implicit",
                evidence=(*case.reported, Evidence(source=Source.POLICY, says=says)),
            )
    return None


def _without_young_grants(facts: Facts, failed_at: datetime) -> Facts:
    source, destination = facts.source_key, facts.destination_key
    return replace(
        facts,
        source_key=_aged(source, failed_at) if isinstance(source, Key) else source,
        destination_key=_aged(destination, failed_at)
        if isinstance(destination, Key)
        else destination,
    )


def _aged(key: Key, failed_at: datetime) -> Key:
    if not isinstance(key.grants, tuple):
        return key
    return replace(
        key, grants=tuple(each for each in key.grants if _made_just_before(each, failed_at) is None)
    )


def _young(key: Key | None, failed_at: datetime) -> Iterator[tuple[datetime, str]]:
    grants = key.grants if key is not None else ()
    for each in grants if isinstance(grants, tuple) else ():
        if (made_at := _made_just_before(each, failed_at)) is not None:
            yield made_at, Grant.parse(each).label


def _made_just_before(grant: Mapping[str, object], failed_at: datetime) -> datetime | None:
    """When the grant was made, if it may not have counted yet when S3 failed; else None."""
    made_at = _moment(grant.get("CreationDate"))
    if made_at is None or not made_at <= failed_at < made_at + GRANT_TAKES:
        return None
    return made_at


def _moment(value: object) -> datetime | None:
    """A time with its zone, as boto3 decodes it or as text; None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None
