"""Everything that can break replication breaks it with the failure reason that S3 documents."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lab.behaviour import AliasHandling, Behaviour
from lab.key_store import KeyState, aws_managed_key, delete_key, make_key, set_state
from lab.role_access import Organization
from replimend.domain.access import Level, Policy
from tests.integration.lab.pair import (
    BUCKET_KEY_ROLE,
    BUCKET_KEY_STATEMENTS,
    READ_SOURCE,
    ROLE,
    ROLE_STATEMENTS,
    SESSION,
    SOURCE,
    SOURCE_ACCOUNT,
    SOURCE_KEY,
    TARGET,
    TARGET_ACCOUNT,
    TARGET_KEY,
    TARGET_REGION,
    USE_SOURCE_KEY,
    USE_TARGET_KEY,
    WRITE_TARGET,
    Pair,
    admit,
    allow,
    destination,
    document,
    pair,
    root_of,
    rule,
    trust,
)

KEY = "orders/1.json"
PUT, GET = "DstPutObjectNotPermitted", "SrcGetObjectNotPermitted"
THREE_CAUSES = (
    " because the resource does not exist in this Region, no resource-based policies allow access,"
    " or a resource-based policy explicitly denies access"
)
DENY_ENCRYPT = {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}


@pytest.fixture
def world() -> Generator[Pair]:
    with pair() as made:
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing that is wrong, and what S3 (and KMS, in `says` after the action) make of it."""

    name: str
    by: Callable[[Pair], object]
    reason: str
    says: str | None = None


def without(action: str, statements: tuple[dict[str, object], ...]) -> list[dict[str, object]]:
    """The statements with one action less."""
    return [
        {**each, "Action": [name for name in actions(each) if name != action] or ["s3:None"]}
        for each in statements
    ]


def actions(statement: dict[str, object]) -> list[str]:
    listed = statement["Action"]
    assert isinstance(listed, list)
    return listed


def role_without(action: str) -> Callable[[Pair], None]:
    return lambda world: world.set_role(*without(action, ROLE_STATEMENTS))


def key_with(*statements: dict[str, object]) -> Callable[[Pair], None]:
    return lambda world: world.set_target_key_policy(root_of(TARGET_ACCOUNT), *statements)


def bucket_without_policy(world: Pair) -> None:
    world.target.delete_bucket_policy(Bucket=TARGET)
    world.settle()


def boundary(world: Pair) -> None:
    arn = world.iam.create_policy(
        PolicyName="boundary", PolicyDocument=document(allow(["s3:*", "kms:Decrypt"], "*"))
    )["Policy"]["Arn"]
    world.iam.put_role_permissions_boundary(RoleName="orders-replication", PermissionsBoundary=arn)
    world.settle()


def remade_role(world: Pair) -> None:
    no_role(world)
    world.iam.create_role(
        RoleName="orders-replication",
        Path="/replication/",
        AssumeRolePolicyDocument=trust("s3.amazonaws.com"),
    )
    world.set_role(*ROLE_STATEMENTS)


def wrong_trust(world: Pair) -> None:
    world.iam.update_assume_role_policy(
        RoleName="orders-replication", PolicyDocument=trust("ec2.amazonaws.com")
    )
    world.settle()


def no_role(world: Pair) -> None:
    world.iam.delete_role_policy(RoleName="orders-replication", PolicyName="replication")
    world.iam.delete_role(RoleName="orders-replication")
    world.settle()


def closed_source_key(world: Pair) -> None:
    closed = document(admit(f"arn:aws:iam::{SOURCE_ACCOUNT}:root", "kms:PutKeyPolicy"))
    world.kms(SOURCE_ACCOUNT, "eu-west-1").put_key_policy(KeyId=SOURCE_KEY, Policy=closed)
    world.settle()


def managed_key_of_another_account(world: Pair) -> None:
    replica_key(aws_managed_key(TARGET_ACCOUNT, TARGET_REGION).arn)(world)
    world.set_role(READ_SOURCE, WRITE_TARGET, USE_SOURCE_KEY, allow(["kms:*"], "*"))


