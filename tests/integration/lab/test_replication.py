"""A put into a bucket with a replication configuration replicates, as S3 does it."""

from collections.abc import Generator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from lab.behaviour import Behaviour
from lab.key_store import KeyState, set_state
from tests.integration.lab.pair import (
    BUCKET_KEY_ROLE,
    BUCKET_KEY_STATEMENTS,
    QUEUE,
    ROLE,
    ROLE_STATEMENTS,
    SOURCE,
    SOURCE_KEY,
    TARGET,
    TARGET_ACCOUNT,
    TARGET_KEY,
    TARGET_KEY_STATEMENTS,
    TARGET_REGION,
    Pair,
    allow,
    destination,
    document,
    pair,
    root_of,
    rule,
)

PART = 5 * 1024 * 1024
KEY = "orders/1.json"


@pytest.fixture
def world() -> Generator[Pair]:
    with pair() as made:
        yield made


def test_a_put_is_pending_until_its_replica_is_there(world: Pair) -> None:
    version_id = world.put()

    before = world.status()
    world.wait()

    assert before == "PENDING"
    assert world.status() == "COMPLETED"
    replica = world.head(TARGET, KEY)
    assert (replica["VersionId"], replica["ReplicationStatus"]) == (version_id, "REPLICA")


def test_a_replica_has_everything_of_its_source_but_the_key(world: Pair) -> None:
    world.put(
        body=b"content",
        Metadata={"team": "orders"},
        Tagging="kind=invoice&year=2026",
        StorageClass="STANDARD_IA",
        ContentType="application/json",
    )

    world.wait()

    source, replica = world.head(SOURCE, KEY), world.head(TARGET, KEY)
    assert replica["SSEKMSKeyId"] == TARGET_KEY
    assert source["SSEKMSKeyId"] == SOURCE_KEY
    for name in (
        "ETag",
        "ContentLength",
        "ContentType",
        "LastModified",
        "Metadata",
        "StorageClass",
    ):
        assert replica[name] == source[name], name
    tags = world.target.get_object_tagging(Bucket=TARGET, Key=KEY)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"kind": "invoice", "year": "2026"}
    assert world.target.get_object(Bucket=TARGET, Key=KEY)["Body"].read() == b"content"


def test_an_object_uploaded_in_parts_arrives_in_parts(world: Pair) -> None:
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": SOURCE_KEY}
    upload = world.source.create_multipart_upload(Bucket=SOURCE, Key=KEY, **encryption)["UploadId"]
    parts = [
        world.source.upload_part(
            Bucket=SOURCE, Key=KEY, UploadId=upload, PartNumber=number, Body=body
        )
        | {"PartNumber": number}
        for number, body in ((1, b"a" * PART), (2, b"b" * (4 * 1024 * 1024)))
    ]
    world.source.complete_multipart_upload(
        Bucket=SOURCE,
        Key=KEY,
        UploadId=upload,
        MultipartUpload={
            "Parts": [{"ETag": part["ETag"], "PartNumber": part["PartNumber"]} for part in parts]
        },
    )

    world.wait()

    replica = world.target.head_object(Bucket=TARGET, Key=KEY, PartNumber=1)
    assert replica["PartsCount"] == 2
    assert world.head(TARGET, KEY)["ContentLength"] == PART + 4 * 1024 * 1024
    assert world.head(TARGET, KEY)["ETag"] == world.head(SOURCE, KEY)["ETag"]


def test_versions_that_arrive_late_take_their_place_by_age(world: Pair) -> None:
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))
    first, second = world.put(body=b"first"), world.put(body=b"second")
    world.wait()
    world.set_target_key_policy(*TARGET_KEY_STATEMENTS)

    world.storage.replication.replicate(SOURCE, KEY, second)
    world.storage.replication.replicate(SOURCE, KEY, first)

    listed = world.target.list_object_versions(Bucket=TARGET)["Versions"]
    assert [(each["VersionId"], each["IsLatest"]) for each in listed] == [
        (second, True),
        (first, False),
    ]


def test_sse_kms_objects_that_no_rule_opted_in_are_left_alone_silently(world: Pair) -> None:
    plain = destination()
    del plain["EncryptionConfiguration"]
    opted_out = rule(Destination=plain)
    del opted_out["SourceSelectionCriteria"]
    world.set_rule(opted_out)

    world.put()
    world.source.put_object(Bucket=SOURCE, Key="plain.json", Body=b"{}")
    world.wait()

    assert world.status() is None
    assert (world.told, world.trail) == ([], [])
    assert world.status("plain.json") == "COMPLETED"
    assert world.head(TARGET, "plain.json")["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("filtered", "key", "tagging", "expected"),
    [
        ({"Prefix": "orders/"}, "orders/1.json", "", "COMPLETED"),
        ({"Prefix": "orders/"}, "drafts/1.json", "", None),
        ({"Tag": {"Key": "copy", "Value": "yes"}}, "a", "copy=yes", "COMPLETED"),
        ({"Tag": {"Key": "copy", "Value": "yes"}}, "a", "copy=no", None),
        (
            {"And": {"Prefix": "a", "Tags": [{"Key": "copy", "Value": "yes"}]}},
            "b",
            "copy=yes",
            None,
        ),
    ],
)
def test_a_rule_takes_what_its_filter_takes(
    world: Pair, filtered: dict[str, object], key: str, tagging: str, expected: str | None
) -> None:
    world.set_rule(rule(Filter=filtered))

    world.put(key, Tagging=tagging)
    world.wait()

    assert world.status(key) == expected


