import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.arn import Arn, MalformedArnError
from tests.builders import DESTINATION_KEY_ARN, ROLE_ARN, SESSION_ARN


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"])
def test_an_arn_of_any_partition_comes_apart_and_together_again(partition: str) -> None:
    text = f"arn:{partition}:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111"

    arn = Arn.parse(text)

    assert arn == Arn(
        partition=partition,
        service="kms",
        region="eu-west-1",
        account="111111111111",
        resource="key/11111111-1111-4111-8111-111111111111",
    )
    assert str(arn) == text


@given(st.text(min_size=1))
def test_whatever_an_object_key_holds_stays_whole(key: str) -> None:
    arn = Arn.parse(f"arn:aws:s3:::orders-ireland/{key}")

    assert arn.bucket_name == "orders-ireland"
    assert arn.object_key == key


@given(st.text())
def test_a_text_is_an_arn_or_a_clear_error(text: str) -> None:
    try:
        assert str(Arn.parse(text)) == text
    except MalformedArnError as error:
        assert str(error)  # noqa: PT017 - either end is right


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not arn:partition:service"),
        ("orders-ireland", "is not arn:partition:service"),
        ("arn:aws:s3:::", "names no service or no resource"),
        ("arn:aws::eu-west-1:111111111111:key/k", "names no service or no resource"),
        ("arn:gcp:s3:::b", "names no AWS partition"),
        ("arn:aws:kms:eu-west-1:111 111:key/k", "white space before its resource"),
        ("arn:aws:kms:" + "x" * 5000, "x…"),
    ],
)
def test_what_is_wrong_with_an_arn_is_said(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as raised:
        Arn.parse(text)

    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("text", "role_name"),
    [
        (ROLE_ARN, "orders-replication"),
        ("arn:aws:iam::111111111111:role/plain", "plain"),
        (SESSION_ARN, "orders-replication"),
        ("arn:aws:sts::111111111111:assumed-role/plain", "plain"),
        ("arn:aws:iam::111111111111:user/anna", None),
        ("arn:aws:iam::111111111111:root", None),
        (DESTINATION_KEY_ARN, None),
    ],
)
def test_a_role_is_named_by_its_own_arn_and_by_its_sessions(
    text: str, role_name: str | None
) -> None:
    assert Arn.parse(text).role_name == role_name


def test_only_a_session_has_a_session_name() -> None:
    assert Arn.parse(SESSION_ARN).session_name == "s3-replication"
    assert Arn.parse("arn:aws:sts::111111111111:assumed-role/plain").session_name is None
    assert Arn.parse(ROLE_ARN).session_name is None


def test_an_alias_is_no_key() -> None:
    key = Arn.parse(DESTINATION_KEY_ARN)
    alias = Arn.parse("arn:aws:kms:eu-central-1:222222222222:alias/replicas")

    assert (key.is_kms_key, key.is_kms_alias) == (True, False)
    assert (alias.is_kms_key, alias.is_kms_alias) == (False, True)


def test_a_bucket_has_an_arn_and_gets_its_name_back() -> None:
    arn = Arn.of_bucket("orders-ireland", partition="aws-cn")

    assert str(arn) == "arn:aws-cn:s3:::orders-ireland"
    assert arn.bucket_name == "orders-ireland"
    assert arn.object_key is None


def test_an_access_point_is_no_bucket() -> None:
    arn = Arn.parse("arn:aws:s3:eu-west-1:111111111111:accesspoint/reports")

    assert arn.bucket_name is None
    assert arn.object_key is None
