"""What S3 must be allowed to do: from the rule, the version and both ends (aws-facts 5)."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.facts import Absent, Encryption
from replimend.domain.requirements import (
    CONTEXT_KEY,
    VIA_SERVICE,
    Needed,
    Pair,
    Requirement,
    Side,
    requirements,
)
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    OBJECT_KEY,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_rule,
    an_object,
    healthy_facts,
)

SOURCE_OBJECT = f"arn:aws:s3:::orders-ireland/{OBJECT_KEY}"
REPLICA = f"arn:aws:s3:::orders-frankfurt/{OBJECT_KEY}"


def a_pair(**changes: Any) -> Pair:
    facts = healthy_facts()
    pair = Pair(
        partition="aws",
        rule=a_rule(),
        object=an_object(),
        source=a_bucket(name="orders-ireland", account=HOME, region="eu-west-1"),
        destination=a_bucket(),
        source_key=facts.source_key,
        destination_key=facts.destination_key,
    )
    return replace(pair, **changes)


def key_calls(pair: Pair) -> list[Requirement]:
    return [each for each in requirements(pair) if each.is_kms]


def actions(pair: Pair, side: Side, *, needed: Needed | None = None) -> list[str]:
    return [
        each.action
        for each in requirements(pair)
        if each.side is side and (needed is None or each.needed is needed)
    ]


def test_a_plain_sse_kms_object_needs_these_calls_and_no_more() -> None:
    needed = requirements(a_pair())

    assert [(each.action, each.resource, each.resource_account) for each in needed] == [
        ("s3:GetReplicationConfiguration", "arn:aws:s3:::orders-ireland", HOME),
        ("s3:GetObjectVersionForReplication", SOURCE_OBJECT, HOME),
        ("s3:GetObjectVersionAcl", SOURCE_OBJECT, HOME),
        ("kms:Decrypt", SOURCE_KEY, HOME),
        ("kms:Encrypt", DESTINATION_KEY, MEMBER),
        ("s3:ReplicateObject", REPLICA, MEMBER),
    ]
    assert {each.needed for each in needed} == {Needed.ALWAYS}


def test_s3_calls_kms_for_the_object_through_the_keys_own_region() -> None:
    source, destination = key_calls(a_pair())

    assert source.context == {
        VIA_SERVICE: "s3.eu-west-1.amazonaws.com",
        CONTEXT_KEY: SOURCE_OBJECT,
    }
    assert destination.context == {
        VIA_SERVICE: "s3.eu-central-1.amazonaws.com",
        CONTEXT_KEY: REPLICA,
    }


def test_under_a_bucket_key_the_context_is_the_bucket_and_s3_verifies_the_key() -> None:
    calls = key_calls(a_pair(object=an_object(bucket_key=True)))

    assert [(each.action, each.needed, each.context[CONTEXT_KEY]) for each in calls] == [
        ("kms:Decrypt", Needed.ALWAYS, "arn:aws:s3:::orders-ireland"),
        ("kms:Encrypt", Needed.ALWAYS, "arn:aws:s3:::orders-frankfurt"),
        ("kms:Decrypt", Needed.BUCKET_KEY, "arn:aws:s3:::orders-frankfurt"),
    ]


def test_in_china_s3_has_another_suffix_and_buckets_another_partition() -> None:
    china = a_key(
        DESTINATION_KEY.replace("arn:aws:", "arn:aws-cn:").replace("eu-central", "cn-north")
    )
    calls = key_calls(a_pair(partition="aws-cn", destination_key=china))

    assert calls[-1].context == {
        VIA_SERVICE: "s3.cn-north-1.amazonaws.com.cn",
        CONTEXT_KEY: f"arn:aws-cn:s3:::orders-frankfurt/{OBJECT_KEY}",
    }


@pytest.mark.parametrize(
    ("encryption", "kms_key_arn", "calls"),
    [
        (Encryption.SSE_KMS, SOURCE_KEY, ["kms:Decrypt", "kms:Encrypt"]),
        (Encryption.DSSE_KMS, SOURCE_KEY, ["kms:Decrypt", "kms:Encrypt"]),
        (Encryption.NONE, None, ["kms:GenerateDataKey"]),
        (Encryption.SSE_S3, None, []),
        (Encryption.SSE_C, None, []),
    ],
)
def test_how_the_source_is_encrypted_decides_the_calls_of_kms(
    encryption: Encryption, kms_key_arn: str | None, calls: list[str]
) -> None:
    pair = a_pair(object=an_object(encryption=encryption, kms_key_arn=kms_key_arn))

    assert [each.action for each in key_calls(pair)] == calls


def test_a_data_key_is_needed_only_because_the_source_is_plain() -> None:
    pair = a_pair(object=an_object(encryption=Encryption.NONE, kms_key_arn=None))

    (call,) = key_calls(pair)

    assert (call.needed, call.side) == (Needed.PLAINTEXT_SOURCE, Side.DESTINATION)


def test_dsse_kms_never_uses_a_bucket_key() -> None:
    pair = a_pair(object=an_object(encryption=Encryption.DSSE_KMS, bucket_key=True))

    calls = key_calls(pair)

    assert [each.action for each in calls] == ["kms:Decrypt", "kms:Encrypt"]
    assert calls[-1].context[CONTEXT_KEY] == REPLICA


@pytest.mark.parametrize(
    ("pair", "needed", "source", "destination"),
    [
        (
            a_pair(object=an_object(tag_count=2)),
            Needed.TAGS,
            ["s3:GetObjectVersionTagging"],
            ["s3:ReplicateTags"],
        ),
        (
            a_pair(rule=a_rule(delete_markers=True)),
            Needed.DELETES,
            ["s3:ListBucket"],
            ["s3:ReplicateDelete"],
        ),
        (
            a_pair(rule=a_rule(owner_override=True)),
            Needed.OWNER_OVERRIDE,
            [],
            ["s3:ObjectOwnerOverrideToBucketOwner"],
        ),
        (
            a_pair(object=an_object(object_lock=True)),
            Needed.OBJECT_LOCK,
            ["s3:GetObjectRetention", "s3:GetObjectLegalHold"],
            ["s3:PutObjectRetention", "s3:PutObjectLegalHold"],
        ),
        (
            a_pair(rule=a_rule(replica_modifications=True)),
            Needed.REPLICA_MODIFICATIONS,
            ["s3:GetObjectVersionTagging"],
            ["s3:ReplicateTags"],
        ),
        (
            a_pair(shown=frozenset({Needed.TAGS})),
            Needed.TAGS,
            ["s3:GetObjectVersionTagging"],
            ["s3:ReplicateTags"],
        ),
        (
            a_pair(shown=frozenset({Needed.OBJECT_LOCK})),
            Needed.OBJECT_LOCK,
            ["s3:GetObjectRetention", "s3:GetObjectLegalHold"],
            ["s3:PutObjectRetention", "s3:PutObjectLegalHold"],
        ),
        (
            a_pair(shown=frozenset({Needed.DELETES})),
            Needed.DELETES,
            ["s3:ListBucket"],
            ["s3:ReplicateDelete"],
        ),
        (
            a_pair(shown=frozenset({Needed.ANNOTATIONS})),
            Needed.ANNOTATIONS,
            ["s3:GetObjectVersionAnnotationForReplication"],
            [],
        ),
    ],
    ids=[
        "tags",
        "delete markers",
        "owner override",
        "object lock",
        "replica modification sync",
        "tags that only the code shows",
        "a lock that only the code shows",
        "a delete marker that only the code shows",
        "annotations, which only a code shows",
    ],
)
def test_what_an_object_or_rule_has_more_needs_more(
    pair: Pair, needed: Needed, source: list[str], destination: list[str]
) -> None:
    assert actions(pair, Side.SOURCE, needed=needed) == source
    assert actions(pair, Side.DESTINATION, needed=needed) == destination


@pytest.mark.parametrize(
    "key", [Absent(what="a replica key"), Unavailable(reason="denied to us")], ids=str
)
def test_no_call_is_made_up_for_a_key_that_is_not_known(key: Absent | Unavailable) -> None:
    assert [each.side for each in key_calls(a_pair(destination_key=key))] == [Side.SOURCE]


def test_the_calls_go_to_the_key_itself_not_to_the_alias_that_names_it() -> None:
    rule = a_rule(replica_key=f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders")

    calls = key_calls(a_pair(rule=rule))

    assert calls[-1].resource == DESTINATION_KEY


def test_a_version_of_many_parts_needs_no_other_calls_than_one_of_a_single_part() -> None:
    parts = an_object(etag='"e12345ca7e88a38428305d3ff7fcb99f-17"', size=100 * 1024**3)

    assert requirements(a_pair(object=parts)) == requirements(a_pair())


def test_tags_are_asked_for_once_where_replicas_are_kept_in_step_too() -> None:
    pair = a_pair(object=an_object(tag_count=1), rule=a_rule(replica_modifications=True))

    assert actions(pair, Side.DESTINATION).count("s3:ReplicateTags") == 1
    assert actions(pair, Side.DESTINATION, needed=Needed.TAGS) == ["s3:ReplicateTags"]
