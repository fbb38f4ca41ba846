"""The causes that an expert would ask about next, each with what rules it out.

Only what was read rules anything out: a fact that could not be read leaves its causes standing.
"""

from collections.abc import Iterator, Sequence

from replimend.domain.access import Effect, LayerName
from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment
from replimend.domain.diagnosis.causes import Cause, RuledOut
from replimend.domain.diagnosis.trust import role_is_assumable_by_s3
from replimend.domain.facts import (
    USABLE_KEY_STATE,
    Absent,
    Bucket,
    Facts,
    Key,
    ObjectVersion,
    Role,
)


def alternatives(
    cause: Cause, assessments: Sequence[Assessment], facts: Facts
) -> Iterator[RuledOut]:
    """The other causes that what was read rules out, each once, with the reason."""
    for other, because in (
        *_by_calls(assessments),
        *_by_role(assessments, facts),
        *_by_keys(facts),
        *_by_buckets(facts),
        *_by_rule_and_version(facts),
    ):
        if other is not cause:
            yield RuledOut(cause=other, because=because)


type Reason = tuple[Cause, str]


def _by_calls(assessments: Sequence[Assessment]) -> Iterator[Reason]:
    refused = [each for each in assessments if each.is_refused]
    is_all_known = assessments and not any(each.is_unknown for each in assessments)
    if is_all_known and not any(_denies(each) for each in refused):
        yield Cause.EXPLICIT_DENY, "no readable policy denies a call that S3 makes"
    if said := _allowing(refused or assessments, LayerName.IDENTITY):
        yield Cause.ROLE_POLICY_LACKS_ACTION, f"the role's own policy allows {said}"
    on_keys = [each for each in refused or assessments if each.requirement.is_kms]
    if said := _allowing(on_keys, LayerName.RESOURCE):
        yield Cause.KEY_POLICY_LACKS_ROLE, f"the key policies allow {said}"
    on_buckets = [each for each in assessments if not each.requirement.is_kms]
    if on_buckets and all(each.is_allowed for each in on_buckets):
        actions = ", ".join(dict.fromkeys(each.requirement.action for each in on_buckets))
        yield Cause.BUCKET_POLICY_LACKS_ROLE, f"{actions} are allowed"
    if is_all_known and not any(layer.missed for each in refused for layer in each.decision.layers):
        yield Cause.CONDITION_MISMATCH, "no statement allows a refused call but for a condition"


def _denies(assessment: Assessment) -> bool:
    return any(each.effect is Effect.EXPLICITLY_DENIED for each in assessment.decision.layers)


def _allowing(assessments: Sequence[Assessment], name: LayerName) -> str | None:
    """Each action with the statements of the layer that allow it; None unless all are allowed."""
    layers = [(each.requirement.action, each.decision.layer(name)) for each in assessments]
    if not layers or any(layer.effect is not Effect.ALLOWED for _, layer in layers):
        return None
    return ", ".join(
        dict.fromkeys(f"{action} ({', '.join(layer.statements)})" for action, layer in layers)
    )


def _by_role(assessments: Sequence[Assessment], facts: Facts) -> Iterator[Reason]:
    role = facts.role
    if not isinstance(role, Role):
        return
    yield Cause.ROLE_MISSING, f"{role.arn} exists"
    if role_is_assumable_by_s3(role, facts.home_account):
        yield Cause.ROLE_NOT_ASSUMABLE, "the role's trust policy lets s3.amazonaws.com assume it"
    boundaries = [each.decision.layer(LayerName.BOUNDARY).effect for each in assessments]
    if isinstance(role.boundary, Absent):
        yield Cause.PERMISSIONS_BOUNDARY, "the role has no permissions boundary"
    elif boundaries and all(each is Effect.ALLOWED for each in boundaries):
        yield Cause.PERMISSIONS_BOUNDARY, "the role's permissions boundary allows every call"


def _by_keys(facts: Facts) -> Iterator[Reason]:
    source, destination = facts.source_key, facts.destination_key
    if isinstance(source, Key) and source.state == USABLE_KEY_STATE:
        yield Cause.SOURCE_KEY_UNUSABLE, f"{source.arn} is {source.state}"
    if not isinstance(destination, Key):
        return
    where = Arn.parse(destination.arn)
    yield Cause.DESTINATION_KEY_MISSING, f"{destination.arn} exists"
    if destination.state == USABLE_KEY_STATE:
        yield Cause.DESTINATION_KEY_UNUSABLE, f"{destination.arn} is {destination.state}"
    if isinstance(facts.destination, Bucket) and facts.destination.region == where.region:
        yield Cause.KEY_IN_WRONG_REGION, f"key and bucket are both in {where.region}"
    if destination.customer_managed or where.account == facts.home_account:
        managed = "customer managed" if destination.customer_managed else "of the role's account"
        yield Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS, f"{destination.arn} is {managed}"


def _by_buckets(facts: Facts) -> Iterator[Reason]:
    if not isinstance(facts.destination, Bucket):
        return
    name = facts.destination.name
    yield Cause.DESTINATION_BUCKET_MISSING, f"{name} exists"
    if facts.destination.versioned is True:
        yield Cause.DESTINATION_UNVERSIONED, f"versioning is enabled on {name}"
    if facts.destination.object_lock is True:
        yield Cause.DESTINATION_LACKS_OBJECT_LOCK, f"{name} has Object Lock"
    elif isinstance(facts.object, ObjectVersion) and not facts.object.object_lock:
        yield Cause.DESTINATION_LACKS_OBJECT_LOCK, "the version is not locked"


def _by_rule_and_version(facts: Facts) -> Iterator[Reason]:
    rule, version = facts.rule, facts.object
    if rule is not None and rule.enabled:
        yield Cause.RULE_DISABLED, f"the rule {rule.rule_id!r} is enabled"
    if rule is not None and rule.replicates_kms_objects and rule.replica_key:
        yield Cause.NOT_OPTED_IN, f"the rule {rule.rule_id!r} selects SSE-KMS objects"
    if isinstance(version, ObjectVersion):
        yield Cause.OBJECT_GONE, "the version exists"
        if not version.archived:
            yield Cause.OBJECT_ARCHIVED, f"the version is in {version.storage_class}"
        if version.replication_status in {"FAILED", "PENDING"}:
            status = version.replication_status
            yield Cause.ALREADY_REPLICATED, f"its replication status is {status}"
