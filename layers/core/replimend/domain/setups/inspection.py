"""One rule looked at: every call that S3 makes under it, for the objects that it is for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.calls import assessments_of
from replimend.domain.facts import Facts, ObjectVersion, ReplicationRule
from replimend.domain.requirements import Needed, Requirement
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.typical import locked, tagged, typical_version, with_bucket_key
from replimend.domain.setups.views import as_if_complete, facts_about

OF_SOME = frozenset({Needed.TAGS, Needed.OBJECT_LOCK})
"""Calls that S3 makes for tagged or locked objects only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call with its decision; one `for_some` objects only stops no others."""

    assessment: Assessment
    for_some: bool

    @property
    def requirement(self) -> Requirement:
        """What S3 calls."""
        return self.assessment.requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A rule, a version that it is for, and each call that S3 makes for such versions, once.

    `facts` are what is known; `supposed` are those with everything else well, under which the
    calls were decided, so that a refused call is refused for certain.
    """

    setup: Setup
    rule: ReplicationRule
    version: ObjectVersion
    facts: Facts
    supposed: Facts
    calls: tuple[Call, ...]


def inspect(setup: Setup, rule: ReplicationRule) -> Inspection:
    """What S3 does under this rule: for the set-up's object, else for the objects it is for."""
    version = setup.object if isinstance(setup.object, ObjectVersion) else None
    example = version or typical_version(setup, rule)
    facts = facts_about(setup, rule.rule_id, rule.destination_bucket, example)
    versions = (example,) if version else tuple(_versions(setup, rule, example))
    return Inspection(
        setup=setup,
        rule=rule,
        version=example,
        facts=facts,
        supposed=as_if_complete(facts, setup),
        calls=tuple(_calls(setup, facts, versions)),
    )


def _versions(
    setup: Setup, rule: ReplicationRule, example: ObjectVersion
) -> Iterator[ObjectVersion]:
    yield example
    for other in (
        with_bucket_key(setup, example, rule.destination_bucket),
        tagged(example),
        locked(setup, example),
    ):
        if other is not None:
            yield other


def _calls(setup: Setup, facts: Facts, versions: tuple[ObjectVersion, ...]) -> Iterator[Call]:
    known: list[tuple[object, ...]] = []
    for version in versions:
        for each in assessments_of(as_if_complete(replace(facts, object=version), setup)):
            named = _named(each.requirement)
            if named not in known:
                known.append(named)
                yield _call(each, version, is_first=version is versions[0])


def _named(requirement: Requirement) -> tuple[object, ...]:
    """What makes two calls one."""
    context = tuple(sorted(requirement.context.items()))
    return requirement.action, requirement.side, requirement.resource, context


def _call(assessment: Assessment, version: ObjectVersion, *, is_first: bool) -> Call:
    """The call, said to be needed for what only the later versions have."""
    requirement = assessment.requirement
    if not is_first and version.bucket_key and requirement.needed is Needed.ALWAYS:
        requirement = replace(requirement, needed=Needed.BUCKET_KEY)
    return Call(
        assessment=replace(assessment, requirement=requirement),
        for_some=requirement.needed is Needed.REPLICA_MODIFICATIONS
        or (not is_first and requirement.needed in OF_SOME),
    )
