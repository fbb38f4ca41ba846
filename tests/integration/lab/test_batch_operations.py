"""S3 Batch Operations in the lab: jobs, their statuses, reports and refusals."""

import csv
import io
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from lab.behaviour import AlreadyReplicated, Behaviour, ReportColumns
from tests.integration.lab.pair import (
    SOURCE,
    SOURCE_ACCOUNT,
    SOURCE_KEY,
    SOURCE_REGION,
    TARGET,
    TARGET_ACCOUNT,
    TARGET_KEY_STATEMENTS,
    Pair,
    allow,
    document,
    pair,
    root_of,
    rule,
    trust,
)

WORK = "work-111111111111"
JOB_ROLE = f"arn:aws:iam::{SOURCE_ACCOUNT}:role/batch"
CSV = "S3BatchOperations_CSV_20180820"
JOB_STATEMENTS = (
    allow(["s3:InitiateReplication"], f"arn:aws:s3:::{SOURCE}/*"),
    allow(["s3:GetObject"], f"arn:aws:s3:::{WORK}/manifests/*"),
    allow(["s3:PutObject"], f"arn:aws:s3:::{WORK}/reports/*"),
)
CODE, STATUS = 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where an operator runs batch jobs in a world whose destination key refuses the role."""

    world: Pair

    def manifest(self, *rows: tuple[str, str], **more: Any) -> dict[str, Any]:
        """A CSV manifest of these keys and version ids, uploaded."""
        text = io.StringIO()
        csv.writer(text).writerows((SOURCE, quote(key, safe="/"), version) for key, version in rows)
        return self.upload(text.getvalue(), **more)

    def upload(self, text: str, **more: Any) -> dict[str, Any]:
        encryption = {"ServerSideEncryption": "AES256"}
        etag = self.world.source.put_object(
            Bucket=WORK, Key="manifests/m.csv", Body=text.encode(), **(encryption | more)
        )["ETag"]
        location = {"ObjectArn": f"arn:aws:s3:::{WORK}/manifests/m.csv", "ETag": etag.strip('"')}
        return {
            "Spec": {"Format": CSV, "Fields": ["Bucket", "Key", "VersionId"]},
            "Location": location,
        }

    def create(self, manifest: dict[str, Any], **more: Any) -> str:
        """The id of a new job."""
        asked = {
            "AccountId": SOURCE_ACCOUNT,
            "ConfirmationRequired": False,
            "Operation": {"S3ReplicateObject": {}},
            "Manifest": manifest,
            "Report": {
                "Bucket": f"arn:aws:s3:::{WORK}",
                "Prefix": "reports",
                "Format": "Report_CSV_20180820",
                "Enabled": True,
                "ReportScope": "AllTasks",
            },
            "Priority": 10,
            "RoleArn": JOB_ROLE,
            "ClientRequestToken": "token",
        }
        return str(self.world.jobs.create_job(**(asked | more))["JobId"])

    def run(self, manifest: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A job at its end, as `DescribeJob` shows it."""
        job_id = self.create(manifest, **more)
        self.world.wait()
        return self.describe(job_id)

    def describe(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = self.world.jobs.describe_job(AccountId=SOURCE_ACCOUNT, JobId=job_id)[
            "Job"
        ]
        return job

    def report(self, job: dict[str, Any]) -> list[list[str]]:
        """The rows of the job's completion report."""
        folder = f"reports/job-{job['JobId']}"
        manifest = json.loads(self.read(f"{folder}/manifest.json"))
        return [
            row
            for result in manifest["Results"]
            for row in csv.reader(io.StringIO(self.read(result["Key"])))
        ]

    def read(self, key: str) -> str:
        body: bytes = self.world.source.get_object(Bucket=WORK, Key=key)["Body"].read()
        return body.decode()


def furnished(world: Pair) -> Desk:
    """A desk in this world: a work bucket, a job role, and a destination key that refuses."""
    world.source.create_bucket(
        Bucket=WORK, CreateBucketConfiguration={"LocationConstraint": SOURCE_REGION}
    )
    world.iam.create_role(
        RoleName="batch", AssumeRolePolicyDocument=trust("batchoperations.s3.amazonaws.com")
    )
    set_job_role(world, *JOB_STATEMENTS)
    world.set_target_key_policy(root_of(TARGET_ACCOUNT))
    return Desk(world=world)


def set_job_role(world: Pair, *statements: dict[str, Any]) -> None:
    world.iam.put_role_policy(
        RoleName="batch", PolicyName="batch", PolicyDocument=document(*statements)
    )
    world.settle()


def mend(world: Pair) -> None:
    world.set_target_key_policy(*TARGET_KEY_STATEMENTS)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as refusal:
        call()
    return str(refusal.value.response["Error"]["Code"])


@pytest.fixture
def desk() -> Generator[Desk]:
    with pair() as world:
        yield furnished(world)


def failed_object(desk: Desk, key: str = "orders/1.json") -> tuple[str, str]:
    version_id = desk.world.put(key)
    desk.world.wait()
    return key, version_id


def test_a_job_replicates_what_had_failed(desk: Desk) -> None:
    rows = [failed_object(desk, key) for key in ("a b+c.json", 'quo"te,comma.json', "été/#%.json")]
    mend(desk.world)

    job = desk.run(desk.manifest(*rows))

    assert job["Status"] == "Complete"
    assert job["ProgressSummary"] | {"Timers": {}} == {
        "TotalNumberOfTasks": 3,
        "NumberOfTasksSucceeded": 3,
        "NumberOfTasksFailed": 0,
        "Timers": {},
    }
    for key, version_id in rows:
        assert desk.world.status(key) == "COMPLETED"
        replica = desk.world.head(TARGET, key)
        assert (replica["VersionId"], replica["ReplicationStatus"]) == (version_id, "REPLICA")


def test_a_job_passes_through_its_statuses_and_cloudtrail_tells_each(desk: Desk) -> None:
    manifest = desk.manifest(failed_object(desk))
    desk.world.trail.clear()

    job = desk.run(manifest)

    told = [event for _, _, event in desk.world.trail if event["source"] == "aws.s3"]
    assert [
        (each["detail"]["eventName"], each["detail"]["serviceEventDetails"]["status"])
        for each in told
    ] == [
        ("JobCreated", "New"),
        ("JobStatusChanged", "Preparing"),
        ("JobStatusChanged", "Ready"),
        ("JobStatusChanged", "Active"),
        ("JobStatusChanged", "Completing"),
        ("JobStatusChanged", "Complete"),
    ]
    last = told[-1]
    assert last["detail-type"] == "AWS Service Event via CloudTrail"
    assert (last["account"], last["region"]) == (SOURCE_ACCOUNT, SOURCE_REGION)
    assert last["detail"]["eventType"] == "AwsServiceEvent"
    assert last["detail"]["userIdentity"] == {
        "accountId": SOURCE_ACCOUNT,
        "invokedBy": "s3.amazonaws.com",
    }
    details = last["detail"]["serviceEventDetails"]
    assert set(details) == {
        "jobId",
        "jobArn",
        "status",
        "jobEventId",
        "failureCodes",
        "statusChangeReason",
    }
    assert (details["jobId"], details["jobArn"]) == (job["JobId"], job["JobArn"])


def test_complete_does_not_mean_success(desk: Desk) -> None:
    manifest = desk.manifest(failed_object(desk))
    desk.world.told.clear()

    job = desk.run(manifest)

    assert (job["Status"], job["ProgressSummary"]["NumberOfTasksFailed"]) == ("Complete", 1)
    (row,) = desk.report(job)
    assert row[:4] == [SOURCE, "orders/1.json", manifest_version(desk), "failed"]
    assert (row[CODE], row[STATUS]) == ("DstPutObjectNotPermitted", "403")
    assert desk.world.reasons() == ["DstPutObjectNotPermitted"]


def test_the_report_lists_successes_and_failures_in_files_that_its_manifest_names(
    desk: Desk,
) -> None:
    kept, gone = failed_object(desk, "kept key"), failed_object(desk, "gone")
    desk.world.source.delete_object(Bucket=SOURCE, Key="gone", VersionId=gone[1])
    mend(desk.world)

    job = desk.run(desk.manifest(kept, gone))

    folder = f"reports/job-{job['JobId']}"
    manifest = json.loads(desk.read(f"{folder}/manifest.json"))
    assert manifest["Format"] == "Report_CSV_20180820"
    assert [each["TaskExecutionStatus"] for each in manifest["Results"]] == ["succeeded", "failed"]
    assert all(each["Key"].startswith(f"{folder}/results/") for each in manifest["Results"])
    assert {(row[1], row[3], row[CODE], row[STATUS]) for row in desk.report(job)} == {
        ("kept%20key", "succeeded", "", "200"),
        ("gone", "failed", "SrcKeyNotFound", "404"),
    }
    head = desk.world.source.head_object(Bucket=WORK, Key=f"{folder}/manifest.json")
    assert head["ServerSideEncryption"] == "AES256"


def test_a_report_of_failures_only_lists_no_successes(desk: Desk) -> None:
    row = failed_object(desk)
    mend(desk.world)
    report = {
        "Bucket": f"arn:aws:s3:::{WORK}",
        "Prefix": "reports",
        "Format": "Report_CSV_20180820",
        "Enabled": True,
        "ReportScope": "FailedTasksOnly",
    }

    job = desk.run(desk.manifest(row), Report=report)

    assert desk.report(job) == []


def test_a_version_that_is_there_already_succeeds(desk: Desk) -> None:
    row = failed_object(desk)
    mend(desk.world)
    desk.run(desk.manifest(row))

    again = desk.run(desk.manifest(row), ClientRequestToken="again")

    assert again["ProgressSummary"]["NumberOfTasksSucceeded"] == 1


def test_a_lab_may_be_told_that_a_version_there_already_is_not_pending() -> None:
    with pair(Behaviour(already_replicated=AlreadyReplicated.NOT_PENDING)) as world:
        row = ("orders/1.json", world.put())
        world.wait()
        desk = furnished(world)

        job = desk.run(desk.manifest(row))

        assert desk.report(job)[0][CODE] == "SrcReplicationNotPending"


def test_a_lab_may_be_told_to_write_the_columns_as_aws_samples_do() -> None:
    with pair(Behaviour(report_columns=ReportColumns.AS_SAMPLED)) as world:
        desk = furnished(world)
        row = failed_object(desk)

        job = desk.run(desk.manifest(row))

        assert desk.report(job)[0][CODE : STATUS + 1] == ["403", "DstPutObjectNotPermitted"]


def test_a_lab_may_be_told_that_batch_failures_notify_nobody() -> None:
    with pair(Behaviour(batch_failures_notify=False)) as world:
        desk = furnished(world)
        row = failed_object(desk)
        world.told.clear()

        desk.run(desk.manifest(row))

        assert world.told == []


def test_a_replica_deleted_for_good_cannot_be_replicated_again(desk: Desk) -> None:
    mend(desk.world)
    key, version_id = failed_object(desk)
    desk.world.target.delete_object(Bucket=TARGET, Key=key, VersionId=version_id)

    job = desk.run(desk.manifest((key, version_id)))

    assert desk.report(job)[0][CODE] == "DstObjectHardDeleted"


def test_a_job_tries_every_rule_of_the_bucket(desk: Desk) -> None:
    second = "orders-second"
    desk.world.target.create_bucket(
        Bucket=second, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    desk.world.target.put_bucket_versioning(
        Bucket=second, VersioningConfiguration={"Status": "Enabled"}
    )
    elsewhere = rule()["Destination"] | {"Bucket": f"arn:aws:s3:::{second}"}
    desk.world.set_rule(rule(), rule(ID="second", Priority=2, Destination=elsewhere))
    mend(desk.world)
    row = failed_object(desk)

    job = desk.run(desk.manifest(row))

    assert desk.world.head(TARGET, row[0])["VersionId"] == row[1]
    assert desk.report(job)[0][CODE] == "DstPutObjectNotPermitted"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([], "SrcBucketReplicationConfigMissing"),
        ([rule(Filter={"Prefix": "elsewhere/"})], "SrcObjectNotEligible"),
        ([rule(Status="Disabled")], "SrcObjectNotEligible"),
    ],
    ids=["no configuration", "no rule covers it", "rule disabled"],
)
def test_what_no_rule_takes_cannot_be_replicated(
    desk: Desk, rules: list[dict[str, Any]], reason: str
) -> None:
    row = failed_object(desk)
    desk.world.source.delete_bucket_replication(Bucket=SOURCE)
    if rules:
        desk.world.set_rule(*rules)

    job = desk.run(desk.manifest(row))

    assert desk.report(job)[0][CODE] == reason


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("s3:InitiateReplication", "InitiateReplicationNotPermitted"),
        ("s3:GetObject", "AccessDenied"),
        ("s3:PutObject", "AccessDenied"),
    ],
)
def test_the_job_role_is_held_to_its_policies(desk: Desk, missing: str, reason: str) -> None:
    row = failed_object(desk)
    kept = [each for each in JOB_STATEMENTS if each["Action"] != [missing]]
    set_job_role(desk.world, *kept)

    job = desk.run(desk.manifest(row))

    if missing == "s3:InitiateReplication":
        assert desk.report(job)[0][CODE] == reason
    else:
        assert (job["Status"], job["FailureReasons"][0]["FailureCode"]) == ("Failed", reason)


