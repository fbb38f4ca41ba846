"""Who is let through the gate, by which policies, and what the others are told."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.gate import Gate
from tests.integration.lab.accounts import (
    FRANKFURT,
    HOME,
    IRELAND,
    OBJECTS,
    OTHER,
    allow,
    answer_jobs,
    credentials_client,
    denial_of,
    job,
    make_bucket,
    make_key,
    make_role,
    policy,
    put_bucket_policy,
    put_key_policy,
    put_role_policy,
    refused,
    session_client,
)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as opened:
        yield opened


@pytest.fixture
def bucket(gate: Gate) -> str:
    return make_bucket(gate)


def test_no_policy_refuses_an_administrator(gate: Gate, bucket: str) -> None:
    everybody = {"Principal": "*", "Action": "s3:*", "Resource": OBJECTS}
    put_bucket_policy(gate, {"Effect": "Deny", **everybody})

    s3 = gate.client("s3", HOME, IRELAND)

    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"


def test_a_role_without_policies_may_do_nothing(gate: Gate) -> None:
    role = make_role(gate)
    queue = gate.client("sqs", HOME, IRELAND).create_queue(QueueName="queue")["QueueUrl"]

    error = refused(
        gate, "sqs", role, lambda sqs: sqs.send_message(QueueUrl=queue, MessageBody="m")
    )

    assert error["Code"] == "AccessDenied"
    assert error["Message"] == (
        "User: arn:aws:sts::111111111111:assumed-role/function/lab is not authorized to perform: "
        "sqs:SendMessage on resource: arn:aws:sqs:eu-west-1:111111111111:queue because no "
        "identity-based policy allows the sqs:SendMessage action"
    )


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("kms", "list_keys", {}, "AccessDeniedException"),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {}}, "AccessDeniedException"),
        ("events", "put_events", {"Entries": [{"Source": "a"}]}, "AccessDeniedException"),
        ("cloudtrail", "lookup_events", {}, "AccessDeniedException"),
        ("lambda", "invoke", {"FunctionName": "f"}, "AccessDeniedException"),
        (
            "accessanalyzer",
            "validate_policy",
            {"policyDocument": "{}", "policyType": "RESOURCE_POLICY"},
            "AccessDeniedException",
        ),
        ("iam", "get_role", {"RoleName": "function"}, "AccessDenied"),
        ("s3", "list_buckets", {}, "AccessDenied"),
        ("s3control", "list_jobs", {"AccountId": HOME}, "AccessDenied"),
        (
            "sns",
            "publish",
            {"TopicArn": "arn:aws:sns:eu-west-1:111111111111:t", "Message": "m"},
            "AuthorizationError",
        ),
    ],
)
def test_each_service_refuses_in_its_own_words(
    gate: Gate, service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    role = make_role(gate)

    error = refused(gate, service, role, lambda client: getattr(client, operation)(**params))

    assert error["Code"] == code
    assert "because no identity-based policy allows the" in error["Message"]
    assert gate.calls[-1].allowed is False
    assert gate.calls[-1].error_code == code


def test_an_attached_policy_allows_like_an_inline_one(gate: Gate) -> None:
    role = make_role(gate)
    iam = gate.client("iam", HOME, IRELAND)
    document = policy(allow("kms:ListKeys"))
    attached = iam.create_policy(PolicyName="attached", PolicyDocument=document)["Policy"]["Arn"]

    iam.attach_role_policy(RoleName="function", PolicyArn=attached)

    assert gate.client("kms", HOME, IRELAND, as_role=role).list_keys()["Keys"] == []


def test_a_boundary_a_session_policy_and_a_deny_each_take_away(gate: Gate) -> None:
    role = make_role(gate, allow("kms:ListKeys"))
    iam = gate.client("iam", HOME, IRELAND)
    narrow = policy(allow("kms:ListAliases"))

    session = gate.session_credentials(role, "narrowed", session_policy=narrow)
    by_session = denial_of(lambda: session_client("kms", session).list_keys())
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=narrow)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="function", PermissionsBoundary=boundary)
    by_boundary = refused(gate, "kms", role, lambda kms: kms.list_keys())
    iam.delete_role_permissions_boundary(RoleName="function")
    put_role_policy(gate, "function", "deny", {**allow("kms:*"), "Effect": "Deny"})
    by_deny = refused(gate, "kms", role, lambda kms: kms.list_keys())

    assert "because no session policy allows" in by_session["Message"]
    assert "because no permissions boundary allows" in by_boundary["Message"]
    assert "with an explicit deny in an identity-based policy" in by_deny["Message"]


def test_a_call_that_the_lab_has_no_rule_for_is_refused_to_roles_and_says_so(
    gate: Gate, bucket: str
) -> None:
    role = make_role(gate, allow("*"))

    error = refused(gate, "s3", role, lambda s3: s3.get_bucket_website(Bucket=bucket))

    assert "the lab has no authorization rule for s3:GetBucketWebsite" in error["Message"]


def test_another_accounts_bucket_takes_both_sides(gate: Gate, bucket: str) -> None:
    role = make_role(gate)
    asks = {"Bucket": bucket, "Key": "k"}
    statement = {"Action": "s3:GetObject", "Resource": OBJECTS, "Effect": "Allow"}

    nobody_allows = refused(gate, "s3", role, lambda s3: s3.get_object(**asks))
    put_bucket_policy(gate, {**statement, "Principal": {"AWS": role}})
    bucket_allows = refused(gate, "s3", role, lambda s3: s3.get_object(**asks))
    put_role_policy(gate, "function", "read", statement)

    assert nobody_allows == {"Code": "AccessDenied", "Message": "Access Denied"}
    assert bucket_allows == {"Code": "AccessDenied", "Message": "Access Denied"}
    read = gate.client("s3", HOME, FRANKFURT, as_role=role).get_object(**asks)
    assert read["Body"].read() == b"content"


def test_s3_quotes_the_resource_and_names_the_layer_within_an_account(
    gate: Gate, bucket: str
) -> None:
    role = make_role(gate, account=OTHER)

    error = refused(gate, "s3", role, lambda s3: s3.get_bucket_policy(Bucket=bucket))

    assert error["Message"].endswith(
        'is not authorized to perform: s3:GetBucketPolicy on resource: "arn:aws:s3:::'
        'orders-frankfurt" because no identity-based policy allows the s3:GetBucketPolicy action'
    )


def test_a_version_takes_the_permission_for_versions(gate: Gate, bucket: str) -> None:
    role = make_role(gate, allow("s3:GetObject", OBJECTS), account=OTHER)
    s3 = gate.client("s3", OTHER, FRANKFURT, as_role=role)
    version_id = s3.head_object(Bucket=bucket, Key="k")["VersionId"]

    refusal = denial_of(lambda: s3.head_object(Bucket=bucket, Key="k", VersionId=version_id))
    put_role_policy(
        gate, "function", "versions", allow("s3:GetObjectVersion", OBJECTS), account=OTHER
    )

    assert refusal["Code"] == "403"
    assert s3.head_object(Bucket=bucket, Key="k", VersionId=version_id)["ContentLength"] == 7


def test_a_missing_object_shows_only_to_those_who_may_list(gate: Gate, bucket: str) -> None:
    role = make_role(gate, allow("s3:GetObject", OBJECTS), account=OTHER)
    s3 = gate.client("s3", OTHER, FRANKFURT, as_role=role)

    hidden = denial_of(lambda: s3.head_object(Bucket=bucket, Key="missing"))
    hidden_too = denial_of(lambda: s3.get_object(Bucket=bucket, Key="missing"))
    put_role_policy(
        gate, "function", "list", allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"), account=OTHER
    )
    shown = denial_of(lambda: s3.head_object(Bucket=bucket, Key="missing"))

    assert [hidden["Code"], hidden_too["Code"], shown["Code"]] == ["403", "AccessDenied", "404"]


@pytest.mark.parametrize("owner", [HOME, OTHER])
def test_an_expected_bucket_owner_is_held_to(gate: Gate, bucket: str, owner: str) -> None:
    s3 = gate.client("s3", OTHER, FRANKFURT)
    asks = {"Bucket": bucket, "Key": "k", "ExpectedBucketOwner": owner}

    if owner == OTHER:
        assert s3.get_object(**asks)["ContentLength"] == 7
    else:
        assert denial_of(lambda: s3.get_object(**asks))["Code"] == "AccessDenied"


def test_reading_an_encrypted_object_takes_its_key_but_asking_about_it_does_not(
    gate: Gate, bucket: str
) -> None:
    key = make_key(gate)
    gate.client("s3", OTHER, FRANKFURT).put_object(
        Bucket=bucket, Key="e", Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    role = make_role(gate, allow("s3:GetObject", OBJECTS), account=OTHER)
    s3 = gate.client("s3", OTHER, FRANKFURT, as_role=role)

    head = s3.head_object(Bucket=bucket, Key="e")
    refusal = denial_of(lambda: s3.get_object(Bucket=bucket, Key="e"))
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket=bucket, Key="e", ChecksumMode="ENABLED")
    through_s3 = {
        "StringEquals": {
            "kms:ViaService": "s3.eu-central-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/e",
        }
    }
    decrypt = {**allow("kms:Decrypt", key), "Condition": through_s3}
    put_role_policy(gate, "function", "decrypt", decrypt, account=OTHER)

    assert head["SSEKMSKeyId"] == key
    assert "kms:Decrypt" in refusal["Message"]
    assert s3.get_object(Bucket=bucket, Key="e")["ContentLength"] == 0


def test_putting_into_a_bucket_with_a_default_key_takes_that_key(gate: Gate, bucket: str) -> None:
    key = make_key(gate)
    gate.client("s3", OTHER, FRANKFURT).put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": key,
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    role = make_role(gate, allow("s3:PutObject", OBJECTS), account=OTHER)
    s3 = gate.client("s3", OTHER, FRANKFURT, as_role=role)

    refusal = denial_of(lambda: s3.put_object(Bucket=bucket, Key="new", Body=b"x"))
    context = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    data_key = {**allow("kms:GenerateDataKey", key), "Condition": context}
    put_role_policy(gate, "function", "data-key", data_key, account=OTHER)

    assert "kms:GenerateDataKey" in refusal["Message"]
    assert s3.put_object(Bucket=bucket, Key="new", Body=b"x")["SSEKMSKeyId"] == key


def test_copying_takes_reading_the_source_and_writing_the_copy(gate: Gate, bucket: str) -> None:
    role = make_role(gate, allow("s3:PutObject", OBJECTS), account=OTHER)
    s3 = gate.client("s3", OTHER, FRANKFURT, as_role=role)
    asks = {"Bucket": bucket, "Key": "copy", "CopySource": {"Bucket": bucket, "Key": "k"}}

    refusal = denial_of(lambda: s3.copy_object(**asks))
    put_role_policy(gate, "function", "read", allow("s3:GetObject", OBJECTS), account=OTHER)

    assert "s3:GetObject" in refusal["Message"]
    assert "CopyObjectResult" in s3.copy_object(**asks)


def test_a_key_of_another_account_is_found_there_if_both_sides_allow(gate: Gate) -> None:
    key = make_key(gate)
    role = make_role(gate, allow("kms:DescribeKey", key))

    refusal = refused(gate, "kms", role, lambda kms: kms.describe_key(KeyId=key), FRANKFURT)
    admit = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "kms:*", "Resource": "*"}
    put_key_policy(gate, key, admit)
    kms = gate.client("kms", HOME, FRANKFURT, as_role=role)

    assert "no resource-based policies allow access" in refusal["Message"]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["AWSAccountId"] == OTHER
    assert gate.calls[-1].account == OTHER
    assert gate.calls[-1].caller.account == HOME


def test_a_key_policy_is_out_of_reach_from_another_account_whatever_allows_it(gate: Gate) -> None:
    key = make_key(gate)
    role = make_role(gate, allow("kms:*", "*"))
    admit = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "kms:*", "Resource": "*"}
    put_key_policy(gate, key, admit)

    error = refused(
        gate,
        "kms",
        role,
        lambda kms: kms.get_key_policy(KeyId=key, PolicyName="default"),
        FRANKFURT,
    )
    to_a_person = denial_of(
        lambda: gate.client("kms", HOME, FRANKFURT).get_key_policy(KeyId=key, PolicyName="default")
    )

    assert error["Code"] == to_a_person["Code"] == "AccessDeniedException"


def test_within_the_account_a_key_policy_must_admit_before_a_role_policy_counts(
    gate: Gate,
) -> None:
    key = make_key(gate)
    role = make_role(gate, allow("kms:GetKeyPolicy", key), account=OTHER)
    kms = gate.client("kms", OTHER, FRANKFURT, as_role=role)

    shown = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    somebody = {"AWS": f"arn:aws:iam::{OTHER}:user/somebody"}
    put_key_policy(
        gate, key, {"Effect": "Allow", "Principal": somebody, "Action": "kms:*", "Resource": "*"}
    )
    refusal = denial_of(lambda: kms.get_key_policy(KeyId=key, PolicyName="default"))

    assert "root" in shown
    assert "because no resource-based policy allows the kms:GetKeyPolicy" in refusal["Message"]


def test_a_grant_lets_its_grantee_through_without_a_policy(gate: Gate) -> None:
    key = make_key(gate)
    role = make_role(gate)
    kms = gate.client("kms", HOME, FRANKFURT, as_role=role)

    refusal = denial_of(lambda: kms.describe_key(KeyId=key))
    gate.client("kms", OTHER, FRANKFURT).create_grant(
        KeyId=key, GranteePrincipal=role, Operations=["DescribeKey"]
    )

    assert refusal["Code"] == "AccessDeniedException"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key


def test_a_deny_on_bypassing_the_lockout_check_tells_the_two_writes_apart(gate: Gate) -> None:
    key = make_key(gate)
    bypass = {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}
    never = {"Effect": "Deny", "Action": "kms:*", "Resource": "*", "Condition": bypass}
    role = make_role(gate, allow("kms:*", "*"), never, account=OTHER)
    kms = gate.client("kms", OTHER, FRANKFURT, as_role=role)
    document = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]

    refusal = denial_of(
        lambda: kms.put_key_policy(
            KeyId=key,
            PolicyName="default",
            Policy=document,
            BypassPolicyLockoutSafetyCheck=True,
        )
    )

    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)
    assert "explicit deny" in refusal["Message"]


def test_a_grant_can_be_limited_to_one_grantee_and_some_operations(gate: Gate) -> None:
    key = make_key(gate)
    only = {
        "StringEquals": {"kms:GranteePrincipal": "arn:aws:iam::111111111111:role/replication"},
        "ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"]},
    }
    role = make_role(gate, {**allow("kms:CreateGrant", key), "Condition": only}, account=OTHER)
    make_role(gate, name="replication")
    kms = gate.client("kms", OTHER, FRANKFURT, as_role=role)
    grantee = {"KeyId": key, "GranteePrincipal": "arn:aws:iam::111111111111:role/replication"}

    refusal = denial_of(lambda: kms.create_grant(**grantee, Operations=["CreateGrant"]))

    assert refusal["Code"] == "AccessDeniedException"
    assert "GrantId" in kms.create_grant(**grantee, Operations=["Encrypt"])


def test_a_role_of_another_account_is_assumed_by_external_id_and_name(gate: Gate) -> None:
    caller = make_role(gate, allow("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/reader"))
    conditions = {
        "StringEquals": {"sts:ExternalId": "the-secret"},
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/app/function"},
    }
    reader = make_role(
        gate,
        allow("kms:ListKeys"),
        name="reader",
        account=OTHER,
        trust={
            "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"},
            "Action": "sts:AssumeRole",
            "Condition": conditions,
        },
    )
    sts = gate.client("sts", HOME, IRELAND, as_role=caller)
    asks = {"RoleArn": reader, "RoleSessionName": "triage"}

    refusal = denial_of(lambda: sts.assume_role(**asks, ExternalId="another"))
    session = sts.assume_role(**asks, ExternalId="the-secret")

    assert refusal["Code"] == "AccessDenied"
    assert "because no role trust policy allows the sts:AssumeRole action" in refusal["Message"]
    assert session["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/reader/triage"
    assumed = credentials_client("sts", session["Credentials"]).get_caller_identity()
    assert assumed["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/reader/triage"
    assert assumed["UserId"].endswith(":triage")
    assert credentials_client("kms", session["Credentials"]).list_keys()["Keys"] == []


def test_a_session_policy_given_when_assuming_narrows_the_session(gate: Gate) -> None:
    trust = {"Principal": {"AWS": f"arn:aws:iam::{HOME}:root"}, "Action": "sts:AssumeRole"}
    reader = make_role(gate, allow("kms:*"), name="reader", account=OTHER, trust=trust)

    session = gate.client("sts", HOME, IRELAND).assume_role(
        RoleArn=reader, RoleSessionName="one", Policy=policy(allow("kms:ListAliases"))
    )
    kms = credentials_client("kms", session["Credentials"])

    assert kms.list_aliases()["Aliases"] is not None
    assert "no session policy" in denial_of(kms.list_keys)["Message"]


def test_a_role_that_is_not_cannot_be_assumed_by_anybody(gate: Gate) -> None:
    sts = gate.client("sts", HOME, IRELAND)

    error = denial_of(
        lambda: sts.assume_role(RoleArn=f"arn:aws:iam::{OTHER}:role/no", RoleSessionName="one")
    )

    assert error["Code"] == "AccessDenied"


def test_a_session_ends_with_its_credentials(gate: Gate) -> None:
    role = make_role(gate, allow("kms:ListKeys"))

    session = gate.session_credentials(role, "short", duration=timedelta(seconds=-1))

    error = denial_of(lambda: session_client("kms", session).list_keys())
    assert error["Code"] == "ExpiredTokenException"


def test_a_batch_job_takes_passing_its_role_to_batch_operations(gate: Gate) -> None:
    batch_role = f"arn:aws:iam::{HOME}:role/batch"
    passing = {
        **allow("iam:PassRole", batch_role),
        "Condition": {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}},
    }
    role = make_role(gate, allow("s3:CreateJob"))
    control = gate.client("s3control", HOME, IRELAND, as_role=role)
    answer_jobs(gate)

    refusal = denial_of(lambda: control.create_job(**job(batch_role)))
    put_role_policy(gate, "function", "pass", passing)

    assert "iam:PassRole" in refusal["Message"]
    assert control.create_job(**job(batch_role))["JobId"] == "job-1"


def test_a_transaction_takes_the_permission_for_each_of_its_parts(gate: Gate) -> None:
    table = f"arn:aws:dynamodb:{IRELAND}:{HOME}:table/incidents"
    role = make_role(gate, allow("dynamodb:PutItem", table))
    gate.client("dynamodb", HOME, IRELAND).create_table(
        TableName="incidents",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb = gate.client("dynamodb", HOME, IRELAND, as_role=role)
    put = {"Put": {"TableName": "incidents", "Item": {"pk": {"S": "a"}}}}
    delete = {"Delete": {"TableName": "incidents", "Key": {"pk": {"S": "b"}}}}

    refusal = denial_of(lambda: dynamodb.transact_write_items(TransactItems=[put, delete]))

    dynamodb.transact_write_items(TransactItems=[put])
    assert "dynamodb:DeleteItem" in refusal["Message"]
