"""A failure in its set-up: the full diagnosis, every call that S3 makes, and a plan.

Where the set-up does not have the version, the objects that the rule is for stand in for it, and
the diagnosis holds only if it is the same for all of them and could not hang on this version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.calls import assessments_of
from replimend.domain.diagnosis.cases import undetermined
from replimend.domain.diagnosis.causes import Cause, Diagnosis, Evidence, Source
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.diagnosis.settled_causes import CANNOT_COME_BACK
from replimend.domain.facts import (
    Fact,
    Facts,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
)
from replimend.domain.failure_reasons import FailureReason, ReasonSide
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.setups.reported import reported_failure
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.versions import versions_for
from replimend.domain.setups.views import as_if_complete, facts_about
from replimend.domain.signals import ManualRequest, ReplicationFailed

STANDS_IN = Evidence(
    source=Source.READ,
    says="the snapshot does not have the version: an object encrypted with KMS, as its bucket "
    "does by default, stands in for it",
)
HANGS_ON_THE_VERSION = frozenset(
    {Cause.MENDED, Cause.NOT_OPTED_IN, Cause.OBJECT_NOT_ELIGIBLE, Cause.GRANT_PENDING}
)
"""What cannot be said of a version by looking at another."""
FOR_THE_VERSION_TO_DENY = frozenset(
    {Cause.OBJECT_GONE, Cause.ALREADY_REPLICATED, Cause.REPLICA_HARD_DELETED}
)
"""What S3 reports of a version, and no other version can contradict."""
ALL_WELL = frozenset({Cause.MENDED, Cause.ALREADY_REPLICATED, Cause.UNDETERMINED})

READ_THE_VERSION = (
    "Read the version (replimend snapshot --object KEY --version-id ID): with which key it is "
    "encrypted, and whether under a Bucket Key, settles it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A diagnosis in its set-up, and what it was made from.

    `facts` is None, and nothing is known of any call, where the set-up is another's.
    """

    diagnosis: Diagnosis
    facts: Facts | None
    assessments: tuple[Assessment, ...]
    plan: Plan | NoPlan
    role_arn: str | None


def locate_failure(signal: ReplicationFailed, setup: Setup) -> Located:
    """Why this version failed to replicate under this rule."""
    if signal.bucket != setup.source_bucket:
        return of_another(setup, signal.bucket)
    versions = versions_for(setup, signal.rule_id, signal.key, signal.version_id)
    views = [
        replace(
            facts_about(setup, signal.rule_id, signal.destination_bucket, version),
            failed_at=signal.event_time,
        )
        for version in versions.all
    ]
    located = agreed(setup, views, signal.reason, are_typical=versions.are_typical)
    reported = reported_failure(signal.reason)
    is_for_the_version = versions.are_typical and reported.cause in FOR_THE_VERSION_TO_DENY
    is_contradicted = not versions.are_typical and _contradicts(signal.reason, versions.all[0])
    if (
        is_contradicted
        or reported.cause is Cause.UNDETERMINED
        or not (is_for_the_version or located.diagnosis.cause is Cause.UNDETERMINED)
    ):
        return located
    evidence = (*reported.evidence, *located.diagnosis.evidence)
    diagnosis = replace(reported, evidence=evidence)
    return replace(located, diagnosis=diagnosis, plan=NoPlan(reason=diagnosis.next))


def _contradicts(reason: FailureReason, version: Fact[ObjectVersion]) -> bool:
    """Whether the version is there of which S3 says that it is gone."""
    return reason.documented in CANNOT_COME_BACK and isinstance(version, ObjectVersion)


def locate_request(signal: ManualRequest, setup: Setup) -> Located:
    """Why this object does not replicate, by the rule that needs most."""
    if signal.bucket != setup.source_bucket:
        return of_another(setup, signal.bucket)
    found = [_of_rule(signal, rule, setup) for rule in _rules_for(signal, setup)]
    if not found:
        return no_diagnosis(
            setup,
            f"no rule that is known selects {signal.key!r}",
            "Name an object that a rule selects, or take a snapshot with the configuration "
            "(s3:GetReplicationConfiguration).",
        )
    return next((each for each in found if each.diagnosis.cause not in ALL_WELL), found[0])


