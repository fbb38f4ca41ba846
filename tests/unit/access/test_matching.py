"""Wildcards and ARN patterns."""

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.access.matching import ArnPattern, Glob, wildcard_atoms


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("a", "a", True),
        ("a", "A", False),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("a*a", "a", False),
        ("a**b", "ab", True),
        ("a*b*c", "abbc", True),
        ("a*b*c", "acb", False),
        ("*ab", "aab", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("?*", "", False),
        ("*?a?*", "bac", True),
        ("*?a?*", "ba", False),
        ("kms:Get?ey*", "kms:GetKeyPolicy", True),
        ("a*a?a", "aaaba", True),
        ("line*", "line\nbreak", True),
        # No two pieces share a character: not with one another, nor with the last.
        ("a*b*b*c", "abc", False),
        ("a*bb*bb*c", "abbbc", False),
        ("*bb*bb*", "bbb", False),
        ("a*bc*c", "abc", False),
        ("a*?b*?b*c", "abbc", False),
        ("a*?*c", "abc", True),
        ("a*?*c", "ac", False),
    ],
)
def test_a_wildcard_pattern_takes_the_whole_text(pattern: str, text: str, *, matches: bool) -> None:
    assert Glob.of(wildcard_atoms(pattern)).matches(text) is matches


@given(pattern=st.text("ab*?", max_size=12), text=st.text("ab", max_size=16))
def test_wildcards_mean_what_they_mean_to_a_regular_expression(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(each, each) for each in pattern)

    matches = Glob.of(wildcard_atoms(pattern)).matches(text)

    assert matches is bool(re.fullmatch(expression, text))


@pytest.mark.parametrize("pattern", ["*a" * 40 + "*b", "*?a" * 40 + "*b", "*" * 40 + "b"])
def test_forty_wildcards_do_not_backtrack(pattern: str) -> None:
    arn = "arn:aws:s3:::" + "a" * 1011
    glob = Glob.of(wildcard_atoms(pattern))

    fastest = min(seconds_to_refuse(arn, glob) for _ in range(5))

    assert fastest < 0.001


def seconds_to_refuse(text: str, glob: Glob) -> float:
    started = perf_counter()
    assert not glob.matches(text)
    return perf_counter() - started


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("*", "arn:aws:s3:::b/k", True),
        ("*", "*", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/*/x", "arn:aws:s3:::b/a:b/x", True),
        ("arn:aws-cn:s3:::b/*", "arn:aws:s3:::b/k", False),
        ("arn:*:s3:::b/*", "arn:aws-us-gov:s3:::b/k", True),
        ("arn:aws:kms:*:111111111111:key/1", "arn:aws:kms:eu-west-2:111111111111:key/1", True),
        ("arn:aws:kms:*:111111111111:key/1", "arn:aws:kms:eu-west-2:222222222222:key/1", False),
        ("arn:aws:kms:eu-*-2:1:key/1", "arn:aws:kms:eu-west-2:1:key/1", True),
        # A `*` that ends a part may reach over the colon, another may not.
        ("arn:aws:kms:eu*:1:key/1", "arn:aws:kms:eu:west-2:1:key/1", True),
        ("arn:aws:kms:e*2:1:key/1", "arn:aws:kms:eu:2:1:key/1", False),
        ("arn:aws:kms:e*2*:1:key/1", "arn:aws:kms:eu:2:1:key/1", False),
        ("arn:aws:kms:e?:1:key/1", "arn:aws:kms:e::1:key/1", False),
        ("arn:aws:kms:e?*:1:key/1", "arn:aws:kms:e:2:1:key/1", False),
        ("arn:aws:kms:e:1?:key/1", "arn:aws:kms:e:1::key/1", False),
        # Missing parts are completed.
        ("arn:aws:sqs", "arn:aws:sqs:eu-west-2:1:queue", True),
        ("arn:aws:sqs", "arn:aws:sns:eu-west-2:1:topic", False),
        ("arn:aws:s3:::b", "arn:aws:s3:::B", False),
        ("bucket/*", "arn:aws:s3:::bucket/k", False),
    ],
)
def test_a_resource_pattern_matches_an_arn(pattern: str, arn: str, *, matches: bool) -> None:
    compiled = ArnPattern.for_resource(wildcard_atoms(pattern))

    assert compiled.matches(arn) is matches


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("arn:aws:iam::*:role/re*", "arn:aws:iam::111111111111:role/repl", True),
        ("arn:aws:iam::*:role/re*", "arn:aws:iam::1:x:role/repl", False),
        ("arn:aws:s3:::b", "arn:aws:s3:::b/*", False),
        ("arn:aws:s3:::b*", "arn:aws:s3:::b/k:v", True),
        # The last part may hold colons, in the pattern as in the ARN.
        ("arn:aws:logs:*:1:group:x:*", "arn:aws:logs:eu-west-2:1:group:x:y:z", True),
        ("arn:aws:logs:*:1:group:x:*", "arn:aws:logs:eu-west-2:1:group:y:x:z", False),
        ("arn:aws:s3:::b", "not an ARN", False),
        ("arn:*:s3:::b", "not an ARN", False),
        ("*", "not an ARN", True),
        ("arn*:*:*:*:*:user", "arn:aws:s3:::bucket:user", False),
    ],
)
def test_an_arn_condition_checks_part_by_part(pattern: str, arn: str, *, matches: bool) -> None:
    compiled = ArnPattern.for_condition(wildcard_atoms(pattern))

    assert compiled.matches(arn) is matches
