"""`replimend snapshot` against moto: what it writes is what the functions would have read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudtrail.responses import CloudTrailResponse

from cli.access_reads import KeyName, read_key
from cli.accounts import Accounts
from cli.main import main
from cli.reading import Reading
from cli.snapshots import Wanted, take
from replimend.domain.facts import Absent, Bucket, ObjectVersion, ReplicationSetup
from replimend.domain.setups.preflight import preflight
from replimend.domain.setups.setup import RoleParts
from replimend.domain.unavailable import Unavailable
from replimend.inbound.setups import setup_of

HOME, MEMBER = "123456789012", "222222222222"
READER = "replimend-reader"
SOURCE, DESTINATION = "orders-ireland", "orders-frankfurt"
ROLE_ARN = f"arn:aws:iam::{HOME}:role/replication/orders-replication"
KEY = "reports/2026 Q1 übersicht.pdf"


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """A pair of buckets in two accounts, as moto keeps it; the tests only read."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        environment.delenv("AWS_REGION", raising=False)
        environment.delenv("AWS_PROFILE", raising=False)
        # moto keeps no event history: here nothing was denied.
        environment.setattr(CloudTrailResponse, "lookup_events", no_events, raising=False)
        _make_pair()
        yield


def no_events(_: CloudTrailResponse) -> str:
    return '{"Events": []}'


def _make_pair() -> None:
    ours, theirs = boto3.Session(region_name="eu-west-1"), session_in(MEMBER, "eu-central-1")
    source_key = ours.client("kms").create_key()["KeyMetadata"]["Arn"]
    replica_key = theirs.client("kms").create_key()["KeyMetadata"]["Arn"]
    _make_bucket(theirs, DESTINATION, "eu-central-1")
    theirs.client("s3").put_bucket_policy(
        Bucket=DESTINATION,
        Policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": ROLE_ARN},
                "Action": "s3:Replicate*",
                "Resource": f"arn:aws:s3:::{DESTINATION}/*",
            }
        ),
    )
    _make_role(ours)
    s3 = _make_bucket(ours, SOURCE, "eu-west-1")
    s3.put_bucket_encryption(
        Bucket=SOURCE,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": source_key,
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    s3.put_bucket_replication(
        Bucket=SOURCE,
        ReplicationConfiguration={
            "Role": ROLE_ARN,
            "Rules": [
                {
                    "ID": "to-frankfurt",
                    "Priority": 1,
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
                    "Destination": {
                        "Bucket": f"arn:aws:s3:::{DESTINATION}",
                        "Account": MEMBER,
                        "EncryptionConfiguration": {"ReplicaKmsKeyID": replica_key},
                    },
                }
            ],
        },
    )
    s3.put_object(
        Bucket=SOURCE, Key=KEY, Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=source_key
    )


def _make_bucket(session: boto3.Session, name: str, region: Any) -> Any:
    s3 = session.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


def _make_role(session: boto3.Session) -> None:
    iam = session.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    name = "orders-replication"
    iam.create_role(RoleName=name, Path="/replication/", AssumeRolePolicyDocument=policy(trust))
    allowed = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(allowed))
    managed = iam.create_policy(PolicyName="managed", PolicyDocument=policy(allowed))
    iam.attach_role_policy(RoleName=name, PolicyArn=managed["Policy"]["Arn"])


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def session_in(account: str, region: str) -> boto3.Session:
    answer = boto3.client("sts", region_name=region).assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{READER}", RoleSessionName="test"
    )
    credentials = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
    )


def taken(
    session: boto3.Session | None = None, *, key: str | None = None, reader: str | None = READER
) -> tuple[dict[str, Any], list[str]]:
    """The snapshot after a journey through JSON, and what was left out of it."""
    reading = Reading()
    accounts = Accounts(
        session=session or boto3.Session(region_name="eu-west-1"),
        home=HOME,
        reader_role=reader,
        external_id=None,
    )
    snapshot = take(Wanted(bucket=SOURCE, key=key), accounts, reading)
    return json.loads(json.dumps(snapshot)), reading.left_out


@pytest.mark.usefixtures("aws")
def test_a_snapshot_has_every_part_and_reads_back_as_a_set_up() -> None:
    snapshot, left_out = taken(key=KEY)

    setup = setup_of(snapshot)

    assert left_out == []
    assert isinstance(setup.replication, ReplicationSetup)
    assert setup.replication.role_arn == ROLE_ARN
    assert isinstance(setup.source.bucket, Bucket)
    assert setup.source.bucket.region == "eu-west-1"
    assert isinstance(setup.source.bucket.policy, Absent)
    destination = setup.end(DESTINATION).bucket
    assert isinstance(destination, Bucket)
    assert (destination.account, destination.region) == (MEMBER, "eu-central-1")
    assert isinstance(setup.role, RoleParts)
    assert isinstance(setup.role.identity_policies, tuple)
    assert [each.name for each in setup.role.identity_policies] == [
        "inline",
        f"arn:aws:iam::{HOME}:policy/managed",
    ]
    assert isinstance(setup.object, ObjectVersion)
    assert setup.object.key == KEY
    assert setup.object.kms_key_arn in setup.keys
    assert setup.trails == ()
    assert snapshot["denials"] == []


