"""One version seen from both sides: what source and replica together say of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from replimend.domain.facts import Absent, Encryption, Fact, ObjectVersion
from replimend.domain.recopy.methods import restore_proposal
from replimend.domain.unavailable import Sealed, Unavailable


class Verification(StrEnum):
    """What looking at both sides says of one version."""

    REPLICATED = "replicated"
    COPIED = "copied"
    """As good as the source's, but for what only S3's replication keeps."""
    PENDING = "pending"
    GONE = "gone"
    NOT_ELIGIBLE = "not_eligible"
    DIFFERS = "differs"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verification with the sentence that goes into the ledger; `size` in bytes, where known."""

    verification: Verification
    says: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the replica must be like, and what the source's status can mean.

    With several destinations the status is that of the worst (aws-facts 6.1); under owner override
    it may stay FAILED for good (aws-facts 6.3). Then the replica alone decides.
    """

    replica_key: str | None
    others: bool = False
    owner_override: bool = False

    @property
    def replica_decides(self) -> bool:
        """Whether the source's status says nothing certain of this one destination."""
        return self.others or self.owner_override


def verify(source: Fact[ObjectVersion], replica: Fact[ObjectVersion], terms: Terms) -> Verified:
    """Compare a source version with the version of the same id at the destination.

    A version counts as replicated only if both sides agree: the source no longer failed, and the
    replica with its size, key, tags and metadata (aws-facts 6.6). Checksums are not compared:
    HeadObject with ChecksumMode shows that of an SSE-KMS object only to who may use kms:Decrypt
    on its key (S3 API Reference, HeadObject), which whoever verifies must never need.
    """
    match source, replica:
        case (Sealed(), _) | (ObjectVersion(), Sealed()):
            return Verified(
                verification=Verification.NOT_ELIGIBLE,
                says="encrypted with a key that only its owner has (SSE-C): nobody else can see "
                "whether it came over",
            )
        case Absent(), _:
            return Verified(
                verification=Verification.GONE, says="the version was deleted at the source"
            )
        case Unavailable(reason=reason), _:
            return Verified(verification=Verification.PENDING, says=f"source unread: {reason}")
        case ObjectVersion() as original, Unavailable(reason=reason):
            return Verified(
                verification=_unless_failed(original, terms, Verification.PENDING),
                says=f"replica unread: {reason}",
                size=original.size,
            )
        case ObjectVersion() as original, Absent():
            return _without_replica(original, terms)
        case ObjectVersion() as original, ObjectVersion() as copy:
            return _compare(original, copy, terms)


def verify_copy(
    source: Fact[ObjectVersion], copy: Fact[ObjectVersion], replica_key: str | None
) -> Verified:
    """Compare a source version with the version that a copy made of it at the destination.

    A copy has a version id of its own and is no replica; all else must agree.
    """
    match source, copy:
        case Absent(), _:
            return Verified(
                verification=Verification.GONE, says="the version was deleted at the source"
            )
        case Unavailable(reason=reason), _:
            return Verified(verification=Verification.PENDING, says=f"source unread: {reason}")
        case ObjectVersion(size=size), Unavailable(reason=reason):
            return Verified(
                verification=Verification.PENDING, says=f"copy unread: {reason}", size=size
            )
        case ObjectVersion(size=size), Absent():
            return Verified(
                verification=Verification.FAILED, says="the copy was deleted again", size=size
            )
        case ObjectVersion() as original, ObjectVersion() as made:
            return _compare_copy(original, made, replica_key)


def _compare_copy(source: ObjectVersion, copy: ObjectVersion, replica_key: str | None) -> Verified:
    if differences := tuple(_kept_differences(source, copy, replica_key)):
        return Verified(
            verification=Verification.DIFFERS,
            says=f"the copy differs: {', '.join(differences)}",
            size=source.size,
        )
    return Verified(
        verification=Verification.COPIED,
        says=f"as version {copy.version_id}, {copy.size} bytes, {copy.tag_count} tags, "
        f"{_key(copy)}",
        size=source.size,
    )