def test_batch_operations_must_be_trusted_by_the_job_role(desk: Desk) -> None:
    row = failed_object(desk)
    desk.world.iam.update_assume_role_policy(
        RoleName="batch", PolicyDocument=trust("s3.amazonaws.com")
    )
    desk.world.settle()

    job = desk.run(desk.manifest(row))

    assert job["Status"] == "Failed"
    assert job["FailureReasons"][0]["FailureCode"] == "AssumeRoleNotPermitted"


@pytest.mark.parametrize(
    ("text", "encryption", "changed", "code"),
    [
        ("orders-ireland,a,v1\n", {}, {"ETag": "0" * 32}, "ManifestETag"),
        (
            "orders-ireland,a,v1\n",
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": SOURCE_KEY},
            {},
            "ManifestEncryption",
        ),
        ("orders-ireland,a\n", {}, {}, "InvalidManifest"),
        ("orders-ireland,a,v1\norders-ireland,b,\n", {}, {}, "InvalidManifest"),
        ("", {}, {}, "InvalidManifest"),
        (
            "orders-ireland,a,v1\n",
            {},
            {"ObjectArn": f"arn:aws:s3:::{WORK}/manifests/other.csv"},
            "ManifestNotFound",
        ),
    ],
    ids=["other ETag", "SSE-KMS", "too few fields", "some version ids", "empty", "not there"],
)
def test_a_manifest_that_cannot_be_used_fails_the_job(
    desk: Desk, text: str, encryption: dict[str, str], changed: dict[str, str], code: str
) -> None:
    manifest = desk.upload(text, **encryption)
    manifest["Location"] |= changed

    job = desk.run(manifest)

    assert (job["Status"], job["FailureReasons"][0]["FailureCode"]) == ("Failed", code)


