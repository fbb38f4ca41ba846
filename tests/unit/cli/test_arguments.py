"""S3 URLs are taken literally: a key holds whatever S3 lets it hold."""

import pytest

from cli.arguments import OBJECT_URL, ObjectUrl


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "reports/2026 Q1 übersicht.pdf",
        "a+b",
        "a%20b",
        "a%2Fb",
        "a#fragment",
        "a?versionId=v",
        "a&b=c;d",
        "/leading",
        "double//slash/",
        "../up",
        " blank ends ",
        "s3://orders-ireland/a",
        "k" * 1024,
    ],
)
def test_all_that_follows_the_bucket_s_slash_is_the_key(key: str) -> None:
    url = OBJECT_URL.convert(f"s3://orders-ireland/{key}", None, None)

    assert url == ObjectUrl(bucket="orders-ireland", key=key)
