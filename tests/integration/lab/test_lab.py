"""The lab as a whole: scenarios made, failures heard, and what can break in a world."""

import dataclasses
import json
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.clock import RealClock
from lab.documents import Fields, Json
from lab.errors import LabError
from lab.identities import administrator_key
from lab.lab import FunctionFailedError, Lab
from lab.scenario import SCENARIOS, Scenario
from lab.serve import main
from lab.server import serve
from lab.trace import Passage
from tests.integration.lab.small_stack import build

ONE_OBJECT: list[Fields] = [{"key": "orders/1.json", "tags": {"kind": "order"}}]
ROLE = "arn:aws:iam::111111111111:role/replication/orders-replication"


@contextmanager
def lab(**content: object) -> Generator[Lab]:
    """A lab with the small stack, of a scenario with these parts."""
    fields = cast("Fields", {"objects": ONE_OBJECT, **content})
    # The small stack has none of the application's parameters.
    scenario = Scenario.read(fields, name="case")
    with Lab.from_scenario(replace_limits(scenario), build()) as opened:
        yield opened


def replace_limits(scenario: Scenario) -> Scenario:
    return dataclasses.replace(scenario, limits={"observe": {}, "repair": {}})


def replication_status(opened: Lab, number: int = 0) -> str | None:
    version = opened.versions[number]
    answer = opened.client("s3").head_object(
        Bucket="orders-ireland", Key=version.key, VersionId=version.version_id
    )
    return cast("str | None", answer.get("ReplicationStatus"))


def reasons(opened: Lab) -> list[str]:
    """The failure reasons that reached the function, in order."""
    found = []
    for delivery in opened.deliveries:
        for record in cast("list[Fields]", delivery.event["Records"]):
            body = json.loads(str(record["body"]))
            found += [
                each["replicationEventData"]["failureReason"] for each in body.get("Records", [])
            ]
    return found


def test_in_the_healthy_world_everything_replicates_and_nobody_is_told() -> None:
    with lab() as opened:
        opened.run()

        assert replication_status(opened) == "COMPLETED"
        assert reasons(opened) == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"keys.destination.policy.AdmitTheReplicationRole": None}, "DstPutObjectNotPermitted"),
        ({"role.inline.replication.DecryptVersions": None}, "SrcGetObjectNotPermitted"),
        ({"role.inline.replication.ReadVersions": None}, "SrcGetObjectNotPermitted"),
        ({"buckets.destination.policy.AdmitReplicas": None}, "DstPutObjectNotPermitted"),
        ({"keys.destination.state": "Disabled"}, "DstKmsKeyInvalidState"),
        ({"keys.source.state": "PendingDeletion"}, "SrcKmsKeyInvalidState"),
        ({"keys.destination.exists": False}, "DstKmsKeyNotFound"),
        ({"buckets.destination.versioning": "Suspended"}, "DstBucketUnversioned"),
        ({"buckets.destination.versioning": "Unversioned"}, "DstBucketUnversioned"),
        ({"buckets.destination.exists": False}, "DstBucketNotFound"),
        ({"role.trust.TrustReplication.Principal": {"Service": "x.com"}}, "AssumeRoleNotPermitted"),
        ({"role.exists": False}, "AssumeRoleNotPermitted"),
        ({"role.recreated": True}, "DstPutObjectNotPermitted"),
        (
            {"role.boundary": {"S3": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}},
            "SrcGetObjectNotPermitted",
        ),
        ({"rules.to-frankfurt.sse_kms": False}, None),
        ({"rules.to-frankfurt.status": "Disabled"}, None),
        ({"rules.to-frankfurt": None}, None),
    ],
    ids=str,
)
def test_what_is_broken_fails_as_s3_says(broken: Fields, reason: str | None) -> None:
    with lab(broken=broken) as opened:
        opened.run()

        assert reasons(opened) == ([reason] if reason else [])
        assert (replication_status(opened) == "FAILED") == (reason is not None)


def test_without_metrics_a_failure_is_silent() -> None:
    broken = {
        "keys.destination.policy.AdmitTheReplicationRole": None,
        "rules.to-frankfurt.metrics": False,
    }
    with lab(broken=broken) as opened:
        opened.run()

        assert replication_status(opened) == "FAILED"
        assert reasons(opened) == []