def _without_replica(source: ObjectVersion, terms: Terms) -> Verified:
    if source.archived:
        # S3 replicates nothing out of an archive (aws-facts 6.3).
        return Verified(
            verification=Verification.NOT_ELIGIBLE,
            says=restore_proposal(source.storage_class, source.size),
            size=source.size,
        )
    if source.replication_status is None:
        return Verified(
            verification=Verification.NOT_ELIGIBLE,
            says="the source has no replication status: no rule covers the version any more",
            size=source.size,
        )
    verification = _unless_failed(source, terms, Verification.PENDING)
    says = "no replica yet" if verification is Verification.PENDING else "the source says FAILED"
    return Verified(verification=verification, says=says, size=source.size)


def _unless_failed(source: ObjectVersion, terms: Terms, otherwise: Verification) -> Verification:
    if source.replication_status == "FAILED" and not terms.others:
        return Verification.FAILED
    return otherwise


def _compare(source: ObjectVersion, replica: ObjectVersion, terms: Terms) -> Verified:
    differences = tuple(_differences(source, replica, terms.replica_key))
    status = source.replication_status
    settled = status in {"COMPLETED", "COMPLETE"}
    if status == "FAILED" and not terms.replica_decides:
        return Verified(
            verification=Verification.FAILED, says="the source says FAILED", size=source.size
        )
    if differences:
        return Verified(
            verification=Verification.DIFFERS,
            says=f"the replica differs: {', '.join(differences)}",
            size=source.size,
        )
    if not settled and not terms.replica_decides:
        return Verified(
            verification=Verification.PENDING, says=f"the source says {status}", size=source.size
        )
    still = "" if settled else f"; the source says {status}, of whichever destination"
    same = f"same version, {replica.size} bytes, {replica.tag_count} tags, {_key(replica)}"
    return Verified(
        verification=Verification.REPLICATED,
        says=f"{same}{still}",
        size=source.size,
    )


def _key(replica: ObjectVersion) -> str:
    return f"key …{replica.kms_key_arn[-8:]}" if replica.kms_key_arn else replica.encryption.value


def _differences(
    source: ObjectVersion, replica: ObjectVersion, replica_key: str | None
) -> Iterable[str]:
    if source.version_id != replica.version_id:
        yield f"version {replica.version_id!r} instead of {source.version_id!r}"
    yield from _kept_differences(source, replica, replica_key)
    if replica.replication_status != "REPLICA":
        yield f"replication status {replica.replication_status!r} instead of 'REPLICA'"


def _kept_differences(
    source: ObjectVersion, replica: ObjectVersion, replica_key: str | None
) -> Iterable[str]:
    """What differs of all that a replica and a copy keep alike."""
    pairs: Sequence[tuple[str, object, object]] = (
        ("size", source.size, replica.size),
        ("tags", source.tag_count, replica.tag_count),
        ("metadata", dict(source.metadata), dict(replica.metadata)),
        ("content type", source.content_type, replica.content_type),
    )
    for name, wanted, found in pairs:
        if wanted != found:
            yield f"{name} {found!r} instead of {wanted!r}"
    # The destination's own default encrypts the replica of a plaintext version (aws-facts 5.4).
    if source.encryption not in {Encryption.NONE, replica.encryption}:
        yield f"encryption {replica.encryption} instead of {source.encryption}"
    if source.encryption.uses_kms and replica_key and not _may_be(replica.kms_key_arn, replica_key):
        yield f"key {replica.kms_key_arn} instead of {replica_key}"


def _may_be(key_arn: str | None, named: str) -> bool:
    """Whether this may be the key that a rule names by ARN or id; an alias tells neither."""
    return "alias/" in named or (key_arn or "").endswith(named)
