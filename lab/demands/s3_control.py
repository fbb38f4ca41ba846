"""What S3 Batch Operations calls demand."""

from collections.abc import Iterator

from lab.demands.identity import pass_role
from lab.demands.model import ANY, Demand, Rule
from lab.wire import ApiCall

BATCH_SERVICE = "batchoperations.s3.amazonaws.com"


def _create_job(call: ApiCall) -> Iterator[Demand]:
    """The action knows no resource: a statement that names `job/*` does not allow it."""
    yield Demand(
        action="s3:CreateJob",
        resource=ANY,
        owner=call.params["AccountId"],
        context={
            "s3:RequestJobOperation": "".join(call.params.get("Operation", {})),
            "s3:RequestJobPriority": str(call.params.get("Priority", "")),
        },
    )
    yield pass_role(call, call.params["RoleArn"], BATCH_SERVICE)


def _job_rule(action: str) -> Rule:
    def rule(call: ApiCall) -> Iterator[Demand]:
        account, job_id = call.params["AccountId"], call.params["JobId"]
        arn = f"arn:aws:s3:{call.region}:{account}:job/{job_id}"
        yield Demand(action=f"s3:{action}", resource=arn, owner=account)

    return rule


def _list_jobs(call: ApiCall) -> Iterator[Demand]:
    yield Demand(action="s3:ListJobs", resource=ANY, owner=call.params["AccountId"])


S3_CONTROL_RULES: dict[str, Rule] = {
    "CreateJob": _create_job,
    "DescribeJob": _job_rule("DescribeJob"),
    "ListJobs": _list_jobs,
    "UpdateJobPriority": _job_rule("UpdateJobPriority"),
    "UpdateJobStatus": _job_rule("UpdateJobStatus"),
}
