"""Why a version is brought over by this method and by no other."""

from dataclasses import replace

import pytest

from replimend.domain.facts import Absent, Fact, ObjectVersion
from replimend.domain.recopy.methods import Consent, Method, choose, choose_without_job
from replimend.domain.unavailable import Unavailable
from tests.facts import an_object

SOURCE = an_object(replication_status="FAILED")
ARCHIVED = replace(SOURCE, storage_class="DEEP_ARCHIVE", archived=True, size=50 * 1024**3)
ALL = Consent(copy=True, in_place=True)
HARD_DELETED, REFUSED = "DstObjectHardDeleted", "DstPutObjectNotPermitted"


@pytest.mark.parametrize(
    ("source", "error", "consent", "is_current", "method"),
    [
        (SOURCE, None, ALL, True, Method.REPLICATE),
        (SOURCE, None, ALL, False, Method.REPLICATE),
        (SOURCE, HARD_DELETED, ALL, True, Method.IN_PLACE),
        (SOURCE, HARD_DELETED, Consent(copy=True), True, Method.NONE),
        (SOURCE, HARD_DELETED, ALL, False, Method.IN_PLACE),
        (SOURCE, HARD_DELETED, Consent(), False, Method.NONE),
        (SOURCE, REFUSED, ALL, True, Method.COPY),
        (SOURCE, REFUSED, Consent(in_place=True), True, Method.NONE),
        (SOURCE, REFUSED, ALL, False, Method.NONE),
        (ARCHIVED, None, ALL, True, Method.NONE),
        (Absent(what="version"), None, ALL, True, Method.NONE),
        (Unavailable(reason="denied"), None, ALL, True, Method.NONE),
    ],
)
def test_consent_and_currency_decide(
    source: Fact[ObjectVersion],
    error: str | None,
    consent: Consent,
    method: Method,
    *,
    is_current: bool,
) -> None:
    choice = choose(source, error, consent, is_current=is_current)

    assert choice.method is method
    assert choice.because


def test_nobody_consents_by_default() -> None:
    assert Consent() == Consent(copy=False, in_place=False)


def test_a_version_that_is_not_current_never_becomes_so_by_our_hand() -> None:
    choice = choose(SOURCE, REFUSED, ALL, is_current=False)

    assert "the version is not current: copy would make it so" in choice.says


def test_a_rewrite_takes_an_approved_incident_besides() -> None:
    assert ALL.in_incident("operator") == ALL
    assert ALL.in_incident(None) == Consent(copy=True)


@pytest.mark.parametrize(
    ("consent", "method", "says"),
    [
        (Consent(copy=True), Method.COPY, "no replica proves the repair"),
        (Consent(), Method.NONE, "copy would do it, by your consent (RecopyMethods)"),
    ],
)
def test_without_a_job_only_copies_by_consent_are_left(
    consent: Consent, method: Method, says: str
) -> None:
    choice = choose_without_job("CreateJob was denied to us", consent)

    assert choice.method is method
    assert "S3 started no job: CreateJob was denied to us" in choice.says
    assert says in choice.says


def test_an_archived_version_comes_with_what_its_restore_costs() -> None:
    choice = choose(ARCHIVED, None, ALL, is_current=True)

    assert "restore it first (53,687,091,200 bytes, about $1.00" in choice.says