def agreed(
    setup: Setup, views: Sequence[Facts], reason: FailureReason | None, *, are_typical: bool
) -> Located:
    """The one diagnosis of every view, or an open one that says on what it hangs."""
    decided = [_decided(setup, facts, reason) for facts in views]
    first, facts = decided[0]
    causes = dict.fromkeys(diagnosis.cause for diagnosis, _ in decided)
    if len(causes) > 1:
        either = " or ".join(causes)
        first = undetermined(f"as the version is encrypted, it is {either}", READ_THE_VERSION)
    elif are_typical:
        first = _typically(first, reason)
    calls = each_once(
        assessment for each in views for assessment in assessments_of(as_if_complete(each, setup))
    )
    refused = each_once(each for diagnosis, _ in decided for each in diagnosis.refused)
    diagnosis = replace(first, refused=refused if first.refused else ())
    return Located(
        diagnosis=diagnosis,
        facts=facts,
        assessments=calls,
        plan=plan_for(diagnosis, facts),
        role_arn=role_arn_of(setup),
    )


def of_another(setup: Setup, bucket: str) -> Located:
    """No diagnosis: the set-up is that of another bucket."""
    return no_diagnosis(
        setup,
        f"the snapshot is of {setup.source_bucket}, not of {bucket}",
        f"Take a snapshot of {bucket} (replimend snapshot --bucket {bucket}).",
    )


def no_diagnosis(setup: Setup, because: str, next_step: str) -> Located:
    """An open diagnosis, and nothing else."""
    return Located(
        diagnosis=undetermined(because, next_step),
        facts=None,
        assessments=(),
        plan=NoPlan(reason=next_step),
        role_arn=role_arn_of(setup),
    )


def each_once(assessments: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """The assessments in their order, equal ones once."""
    known: list[Assessment] = []
    for each in assessments:
        if each not in known:
            known.append(each)
    return tuple(known)


def role_arn_of(setup: Setup) -> str | None:
    """The replication role, as the configuration names it."""
    replication = setup.replication
    return replication.role_arn if isinstance(replication, ReplicationSetup) else None


def _decided(setup: Setup, facts: Facts, reason: FailureReason | None) -> tuple[Diagnosis, Facts]:
    """The diagnosis; a call that is refused for certain decides whatever else is not known."""
    diagnosis = diagnose(facts, reason)
    if diagnosis.cause is Cause.UNDETERMINED:
        supposed = as_if_complete(facts, setup)
        certain = diagnose(supposed, reason)
        if certain.refused:
            return certain, supposed
    return diagnosis, facts


def _typically(diagnosis: Diagnosis, reason: FailureReason | None) -> Diagnosis:
    """The diagnosis of a stand-in, unless it could be another for the version itself."""
    side = reason.side if reason else ReasonSide.NONE
    required = diagnosis.requirement
    is_aside = required is not None and side not in {ReasonSide.NONE, required.side.value}
    if is_aside or diagnosis.cause in HANGS_ON_THE_VERSION:
        return replace(
            undetermined(STANDS_IN.says, READ_THE_VERSION),
            evidence=(STANDS_IN, *diagnosis.evidence),
        )
    return replace(diagnosis, evidence=(*diagnosis.evidence, STANDS_IN))


def _rules_for(signal: ManualRequest, setup: Setup) -> tuple[ReplicationRule, ...]:
    replication = setup.replication
    rules = replication.rules if isinstance(replication, ReplicationSetup) else ()
    return tuple(rule for rule in rules if signal.key.startswith(rule.prefix))


def _of_rule(signal: ManualRequest, rule: ReplicationRule, setup: Setup) -> Located:
    versions = versions_for(setup, rule.rule_id, signal.key, signal.version_id)
    views = [
        facts_about(setup, rule.rule_id, rule.destination_bucket, version)
        for version in versions.all
    ]
    return agreed(setup, views, None, are_typical=versions.are_typical)
