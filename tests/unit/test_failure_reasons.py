import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.failure_reasons import (
    OLDER_SPELLINGS,
    FailureReason,
    ReasonClass,
    ReasonCode,
    ReasonSide,
)

KMS, CONFIG, GONE = ReasonClass.KMS, ReasonClass.CONFIG, ReasonClass.GONE
PERMISSION, AMBIGUOUS = ReasonClass.PERMISSION, ReasonClass.AMBIGUOUS
OUR_SETUP, BENIGN = ReasonClass.OUR_SETUP, ReasonClass.BENIGN
SOURCE, DESTINATION, NONE = ReasonSide.SOURCE, ReasonSide.DESTINATION, ReasonSide.NONE

# The S3 User Guide's table: 39 codes today, of which five came in 2026, and one more that older
# copies of the guide spell otherwise, which makes forty documented names.
DOCUMENTED = {
    "AnnotationLimitExceeded": (CONFIG, NONE),
    "AssumeRoleNotPermitted": (PERMISSION, NONE),
    "DstBucketInvalidRegion": (OUR_SETUP, DESTINATION),
    "DstBucketNotFound": (CONFIG, DESTINATION),
    "DstBucketObjectLockConfigMissing": (CONFIG, DESTINATION),
    "DstBucketUnversioned": (CONFIG, DESTINATION),
    "DstDelObjNotPermitted": (PERMISSION, DESTINATION),
    "DstKmsKeyInvalidState": (KMS, DESTINATION),
    "DstKmsKeyNotFound": (KMS, DESTINATION),
    "DstMultipartCompleteNotPermitted": (AMBIGUOUS, DESTINATION),
    "DstMultipartInitNotPermitted": (AMBIGUOUS, DESTINATION),
    "DstMultipartPartUploadNotPermitted": (AMBIGUOUS, DESTINATION),  # the older spelling
    "DstMultipartUploadNotPermitted": (AMBIGUOUS, DESTINATION),
    "DstObjectHardDeleted": (CONFIG, DESTINATION),
    "DstPutAclNotPermitted": (PERMISSION, DESTINATION),
    "DstPutLegalHoldNotPermitted": (PERMISSION, DESTINATION),
    "DstPutObjectAnnotationNotPermitted": (AMBIGUOUS, DESTINATION),
    "DstPutObjectNotPermitted": (AMBIGUOUS, DESTINATION),
    "DstPutRetentionNotPermitted": (PERMISSION, DESTINATION),
    "DstPutTaggingNotPermitted": (PERMISSION, DESTINATION),
    "DstVersionNotFound": (GONE, DESTINATION),
    "InitiateReplicationNotPermitted": (OUR_SETUP, NONE),
    "SrcAnnotationEncryptionUnsupported": (CONFIG, SOURCE),
    "SrcAnnotationNotFound": (GONE, SOURCE),
    "SrcBucketInvalidRegion": (OUR_SETUP, SOURCE),
    "SrcBucketNotFound": (CONFIG, SOURCE),
    "SrcBucketReplicationConfigMissing": (CONFIG, SOURCE),
    "SrcGetAclNotPermitted": (PERMISSION, SOURCE),
    "SrcGetLegalHoldNotPermitted": (PERMISSION, SOURCE),
    "SrcGetObjectAnnotationNotPermitted": (PERMISSION, SOURCE),
    "SrcGetObjectNotPermitted": (AMBIGUOUS, SOURCE),
    "SrcGetRetentionNotPermitted": (PERMISSION, SOURCE),
    "SrcGetTaggingNotPermitted": (PERMISSION, SOURCE),
    "SrcHeadObjectNotPermitted": (AMBIGUOUS, SOURCE),
    "SrcKeyNotFound": (GONE, SOURCE),
    "SrcKmsKeyInvalidState": (KMS, SOURCE),
    "SrcObjectNotEligible": (CONFIG, SOURCE),
    "SrcObjectNotFound": (GONE, SOURCE),
    "SrcReplicationNotPending": (BENIGN, SOURCE),
    "SrcVersionNotFound": (GONE, SOURCE),
}


def test_forty_names_are_documented_for_thirty_nine_codes() -> None:
    assert len(DOCUMENTED) == 40
    assert len(ReasonCode) == 39
    assert {code.value for code in ReasonCode} | set(OLDER_SPELLINGS) == set(DOCUMENTED)


@pytest.mark.parametrize(
    ("code", "reason_class", "side"),
    [(code, reason_class, side) for code, (reason_class, side) in DOCUMENTED.items()],
)
def test_a_documented_code_has_its_class_its_side_and_a_meaning(
    code: str, reason_class: ReasonClass, side: ReasonSide
) -> None:
    reason = FailureReason.parse(code)

    assert reason.is_documented
    assert reason.reason_class is reason_class
    assert reason.side is side
    assert reason.meaning.endswith(".")


def test_four_codes_belong_to_batch_replication_alone() -> None:
    batch_only = {code for code in DOCUMENTED if FailureReason.parse(code).batch_only}

    assert batch_only == {
        "DstBucketInvalidRegion",
        "DstObjectHardDeleted",
        "InitiateReplicationNotPermitted",
        "SrcBucketInvalidRegion",
    }


def test_no_code_says_that_kms_denied_access() -> None:
    about_kms = {code for code in DOCUMENTED if FailureReason.parse(code).reason_class is KMS}

    assert not any(code.endswith("NotPermitted") for code in about_kms)


def test_the_key_that_is_not_found_is_an_objects_and_not_kmss() -> None:
    assert FailureReason.parse("SrcKeyNotFound").reason_class is GONE


def test_a_trailing_blank_as_the_documentation_has_it_changes_nothing() -> None:
    reason = FailureReason.parse("DstVersionNotFound ")

    assert reason == FailureReason.parse("DstVersionNotFound")
    assert reason.code == "DstVersionNotFound"


def test_an_older_spelling_is_the_same_reason() -> None:
    reason = FailureReason.parse("DstMultipartPartUploadNotPermitted")

    assert reason.documented is ReasonCode.DST_MULTIPART_UPLOAD_NOT_PERMITTED
    assert reason == FailureReason.parse("DstMultipartUploadNotPermitted")


@pytest.mark.parametrize("text", ["SrcKmsKeyNotFound", "dstputobjectnotpermitted", "", "DstÜber"])
def test_an_unknown_code_keeps_its_text(text: str) -> None:
    reason = FailureReason.parse(text)

    assert reason.code == text
    assert reason.documented is None
    assert not reason.is_documented
    assert not reason.batch_only
    assert reason.reason_class is ReasonClass.UNKNOWN
    assert reason.side is NONE


@given(st.text())
def test_any_text_is_a_reason(text: str) -> None:
    assert FailureReason.parse(text).code == text.strip()
