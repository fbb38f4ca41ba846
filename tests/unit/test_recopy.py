"""The manifest S3 reads, the name that makes a job one, and what both sides say of a version."""

import csv
import io
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.facts import Absent, Encryption, Fact, ObjectVersion
from replimend.domain.recopy.comparison import Terms, Verification, verify, verify_copy
from replimend.domain.recopy.objects import job_token, manifest_row
from replimend.domain.unavailable import Sealed, Unavailable
from tests.facts import DESTINATION_KEY, MEMBER, SOURCE_KEY, an_object
from tests.incidents import a_held_object

KEYS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("plain.pdf", "plain.pdf"),
        ("a folder/b+c.pdf", "a%20folder/b%2Bc.pdf"),
        ("100%#1?.pdf", "100%25%231%3F.pdf"),
        ('say "so", twice.pdf', "say%20%22so%22%2C%20twice.pdf"),
        ("übersicht.pdf", "%C3%BCbersicht.pdf"),
        ("two\nlines.pdf", "two%0Alines.pdf"),
    ],
)
def test_a_manifest_has_one_row_for_a_version_and_no_header(key: str, written: str) -> None:
    row = manifest_row(a_held_object(key=key, version_id="v1"))

    assert row.decode() == f'"orders-ireland","{written}","v1"\n'


@given(st.lists(KEYS, max_size=10, unique=True))
def test_any_keys_survive_the_manifest(keys: list[str]) -> None:
    manifest = b"".join(manifest_row(a_held_object(key=key)) for key in keys)
    rows = csv.reader(io.StringIO(manifest.decode()))

    assert [unquote(row[1]) for row in rows] == keys


def test_the_same_work_has_the_same_token_and_other_work_another() -> None:
    token = job_token("incident 1", 1, "manifest")
    others = {
        job_token("incident 2", 1, "manifest"),
        job_token("incident 1", 2, "manifest"),
        job_token("incident 1", 1, "another"),
    }

    assert token == job_token("incident 1", 1, "manifest")
    assert len(others - {token}) == 3
    assert 1 <= len(token) <= 64, "S3's limit"


SOURCE = an_object(replication_status="COMPLETED", tag_count=1, metadata={"by": "anna"})
REPLICA = replace(
    SOURCE, bucket="orders-frankfurt", replication_status="REPLICA", kms_key_arn=DESTINATION_KEY
)
FAILED = replace(SOURCE, replication_status="FAILED")
PENDING = replace(SOURCE, replication_status="PENDING")
GONE = Absent(what="version")
SEALED = Sealed(reason="HeadObject is no request S3 takes")
DENIED = Unavailable(reason="denied to us")
PLAIN = replace(SOURCE, encryption=Encryption.NONE, kms_key_arn=None)
PLAIN_REPLICA = replace(REPLICA, encryption=Encryption.SSE_S3, kms_key_arn=None)

BOTH_SIDES: dict[str, tuple[Fact[ObjectVersion], Fact[ObjectVersion], Verification]] = {
    "both agree": (SOURCE, REPLICA, Verification.REPLICATED),
    "S3's other word": (
        replace(SOURCE, replication_status="COMPLETE"),
        REPLICA,
        Verification.REPLICATED,
    ),
    "replica there, source still pending": (PENDING, REPLICA, Verification.PENDING),
    "replica there, source failed": (FAILED, REPLICA, Verification.FAILED),
    "no replica yet": (PENDING, GONE, Verification.PENDING),
    "no replica, source says completed": (SOURCE, GONE, Verification.PENDING),
    "source failed": (FAILED, GONE, Verification.FAILED),
    "deleted at the source": (GONE, REPLICA, Verification.GONE),
    "deleted at both": (GONE, GONE, Verification.GONE),
    "source unread": (DENIED, REPLICA, Verification.PENDING),
    "replica unread": (SOURCE, DENIED, Verification.PENDING),
    "plain source, replica as the bucket encrypts": (
        PLAIN,
        PLAIN_REPLICA,
        Verification.REPLICATED,
    ),
    "another version": (SOURCE, replace(REPLICA, version_id="v2"), Verification.DIFFERS),
    "another size": (SOURCE, replace(REPLICA, size=1), Verification.DIFFERS),
    "tags lost": (SOURCE, replace(REPLICA, tag_count=0), Verification.DIFFERS),
    "metadata lost": (SOURCE, replace(REPLICA, metadata={}), Verification.DIFFERS),
    "content type lost": (
        SOURCE,
        replace(REPLICA, content_type="text/plain"),
        Verification.DIFFERS,
    ),
    "other encryption": (
        SOURCE,
        replace(REPLICA, encryption=Encryption.SSE_S3, kms_key_arn=None),
        Verification.DIFFERS,
    ),
    "the wrong key": (SOURCE, replace(REPLICA, kms_key_arn=SOURCE_KEY), Verification.DIFFERS),
    "written by somebody else": (
        SOURCE,
        replace(REPLICA, replication_status=None),
        Verification.DIFFERS,
    ),
}