def test_a_job_that_needs_confirmation_waits_for_it(desk: Desk) -> None:
    mend(desk.world)
    job_id = desk.create(desk.manifest(failed_object(desk)), ConfirmationRequired=True)
    desk.world.wait()
    waiting = desk.describe(job_id)["Status"]

    desk.world.jobs.update_job_status(
        AccountId=SOURCE_ACCOUNT, JobId=job_id, RequestedJobStatus="Ready"
    )
    desk.world.wait()

    assert (waiting, desk.describe(job_id)["Status"]) == ("Suspended", "Complete")


def test_a_cancelled_job_runs_nothing_more(desk: Desk) -> None:
    job_id = desk.create(desk.manifest(failed_object(desk)))

    answer = desk.world.jobs.update_job_status(
        AccountId=SOURCE_ACCOUNT,
        JobId=job_id,
        RequestedJobStatus="Cancelled",
        StatusUpdateReason="not now",
    )
    desk.world.wait()

    assert answer["Status"] == "Cancelling"
    job = desk.describe(job_id)
    assert (job["Status"], job["StatusUpdateReason"]) == ("Cancelled", "not now")
    assert job["ProgressSummary"]["TotalNumberOfTasks"] == 0
    again = code_of(
        lambda: desk.world.jobs.update_job_status(
            AccountId=SOURCE_ACCOUNT, JobId=job_id, RequestedJobStatus="Cancelled"
        )
    )
    assert again == "JobStatusException"


