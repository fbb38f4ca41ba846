"""Why a version is brought over by this method and by no other."""

from dataclasses import replace

import pytest

from replimend.domain.facts import Absent, Fact, ObjectVersion
from replimend.domain.methods import Consent, Method, choose
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
        (SOURCE, HARD_DELETED, ALL, False, Method.NONE),
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
    choice = choose(SOURCE, HARD_DELETED, ALL, is_current=False)

    assert "the version is not current: in_place would make it so" in choice.says


def test_an_archived_version_comes_with_what_its_restore_costs() -> None:
    choice = choose(ARCHIVED, None, ALL, is_current=True)

    assert "restore it first (53,687,091,200 bytes, about $1.00" in choice.says