def source_key_in(state: KeyState) -> Callable[[Pair], None]:
    """The put itself needs the key, so the key breaks between the put and its replication."""

    def broken_by(world: Pair) -> None:
        set_state(SOURCE_KEY, state)
        world.settle()

    return lambda world: world.clock.after(
        timedelta(seconds=1), "break the source key", lambda: broken_by(world)
    )


def target_key_in(state: KeyState) -> Callable[[Pair], None]:
    return lambda _: set_state(TARGET_KEY, state)


def replica_key(arn: str) -> Callable[[Pair], None]:
    return lambda world: world.set_rule(
        rule(Destination=destination(EncryptionConfiguration={"ReplicaKmsKeyID": arn}))
    )


BREAKS = (
    Break(name="trust", by=wrong_trust, reason="AssumeRoleNotPermitted"),
    Break(name="role gone", by=no_role, reason="AssumeRoleNotPermitted"),
    Break(name="read", by=role_without("s3:GetObjectVersionForReplication"), reason=GET),
    Break(
        name="read with the lesser action",
        by=lambda world: world.set_role(
            *without("s3:GetObjectVersionForReplication", ROLE_STATEMENTS),
            allow(["s3:GetObjectVersion"], f"arn:aws:s3:::{SOURCE}/*"),
        ),
        reason=GET,
    ),
    Break(name="ACL", by=role_without("s3:GetObjectVersionAcl"), reason="SrcGetAclNotPermitted"),
    Break(
        name="tags",
        by=role_without("s3:GetObjectVersionTagging"),
        reason="SrcGetTaggingNotPermitted",
    ),
    Break(
        name="replicate",
        by=role_without("s3:ReplicateObject"),
        reason=PUT,
    ),
    Break(
        name="replicate tags",
        by=role_without("s3:ReplicateTags"),
        reason="DstPutTaggingNotPermitted",
    ),
    Break(name="bucket policy", by=bucket_without_policy, reason=PUT),
    Break(
        name="decrypt, same account, delegated",
        by=role_without("kms:Decrypt"),
        reason=GET,
        says=f"kms:Decrypt on resource: {SOURCE_KEY}"
        " because no identity-based policy allows the kms:Decrypt action",
    ),
    Break(
        name="decrypt, same account, not delegated",
        by=closed_source_key,
        reason=GET,
        says=f"kms:Decrypt on resource: {SOURCE_KEY}"
        " because no resource-based policy allows the kms:Decrypt action",
    ),
    Break(
        name="encrypt, key policy of another account",
        by=key_with(),
        reason=PUT,
        says=f"kms:Encrypt on this resource{THREE_CAUSES}",
    ),
    Break(
        name="encrypt, role policy",
        by=role_without("kms:Encrypt"),
        reason=PUT,
        says="kms:Encrypt on this resource"
        " because no identity-based policy allows the kms:Encrypt action",
    ),
    Break(
        name="encrypt, via the wrong Region",
        by=key_with(
            admit(
                ROLE,
                "kms:Encrypt",
                Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
            )
        ),
        reason=PUT,
        says=f"kms:Encrypt on this resource{THREE_CAUSES}",
    ),
    Break(
        name="encrypt, with the context of a bucket key",
        by=key_with(
            admit(
                ROLE,
                "kms:Encrypt",
                Condition={
                    "StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{TARGET}"}
                },
            )
        ),
        reason=PUT,
        says=f"kms:Encrypt on this resource{THREE_CAUSES}",
    ),
    Break(
        name="encrypt, explicit deny in the key policy",
        by=key_with(admit(ROLE, "kms:Encrypt"), {**DENY_ENCRYPT, "Principal": {"AWS": ROLE}}),
        reason=PUT,
        says=f"kms:Encrypt on this resource{THREE_CAUSES}",
    ),
    Break(
        name="encrypt, explicit deny in the role policy",
        by=lambda world: world.set_role(*ROLE_STATEMENTS, DENY_ENCRYPT),
        reason=PUT,
        says="kms:Encrypt on this resource with an explicit deny in an identity-based policy",
    ),
    Break(
        name="encrypt, boundary",
        by=boundary,
        reason=PUT,
        says="kms:Encrypt on this resource"
        " because no permissions boundary allows the kms:Encrypt action",
    ),
    Break(
        name="encrypt, role made anew",
        by=remade_role,
        reason=PUT,
        says=f"kms:Encrypt on this resource{THREE_CAUSES}",
    ),
    *(
        Break(name=f"source key {state}", by=source_key_in(state), reason="SrcKmsKeyInvalidState")
        for state in (KeyState.DISABLED, KeyState.PENDING_DELETION)
    ),
    *(
        Break(name=f"target key {state}", by=target_key_in(state), reason="DstKmsKeyInvalidState")
        for state in KeyState
        if state is not KeyState.ENABLED
    ),
    Break(name="target key gone", by=lambda _: delete_key(TARGET_KEY), reason="DstKmsKeyNotFound"),
    Break(name="key of another Region", by=replica_key(SOURCE_KEY), reason="DstKmsKeyNotFound"),
    Break(
        name="alias",
        by=replica_key(f"arn:aws:kms:{TARGET_REGION}:{TARGET_ACCOUNT}:alias/orders"),
        reason="DstKmsKeyNotFound",
    ),
    Break(
        name="AWS managed key of another account",
        by=managed_key_of_another_account,
        reason=PUT,
        says=f"kms:Encrypt on this resource{THREE_CAUSES}",
    ),
    Break(
        name="bucket gone",
        by=lambda world: world.target.delete_bucket(Bucket=TARGET),
        reason="DstBucketNotFound",
    ),
    Break(
        name="versioning suspended",
        by=lambda world: world.target.put_bucket_versioning(
            Bucket=TARGET, VersioningConfiguration={"Status": "Suspended"}
        ),
        reason="DstBucketUnversioned",
    ),
)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name)
def test_what_is_broken_decides_the_failure_reason_and_what_kms_says(
    world: Pair, broken: Break
) -> None:
    broken.by(world)

    world.put(Tagging="kind=invoice")
    world.wait()

    assert world.status() == "FAILED"
    assert world.reasons() == [broken.reason]
    said = [each["errorMessage"] for each in world.denials()]
    head = f"User: {SESSION} is not authorized to perform: "
    assert said == ([head + broken.says] if broken.says else [])


