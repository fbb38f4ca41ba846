"""What the reading gateways ask of AWS, and what they make of its answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.facts import Absent, Bucket, Encryption, Key, ObjectVersion, Role
from replimend.domain.repair.key_states import document_of
from replimend.domain.unavailable import Unavailable
from replimend.gateways.buckets import S3Buckets
from replimend.gateways.keys import KmsKeys
from replimend.gateways.objects import S3Objects
from replimend.gateways.roles import IamRoles
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    OBJECT_KEY,
    ROLE_ARN,
    VERSION,
    a_rule,
    administered_by,
    document,
    role_policy,
    trust,
)
from tests.stubs import Asked, StubbedClients

DOCUMENT = document(administered_by(MEMBER))


# keys


def key_metadata(**changes: object) -> dict[str, object]:
    metadata = {
        "KeyId": "22222222-2222-4222-8222-222222222222",
        "Arn": DESTINATION_KEY,
        "KeyState": "Enabled",
        "KeyManager": "CUSTOMER",
    }
    return {"KeyMetadata": {**metadata, **changes}}


def test_a_key_is_read_by_a_role_of_its_own_account_and_region(clients: StubbedClients) -> None:
    grant = {"GrantId": "g1", "GranteePrincipal": ROLE_ARN, "Operations": ["Encrypt"]}
    clients.answers("kms", "describe_key", key_metadata(), KeyId="alias/orders")
    clients.answers(
        "kms",
        "get_key_policy",
        {"Policy": DOCUMENT.text},
        KeyId=DESTINATION_KEY,
        PolicyName="default",
    )
    clients.answers(
        "kms",
        "list_grants",
        {"Grants": [grant], "Truncated": True, "NextMarker": "2"},
        KeyId=DESTINATION_KEY,
    )
    clients.answers("kms", "list_grants", {"Grants": [grant], "Truncated": False})

    key = KmsKeys(clients).describe("alias/orders", MEMBER, "eu-central-1")

    assert key == Key(
        arn=DESTINATION_KEY,
        state="Enabled",
        customer_managed=True,
        policy=DOCUMENT,
        grants=(grant, grant),
    )
    assert set(clients.asked) == {
        Asked(as_="reader", service="kms", account=MEMBER, region="eu-central-1")
    }


def test_a_key_of_a_multi_region_key_knows_its_siblings_and_its_kind(
    clients: StubbedClients,
) -> None:
    primary = DESTINATION_KEY.replace("eu-central-1", "eu-west-1")
    clients.answers(
        "kms",
        "describe_key",
        key_metadata(
            KeySpec="SYMMETRIC_DEFAULT",
            KeyUsage="ENCRYPT_DECRYPT",
            KeyState="PendingDeletion",
            DeletionDate=datetime(2026, 6, 8, 12, tzinfo=UTC),
            MultiRegion=True,
            MultiRegionConfiguration={
                "MultiRegionKeyType": "REPLICA",
                "PrimaryKey": {"Arn": primary, "Region": "eu-west-1"},
                "ReplicaKeys": [{"Arn": DESTINATION_KEY, "Region": "eu-central-1"}],
            },
        ),
    )
    clients.answers("kms", "get_key_policy", {"Policy": DOCUMENT.text})
    clients.answers("kms", "list_grants", {"Grants": [], "Truncated": False})

    key = KmsKeys(clients).describe(DESTINATION_KEY, MEMBER, "eu-central-1")

    assert isinstance(key, Key)
    assert key.siblings == (primary, DESTINATION_KEY)
    assert (key.is_primary, key.encrypts_objects) == (False, True)
    assert key.deletion_date == "2026-06-08"


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
    ],
)
def test_a_key_of_another_kind_is_known_to_encrypt_no_objects(
    clients: StubbedClients, spec: str, usage: str
) -> None:
    clients.answers("kms", "describe_key", key_metadata(KeySpec=spec, KeyUsage=usage))
    clients.answers("kms", "get_key_policy", {"Policy": DOCUMENT.text})
    clients.answers("kms", "list_grants", {"Grants": [], "Truncated": False})

    key = KmsKeys(clients).describe(DESTINATION_KEY, MEMBER, "eu-central-1")

    assert isinstance(key, Key)
    assert not key.encrypts_objects


def test_a_key_whose_policy_is_denied_is_known_all_the_same(clients: StubbedClients) -> None:
    clients.answers("kms", "describe_key", key_metadata(KeyManager="AWS", KeyState="Disabled"))
    clients.refuses("kms", "get_key_policy", "AccessDeniedException")
    clients.refuses("kms", "list_grants", "AccessDeniedException")

    key = KmsKeys(clients).describe(DESTINATION_KEY, MEMBER, "eu-central-1")

    assert isinstance(key, Key)
    assert (key.state, key.customer_managed) == ("Disabled", False)
    assert isinstance(key.policy, Unavailable)
    assert isinstance(key.grants, Unavailable)


def test_a_key_policy_is_written_in_a_session_for_this_key_and_never_around_the_lock_out_check(
    clients: StubbedClients,
) -> None:
    clients.answers(
        "kms",
        "put_key_policy",
        {},
        KeyId=DESTINATION_KEY,
        PolicyName="default",
        Policy=DOCUMENT.text,
        BypassPolicyLockoutSafetyCheck=False,
    )

    KmsKeys(clients).put_policy(DESTINATION_KEY, DOCUMENT)

    (policy,) = clients.session_policies
    assert policy["Statement"] == [
        {
            "Sid": "ChangeThisKey",
            "Effect": "Allow",
            "Action": ["kms:PutKeyPolicy"],
            "Resource": DESTINATION_KEY,
        }
    ]
    assert clients.asked == [
        Asked(as_="repairer", service="kms", account=MEMBER, region="eu-central-1")
    ]


# roles


def a_role_answer(**more: object) -> dict[str, object]:
    role = {
        "Path": "/replication/",
        "RoleName": "orders-replication",
        "RoleId": "AROAEXAMPLEEXAMPLEID",
        "Arn": ROLE_ARN,
        "CreateDate": NOON,
        "AssumeRolePolicyDocument": trust().text,
    }
    return {"Role": {**role, **more}}


def answer_managed_policy(clients: StubbedClients, arn: str) -> None:
    clients.answers("iam", "get_policy", {"Policy": {"DefaultVersionId": "v2"}}, PolicyArn=arn)
    clients.answers(
        "iam",
        "get_policy_version",
        {"PolicyVersion": {"Document": role_policy().text}},
        PolicyArn=arn,
        VersionId="v2",
    )


def test_a_role_comes_with_inline_and_attached_policies_and_its_boundary(
    clients: StubbedClients,
) -> None:
    attached, boundary = (f"arn:aws:iam::{HOME}:policy/{name}" for name in ("attached", "boundary"))
    name = "orders-replication"
    clients.answers(
        "iam",
        "get_role",
        a_role_answer(PermissionsBoundary={"PermissionsBoundaryArn": boundary}),
        RoleName=name,
    )
    clients.answers("iam", "list_role_policies", {"PolicyNames": ["inline"]}, RoleName=name)
    clients.answers(
        "iam",
        "get_role_policy",
        {"RoleName": name, "PolicyName": "inline", "PolicyDocument": role_policy().text},
        RoleName=name,
        PolicyName="inline",
    )
    clients.answers(
        "iam",
        "list_attached_role_policies",
        {"AttachedPolicies": [{"PolicyName": "attached", "PolicyArn": attached}]},
        RoleName=name,
    )
    answer_managed_policy(clients, attached)
    answer_managed_policy(clients, boundary)

    role = IamRoles(clients).describe(ROLE_ARN)

    assert isinstance(role, Role)
    assert isinstance(role.identity_policies, tuple)
    assert [each.name for each in role.identity_policies] == ["inline", attached]
    assert not isinstance(role.boundary, Absent | Unavailable)
    assert role.boundary.name == boundary
    assert role.trust.fingerprint == trust().fingerprint


def test_a_role_whose_policies_are_denied_is_known_all_the_same(clients: StubbedClients) -> None:
    clients.answers("iam", "get_role", a_role_answer())
    clients.refuses("iam", "list_role_policies", "AccessDenied")

    role = IamRoles(clients).describe(ROLE_ARN)

    assert isinstance(role, Role)
    assert isinstance(role.identity_policies, Unavailable)
    assert isinstance(role.boundary, Absent)


def test_an_inline_policy_is_written_under_its_name(clients: StubbedClients) -> None:
    clients.answers(
        "iam",
        "put_role_policy",
        {},
        RoleName="orders-replication",
        PolicyName="replimend",
        PolicyDocument=DOCUMENT.text,
    )

    IamRoles(clients).put_inline_policy(ROLE_ARN, "replimend", DOCUMENT)


def test_an_inline_policy_that_is_gone_already_may_be_deleted(clients: StubbedClients) -> None:
    clients.refuses("iam", "delete_role_policy", "NoSuchEntity")

    IamRoles(clients).delete_inline_policy(ROLE_ARN, "replimend")


# buckets


RULE: dict[str, Any] = {
    "ID": "to-frankfurt",
    "Status": "Enabled",
    "Priority": 1,
    "Filter": {},
    "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
    "DeleteMarkerReplication": {"Status": "Disabled"},
    "Destination": {
        "Bucket": "arn:aws:s3:::orders-frankfurt",
        "Account": MEMBER,
        "EncryptionConfiguration": {"ReplicaKmsKeyID": DESTINATION_KEY},
        "Metrics": {"Status": "Enabled"},
    },
}


def test_a_replication_configuration_is_asked_of_the_expected_owner(
    clients: StubbedClients,
) -> None:
    clients.answers(
        "s3",
        "get_bucket_replication",
        {"ReplicationConfiguration": {"Role": ROLE_ARN, "Rules": [RULE]}},
        Bucket="orders-ireland",
        ExpectedBucketOwner=HOME,
    )

    setup = S3Buckets(clients, HOME).replication_of("orders-ireland")

    assert not isinstance(setup, Absent | Unavailable)
    assert (setup.role_arn, setup.rules) == (ROLE_ARN, (a_rule(),))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Status": "Disabled"}, {"enabled": False}),
        ({"Filter": {"Prefix": "reports/"}}, {"prefix": "reports/"}),
        ({"Filter": {"Tag": {"Key": "kind", "Value": ""}}}, {"tags": {"kind": ""}}),
        (
            {"Filter": {"And": {"Prefix": "r/", "Tags": [{"Key": "kind", "Value": "x"}]}}},
            {"prefix": "r/", "tags": {"kind": "x"}},
        ),
        ({"SourceSelectionCriteria": {}}, {"replicates_kms_objects": False}),
        ({"DeleteMarkerReplication": {"Status": "Enabled"}}, {"delete_markers": True}),
        (
            {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}},
            {"replica_modifications": True, "replicates_kms_objects": False},
        ),
        (
            {
                "Destination": {
                    **RULE["Destination"],
                    "AccessControlTranslation": {"Owner": "Destination"},
                }
            },
            {"owner_override": True},
        ),
        (
            {"Destination": {"Bucket": "arn:aws:s3:::orders-frankfurt"}},
            {"destination_account": None, "replica_key": None, "metrics": False},
        ),
    ],
    ids=",".join,
)
def test_each_part_of_a_rule_is_understood(
    clients: StubbedClients, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    rules = [{**RULE, **changes}]
    clients.answers(
        "s3",
        "get_bucket_replication",
        {"ReplicationConfiguration": {"Role": ROLE_ARN, "Rules": rules}},
    )

    setup = S3Buckets(clients, HOME).replication_of("orders-ireland")

    assert not isinstance(setup, Absent | Unavailable)
    assert setup.rules == (a_rule(**expected),)


def test_a_bucket_is_read_by_a_role_of_its_account_in_its_region(clients: StubbedClients) -> None:
    theirs = {"Bucket": "orders-frankfurt", "ExpectedBucketOwner": MEMBER}
    clients.answers("s3", "get_bucket_location", {"LocationConstraint": "eu-central-1"}, **theirs)
    clients.answers("s3", "get_bucket_versioning", {"Status": "Enabled"}, **theirs)
    clients.answers("s3", "get_bucket_policy", {"Policy": DOCUMENT.text}, **theirs)
    clients.answers(
        "s3",
        "get_object_lock_configuration",
        {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
        **theirs,
    )

    bucket = S3Buckets(clients, HOME).describe("orders-frankfurt", MEMBER)

    assert bucket == Bucket(
        name="orders-frankfurt",
        account=MEMBER,
        region="eu-central-1",
        versioned=True,
        policy=DOCUMENT,
        object_lock=True,
    )
    assert clients.asked == [
        Asked(as_="reader", service="s3", account=MEMBER),
        Asked(as_="reader", service="s3", account=MEMBER, region="eu-central-1"),
    ]


def test_a_plain_bucket_of_the_oldest_region_lacks_what_it_lacks(clients: StubbedClients) -> None:
    clients.answers("s3", "get_bucket_location", {})
    clients.answers("s3", "get_bucket_versioning", {})
    clients.refuses("s3", "get_bucket_policy", "NoSuchBucketPolicy", 404)
    clients.refuses(
        "s3", "get_object_lock_configuration", "ObjectLockConfigurationNotFoundError", 404
    )

    bucket = S3Buckets(clients, HOME).describe("orders-frankfurt", HOME)

    assert isinstance(bucket, Bucket)
    assert (bucket.region, bucket.versioned, bucket.object_lock) == ("us-east-1", False, False)
    assert isinstance(bucket.policy, Absent)


# objects


def head(**more: object) -> dict[str, object]:
    plain = {
        "ContentLength": 1_024,
        "ETag": '"e12345ca7e88a38428305d3ff7fcb99f"',
        "LastModified": NOON,
        "VersionId": VERSION,
        "Metadata": {},
    }
    return {**plain, **more}


def test_a_version_is_looked_at_by_its_id_and_its_owners_account(clients: StubbedClients) -> None:
    clients.answers(
        "s3",
        "head_object",
        head(ServerSideEncryption="aws:kms", SSEKMSKeyId=DESTINATION_KEY),
        Bucket="orders-frankfurt",
        Key=OBJECT_KEY,
        VersionId=VERSION,
        ExpectedBucketOwner=MEMBER,
    )

    found = S3Objects(clients).version("orders-frankfurt", MEMBER, OBJECT_KEY, VERSION)

    assert isinstance(found, ObjectVersion)
    assert (found.encryption, found.kms_key_arn) == (Encryption.SSE_KMS, DESTINATION_KEY)
    assert clients.asked == [Asked(as_="reader", service="s3", account=MEMBER)]


def test_without_an_id_the_current_version_is_looked_at(clients: StubbedClients) -> None:
    clients.answers(
        "s3",
        "head_object",
        head(),
        Bucket="orders-ireland",
        Key=OBJECT_KEY,
        ExpectedBucketOwner=HOME,
    )

    found = S3Objects(clients).version("orders-ireland", HOME, OBJECT_KEY, None)

    assert isinstance(found, ObjectVersion)
    assert found.version_id == VERSION


def test_an_encryption_that_nobody_knows_yet_is_unavailable(clients: StubbedClients) -> None:
    clients.answers("s3", "head_object", head(ServerSideEncryption="aws:new"))

    found = S3Objects(clients).version("orders-ireland", HOME, OBJECT_KEY, VERSION)

    assert isinstance(found, Unavailable)
    assert "ServerSideEncryption" in found.reason


# the opt-in kinds of change

GRANT = Document.of(
    {
        "Name": "replimend-destination-0123456789ab",
        "GranteePrincipal": ROLE_ARN,
        "Operations": ["Decrypt", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"aws:s3:arn": "arn:aws:s3:::orders-frankfurt"}},
    }
)
LISTED = {**GRANT.content, "GrantId": "f" * 64, "KeyId": DESTINATION_KEY}


def test_a_grant_is_read_as_it_would_be_made(clients: StubbedClients) -> None:
    listed = {**LISTED, "Operations": ["Encrypt", "Decrypt"], "RetiringPrincipal": ROLE_ARN}
    clients.answers("kms", "list_grants", {"Grants": [{"GrantId": "e" * 64}, listed]})

    assert KmsKeys(clients).grant_named(DESTINATION_KEY, GRANT.content["Name"]) == GRANT


def test_a_grant_by_no_such_name_is_absent(clients: StubbedClients) -> None:
    clients.answers("kms", "list_grants", {"Grants": [LISTED]})

    assert isinstance(KmsKeys(clients).grant_named(DESTINATION_KEY, "another"), Absent)


def test_a_grant_is_made_in_a_session_for_this_key(clients: StubbedClients) -> None:
    clients.answers("kms", "create_grant", {}, KeyId=DESTINATION_KEY, **GRANT.content)

    KmsKeys(clients).create_grant(DESTINATION_KEY, GRANT)

    (policy,) = clients.session_policies
    assert policy["Statement"] == [
        {
            "Sid": "ChangeThisKey",
            "Effect": "Allow",
            "Action": ["kms:CreateGrant", "kms:RevokeGrant"],
            "Resource": DESTINATION_KEY,
        }
    ]


def test_a_grant_is_revoked_by_its_name(clients: StubbedClients) -> None:
    clients.answers("kms", "list_grants", {"Grants": [LISTED]})
    clients.answers("kms", "revoke_grant", {}, KeyId=DESTINATION_KEY, GrantId="f" * 64)

    KmsKeys(clients).revoke_grant(DESTINATION_KEY, GRANT.content["Name"])

    assert len(clients.session_policies) == 1


@pytest.mark.parametrize(
    ("document", "operation", "given"),
    [
        (DOCUMENT, "put_bucket_policy", {"Policy": DOCUMENT.text}),
        (None, "delete_bucket_policy", {}),
    ],
    ids=["put", "delete"],
)
def test_a_bucket_policy_is_written_in_a_session_for_this_bucket(
    clients: StubbedClients, document: PolicyDocument | None, operation: str, given: dict[str, str]
) -> None:
    clients.answers(
        "s3", operation, {}, Bucket="orders-frankfurt", ExpectedBucketOwner=MEMBER, **given
    )
    arn = "arn:aws:s3:::orders-frankfurt"

    S3Buckets(clients, HOME).put_policy(arn, MEMBER, "eu-central-1", document)

    (policy,) = clients.session_policies
    assert policy["Statement"] == [
        {
            "Sid": "ReplaceThisPolicy",
            "Effect": "Allow",
            "Action": ["s3:DeleteBucketPolicy", "s3:PutBucketPolicy"],
            "Resource": arn,
        }
    ]


@pytest.mark.parametrize(
    ("switch", "operation"),
    [
        (KmsKeys.enable, "enable_key"),
        (KmsKeys.disable, "disable_key"),
        (KmsKeys.cancel_deletion, "cancel_key_deletion"),
    ],
)
def test_a_key_is_switched_in_a_session_for_this_key(
    clients: StubbedClients, switch: Callable[[KmsKeys, str], None], operation: str
) -> None:
    clients.answers("kms", operation, {}, KeyId=DESTINATION_KEY)

    switch(KmsKeys(clients), DESTINATION_KEY)

    (policy,) = clients.session_policies
    assert policy["Statement"] == [
        {
            "Sid": "ChangeThisKey",
            "Effect": "Allow",
            "Action": ["kms:CancelKeyDeletion", "kms:DisableKey", "kms:EnableKey"],
            "Resource": DESTINATION_KEY,
        }
    ]


def test_the_state_of_a_key_is_a_document(clients: StubbedClients) -> None:
    metadata = {"KeyId": "k", "KeyState": "PendingDeletion"}
    clients.answers("kms", "describe_key", {"KeyMetadata": metadata}, KeyId=DESTINATION_KEY)

    assert KmsKeys(clients).state_of(DESTINATION_KEY) == document_of("PendingDeletion")


def test_a_replication_configuration_goes_back_as_it_was_read(clients: StubbedClients) -> None:
    configuration = {
        "Role": ROLE_ARN,
        "Rules": [
            {
                "ID": "to-frankfurt",
                "Priority": 7,
                "Filter": {"Prefix": ""},
                "Status": "Enabled",
                "Destination": {"Bucket": "arn:aws:s3:::orders-frankfurt"},
                "DeleteMarkerReplication": {"Status": "Disabled"},
            }
        ],
    }
    bucket = {"Bucket": "orders-ireland", "ExpectedBucketOwner": HOME}
    clients.answers(
        "s3", "get_bucket_replication", {"ReplicationConfiguration": configuration}, **bucket
    )
    clients.answers(
        "s3", "put_bucket_replication", {}, ReplicationConfiguration=configuration, **bucket
    )
    buckets = S3Buckets(clients, HOME)

    read = buckets.configuration_of("arn:aws:s3:::orders-ireland")

    assert isinstance(read, Document)
    buckets.put_configuration("arn:aws:s3:::orders-ireland", "eu-west-1", read)
