"""Copying object versions server-side: the words for it, and how a large one is cut in parts."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from replimend.domain.facts import Absent, Encryption, ObjectVersion
from replimend.domain.unavailable import Unavailable

MIB = 1024**2
SINGLE_LIMIT = 5 * 1000**3
"""What one CopyObject takes at most, in bytes (aws-facts 6.4)."""
PART_LIMIT, PARTS_LIMIT = 5 * 1024 * MIB, 10_000
"""A multipart upload's largest part in bytes, and its most parts (aws-facts 6.4)."""
SMALLEST_PART = 5 * MIB
OBJECT_LIMIT = PART_LIMIT * PARTS_LIMIT
"""S3's largest object in bytes: what 50 TB are exactly."""


class CopyKind(StrEnum):
    """How a copy ended; but for `unfinished`, the ledger's own words for an outcome."""

    COPIED = "copied"
    REPLICATED = "replicated"
    GONE = "gone"
    SUPERSEDED = "superseded"
    NOT_ELIGIBLE = "not_eligible"
    FAILED = "failed"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """How a copy ended and what showed it; `unfinished` is to be asked for again.

    `version_id` is the version at the destination where there is one of ours.
    """

    kind: CopyKind
    says: str
    version_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A bucket with the account that must own it and the Region to call it in."""

    bucket: str
    account: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTask:
    """One version to copy to the destination; `replica_key` is the rule's KMS key by full ARN."""

    source: Place
    destination: Place
    key: str
    version_id: str
    replica_key: str | None = None

    @property
    def copy_id(self) -> str:
        """What names this copy in the ledger: the same for the same version and destination."""
        ends = f"{self.source.bucket}\n{self.destination.bucket}"
        return hashlib.sha256(f"{ends}\n{self.version_id}\n{self.key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Object Lock's mode and the moment until which it holds."""

    mode: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A version with everything that a copy has to keep; tags and grants are counted or read apart.

    `headers` has the content headers under S3's parameter names, `checksums` base64 values under
    S3's algorithm names, and `unreadable` says what of it HeadObject could not show.
    """

    version: ObjectVersion
    headers: Mapping[str, str] = field(default_factory=dict)
    expires: datetime | None = None
    redirect: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksum_type: str | None = None
    retention: Retention | None = None
    legal_hold: bool = False
    unreadable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMarker:
    """A delete marker stands on top of the key; `since` where S3 tells."""

    version_id: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerKeyed:
    """S3 shows nothing without the key that its owner encrypted it with (SSE-C)."""


type Top = Original | DeleteMarker | CustomerKeyed | Absent | Unavailable
"""What one key shows: its current version, or why there is none to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingThere:
    """Write only if the key has no current version (`If-None-Match: *`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillThere:
    """Write only if the current version still is this one (`If-Match`)."""

    etag: str


type Guard = NothingThere | StillThere


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEncryption:
    """How the copy is to be encrypted; Encryption.NONE leaves it to the bucket's default."""

    encryption: Encryption
    key_arn: str | None = None
    bucket_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One copy to be made, decided: from where, to where, how encrypted, and under which guard.

    `onto_itself` asks for the one change that S3 wants to see: the same metadata, sent anew.
    """

    source: Place
    target: Place
    key: str
    original: Original
    encryption: TargetEncryption
    guard: Guard
    onto_itself: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A byte range of a multipart copy, `first` and `last` both within."""

    number: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedPart:
    """A part that S3 has, by its ETag and, where it gives one, its checksum."""

    number: int
    etag: str
    checksum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A multipart copy under way: what is written down so that another invocation goes on.

    `upload_id` is None between the intention and S3's answer; `etag` is the source's.
    """

    copy_id: str
    etag: str
    part_size: int
    started_at: datetime
    upload_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """S3 has the copy, as this version."""

    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """What was read is no longer so: look again. An upload that says so is of no more use."""

    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """S3 does not make this copy, and why; asking again would not help."""

    says: str


type Attempt = Written | Stale | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Sizes in bytes, `width` in calls at a time.

    Above `single` an object is copied in parts; its look-ups run in a pool as wide, beside.
    """

    width: int = 16
    single: int = 256 * MIB
    part: int = 128 * MIB

    def __post_init__(self) -> None:
        if not 0 < self.single <= SINGLE_LIMIT:
            raise ValueError(f"one CopyObject takes {SINGLE_LIMIT} bytes at most")


def part_size_for(size: int, preferred: int) -> int:
    """Bytes a part, whole MiB: the preferred size, or what keeps within S3's number of parts."""
    needed = -(-size // PARTS_LIMIT)
    return min(max(-(-needed // MIB) * MIB, preferred, SMALLEST_PART), PART_LIMIT)


def parts_of(size: int, part_size: int) -> Iterator[Part]:
    """The parts of an object of this size, first to last."""
    for number, first in enumerate(range(0, size, part_size), start=1):
        yield Part(number=number, first=first, last=min(first + part_size, size) - 1)


def missing_parts(size: int, part_size: int, done: Iterable[CopiedPart]) -> tuple[Part, ...]:
    """The parts that S3 does not have yet."""
    known = {part.number for part in done}
    return tuple(part for part in parts_of(size, part_size) if part.number not in known)