def test_of_two_rules_for_one_destination_the_higher_priority_decides(world: Pair) -> None:
    glacier = destination(StorageClass="GLACIER_IR")
    world.set_rule(
        rule(ID="low", Priority=1, Destination=destination()),
        rule(ID="high", Priority=2, Destination=glacier),
    )

    world.put()
    world.wait()

    assert world.head(TARGET, KEY)["StorageClass"] == "GLACIER_IR"


def test_with_two_destinations_one_failure_is_a_failure(world: Pair) -> None:
    second = "orders-second"
    world.target.create_bucket(
        Bucket=second, CreateBucketConfiguration={"LocationConstraint": TARGET_REGION}
    )
    world.target.put_bucket_versioning(Bucket=second, VersioningConfiguration={"Status": "Enabled"})
    elsewhere = destination(Bucket=f"arn:aws:s3:::{second}")
    world.set_rule(rule(), rule(ID="to-second", Priority=2, Destination=elsewhere))

    version_id = world.put()
    world.wait()

    assert world.status() == "FAILED"
    assert world.head(TARGET, KEY)["VersionId"] == version_id
    (record,) = world.told[0]["Records"]
    assert record["replicationEventData"]["replicationRuleId"] == "to-second"
    assert record["replicationEventData"]["destinationBucket"] == f"arn:aws:s3:::{second}"


@pytest.mark.parametrize(("setting", "expected"), [("Enabled", 1), ("Disabled", 0)])
def test_delete_markers_replicate_where_the_rule_says_so(
    world: Pair, setting: str, expected: int
) -> None:
    world.set_rule(rule(DeleteMarkerReplication={"Status": setting}))
    world.put()
    world.wait()

    world.source.delete_object(Bucket=SOURCE, Key=KEY)
    world.wait()

    listed = world.target.list_object_versions(Bucket=TARGET)
    assert len(listed.get("DeleteMarkers", [])) == expected


def test_the_deletion_of_a_version_is_never_replicated(world: Pair) -> None:
    version_id = world.put()
    world.wait()

    world.source.delete_object(Bucket=SOURCE, Key=KEY, VersionId=version_id)
    world.wait()

    assert world.head(TARGET, KEY)["VersionId"] == version_id


def test_a_replica_uses_a_bucket_key_if_its_source_does(world: Pair) -> None:
    world.set_role(*BUCKET_KEY_ROLE)
    world.set_target_key_policy(*BUCKET_KEY_STATEMENTS)

    world.put(BucketKeyEnabled=True)
    world.wait()

    assert world.head(TARGET, KEY)["BucketKeyEnabled"] is True


def test_a_copy_within_the_source_bucket_replicates_like_a_put(world: Pair) -> None:
    world.put()
    world.source.copy_object(
        Bucket=SOURCE,
        Key="copy.json",
        CopySource={"Bucket": SOURCE, "Key": KEY},
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=SOURCE_KEY,
    )

    world.wait()

    assert world.status("copy.json") == "COMPLETED"


def test_s3_shows_the_whole_replication_configuration(world: Pair) -> None:
    shown = world.source.get_bucket_replication(Bucket=SOURCE)["ReplicationConfiguration"]

    assert shown["Rules"] == [rule()]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"SourceSelectionCriteria": {}}, "specified together"),
        ({"Destination": {"Bucket": "arn:aws:s3:::nowhere"}}, "must exist"),
    ],
)
def test_s3_refuses_a_configuration_that_cannot_be(
    world: Pair, broken: dict[str, object], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refusal:
        world.set_rule(rule(**broken))

    assert refusal.value.response["Error"]["Code"] == "InvalidRequest"


def test_a_change_of_policy_takes_effect_only_after_a_while() -> None:
    with pair(Behaviour(policies_take_effect_after=timedelta(seconds=30))) as world:
        world.kms().put_key_policy(KeyId=TARGET_KEY, Policy=document(root_of(TARGET_ACCOUNT)))
        world.put("at-once.json")
        world.clock.advance(timedelta(seconds=31))
        world.put("later.json")
        world.wait()

        assert world.status("at-once.json") == "COMPLETED"
        assert world.status("later.json") == "FAILED"


def test_a_remembered_bucket_key_hides_a_revoked_permission() -> None:
    with pair(Behaviour(bucket_keys_are_remembered_for=timedelta(minutes=5))) as world:
        world.set_role(*BUCKET_KEY_ROLE)
        world.set_target_key_policy(*BUCKET_KEY_STATEMENTS)
        world.put("first.json", BucketKeyEnabled=True)
        world.clock.advance(timedelta(seconds=10))
        world.set_target_key_policy(root_of(TARGET_ACCOUNT))

        world.put("soon.json", BucketKeyEnabled=True)
        world.clock.advance(timedelta(minutes=6))
        world.put("late.json", BucketKeyEnabled=True)
        world.wait()

        assert world.status("soon.json") == "COMPLETED"
        assert world.status("late.json") == "FAILED"


def test_a_plaintext_object_takes_the_default_encryption_of_the_destination(world: Pair) -> None:
    world.storage.notes.plaintext_buckets.add(SOURCE)
    world.target.put_bucket_encryption(
        Bucket=TARGET,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": TARGET_KEY,
                    }
                }
            ]
        },
    )

    world.source.put_object(Bucket=SOURCE, Key="refused", Body=b"old")
    world.wait()
    reason = world.reasons()
    world.set_role(*BUCKET_KEY_ROLE)
    world.set_target_key_policy(*BUCKET_KEY_STATEMENTS)
    world.source.put_object(Bucket=SOURCE, Key="taken", Body=b"old")
    world.wait()

    assert reason == ["DstPutObjectNotPermitted"]
    assert world.denials()[0]["eventName"] == "GenerateDataKey"
    assert world.head(TARGET, "taken")["SSEKMSKeyId"] == TARGET_KEY