def test_the_same_token_gives_the_same_job_or_a_refusal(desk: Desk) -> None:
    manifest = desk.manifest(failed_object(desk))

    first, second = desk.create(manifest), desk.create(manifest)

    assert first == second
    assert code_of(lambda: desk.create(manifest, Priority=11)) == "IdempotencyException"


def test_an_account_has_six_active_jobs_at_most(desk: Desk) -> None:
    manifest = desk.manifest(failed_object(desk))
    for number in range(6):
        desk.create(manifest, ClientRequestToken=f"token-{number}")

    refused = code_of(lambda: desk.create(manifest, ClientRequestToken="one too many"))
    desk.world.wait()
    desk.create(manifest, ClientRequestToken="later")

    assert refused == "TooManyRequestsException"


def test_a_job_stops_when_most_of_its_first_thousand_tasks_failed(desk: Desk) -> None:
    rows = [(f"gone-{number}", "v1") for number in range(1200)]

    job = desk.run(desk.manifest(*rows))

    assert job["Status"] == "Failed"
    assert job["FailureReasons"][0]["FailureCode"] == "JobFailureThresholdExceeded"
    assert job["ProgressSummary"]["NumberOfTasksFailed"] == 1000
    assert len(desk.report(job)) == 1000


def test_a_thousand_tasks_take_their_time(desk: Desk) -> None:
    mend(desk.world)
    row = failed_object(desk)

    job_id = desk.create(desk.manifest(*[row] * 1000))
    desk.world.clock.advance(timedelta(seconds=35))
    halfway = desk.describe(job_id)["Status"]
    desk.world.wait()

    job = desk.describe(job_id)
    assert (halfway, job["Status"]) == ("Active", "Complete")
    assert job["ProgressSummary"]["Timers"]["ElapsedTimeInActiveSeconds"] >= 10