@pytest.mark.usefixtures("aws")
def test_a_preflight_of_a_snapshot_finds_what_is_missing_in_it() -> None:
    snapshot, _ = taken()

    found = {each.kind.value for each in preflight(setup_of(snapshot)).findings}

    assert {"metrics-off", "notification-missing", "trail-missing"} <= found


def refusing(*operations: str) -> boto3.Session:
    """A session whose calls of these operations are denied."""
    session = boto3.Session(region_name="eu-west-1")

    def deny(model: Any, **_: object) -> None:
        answer = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(answer, model.name)  # type: ignore[arg-type]  # the stubs want every field

    for operation in operations:
        session.events.register(f"before-call.{operation}", deny)
    return session


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("operation", "part"),
    [
        ("s3.GetBucketPolicy", "source.policy"),
        ("s3.GetBucketReplication", "source.replication"),
        ("s3.GetBucketLocation", "source.region"),
        ("s3.HeadObject", "object"),
        ("iam.GetRole", "role"),
        ("iam.ListRolePolicies", "role.identityPolicies"),
        ("kms.DescribeKey", "keys[0].metadata"),
        ("kms.GetKeyPolicy", "keys[0].policy"),
        ("kms.ListGrants", "keys[0].grants"),
        ("cloudtrail.DescribeTrails", "trails"),
        ("cloudtrail.LookupEvents", "denials"),
        ("sts.AssumeRole", "destinations[0].policy"),
    ],
)
def test_what_is_refused_is_left_out_and_listed(operation: str, part: str) -> None:
    snapshot, left_out = taken(refusing(operation), key=KEY)

    assert part in {each.partition(":")[0] for each in left_out}
    assert not _has(snapshot, part)
    setup_of(snapshot)


def _has(snapshot: Any, part: str) -> bool:
    for name in part.replace("[0]", ".0").split("."):
        if isinstance(snapshot, list):
            snapshot = snapshot[int(name)]
        elif name not in snapshot:
            return False
        else:
            snapshot = snapshot[name]
    return True


class SharedKey:
    """KMS as another account's client sees a key that it may describe."""

    def __init__(self, arn: str) -> None:
        self.arn = arn

    def describe_key(self, **_: str) -> dict[str, Any]:
        return {"KeyMetadata": {"Arn": self.arn}}

    def get_paginator(self, _: str) -> "SharedKey":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"Grants": []}]


def test_a_foreign_key_s_policy_is_not_asked_for_without_a_role_there() -> None:
    arn = f"arn:aws:kms:eu-central-1:{MEMBER}:key/22222222-2222-4222-8222-222222222222"
    reading = Reading()
    accounts = Accounts(
        session=boto3.Session(region_name="eu-west-1"),
        home=HOME,
        reader_role=None,
        external_id=None,
        made={("kms", MEMBER, "eu-central-1"): SharedKey(arn)},
    )

    part = read_key(
        KeyName(name=arn, account=MEMBER, region="eu-central-1"), "keys[0]", accounts, reading
    )

    assert part == {"arn": arn, "metadata": {"Arn": arn}, "grants": []}
    assert reading.left_out == [
        f"keys[0].policy: only account {MEMBER} may read it: give --reader-role-name"
    ]


@pytest.mark.usefixtures("aws")
def test_an_object_that_does_not_exist_is_null_and_so_absent() -> None:
    snapshot, _ = taken(key="no such key")

    assert snapshot["object"] is None
    assert isinstance(setup_of(snapshot).object, Absent)


@pytest.mark.usefixtures("aws")
def test_without_an_object_asked_for_it_is_unknown() -> None:
    snapshot, _ = taken()

    assert isinstance(setup_of(snapshot).object, Unavailable)


@pytest.mark.usefixtures("aws")
def test_the_command_writes_the_file_and_lists_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "setup.json"

    status = main(["snapshot", "--bucket", SOURCE, "--object", KEY, "--out", str(file)])

    told = capsys.readouterr()
    assert status == 0
    assert told.out == ""
    assert all(line.startswith("replimend: left out ") for line in told.err.splitlines())
    assert setup_of(json.loads(file.read_text())).source_bucket == SOURCE


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--bucket", "no-such-bucket"], "--bucket: no-such-bucket does not exist"),
        (["--bucket", SOURCE, "--out", "/no/such/folder/x.json"], "--out: /no/such/folder/x.json"),
        (["--bucket", SOURCE, "--version-id", "v"], "--version-id goes with --object"),
        ([], "'--bucket'"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["snapshot", *arguments])

    told = capsys.readouterr()
    assert status == 2
    assert names in told.err
    assert told.err.count("\n") == 1
