"""S3 Batch Replication jobs: what is asked of S3, and how its reports are read."""

import io
import json

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY

from replimend.domain.recopy import JobPhase, TaskResult, manifest_of
from replimend.errors import ThrottledError
from replimend.gateways.batch_jobs import S3BatchJobs
from tests.facts import HOME
from tests.incidents import a_held_object
from tests.stubs import StubbedClients

BATCH_ROLE = f"arn:aws:iam::{HOME}:role/replimend-BatchJobRole"


def batch_jobs(clients: StubbedClients) -> S3BatchJobs:
    return S3BatchJobs(
        clients=clients, account=HOME, work_bucket="replimend-work", role_arn=BATCH_ROLE
    )


def test_a_job_is_started_over_a_manifest_that_no_kms_key_encrypts(
    clients: StubbedClients,
) -> None:
    held = [a_held_object(), a_held_object(key="b.pdf")]
    clients.answers(
        "s3",
        "put_object",
        {"ETag": '"e1"'},
        Bucket="replimend-work",
        Key="manifests/orders-ireland/token-1.csv",
        Body=manifest_of(held).encode(),
        ContentType="text/csv",
        ServerSideEncryption="AES256",
        ExpectedBucketOwner=HOME,
    )
    clients.answers(
        "s3control",
        "create_job",
        {"JobId": "job-1"},
        AccountId=HOME,
        ConfirmationRequired=False,
        Operation={"S3ReplicateObject": {}},
        Manifest={
            "Spec": {
                "Format": "S3BatchOperations_CSV_20180820",
                "Fields": ["Bucket", "Key", "VersionId"],
            },
            "Location": {
                "ObjectArn": "arn:aws:s3:::replimend-work/manifests/orders-ireland/token-1.csv",
                "ETag": '"e1"',
            },
        },
        Report={
            "Bucket": "arn:aws:s3:::replimend-work",
            "Prefix": "reports",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "ReportScope": "AllTasks",
        },
        Priority=ANY,
        RoleArn=BATCH_ROLE,
        ClientRequestToken="token-1",
        Description=ANY,
    )

    assert batch_jobs(clients).start("orders-ireland", held, "token-1") == "job-1"


def test_a_job_too_many_is_throttling(clients: StubbedClients) -> None:
    clients.answers("s3", "put_object", {"ETag": '"e1"'})
    clients.refuses("s3control", "create_job", "TooManyRequestsException", 429)

    with pytest.raises(ThrottledError):
        batch_jobs(clients).start("orders-ireland", [a_held_object()], "token-1")


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("New", JobPhase.RUNNING),
        ("Suspended", JobPhase.RUNNING),
        ("Active", JobPhase.RUNNING),
        ("Failing", JobPhase.RUNNING),
        ("Complete", JobPhase.COMPLETE),
        ("Failed", JobPhase.STOPPED),
        ("Cancelled", JobPhase.STOPPED),
    ],
)
def test_only_three_statuses_end_a_job(
    clients: StubbedClients, status: str, phase: JobPhase
) -> None:
    clients.answers(
        "s3control", "describe_job", {"Job": {"Status": status}}, AccountId=HOME, JobId="job-1"
    )

    assert batch_jobs(clients).state_of("job-1").phase is phase


def test_a_failed_job_says_why(clients: StubbedClients) -> None:
    reasons = [{"FailureCode": "ReadingManifest", "FailureReason": "no such key"}]
    progress = {"TotalNumberOfTasks": 3, "NumberOfTasksSucceeded": 1, "NumberOfTasksFailed": 2}
    clients.answers(
        "s3control",
        "describe_job",
        {"Job": {"Status": "Failed", "FailureReasons": reasons, "ProgressSummary": progress}},
    )

    state = batch_jobs(clients).state_of("job-1")

    assert (state.succeeded, state.failed, state.total) == (1, 2, 3)
    assert state.because == "ReadingManifest no such key"


def stored(text: str) -> dict[str, object]:
    content = text.encode()
    return {"Body": StreamingBody(io.BytesIO(content), len(content))}


def test_a_report_is_read_row_by_row_with_decoded_keys(clients: StubbedClients) -> None:
    index = {"Results": [{"TaskExecutionStatus": "succeeded", "Key": "reports/job-job-1/a.csv"}]}
    rows = (
        'orders-ireland,a%20b%2Bc.pdf,v1,succeeded,,200,"Successful"\n'
        'orders-ireland,d.pdf,v2,failed,DstPutObjectNotPermitted,400,"two\nlines"\n'
    )
    clients.answers(
        "s3",
        "get_object",
        stored(json.dumps(index)),
        Bucket="replimend-work",
        Key="reports/job-job-1/manifest.json",
        ExpectedBucketOwner=HOME,
    )
    clients.answers(
        "s3",
        "get_object",
        stored(rows),
        Bucket="replimend-work",
        Key="reports/job-job-1/a.csv",
        ExpectedBucketOwner=HOME,
    )

    assert list(batch_jobs(clients).report_of("job-1")) == [
        TaskResult(
            bucket="orders-ireland",
            key="a b+c.pdf",
            version_id="v1",
            succeeded=True,
            error_code="",
            message="Successful",
        ),
        TaskResult(
            bucket="orders-ireland",
            key="d.pdf",
            version_id="v2",
            succeeded=False,
            error_code="DstPutObjectNotPermitted",
            message="two\nlines",
        ),
    ]


def test_a_job_without_a_report_reported_nothing(clients: StubbedClients) -> None:
    clients.refuses("s3", "get_object", "NoSuchKey", 404)

    assert list(batch_jobs(clients).report_of("job-1")) == []
