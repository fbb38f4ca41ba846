"""The two buckets and the role: there, versioned, lockable, assumable."""

from collections.abc import Iterator, Sequence

from replimend.domain.diagnosis.trust import role_is_assumable_by_s3
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Bucket
from replimend.domain.setups.access_findings import AccessFinding
from replimend.domain.setups.findings import Finding, found
from replimend.domain.setups.inspection import Inspection
from replimend.domain.setups.setup import RoleParts, Setup
from replimend.domain.setups.setup_findings import SetupFinding
from replimend.domain.setups.views import role_of


def check_source(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """A source that keeps no versions replicates nothing."""
    source = setup.source.bucket
    if inspections and isinstance(source, Bucket) and source.versioned is False:
        yield found(SetupFinding.SOURCE_UNVERSIONED, setup.bucket_arn(source.name))


def check_destinations(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """Destinations that are gone, unversioned, or lack the source's Object Lock."""
    for each in inspections:
        subject = setup.bucket_arn(each.rule.destination_bucket)
        match each.facts.destination:
            case Absent():
                yield found(SetupFinding.DESTINATION_MISSING, subject)
            case Bucket() as bucket:
                if bucket.versioned is False:
                    yield found(SetupFinding.DESTINATION_UNVERSIONED, subject)
                if bucket.object_lock is False and _locks(each):
                    source = setup.source_bucket
                    kind = SetupFinding.DESTINATION_LACKS_OBJECT_LOCK
                    yield found(kind, subject, source=source)
            case _:
                pass


def check_role(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:
    """A role that is gone, or that S3 may not assume."""
    if not inspections:
        return
    match setup.role:
        case Absent(what=what):
            yield found(AccessFinding.ROLE_MISSING, what)
        case RoleParts(trust=PolicyDocument() | Absent()) as parts:
            role = role_of(parts, parts.trust)
            if not role_is_assumable_by_s3(role, setup.home_account):
                yield found(AccessFinding.ROLE_NOT_ASSUMABLE, parts.arn)
        case _:
            pass


def _locks(inspection: Inspection) -> bool:
    source = inspection.facts.source
    return inspection.version.object_lock or (
        isinstance(source, Bucket) and source.object_lock is True
    )