def test_a_multipart_object_fails_with_codes_of_its_own_but_for_the_key(world: Pair) -> None:
    world.set_role(*without("s3:ReplicateObject", ROLE_STATEMENTS))
    _put_in_parts(world)
    world.wait()
    world.set_role(*without("kms:Encrypt", ROLE_STATEMENTS))
    _put_in_parts(world)
    world.wait()

    assert world.reasons() == ["DstMultipartInitNotPermitted", PUT]


def test_a_bucket_key_needs_decrypt_on_the_destination_key_and_is_denied_once(world: Pair) -> None:
    world.set_role(*BUCKET_KEY_ROLE)
    world.set_target_key_policy(
        root_of(TARGET_ACCOUNT), admit(ROLE, "kms:Encrypt", "kms:GenerateDataKey")
    )

    for name in ("1", "2", "3"):
        world.put(name, BucketKeyEnabled=True)
    world.wait()

    assert world.reasons() == [PUT] * 3
    assert [each["eventName"] for each in world.denials()] == ["Decrypt"]
    assert "the resource associated with this ciphertext" in world.denials()[0]["errorMessage"]


def test_with_a_bucket_key_the_context_is_the_bucket_on_both_sides(world: Pair) -> None:
    for_objects = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{SOURCE}/*"}}
    world.set_role(
        READ_SOURCE,
        WRITE_TARGET,
        {**USE_SOURCE_KEY, "Condition": for_objects},
        *BUCKET_KEY_ROLE[3:],
    )
    world.set_target_key_policy(*BUCKET_KEY_STATEMENTS)

    world.put("object-key", BucketKeyEnabled=False)
    world.put("bucket-key", BucketKeyEnabled=True)
    world.wait()

    assert world.status("object-key") == "COMPLETED"
    assert world.status("bucket-key") == "FAILED"
    assert world.reasons() == [GET]


def test_a_grant_to_the_role_replaces_the_key_policy(world: Pair) -> None:
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))
    world.kms().create_grant(KeyId=TARGET_KEY, GranteePrincipal=ROLE, Operations=["Encrypt"])
    world.settle()

    world.put()
    world.wait()

    assert world.status() == "COMPLETED"


def test_a_lab_may_be_told_that_grants_do_not_count() -> None:
    with pair(Behaviour(grants_count=False)) as world:
        world.set_target_key_policy(root_of(TARGET_ACCOUNT))
        world.kms().create_grant(KeyId=TARGET_KEY, GranteePrincipal=ROLE, Operations=["Encrypt"])
        world.settle()

        world.put()
        world.wait()

        assert world.status() == "FAILED"


def test_a_lab_may_be_told_that_replicas_take_a_data_key() -> None:
    with pair(Behaviour(replicas_need_data_key=True)) as world:
        world.put()
        world.wait()

        assert [each["eventName"] for each in world.denials()] == ["GenerateDataKey"]


def test_a_lab_may_be_told_that_aliases_work() -> None:
    with pair(Behaviour(aliases=AliasHandling.OF_DESTINATION_ACCOUNT)) as world:
        world.kms().create_alias(AliasName="alias/orders", TargetKeyId=TARGET_KEY)
        replica_key(f"arn:aws:kms:{TARGET_REGION}:{TARGET_ACCOUNT}:alias/orders")(world)

        world.put()
        world.wait()

        assert world.head(TARGET, KEY)["SSEKMSKeyId"] == TARGET_KEY


def test_a_service_control_policy_denies_in_its_own_words() -> None:
    denying = Policy.parse(json.loads(document(DENY_ENCRYPT)), name="no encryption")
    everything = Policy.parse(json.loads(document(allow(["*"], "*"))), name="full access")
    organization = Organization(
        organization_id="o-lab",
        members=frozenset({SOURCE_ACCOUNT, TARGET_ACCOUNT}),
        service_control={SOURCE_ACCOUNT: (Level(name="root", policies=(everything, denying)),)},
    )
    with pair(organization=organization) as world:
        world.put()
        world.wait()

        (denial,) = world.denials()
        assert denial["errorMessage"].endswith(
            "on this resource with an explicit deny in a service control policy"
        )


def test_a_source_key_of_the_aws_managed_kind_replicates_within_its_account(world: Pair) -> None:
    key = aws_managed_key(SOURCE_ACCOUNT, "eu-west-1").arn
    world.set_role(READ_SOURCE, WRITE_TARGET, allow(["kms:Decrypt"], key), USE_TARGET_KEY)

    world.source.put_object(Bucket=SOURCE, Key=KEY, Body=b"{}", ServerSideEncryption="aws:kms")
    world.wait()

    assert world.head(SOURCE, KEY)["SSEKMSKeyId"] == key
    assert world.status() == "COMPLETED"


def test_without_metrics_on_the_rule_s3_notifies_nobody(world: Pair) -> None:
    silent = destination()
    del silent["Metrics"]
    world.set_rule(rule(Destination=silent))
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))

    world.put()
    world.wait()

    assert world.status() == "FAILED"
    assert world.told == []
    assert len(world.denials()) == 1


def test_without_a_notification_configuration_s3_notifies_nobody(world: Pair) -> None:
    world.source.put_bucket_notification_configuration(Bucket=SOURCE, NotificationConfiguration={})
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))

    world.put()
    world.wait()

    assert world.told == []


def test_a_source_deleted_before_its_replication_is_reported_as_gone(world: Pair) -> None:
    version_id = world.put()
    world.source.delete_object(Bucket=SOURCE, Key=KEY, VersionId=version_id)

    world.wait()

    assert world.reasons() == ["SrcKeyNotFound"]


def test_a_key_in_the_destination_account_made_later_has_its_own_policy(world: Pair) -> None:
    other = TARGET_KEY.replace("2222-4222", "3333-4333")
    make_key(other)
    replica_key(other)(world)
    world.set_role(*ROLE_STATEMENTS, allow(["kms:Encrypt"], other))

    world.put()
    world.wait()

    assert world.reasons() == [PUT]


def _put_in_parts(world: Pair) -> None:
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": SOURCE_KEY}
    upload = world.source.create_multipart_upload(Bucket=SOURCE, Key=KEY, **encryption)["UploadId"]
    etag = world.source.upload_part(
        Bucket=SOURCE, Key=KEY, UploadId=upload, PartNumber=1, Body=b"part"
    )["ETag"]
    world.source.complete_multipart_upload(
        Bucket=SOURCE,
        Key=KEY,
        UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": etag, "PartNumber": 1}]},
    )
