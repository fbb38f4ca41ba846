"""What no batch job brings over, on the lab: copied or rewritten by consent, else proposed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from cli.records import incident_record
from lab.documents import Fields
from lab.lab import Lab
from lab.scenario import Scenario
from replimend.domain.incident import Status
from tests.integration.on_lab import ask_about_the_first, incidents, ledger_of, the_record

A_STEP, PATIENCE = timedelta(seconds=5), 200
HALF_A_DAY = timedelta(hours=12)
BROKEN: Fields = {
    "objects": [{"key": "orders/{n}.json", "count": 3, "tags": {"team": "a b"}}],
    "broken": {"keys.destination.policy.AdmitTheReplicationRole": None},
}
COPIES = "replicate,copy"
REWRITES = "replicate,in_place"
READS = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]
WRITES = ["s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"]
LISTS = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketOwnershipControls"]


@contextmanager
def a_lab(**parameters: str) -> Iterator[Lab]:
    """Three versions that failed, and a stack that may repair what made them fail."""
    with Lab.from_scenario(Scenario.read(BROKEN, name="methods")) as lab:
        lab.run()
        lab.deploy({**lab.scenario.limits["repair"], **parameters})
        yield lab


def our_role(lab: Lab) -> str:
    return lab.stack.resource("RecopyFunctionRole").physical.arn


def statement(sid: str, principal: str, actions: list[str], resource: str) -> Fields:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": list(actions),
        "Resource": resource,
    }


def admit_copies(lab: Lab) -> None:
    """What the destination's owner does who wants them: admits our role to bucket and key."""
    world, ours = lab.scenario.world, our_role(lab)
    there, key = world.buckets["destination"], str(world.keys["destination"].arn)
    s3 = lab.client("s3", there.account, there.region)
    policy = json.loads(s3.get_bucket_policy(Bucket=there.name)["Policy"])
    policy["Statement"] += [
        statement("AdmitCopies", ours, READS + WRITES, f"{there.arn}/*"),
        statement("AdmitLooks", ours, LISTS, there.arn),
    ]
    s3.put_bucket_policy(Bucket=there.name, Policy=json.dumps(policy))
    kms = lab.client("kms", there.account, there.region)
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    uses = ["kms:GenerateDataKey", "kms:Decrypt"]
    policy["Statement"].append(statement("AdmitCopies", ours, uses, "*"))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def let_no_job_start(lab: Lab) -> None:
    """What an organisation's guardrail may do."""
    no_job = {"Effect": "Deny", "Action": "s3:CreateJob", "Resource": "*"}
    lab.client("iam").put_role_policy(
        RoleName=our_role(lab).rpartition("/")[2],
        PolicyName="no-jobs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [no_job]}),
    )


def delete_for_good_over_there(lab: Lab, key: str) -> None:
    there = lab.scenario.world.buckets["destination"]
    s3 = lab.client("s3", there.account, there.region)
    for each in lab.versions:
        if each.key == key:
            s3.delete_object(Bucket=there.name, Key=key, VersionId=each.version_id)


def run_until(lab: Lab, *statuses: Status) -> None:
    for _ in range(PATIENCE):
        if incidents(lab) and incidents(lab)[0].status in statuses:
            return
        lab.run(A_STEP)
    raise AssertionError(f"the incident never was {statuses}: {incidents(lab)}")


def endings(record: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["key"]: (each["outcome"], each["says"] or "") for each in record["objects"]}


def replicas(lab: Lab) -> dict[str, Any]:
    """What HeadObject shows of the destination's current versions, by key."""
    there = lab.scenario.world.buckets["destination"]
    s3 = lab.client("s3", there.account, there.region)
    return {each.key: s3.head_object(Bucket=there.name, Key=each.key) for each in lab.versions}


def test_where_no_job_may_start_the_versions_are_copied_by_consent() -> None:
    with a_lab(RecopyMethods=COPIES) as lab:
        admit_copies(lab)
        let_no_job_start(lab)
        ask_about_the_first(lab)
        lab.run(HALF_A_DAY)

        record = the_record(lab)
        heads = replicas(lab)
        key = str(lab.scenario.world.keys["destination"].arn)

    assert record["incident"]["status"] == Status.RESOLVED, record["incident"]["summary"]
    assert {kind for kind, _ in endings(record).values()} == {"copied"}
    assert "S3 started no job" in record["progress"]["methods"][0]
    for head in heads.values():
        assert (head["SSEKMSKeyId"], head["TagCount"]) == (key, 1)
        assert "ReplicationStatus" not in head


def test_where_no_job_may_start_and_nobody_consents_the_copies_are_proposed() -> None:
    with a_lab() as lab:
        admit_copies(lab)
        let_no_job_start(lab)
        ask_about_the_first(lab)
        lab.run(HALF_A_DAY)

        incident = the_record(lab)["incident"]

    assert incident["status"] == Status.ESCALATED
    assert "CreateJob was denied" in incident["summary"]
    assert "copy would do it, by your consent (RecopyMethods)" in incident["summary"]


def test_a_destination_that_does_not_admit_us_ends_with_its_refusal() -> None:
    with a_lab(RecopyMethods=COPIES) as lab:
        let_no_job_start(lab)
        ask_about_the_first(lab)
        lab.run(HALF_A_DAY)

        record = the_record(lab)

    assert record["incident"]["status"] == Status.ESCALATED
    assert "1 of 1 copies failed" in record["incident"]["summary"]


def approved(lab: Lab) -> None:
    run_until(lab, Status.AWAITING_APPROVAL)
    (incident,) = incidents(lab)
    lab.invoke(
        "RepairFunction",
        {
            "action": "approve",
            "incidentId": incident.incident_id,
            "planHash": incident.plan_hash,
            "by": "operator",
        },
    )


def test_what_was_deleted_for_good_over_there_is_rewritten_in_an_approved_incident() -> None:
    with a_lab(RecopyMethods=REWRITES, RepairMode="approve") as lab:
        delete_for_good_over_there(lab, "orders/3.json")
        ask_about_the_first(lab)
        approved(lab)
        lab.run(HALF_A_DAY)

        # S3 tells of the refused task as of any failure, which is an incident of its own.
        (repaired,) = (each for each in incidents(lab) if each.approved_by)
        record = incident_record(repaired, ledger_of(lab))
        head = replicas(lab)["orders/3.json"]

    ended = endings(record)
    assert record["incident"]["status"] == Status.RESOLVED, record["incident"]["summary"]
    assert {ended[key][0] for key in ("orders/1.json", "orders/2.json")} == {"replicated"}
    kind, says = ended["orders/3.json"]
    assert kind == "copied"
    assert "method in_place" in says
    assert head["ReplicationStatus"] == "REPLICA"


def test_without_consent_a_rewrite_is_proposed_in_words() -> None:
    with a_lab() as lab:
        delete_for_good_over_there(lab, "orders/3.json")
        ask_about_the_first(lab)
        lab.run(HALF_A_DAY)

        found = incidents(lab)

    escalated = [each for each in found if each.status is Status.ESCALATED]
    assert escalated, [each.status for each in found]
    assert "onto itself" in escalated[0].next_step
