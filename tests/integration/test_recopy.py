"""Batch jobs that are cancelled, throttled or stopped, on the lab."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lab.batch_jobs import Job, JobStatus
from lab.documents import Fields
from lab.lab import Lab
from lab.scenario import Scenario
from replimend.domain.incident import Status
from tests.integration.on_lab import ask_about_the_first, incidents, the_record

A_STEP, PATIENCE = timedelta(seconds=5), 200
COUNTS = {"replicated": 3}
BROKEN: Fields = {
    "objects": [{"key": "orders/{n}.json", "count": 3}],
    "broken": {"keys.destination.policy.AdmitTheReplicationRole": None},
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Three versions that failed, and a stack that may repair what made them fail."""
    with Lab.from_scenario(Scenario.read(BROKEN, name="recopy")) as lab:
        lab.run()
        lab.deploy(lab.scenario.limits["repair"])
        ask_about_the_first(lab)
        yield lab


def run_until(lab: Lab, *statuses: Status) -> None:
    for _ in range(PATIENCE):
        if incidents(lab)[0].status in statuses:
            return
        lab.run(A_STEP)
    raise AssertionError(f"the incident never was {statuses}")


def counted(record: dict[str, Any]) -> dict[str, int]:
    kinds = [each["outcome"] for each in record["objects"]]
    return {kind: kinds.count(kind) for kind in set(kinds)}


def test_a_pause_cancels_the_running_job_and_resume_copies_the_rest(lab: Lab) -> None:
    run_until(lab, Status.CANARY)
    lab.invoke("RepairFunction", {"action": "pause", "by": "operator"})
    lab.run(timedelta(minutes=10))
    (job,) = lab.storage.batch.jobs.values()
    assert job.status is JobStatus.CANCELLED
    assert incidents(lab)[0].status is Status.CANARY

    lab.invoke("RepairFunction", {"action": "resume", "by": "operator"})
    lab.run(timedelta(hours=2))

    assert incidents(lab)[0].status is Status.RESOLVED
    assert counted(the_record(lab)) == COUNTS


def test_a_job_that_s3_takes_no_more_of_is_started_later(lab: Lab) -> None:
    lab.storage.batch.fail_next("CreateJob", "TooManyRequestsException", times=12)

    lab.run(timedelta(hours=2))

    assert incidents(lab)[0].status is Status.RESOLVED
    assert counted(the_record(lab)) == COUNTS


def the_newest_job(lab: Lab) -> Job:
    return list(lab.storage.batch.jobs.values())[-1]


def test_a_job_that_somebody_cancels_is_a_persons_business(lab: Lab) -> None:
    run_until(lab, Status.RECOPYING)
    job = the_newest_job(lab)
    lab.client("s3control").update_job_status(
        AccountId=lab.home.place.account, JobId=job.job_id, RequestedJobStatus="Cancelled"
    )
    lab.run(timedelta(hours=2))

    assert job.status is JobStatus.CANCELLED
    assert incidents(lab)[0].status is Status.ESCALATED
    assert f"job {job.job_id} Cancelled" in incidents(lab)[0].summary


def test_a_job_that_failed_after_its_tasks_without_a_report_is_not_taken_for_a_success(
    lab: Lab,
) -> None:
    run_until(lab, Status.RECOPYING)
    lab.client("iam").put_role_policy(
        RoleName=lab.stack.resource("BatchJobRole").physical.arn.rpartition("/")[2],
        PolicyName="no-reports",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}],
            }
        ),
    )
    lab.run(timedelta(hours=2))

    job = the_newest_job(lab)
    assert (job.status, len(job.results)) == (JobStatus.FAILED, 2)
    assert incidents(lab)[0].status is Status.ESCALATED
    assert "may not write the report" in incidents(lab)[0].summary


def test_the_record_tells_how_far_the_recopy_has_come(lab: Lab) -> None:
    lab.run(timedelta(hours=2))

    progress = the_record(lab)["progress"]

    assert (progress["total"], progress["done"], progress["remaining"]) == (3, 3, 0)
    assert progress["outcomes"] == COUNTS
    assert (progress["jobs"], progress["jobsCost"]) == (2, 0.5)