@pytest.mark.parametrize(("source", "replica", "says"), BOTH_SIDES.values(), ids=BOTH_SIDES)
def test_both_sides_decide(
    source: Fact[ObjectVersion], replica: Fact[ObjectVersion], says: Verification
) -> None:
    verified = verify(source, replica, Terms(replica_key=DESTINATION_KEY))

    assert verified.verification is says
    assert verified.says


@pytest.mark.parametrize(
    "named",
    [
        DESTINATION_KEY,
        DESTINATION_KEY.rpartition("/")[2],
        f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders",
        "alias/orders",
        None,
    ],
)
def test_a_rule_may_name_the_replicas_key_by_arn_id_or_alias(named: str | None) -> None:
    assert verify(SOURCE, REPLICA, Terms(replica_key=named)).verification is Verification.REPLICATED


def test_every_difference_is_told_at_once() -> None:
    verified = verify(
        SOURCE, replace(REPLICA, size=1, tag_count=0), Terms(replica_key=DESTINATION_KEY)
    )

    assert "size 1 instead of 1024" in verified.says
    assert "tags 0 instead of 1" in verified.says


HERE_ONLY = Terms(replica_key=DESTINATION_KEY)
ONE_OF_SEVERAL = Terms(replica_key=DESTINATION_KEY, others=True)
OVERRIDDEN = Terms(replica_key=DESTINATION_KEY, owner_override=True)
ELIGIBLE_NO_MORE = replace(SOURCE, replication_status=None)
ARCHIVED = replace(FAILED, storage_class="GLACIER", archived=True)


@pytest.mark.parametrize(
    ("terms", "source", "replica", "says"),
    [
        (HERE_ONLY, FAILED, REPLICA, Verification.FAILED),
        (ONE_OF_SEVERAL, FAILED, REPLICA, Verification.REPLICATED),
        (ONE_OF_SEVERAL, PENDING, REPLICA, Verification.REPLICATED),
        (ONE_OF_SEVERAL, FAILED, GONE, Verification.PENDING),
        (ONE_OF_SEVERAL, FAILED, replace(REPLICA, size=1), Verification.DIFFERS),
        (OVERRIDDEN, FAILED, REPLICA, Verification.REPLICATED),
        (OVERRIDDEN, FAILED, GONE, Verification.FAILED),
        (HERE_ONLY, ELIGIBLE_NO_MORE, GONE, Verification.NOT_ELIGIBLE),
        (HERE_ONLY, ARCHIVED, GONE, Verification.NOT_ELIGIBLE),
        (HERE_ONLY, ARCHIVED, REPLICA, Verification.FAILED),
        (HERE_ONLY, replace(SOURCE, size=0), replace(REPLICA, size=0), Verification.REPLICATED),
    ],
)
def test_what_the_source_says_counts_where_it_speaks_of_this_destination(
    terms: Terms, source: ObjectVersion, replica: Fact[ObjectVersion], says: Verification
) -> None:
    assert verify(source, replica, terms).verification is says


def test_an_archived_version_is_told_what_to_do_about_it() -> None:
    assert "restore it first" in verify(ARCHIVED, GONE, HERE_ONLY).says


@pytest.mark.parametrize("source", [SEALED, SOURCE])
def test_a_version_under_a_customers_own_key_is_for_its_owner_to_verify(
    source: Fact[ObjectVersion],
) -> None:
    """HEAD is answered 400 without that key, on either side (SSE-C)."""
    verified = verify(source, SEALED, HERE_ONLY)

    assert verified.verification is Verification.NOT_ELIGIBLE
    assert "only its owner has (SSE-C)" in verified.says


MADE = replace(REPLICA, version_id="copy-1", replication_status=None)


@pytest.mark.parametrize(
    ("source", "copy", "expected"),
    [
        (FAILED, MADE, Verification.COPIED),
        (FAILED, replace(MADE, size=1), Verification.DIFFERS),
        (FAILED, replace(MADE, tag_count=0), Verification.DIFFERS),
        (FAILED, replace(MADE, kms_key_arn=SOURCE_KEY), Verification.DIFFERS),
        (FAILED, GONE, Verification.FAILED),
        (FAILED, DENIED, Verification.PENDING),
        (DENIED, MADE, Verification.PENDING),
        (GONE, MADE, Verification.GONE),
    ],
)
def test_a_copy_is_as_good_as_the_source_but_for_id_and_status(
    source: Fact[ObjectVersion], copy: Fact[ObjectVersion], expected: Verification
) -> None:
    assert verify_copy(source, copy, DESTINATION_KEY).verification is expected


def test_the_longest_key_fits_a_row() -> None:
    row = manifest_row(a_held_object(key="ß" * 512, version_id="null"))

    assert row == b'"orders-ireland","' + b"%C3%9F" * 512 + b'","null"\n'