def test_tasks_have_no_order_but_the_same_one_each_time() -> None:
    rows = [(f"gone-{number}", "v1") for number in range(20)]
    orders = []
    for _ in range(2):
        with pair() as world:
            desk = furnished(world)
            job = desk.run(desk.manifest(*rows))
            orders.append([row[1] for row in desk.report(job)])

    assert orders[0] == orders[1]
    assert orders[0] != [key for key, _ in rows]


def test_jobs_are_listed_by_status_and_in_pages(desk: Desk) -> None:
    manifest = desk.manifest(failed_object(desk))
    done = desk.run(manifest)["JobId"]
    waiting = {desk.create(manifest, ClientRequestToken=f"token-{n}") for n in range(3)}
    asked = {"AccountId": SOURCE_ACCOUNT, "JobStatuses": ["New"], "MaxResults": 2}

    first = desk.world.jobs.list_jobs(**asked)
    second = desk.world.jobs.list_jobs(**asked, NextToken=first["NextToken"])
    complete = desk.world.jobs.list_jobs(AccountId=SOURCE_ACCOUNT, JobStatuses=["Complete"])["Jobs"]

    assert [len(page["Jobs"]) for page in (first, second)] == [2, 1]
    assert {job["JobId"] for page in (first, second) for job in page["Jobs"]} == waiting
    assert [(job["JobId"], job["Operation"]) for job in complete] == [(done, "S3ReplicateObject")]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Operation": {"S3PutObjectCopy": {}}}, "S3ReplicateObject only"),
        ({"Report": {"Enabled": True}}, "report"),
    ],
)
def test_what_the_lab_cannot_run_is_refused_in_so_many_words(
    desk: Desk, more: dict[str, Any], message: str
) -> None:
    manifest = desk.manifest(("a", "v"))

    with pytest.raises(ClientError, match=message) as refusal:
        desk.create(manifest, **more)

    assert refusal.value.response["Error"]["Code"] == "BadRequestException"


def test_an_injected_fault_is_met_once(desk: Desk) -> None:
    manifest = desk.manifest(failed_object(desk))
    desk.world.storage.batch.fail_next("CreateJob", "TooManyRequestsException")

    with pytest.raises(ClientError, match="TooManyRequestsException"):
        desk.create(manifest)

    assert desk.run(manifest)["Status"] == "Complete"


def test_a_job_of_another_region_is_unknown(desk: Desk) -> None:
    job_id = desk.create(desk.manifest(failed_object(desk)))
    elsewhere = desk.world.gate.client("s3control", SOURCE_ACCOUNT, "eu-central-1")

    unknown = code_of(lambda: elsewhere.describe_job(AccountId=SOURCE_ACCOUNT, JobId=job_id))

    assert unknown == "NotFoundException"


def manifest_version(desk: Desk) -> str:
    return str(desk.world.head(SOURCE, "orders/1.json")["VersionId"])
