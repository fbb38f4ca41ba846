"""Which change broke replication: whose changes are looked at, and which of them it was."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from replimend.domain.access import Effect, LayerName
from replimend.domain.arn import Arn
from replimend.domain.diagnosis.causes import Cause, Diagnosis, Evidence, Source
from replimend.domain.diagnosis.hindsight import refuses_under
from replimend.domain.diagnosis.history import (
    Act,
    ChangeEvent,
    Past,
    Pasts,
    Subject,
    SubjectKind,
    subject_of_bucket,
    subject_of_key,
    subject_of_role,
)
from replimend.domain.facts import Absent, Bucket, Fact, Facts, ReplicationSetup
from replimend.domain.requirements import Requirement
from replimend.domain.unavailable import Unavailable

LAYERS_OF_IAM = frozenset({LayerName.IDENTITY, LayerName.BOUNDARY})

LAYER_ACTS: Mapping[tuple[SubjectKind, LayerName], frozenset[Act]] = {
    (SubjectKind.ROLE, LayerName.IDENTITY): frozenset(
        {Act.PUT_ROLE_POLICY, Act.DELETE_ROLE_POLICY, Act.DETACH_ROLE_POLICY}
    ),
    (SubjectKind.ROLE, LayerName.BOUNDARY): frozenset({Act.PUT_ROLE_BOUNDARY}),
    (SubjectKind.KEY, LayerName.RESOURCE): frozenset(
        {Act.PUT_KEY_POLICY, Act.REVOKE_GRANT, Act.RETIRE_GRANT}
    ),
    (SubjectKind.BUCKET, LayerName.RESOURCE): frozenset(
        {Act.PUT_BUCKET_POLICY, Act.DELETE_BUCKET_POLICY}
    ),
}
"""The changes after which a layer refuses what it allowed before."""

KEY_STATE_ACTS = frozenset({Act.DISABLE_KEY, Act.SCHEDULE_KEY_DELETION})
REPLICATION_ACTS = frozenset({Act.PUT_BUCKET_REPLICATION, Act.DELETE_BUCKET_REPLICATION})
CAUSED_BY: Mapping[Cause, tuple[SubjectKind, frozenset[Act]]] = {
    Cause.SOURCE_KEY_UNUSABLE: (SubjectKind.KEY, KEY_STATE_ACTS),
    Cause.DESTINATION_KEY_UNUSABLE: (SubjectKind.KEY, KEY_STATE_ACTS),
    Cause.ROLE_NOT_ASSUMABLE: (SubjectKind.ROLE, frozenset({Act.UPDATE_TRUST})),
    Cause.ROLE_MISSING: (SubjectKind.ROLE, frozenset({Act.DELETE_ROLE})),
    Cause.DESTINATION_UNVERSIONED: (
        SubjectKind.BUCKET,
        frozenset({Act.PUT_BUCKET_VERSIONING}),
    ),
}
"""The changes behind causes that are no refusal by a policy; those of a source bucket follow."""

OF_THE_CONFIGURATION = frozenset(
    {
        Cause.REPLICATION_CONFIGURATION_MISSING,
        Cause.RULE_MISSING,
        Cause.RULE_DISABLED,
        Cause.NOT_OPTED_IN,
        Cause.KEY_IN_WRONG_REGION,
        Cause.DESTINATION_KEY_MISSING,
        Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS,
    }
)
"""The causes that a change of the source bucket's replication configuration explains."""


def suspects_of(diagnosis: Diagnosis, facts: Facts) -> Mapping[Subject, frozenset[Act]]:
    """Whose changes, and which, can be behind this diagnosis; empty where no change can.

    At most the role, both keys and a bucket: a handful of look-ups, none for each object.
    """
    suspects: dict[Subject, frozenset[Act]] = {}
    for subject, acts in _suspects(diagnosis, facts):
        suspects[subject] = suspects.get(subject, frozenset()) | acts
    return suspects


def who_broke_it(
    diagnosis: Diagnosis, facts: Facts, failed_at: datetime, pasts: Pasts
) -> Fact[ChangeEvent]:
    """The change that explains the diagnosis: the latest fitting one before the failure.

    Where the documents of several are known, it is the one after which the call was refused. Our
    own changes only add, or take back what they added, and are never named.
    """
    if not pasts:
        return Absent(what="a change that could cause this")
    found = [
        event
        for past in pasts.values()
        if isinstance(past, Past)
        and (event := _breaking(diagnosis, facts, failed_at, past)) is not None
    ]
    if found:
        return max(found, key=lambda event: event.at)
    for past in pasts.values():
        if (unread := _unread(past, failed_at)) is not None:
            return unread
    return Absent(
        what="a change before the failure, in the 90 days that CloudTrail keeps, of "
        + ", ".join(subject.arn for subject in pasts)
    )


