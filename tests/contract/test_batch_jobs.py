"""S3 Batch Replication jobs: what is asked of S3, and how its reports are read."""

import io
import json

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY

from replimend.domain.recopy.objects import JobPhase, Manifest, ReportPosition
from replimend.errors import ThrottledError
from replimend.gateways.batch_jobs import S3BatchJobs
from tests.facts import HOME
from tests.stubs import StubbedClients

BATCH_ROLE = f"arn:aws:iam::{HOME}:role/replimend-BatchJobRole"


def batch_jobs(clients: StubbedClients) -> S3BatchJobs:
    return S3BatchJobs(
        clients=clients, account=HOME, work_bucket="replimend-work", role_arn=BATCH_ROLE
    )


MANIFEST = Manifest(object_key="manifests/orders-ireland/1.csv", etag='"e1"', objects=2)


def test_a_job_is_started_over_a_stored_manifest(clients: StubbedClients) -> None:
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
                "ObjectArn": "arn:aws:s3:::replimend-work/manifests/orders-ireland/1.csv",
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
        Description="Replimend re-copies 2 version(s) of orders-ireland",
    )

    assert batch_jobs(clients).start("orders-ireland", MANIFEST, "token-1") == "job-1"


def test_a_job_too_many_is_throttling(clients: StubbedClients) -> None:
    clients.refuses("s3control", "create_job", "TooManyRequestsException", 429)

    with pytest.raises(ThrottledError):
        batch_jobs(clients).start("orders-ireland", MANIFEST, "token-1")


def test_a_job_is_cancelled_with_the_reason(clients: StubbedClients) -> None:
    clients.answers(
        "s3control",
        "update_job_status",
        {"JobId": "job-1", "Status": "Cancelling"},
        AccountId=HOME,
        JobId="job-1",
        RequestedJobStatus="Cancelled",
        StatusUpdateReason="paused by anna",
    )

    batch_jobs(clients).cancel("job-1", "paused by anna")


def test_a_job_that_is_ending_needs_no_cancelling(clients: StubbedClients) -> None:
    clients.refuses("s3control", "update_job_status", "JobStatusException")

    batch_jobs(clients).cancel("job-1", "paused by anna")


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


INDEX = {
    "Results": [
        {"TaskExecutionStatus": "succeeded", "Key": "reports/job-job-1/a.csv"},
        {"TaskExecutionStatus": "failed", "Key": "reports/job-job-1/b.csv"},
    ]
}
SUCCEEDED = (
    'orders-ireland,a%20b%2Bc.pdf,v1,succeeded,,200,"Successful"\n'
    'orders-ireland,b.pdf,v2,succeeded,,200,"two\nlines"\n'
)
REFUSED = "orders-ireland,d.pdf,v3,failed,DstPutObjectNotPermitted,403,no\n"


def report_from(clients: StubbedClients, *parts: tuple[str, int, str]) -> None:
    """The index and what is asked for of each part: its name, from which byte, its content."""
    clients.answers(
        "s3",
        "get_object",
        stored(json.dumps(INDEX)),
        Bucket="replimend-work",
        Key="reports/job-job-1/manifest.json",
        ExpectedBucketOwner=HOME,
    )
    for name, offset, content in parts:
        clients.answers(
            "s3",
            "get_object",
            stored(content.encode()[offset:].decode()),
            Bucket="replimend-work",
            Key=f"reports/job-job-1/{name}",
            ExpectedBucketOwner=HOME,
            Range=f"bytes={offset}-",
        )


def test_a_report_is_read_row_by_row_with_decoded_keys(clients: StubbedClients) -> None:
    report_from(clients, ("a.csv", 0, SUCCEEDED), ("b.csv", 0, REFUSED))

    rows = [row for row, _ in batch_jobs(clients).report_of("job-1", ReportPosition())]

    assert [(row.key, row.version_id, row.succeeded, row.error_code) for row in rows] == [
        ("a b+c.pdf", "v1", True, ""),
        ("b.pdf", "v2", True, ""),
        ("d.pdf", "v3", False, "DstPutObjectNotPermitted"),
    ]
    assert rows[1].message == "two\nlines"


def test_a_report_is_read_on_from_the_place_behind_any_row(clients: StubbedClients) -> None:
    jobs = batch_jobs(clients)
    report_from(clients, ("a.csv", 0, SUCCEEDED), ("b.csv", 0, REFUSED))
    places = [place for _, place in jobs.report_of("job-1", ReportPosition())]
    assert places == sorted(places)

    first = places[0].offset
    report_from(clients, ("a.csv", first, SUCCEEDED), ("b.csv", 0, REFUSED))

    assert [row.key for row, _ in jobs.report_of("job-1", places[0])] == ["b.pdf", "d.pdf"]


def test_a_place_at_the_end_of_a_file_goes_on_with_the_next(clients: StubbedClients) -> None:
    jobs = batch_jobs(clients)
    report_from(clients)
    clients.refuses("s3", "get_object", "InvalidRange", 416)
    clients.answers("s3", "get_object", stored(REFUSED))

    end = ReportPosition(offset=len(SUCCEEDED.encode()))

    assert [row.key for row, _ in jobs.report_of("job-1", end)] == ["d.pdf"]


def test_a_job_without_a_report_reported_nothing(clients: StubbedClients) -> None:
    clients.refuses("s3", "get_object", "NoSuchKey", 404)

    assert list(batch_jobs(clients).report_of("job-1", ReportPosition())) == []