def test_a_grant_admits_the_role_where_the_policy_does_not() -> None:
    grant = {"grantee": ROLE, "operations": ["Encrypt"]}
    broken = {
        "keys.destination.policy.AdmitTheReplicationRole": None,
        "keys.destination.grants": {"replication": grant},
    }
    with lab(broken=broken) as opened:
        opened.run()

        assert replication_status(opened) == "COMPLETED"


def test_a_service_control_policy_is_felt() -> None:
    deny = {"Deny": {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}}
    allow = {"Allow": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    organization = {
        "members": ["111111111111", "222222222222"],
        "service_control": {"111111111111": {"Root": {"full": allow, "guard": deny}}},
    }
    with lab(organization=organization) as opened:
        opened.run()

        assert reasons(opened) == ["DstPutObjectNotPermitted"]


def test_several_rules_send_to_several_destinations() -> None:
    archive = {"name": "orders-paris", "account": "222222222222", "region": "eu-west-3"}
    world = {"buckets": {"archive": archive}, "rules": {"to-paris": {"bucket": "archive"}}}
    with lab(world=world) as opened:
        opened.run()

        for bucket, region in (("orders-frankfurt", "eu-central-1"), ("orders-paris", "eu-west-3")):
            replica = opened.client("s3", "222222222222", region).head_object(
                Bucket=bucket, Key="orders/1.json"
            )
            assert replica["ReplicationStatus"] == "REPLICA"
        places = {(each.place.account, each.place.region) for each in opened.members}
        assert places == {
            ("111111111111", "eu-central-1"),
            ("111111111111", "eu-west-3"),
            ("222222222222", "eu-central-1"),
        }


def test_a_bucket_whose_queue_does_not_admit_s3_loses_its_notifications() -> None:
    with lab(broken={"keys.destination.state": "Disabled"}) as opened:
        url = opened.client("sqs").get_queue_url(QueueName="replimend-NotificationQueue")[
            "QueueUrl"
        ]
        opened.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        opened.storage.policies.settle()

        opened.run()

        lost = [hop for hop in opened.trace if hop.passage is Passage.LOST]
        assert [hop.via for hop in lost] == ["arn:aws:s3:::orders-ireland"]
        assert "does not let s3.amazonaws.com" in lost[0].reason


def test_the_flagship_fails_as_its_story_says() -> None:
    flagship = replace_limits(Scenario.load(SCENARIOS / "flagship.yaml"))
    with Lab.from_scenario(flagship, build()) as opened:
        opened.run()

        assert Counter(reasons(opened)) == {"DstPutObjectNotPermitted": 26}
        assert len(opened.versions) == 26
        gone = next(each for each in opened.versions if each.key == "tmp/upload-in-error.bin")
        with pytest.raises(ClientError, match="404"):
            opened.client("s3").head_object(
                Bucket="orders-ireland", Key=gone.key, VersionId=gone.version_id
            )
        statuses = {
            replication_status(opened, number)
            for number, each in enumerate(opened.versions)
            if each != gone
        }
        assert statuses == {"FAILED"}
        denied = [hop for hop in opened.trace if hop.target.endswith("replimend-FailureBus")]
        forwarded = [hop for hop in denied if hop.via.endswith("replimend-member-KeyDenialRule")]
        assert len(forwarded) == 26


def test_the_same_scenario_runs_the_same_way_twice() -> None:
    flagship = replace_limits(Scenario.load(SCENARIOS / "flagship.yaml"))

    def story() -> list[tuple[timedelta, str, str]]:
        with Lab.from_scenario(flagship, build()) as opened:
            opened.run()
            return [(hop.at - flagship.start, hop.via, hop.target) for hop in opened.trace]

    assert story() == story()


def test_the_calls_that_made_the_world_are_not_counted() -> None:
    with lab() as opened:
        assert opened.calls == []

        opened.run()

        assert Counter(call.operation for call in opened.calls) == {"PutObject": 1}


def test_deliveries_can_be_handed_in_again() -> None:
    with lab(broken={"keys.destination.state": "Disabled"}) as opened:
        opened.run()
        handed_over = [delivery.event for delivery in opened.deliveries]

        again = opened.redeliver()

        assert [each.event for each in again] == handed_over
        assert all(each.error is None for each in again)


def test_a_function_is_invoked_by_its_logical_id_and_its_error_is_raised() -> None:
    with lab() as opened:
        assert opened.invoke("EchoFunction", {"ask": "count"})["greeting"] == "hello"
        opened.deploy({"Greeting": "ahoy"})
        assert opened.invoke("EchoFunction", {"ask": "count"})["greeting"] == "ahoy"

        with pytest.raises(FunctionFailedError, match="EchoFunction: ValueError: as asked"):
            opened.invoke("EchoFunction", {"ask": "raise"})


def test_what_the_functions_print_is_in_the_log() -> None:
    with lab() as opened:
        opened.invoke("EchoFunction", {"ask": "print"})

        assert [(line.function, line.text) for line in opened.logs] == [
            ("EchoFunction", "said"),
            ("EchoFunction", "complained"),
        ]


def test_a_stack_is_described_with_its_outputs() -> None:
    with lab() as opened:
        formation = opened.client("cloudformation")

        (stack,) = formation.describe_stacks(StackName="replimend")["Stacks"]

        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        assert outputs == {"EchoFunctionName": "replimend-EchoFunction"}
        with pytest.raises(ClientError, match="does not exist"):
            formation.describe_stacks(StackName="nobody")


def test_nobody_waits_for_messages_that_are_not_there() -> None:
    with lab() as opened:
        sqs = opened.client("sqs")
        url = sqs.get_queue_url(QueueName="replimend-WorkQueue")["QueueUrl"]

        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)

        assert "Messages" not in answer