def with_what_broke_it(diagnosis: Diagnosis, broken_by: Fact[ChangeEvent]) -> Diagnosis:
    """The diagnosis with the change behind it, as evidence too where one was found."""
    evidence = diagnosis.evidence
    if isinstance(broken_by, ChangeEvent):
        evidence = (*evidence, Evidence(source=Source.HISTORY, says=broken_by.says))
    return replace(diagnosis, broken_by=broken_by, evidence=evidence)


def _breaking(
    diagnosis: Diagnosis, facts: Facts, failed_at: datetime, past: Past
) -> ChangeEvent | None:
    """The first change of the refusals that last until the failure, as far as documents tell."""
    latest: ChangeEvent | None = None
    first: ChangeEvent | None = None
    for event in reversed(past.events):
        if event.at > failed_at or event.author.is_replimend:
            continue
        refused = (
            refuses_under(event, diagnosis.requirement, facts) if diagnosis.requirement else None
        )
        if refused is False:
            return first
        latest = latest or event
        first = event
    return latest


def _unread(past: Past | Unavailable, failed_at: datetime) -> Unavailable | None:
    match past:
        case Unavailable():
            return past
        case Past(subject=subject) if past.is_still_silent_about(failed_at):
            return Unavailable(
                reason=f"CloudTrail may not have told yet who changed {subject.arn} just before it"
            )
        case Past(read_back_to=None):
            return None
        case Past(subject=subject, read_back_to=since):
            return Unavailable(
                reason=f"the changes of {subject.arn} were read back to {since:%Y-%m-%d %H:%M} "
                "only: too many others were made"
            )


def _suspects(diagnosis: Diagnosis, facts: Facts) -> Iterator[tuple[Subject, frozenset[Act]]]:
    for each in diagnosis.refused:
        for layer in each.refusing_layers:
            subject = _subject_of_layer(layer.layer, each.requirement, facts)
            if subject is not None:
                acts = LAYER_ACTS.get((subject.kind, layer.layer), frozenset())
                if layer.effect is Effect.EXPLICITLY_DENIED and subject.kind is SubjectKind.ROLE:
                    acts |= {Act.ATTACH_ROLE_POLICY}
                yield subject, acts
    if diagnosis.cause in OF_THE_CONFIGURATION:
        source = subject_of_bucket(facts.source, _partition(facts))
        if source is not None:
            yield source, REPLICATION_ACTS
    if diagnosis.cause in CAUSED_BY:
        kind, acts = CAUSED_BY[diagnosis.cause]
        subject = _subject_of_kind(kind, diagnosis, facts)
        if subject is not None:
            yield subject, acts


def _subject_of_layer(layer: LayerName, needed: Requirement, facts: Facts) -> Subject | None:
    if layer in LAYERS_OF_IAM:
        return _role(facts)
    if needed.is_kms:
        return subject_of_key(needed.resource)
    return subject_of_bucket(_bucket_named(needed.resource, facts), _partition(facts))


def _subject_of_kind(kind: SubjectKind, diagnosis: Diagnosis, facts: Facts) -> Subject | None:
    match kind:
        case SubjectKind.KEY:
            return subject_of_key(diagnosis.subject) if diagnosis.subject else None
        case SubjectKind.ROLE:
            return _role(facts)
        case SubjectKind.BUCKET:
            return subject_of_bucket(facts.destination, _partition(facts))


def _role(facts: Facts) -> Subject | None:
    if isinstance(facts.setup, ReplicationSetup):
        return subject_of_role(facts.setup.role_arn)
    return None


def _partition(facts: Facts) -> str:
    """The partition of the replication role, which is that of everything else as well."""
    if isinstance(facts.setup, ReplicationSetup):
        return Arn.parse(facts.setup.role_arn).partition
    return "aws"


def _bucket_named(resource: str, facts: Facts) -> Fact[Bucket]:
    name = Arn.parse(resource).bucket_name
    for bucket in (facts.source, facts.destination):
        if isinstance(bucket, Bucket) and bucket.name == name:
            return bucket
    return Unavailable(reason=f"bucket {name} was not read")
