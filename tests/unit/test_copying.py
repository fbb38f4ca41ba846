"""Which copies may be made: both ends judged without a call, and how an object is cut in parts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.facts import Absent, Encryption, ObjectVersion
from replimend.domain.recopy.copy_decisions import (
    destination_guard,
    destination_refusal,
    eligible,
    target_encryption,
)
from replimend.domain.recopy.copying import (
    MIB,
    OBJECT_LIMIT,
    PART_LIMIT,
    PARTS_LIMIT,
    SINGLE_LIMIT,
    CopiedPart,
    CopyKind,
    CopyResult,
    CopyTask,
    CustomerKeyed,
    DeleteMarker,
    Measures,
    NothingThere,
    Original,
    Place,
    StillThere,
    TargetEncryption,
    Top,
    missing_parts,
    part_size_for,
    parts_of,
)
from replimend.domain.unavailable import Unavailable
from tests.facts import DESTINATION_KEY, HOME, MEMBER, NOON

SECOND = timedelta(seconds=1)
TASK = CopyTask(
    source=Place(bucket="orders-ireland", account=HOME, region="eu-west-1"),
    destination=Place(bucket="orders-frankfurt", account=MEMBER, region="eu-central-1"),
    key="a.pdf",
    version_id="v1",
    replica_key=DESTINATION_KEY,
)


def an_original(*, checksums: dict[str, str] | None = None, **version: Any) -> Original:
    boring = ObjectVersion(
        bucket="orders-ireland",
        key="a.pdf",
        version_id="v1",
        size=7,
        etag='"e1"',
        last_modified=NOON,
        encryption=Encryption.SSE_KMS,
        kms_key_arn=DESTINATION_KEY,
    )
    return Original(version=replace(boring, **version), checksums=checksums or {})


@pytest.mark.parametrize(
    ("top", "kind"),
    [
        (Absent(what="x"), CopyKind.GONE),
        (Unavailable(reason="denied"), CopyKind.FAILED),
        (CustomerKeyed(), CopyKind.NOT_ELIGIBLE),
        (DeleteMarker(version_id="m", since=NOON), CopyKind.SUPERSEDED),
        (an_original(archived=True, storage_class="GLACIER"), CopyKind.NOT_ELIGIBLE),
        (an_original(encryption=Encryption.SSE_C), CopyKind.NOT_ELIGIBLE),
        (an_original(size=OBJECT_LIMIT + 1), CopyKind.NOT_ELIGIBLE),
    ],
)
def test_what_the_source_does_not_have_to_give_is_a_result(top: Top, kind: CopyKind) -> None:
    result = eligible(TASK, top)

    assert isinstance(result, CopyResult)
    assert result.kind is kind


def test_an_object_of_the_greatest_size_is_copied() -> None:
    original = an_original(size=OBJECT_LIMIT)

    assert eligible(TASK, original) is original


@pytest.mark.parametrize(
    ("key", "is_refused"),
    [
        (DESTINATION_KEY, False),
        (None, True),
        ("alias/orders", True),
        (f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders", True),
        ("22222222-2222-4222-8222-222222222222", True),
    ],
)
def test_only_a_full_key_arn_says_whose_key_it_is(key: str | None, *, is_refused: bool) -> None:
    refusal = destination_refusal(replace(TASK, replica_key=key), an_original())

    assert (refusal is not None) is is_refused


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"bucket_key": True},
            TargetEncryption(
                encryption=Encryption.SSE_KMS, key_arn=DESTINATION_KEY, bucket_key=True
            ),
        ),
        (
            {"encryption": Encryption.DSSE_KMS, "bucket_key": True},
            TargetEncryption(encryption=Encryption.DSSE_KMS, key_arn=DESTINATION_KEY),
        ),
        (
            {"encryption": Encryption.SSE_S3, "kms_key_arn": None},
            TargetEncryption(encryption=Encryption.SSE_S3),
        ),
        (
            {"encryption": Encryption.NONE, "kms_key_arn": None},
            TargetEncryption(encryption=Encryption.NONE),
        ),
    ],
)
def test_a_copy_is_encrypted_as_its_source_with_the_rules_key(
    source: dict[str, Any], expected: TargetEncryption
) -> None:
    assert target_encryption(TASK, an_original(**source)) == expected


@pytest.mark.parametrize(
    ("top", "guard"),
    [
        (Absent(what="x"), NothingThere()),
        (DeleteMarker(version_id="m", since=NOON - SECOND), NothingThere()),
        (an_original(etag='"old"', last_modified=NOON - SECOND), StillThere(etag='"old"')),
        (
            an_original(etag='"old"', version_id="v0", size=8, replication_status="REPLICA"),
            StillThere(etag='"old"'),
        ),
    ],
)
def test_only_nothing_or_something_older_is_written_over(top: Top, guard: object) -> None:
    assert destination_guard(TASK, an_original(), top) == guard


@pytest.mark.parametrize(
    ("top", "kind"),
    [
        (DeleteMarker(version_id="m", since=NOON), CopyKind.SUPERSEDED),
        (DeleteMarker(version_id="m", since=None), CopyKind.SUPERSEDED),
        (an_original(version_id="w", size=8), CopyKind.SUPERSEDED),
        (an_original(version_id="w", size=8, last_modified=NOON + SECOND), CopyKind.SUPERSEDED),
        (an_original(version_id="w", tag_count=1), CopyKind.SUPERSEDED),
        (an_original(version_id="w", kms_key_arn=None), CopyKind.SUPERSEDED),
        (an_original(replication_status="REPLICA"), CopyKind.REPLICATED),
        (an_original(version_id="w", etag='"e2"', last_modified=NOON + SECOND), CopyKind.COPIED),
        (CustomerKeyed(), CopyKind.FAILED),
        (Unavailable(reason="denied"), CopyKind.FAILED),
    ],
)
def test_anything_else_at_the_destination_ends_the_task(top: Top, kind: CopyKind) -> None:
    result = destination_guard(TASK, an_original(), top)

    assert isinstance(result, CopyResult)
    assert result.kind is kind


def test_another_content_of_the_same_size_is_no_copy() -> None:
    source = an_original(checksums={"CRC64NVME": "one"})
    other = an_original(
        version_id="w", etag='"e2"', last_modified=NOON + SECOND, checksums={"CRC64NVME": "two"}
    )

    result = destination_guard(TASK, source, other)

    assert isinstance(result, CopyResult)
    assert result.kind is CopyKind.SUPERSEDED


@given(size=st.integers(1, OBJECT_LIMIT), preferred=st.integers(1, PART_LIMIT))
def test_any_size_is_cut_within_s3s_limits(size: int, preferred: int) -> None:
    part_size = part_size_for(size, preferred)

    assert 5 * MIB <= part_size <= PART_LIMIT
    assert -(-size // part_size) <= PARTS_LIMIT


@given(size=st.integers(1, 1_000), part_size=st.integers(1, 100), done=st.sets(st.integers(1, 9)))
def test_parts_cover_every_byte_once_and_the_done_ones_are_left_out(
    size: int, part_size: int, done: set[int]
) -> None:
    parts = list(parts_of(size, part_size))
    copied = [CopiedPart(number=number, etag="") for number in done]

    covered = [byte for part in parts for byte in range(part.first, part.last + 1)]
    missing = missing_parts(size, part_size, copied)

    assert covered == list(range(size))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert [part for part in parts if part.number not in done] == list(missing)


def test_one_call_is_not_asked_for_more_than_it_takes() -> None:
    with pytest.raises(ValueError, match="at most"):
        Measures(single=SINGLE_LIMIT + 1)


def test_every_end_but_unfinished_is_an_outcome_of_the_ledger() -> None:
    words = {kind.value for kind in CopyKind} - {"unfinished"}

    assert words == {"copied", "replicated", "gone", "superseded", "not_eligible", "failed"}
