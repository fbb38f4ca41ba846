"""What could not be read, and which read would settle it."""

from collections.abc import Iterator, Sequence

from replimend.domain.access import Effect, LayerName
from replimend.domain.assessment import Assessment
from replimend.domain.facts import (
    Absent,
    Bucket,
    Facts,
    ObjectVersion,
    ReplicationSetup,
    Role,
)
from replimend.domain.requirements import Requirement
from replimend.domain.unavailable import Unavailable

HANGS = "it hangs on "
"""How the reason of a layer begins that was read, and hangs on what no read tells."""


def unread_facts(facts: Facts) -> tuple[str, ...]:
    """What is not known of the facts themselves, in a sentence each."""
    return tuple(
        f"{name} could not be read: {fact.reason}"
        for name, fact, _ in _facts(facts)
        if isinstance(fact, Unavailable)
    )


def unread_layers(unknown: Sequence[Assessment]) -> tuple[str, ...]:
    """The calls that could not be decided, with the layer that was not read."""
    return tuple(
        dict.fromkeys(
            f"{each.requirement.action}: {layer.reason}"
            if (layer.reason or "").startswith(HANGS)
            else f"{each.requirement.action}: {layer.layer} could not be read"
            for each in unknown
            for layer in each.decision.layers
            if layer.effect is Effect.UNKNOWN
        )
    )


def settling_reads(facts: Facts, unknown: Sequence[Assessment]) -> str:
    """The next step: the permissions that are lacking, each with what it is needed on."""
    wanted = [f"{name} ({read})" for name, fact, read in _facts(facts) if _is_unread(fact)]
    wanted += [read for each in unknown for read in _reads_of_layers(each, facts)]
    reads = "; ".join(dict.fromkeys(wanted))
    return f"Let the triage function read {reads}; then run triage again."


def _is_unread(fact: object) -> bool:
    return isinstance(fact, Unavailable)


def _facts(facts: Facts) -> Iterator[tuple[str, object, str]]:
    """Each fact by its name, with the read that gives it."""
    source, destination = facts.source_bucket, facts.destination_bucket
    role = facts.setup.role_arn if isinstance(facts.setup, ReplicationSetup) else "the role"
    yield "the source bucket", facts.source, f"s3:GetBucketLocation on {source}"
    yield "the destination bucket", facts.destination, f"s3:GetBucketLocation on {destination}"
    yield "the role", facts.role, f"iam:GetRole on {role}"
    if _is_encrypted(facts):
        yield "the source key", facts.source_key, f"kms:DescribeKey on {_source_key(facts)}"
        named = facts.rule.replica_key if facts.rule else None
        key = named or "the replica key"
        yield "the destination key", facts.destination_key, f"kms:DescribeKey on {key}"
    if isinstance(facts.destination, Bucket):
        versioned = facts.destination.versioned
        read = f"s3:GetBucketVersioning on {destination}"
        yield "the destination bucket's versioning", versioned, read
        if isinstance(facts.object, ObjectVersion) and facts.object.object_lock:
            read = f"s3:GetBucketObjectLockConfiguration on {destination}"
            yield "the destination bucket's Object Lock", facts.destination.object_lock, read


def _is_encrypted(facts: Facts) -> bool:
    """Whether a key may have a say; no version at all may be a delete marker, which has none."""
    version = facts.object
    if isinstance(version, Absent):
        return False
    return not isinstance(version, ObjectVersion) or version.encryption.needs_replica_key


def _source_key(facts: Facts) -> str:
    version = facts.object
    named = version.kms_key_arn if isinstance(version, ObjectVersion) else None
    return named or "the key of the version"


def _reads_of_layers(assessment: Assessment, facts: Facts) -> Iterator[str]:
    requirement = assessment.requirement
    for layer in assessment.decision.layers:
        if layer.effect is not Effect.UNKNOWN:
            continue
        if (layer.reason or "").startswith(HANGS):
            yield (
                "the organisation and the tags that the condition is on "
                "(organizations:DescribeOrganization, iam:ListRoleTags, kms:ListResourceTags)"
            )
        elif (read := _read_of(layer.layer, requirement, facts)) is not None:
            yield read


def _read_of(layer: LayerName, requirement: Requirement, facts: Facts) -> str | None:
    role = facts.role.arn if isinstance(facts.role, Role) else "the role"
    match layer:
        case LayerName.IDENTITY:
            return f"the role's policies (iam:GetRolePolicy and iam:GetPolicyVersion on {role})"
        case LayerName.BOUNDARY:
            return f"the permissions boundary (iam:GetPolicyVersion, of {role})"
        case LayerName.RESOURCE if requirement.is_kms:
            return f"the key policy (kms:GetKeyPolicy on {requirement.resource})"
        case LayerName.RESOURCE:
            bucket = requirement.resource.partition("/")[0]
            return f"the bucket policy (s3:GetBucketPolicy on {bucket})"
        case LayerName.GRANT:
            return f"the grants (kms:ListGrants on {requirement.resource})"
        case _:
            return None