def test_dsse_objects_replicate_like_sse_kms_and_stay_dsse(world: Pair) -> None:
    world.put(ServerSideEncryption="aws:kms:dsse")

    world.wait()

    replica = world.head(TARGET, KEY)
    assert (replica["ServerSideEncryption"], replica["SSEKMSKeyId"]) == ("aws:kms:dsse", TARGET_KEY)


def test_objects_with_a_customers_key_replicate_without_kms(world: Pair) -> None:
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))

    world.source.put_object(
        Bucket=SOURCE,
        Key=KEY,
        Body=b"secret",
        SSECustomerAlgorithm="AES256",
        SSECustomerKey="k" * 32,
    )
    world.wait()

    assert world.status() == "COMPLETED"


def test_the_owner_override_needs_a_permission_where_owners_are_not_enforced(world: Pair) -> None:
    world.target.put_bucket_ownership_controls(
        Bucket=TARGET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    override = destination(AccessControlTranslation={"Owner": "Destination"})
    world.set_rule(rule(Destination=override))

    world.put()
    world.wait()

    assert world.reasons() == ["DstPutObjectNotPermitted"]
    assert world.denials() == []


def test_a_locked_source_needs_more_of_role_and_destination(world: Pair) -> None:
    locked = "orders-locked"
    world.source.create_bucket(
        Bucket=locked,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    world.source.put_bucket_notification_configuration(
        Bucket=locked,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:Replication:*"]}]
        },
    )
    world.source.put_bucket_replication(
        Bucket=locked, ReplicationConfiguration={"Role": ROLE, "Rules": [rule()]}
    )
    on_locked = [f"arn:aws:s3:::{locked}", f"arn:aws:s3:::{locked}/*"]
    for actions in (
        ["s3:Get*"],
        ["s3:GetReplicationConfiguration", "s3:GetObjectVersion*"],
    ):
        world.set_role(*ROLE_STATEMENTS, allow(actions, *on_locked))
        world.source.put_object(Bucket=locked, Key="contract", Body=b"x")
        world.wait()

    assert world.reasons() == ["DstBucketObjectLockConfigMissing", "SrcGetRetentionNotPermitted"]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (KeyState.DISABLED, "KMS.DisabledException"),
        (KeyState.PENDING_DELETION, "KMS.KMSInvalidStateException"),
    ],
)
def test_s3_passes_on_what_kms_says_of_a_key_that_cannot_be_used(
    world: Pair, state: KeyState, code: str
) -> None:
    world.put()
    set_state(SOURCE_KEY, state)

    for call in (world.put, lambda: world.source.get_object(Bucket=SOURCE, Key=KEY)):
        with pytest.raises(ClientError) as refusal:
            call()
        assert refusal.value.response["Error"]["Code"] == code


def test_a_key_of_another_region_cannot_encrypt_an_object(world: Pair) -> None:
    with pytest.raises(ClientError) as refusal:
        world.put(SSEKMSKeyId=TARGET_KEY)

    assert refusal.value.response["Error"]["Code"] == "KMS.NotFoundException"


def test_a_copy_from_another_account_brings_its_tags(world: Pair) -> None:
    world.put(Tagging="kind=invoice")

    world.target.copy_object(Bucket=TARGET, Key="copy", CopySource={"Bucket": SOURCE, "Key": KEY})

    tags = world.target.get_object_tagging(Bucket=TARGET, Key="copy")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "invoice"}]


def test_puts_at_one_instant_still_have_an_order(world: Pair) -> None:
    first, second = world.put(), world.put()

    listed = world.source.list_object_versions(Bucket=SOURCE)["Versions"]

    assert [(each["VersionId"], each["IsLatest"]) for each in listed] == [
        (second, True),
        (first, False),
    ]