def test_a_lab_in_real_time_answers_over_http_while_things_happen() -> None:
    at_once = {"replication_takes": "0s", "notifications_take": "0s", "cloudtrail_takes": "0s"}
    fields: Fields = {
        "objects": list[Json](ONE_OBJECT),
        "settings": dict[str, Json](at_once),
        "broken": {"keys.destination.state": "Disabled"},
    }
    scenario = replace_limits(Scenario.read(fields, name="case"))
    opened = Lab.from_scenario(scenario, build(), clock=RealClock())
    with opened, serve(opened.gate, "127.0.0.1", 0) as endpoint:
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="eu-west-1",
            aws_access_key_id=administrator_key("111111111111"),
            aws_secret_access_key="any",
        )
        opened.run(timedelta(seconds=20))

        head = s3.head_object(Bucket="orders-ireland", Key="orders/1.json")

        assert head["ReplicationStatus"] == "FAILED"
        assert reasons(opened) == ["DstKmsKeyInvalidState"]


def test_a_function_may_be_invoked_over_http_while_another_runs_on_the_clock() -> None:
    fields: Fields = {"settings": {"policies_take_effect_after": "0s"}}
    scenario = replace_limits(Scenario.read(fields, name="case"))
    opened = Lab.from_scenario(scenario, build(), clock=RealClock())
    asked: Json = {"ask": "busy", "calls": 20}
    with opened:
        functions = opened.client("lambda")
        for _ in range(3):
            functions.invoke(
                FunctionName="replimend-EchoFunction",
                InvocationType="Event",
                Payload=json.dumps(asked),
            )
        answers = [
            functions.invoke(FunctionName="replimend-EchoFunction", Payload=json.dumps(asked))
            for _ in range(3)
        ]

        assert [answer["StatusCode"] for answer in answers] == [200] * 3


def test_a_bad_scenario_is_told_in_one_line_instead_of_being_served(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["nowhere.yaml"])

    assert status == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "lab: nowhere.yaml: No such file or directory\n")


def test_a_world_that_aws_would_refuse_is_one_line() -> None:
    broken = {"keys.destination.policy.AdmitTheReplicationRole.Principal": {"AWS": f"{ROLE}-2"}}

    with (
        pytest.raises(LabError, match=r"the world cannot be made: .*PutKeyPolicy"),
        lab(broken=broken),
    ):
        pass


def test_a_lab_that_could_not_be_made_leaves_nothing_behind() -> None:
    broken = {"keys.destination.policy.AdmitTheReplicationRole.Principal": {"AWS": f"{ROLE}-2"}}
    with pytest.raises(LabError), lab(broken=broken):
        pass

    with lab() as opened:
        opened.run()

        assert replication_status(opened) == "COMPLETED"
