"""What is asked of AWS about tags, and what is made of a refusal: never an empty answer."""

import pytest

from replimend.domain.facts import Absent
from replimend.domain.unavailable import Unavailable
from replimend.gateways.tags import AwsTags
from tests.facts import DESTINATION_KEY, HOME, MEMBER, ROLE_ARN
from tests.stubs import Asked, StubbedClients


def test_a_keys_tags_are_read_in_its_own_account_and_region(clients: StubbedClients) -> None:
    pages = (
        {
            "Tags": [{"TagKey": "replimend", "TagValue": "allowed"}],
            "Truncated": True,
            "NextMarker": "2",
        },
        {"Tags": [{"TagKey": "team", "TagValue": "orders"}], "Truncated": False},
    )
    clients.answers("kms", "list_resource_tags", pages[0], KeyId=DESTINATION_KEY)
    clients.answers("kms", "list_resource_tags", pages[1], KeyId=DESTINATION_KEY, Marker="2")

    assert AwsTags(clients).of(DESTINATION_KEY) == {"replimend": "allowed", "team": "orders"}
    assert set(clients.asked) == {
        Asked(as_="reader", service="kms", account=MEMBER, region="eu-central-1")
    }


def test_a_roles_tags_are_read_by_its_name(clients: StubbedClients) -> None:
    tags = [{"Key": "replimend", "Value": "never"}]
    clients.answers(
        "iam",
        "list_role_tags",
        {"Tags": tags, "IsTruncated": False},
        RoleName="orders-replication",
    )

    assert AwsTags(clients).of(ROLE_ARN) == {"replimend": "never"}
    assert clients.asked == [Asked(as_="reader", service="iam", account=HOME)]


@pytest.mark.parametrize(
    ("arn", "code", "expected"),
    [
        (DESTINATION_KEY, "AccessDeniedException", Unavailable),
        (DESTINATION_KEY, "NotFoundException", Absent),
        (ROLE_ARN, "AccessDenied", Unavailable),
        (ROLE_ARN, "NoSuchEntity", Absent),
    ],
)
def test_tags_that_cannot_be_read_are_not_taken_for_none(
    clients: StubbedClients, arn: str, code: str, expected: type
) -> None:
    service, operation = (
        ("kms", "list_resource_tags") if arn == DESTINATION_KEY else ("iam", "list_role_tags")
    )
    clients.refuses(service, operation, code)

    assert isinstance(AwsTags(clients).of(arn), expected)


def test_what_is_neither_key_nor_role_has_no_known_tags(clients: StubbedClients) -> None:
    assert isinstance(AwsTags(clients).of("arn:aws:s3:::orders-ireland"), Unavailable)
