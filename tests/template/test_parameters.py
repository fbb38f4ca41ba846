"""Parameters as guardrails: described, checked at the door, and passed on whole."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from lab.errors import TemplateError
from tests.template.stacks import (
    ACCOUNT,
    CHECKOUT,
    DESTINATION_BUCKET,
    EVERY_KIND,
    FUNCTIONS,
    HOME,
    HOME_TEXT,
    MEMBER,
    MEMBER_TEXT,
    OTHER_ACCOUNT,
    REPAIRING,
    REPLICATION_ROLE,
    SOURCE_BUCKET,
    SOURCE_KEY,
    Fields,
    home_stack,
    properties,
)

TEMPLATES = pytest.mark.parametrize("template", [HOME, MEMBER], ids=["home", "member"])

# Settings of the functions, and the parameter or resource that each comes from.
SETTINGS = {
    "AWS_ENDPOINT_URL": "",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_METRICS_NAMESPACE": "Replimend",
    "POWERTOOLS_SERVICE_NAME": "replimend",
    "REPLIMEND_ACCOUNTS": OTHER_ACCOUNT,
    "REPLIMEND_ALLOWED_CHANGES": EVERY_KIND,
    "REPLIMEND_APPROVAL_HOURS": "24",
    "REPLIMEND_BATCH_ROLE": f"arn:aws:iam::{ACCOUNT}:role/replimend-BatchJobRole",
    "REPLIMEND_BUS": "replimend-FailureBus",
    "REPLIMEND_CHANGE_HOURS": "",
    "REPLIMEND_CHANGES_PER_HOUR": "4",
    "REPLIMEND_CHANGES_PER_INCIDENT": "2",
    "REPLIMEND_CONSISTENCY_WAIT": "60",
    "REPLIMEND_DESTINATION_BUCKETS": DESTINATION_BUCKET,
    "REPLIMEND_EXTERNAL_ID": "orders-replimend",
    "REPLIMEND_HOME_ACCOUNT": ACCOUNT,
    "REPLIMEND_MODE": "repair",
    "REPLIMEND_POLICY_SIZE_SHARE": "90",
    "REPLIMEND_READER_ROLE": "replimend-reader",
    "REPLIMEND_RECOPY_METHODS": "replicate",
    "REPLIMEND_RECOPY_QUEUE": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/replimend-RecopyQueue",
    "REPLIMEND_REPAIRABLE_KEYS": f"{SOURCE_KEY},{SOURCE_KEY[:-1]}2",
    "REPLIMEND_REPAIRER_ROLE": "replimend-repairer",
    "REPLIMEND_REPAIR_QUEUE": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/replimend-RepairQueue",
    "REPLIMEND_REPLICATION_ROLES": REPLICATION_ROLE,
    "REPLIMEND_REQUESTS_PER_SECOND": "500",
    "REPLIMEND_REQUIRED_TAG": "",
    "REPLIMEND_SIGNAL_DEAD_LETTER_QUEUE": (
        f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/replimend-SignalDeadLetterQueue"
    ),
    "REPLIMEND_SIGNAL_QUEUE": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/replimend-SignalQueue",
    "REPLIMEND_SOURCE_BUCKETS": SOURCE_BUCKET,
    "REPLIMEND_STACK": "replimend",
    "REPLIMEND_TABLE": "replimend-IncidentsTable",
    "REPLIMEND_TOPIC": f"arn:aws:sns:eu-west-1:{ACCOUNT}:replimend-OutcomeTopic",
    "REPLIMEND_WORK_BUCKET": f"replimend-workbucket-{ACCOUNT}",
}


@TEMPLATES
def test_every_parameter_is_described_in_a_sentence(template: Fields) -> None:
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"].endswith("."), name


@TEMPLATES
def test_every_parameter_is_checked_before_anything_is_deployed(template: Fields) -> None:
    for name, parameter in template["Parameters"].items():
        assert {"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter), name


def test_every_output_is_described() -> None:
    for name, output in HOME["Outputs"].items():
        assert output["Description"], name


@pytest.mark.parametrize("text", [HOME_TEXT, MEMBER_TEXT], ids=["home", "member"])
def test_no_partition_is_written_out(text: str) -> None:
    assert re.findall(r"arn:aws(?:-cn|-us-gov)?:", text) == []


def test_by_default_nothing_is_changed_and_nothing_is_listed() -> None:
    variables = properties(home_stack().resource("RepairFunction"))["Environment"]["Variables"]

    assert variables["REPLIMEND_MODE"] == "observe"
    for name in (
        "ACCOUNTS",
        "DESTINATION_BUCKETS",
        "EXTERNAL_ID",
        "REPAIRABLE_KEYS",
        "REPLICATION_ROLES",
        "SOURCE_BUCKETS",
    ):
        assert variables[f"REPLIMEND_{name}"] == ""


def test_by_default_objects_are_brought_over_by_batch_jobs_alone() -> None:
    variables = properties(home_stack().resource("RecopyFunction"))["Environment"]["Variables"]

    assert variables["REPLIMEND_RECOPY_METHODS"] == "replicate"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_every_setting(function: str) -> None:
    keys = SETTINGS["REPLIMEND_REPAIRABLE_KEYS"]
    stack = home_stack({**REPAIRING, "RepairableKeyArns": keys})

    variables = properties(stack.resource(function))["Environment"]["Variables"]

    assert variables == SETTINGS


def test_a_stand_in_for_aws_is_used_where_its_address_is_given() -> None:
    stack = home_stack({"AwsEndpointUrl": "http://127.0.0.1:4566"})

    for function in FUNCTIONS:
        variables = properties(stack.resource(function))["Environment"]["Variables"]
        assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RepairMode", "automatic"),
        ("SourceBucketArns", "*"),
        ("SourceBucketArns", "orders-ireland"),
        ("SourceBucketArns", "arn:aws:s3:::orders-*"),
        ("SourceBucketArns", f"{SOURCE_BUCKET}/*"),
        ("SourceBucketArns", f"{SOURCE_BUCKET},*"),
        ("DestinationBucketArns", "arn:aws:s3:::*"),
        ("ReplicationRoleArns", "arn:aws:iam::111111111111:role/*"),
        ("ReplicationRoleArns", "arn:aws:iam::111111111111:user/somebody"),
        ("RepairableKeyArns", "arn:aws:kms:eu-west-1:111111111111:key/*"),
        ("RepairableKeyArns", "arn:aws:kms:eu-west-1:111111111111:alias/orders"),
        ("RepairableKeyArns", "11111111-1111-4111-8111-111111111111"),
        ("RepairableAccounts", "*"),
        ("RepairableAccounts", "12345"),
        ("AllowedChanges", "key_policy,everything"),
        ("ChangesPerHour", "-1"),
        ("ChangeHours", "always"),
        ("ChangeHours", "Mon-Fri 8-18 Europe/Dublin"),
        ("RequiredTag", "team=orders"),
        ("RequiredTag", "replimend"),
        ("RequiredTag", "replimend=never"),
        ("PolicySizeShare", "101"),
        ("RequestsPerSecond", "5"),
        ("MemberReaderRoleName", "path/reader"),
        ("MemberExternalId", "short"),
        ("ConsistencyWaitSeconds", "901"),
        ("ApprovalValidHours", "0"),
        ("PermissionsBoundaryArn", "arn:aws:iam::111111111111:role/boundary"),
        ("LogRetentionDays", "8"),
        ("OperatorEmail", "somebody"),
        ("Architecture", "sparc"),
        ("ArchiveFailures", "yes"),
        ("AwsEndpointUrl", "127.0.0.1:4566"),
    ],
)
def test_a_value_that_is_no_guardrail_is_refused_at_the_door(name: str, value: str) -> None:
    with pytest.raises(TemplateError, match=rf"^Parameters\.{name}: "):
        home_stack({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SourceBucketArns", "arn:aws-cn:s3:::orders.beijing"),
        ("ReplicationRoleArns", "arn:aws-us-gov:iam::111111111111:role/service-role/s3+crr@x"),
        ("RepairableKeyArns", "arn:aws:kms:eu-west-1:111111111111:key/mrk-0123456789abcdef"),
        ("RepairableKeyArns", f"{SOURCE_KEY},{SOURCE_KEY}"),
        ("MemberExternalId", "a1b2c3d4-5678"),
        ("ChangeHours", "Mon-Fri 08:00-18:00 Europe/Dublin"),
        ("ChangeHours", "Sat 00:00-00:00 UTC"),
        ("RequiredTag", "replimend=allowed"),
        ("OperatorEmail", "on-call@example.com"),
    ],
)
def test_a_value_as_aws_writes_it_is_taken(name: str, value: str) -> None:
    assert home_stack({name: value}).resources


def test_member_accounts_need_an_external_id() -> None:
    with pytest.raises(TemplateError, match="MemberExternalId must be set"):
        home_stack({"RepairableAccounts": OTHER_ACCOUNT})


@pytest.mark.parametrize(
    ("parameters", "expected"), [({}, 0), ({"OperatorEmail": "on-call@example.com"}, 1)]
)
def test_an_operator_is_subscribed_where_an_address_is_given(
    parameters: Mapping[str, str], expected: int
) -> None:
    assert len(home_stack(parameters).of_kind("AWS::SNS::Subscription")) == expected


def samconfig() -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "samconfig.toml").read_text())


def test_every_environment_has_every_section_and_every_setting() -> None:
    environments = {name: env for name, env in samconfig().items() if name != "version"}

    settings = {
        name: {
            (section, setting)
            for section, parts in environment.items()
            for setting in parts["parameters"]
        }
        for name, environment in environments.items()
    }

    assert set(settings) == {"default", "dev", "prod"}
    assert settings["dev"] == settings["default"] == settings["prod"]


def test_every_environment_lints_asks_for_role_permissions_and_starts_by_observing() -> None:
    for name, environment in samconfig().items():
        if name == "version":
            continue
        deploy = environment["deploy"]["parameters"]

        assert environment["validate"]["parameters"]["lint"] is True
        assert deploy["capabilities"] == "CAPABILITY_IAM"
        assert "RepairMode=observe" in deploy["parameter_overrides"]


def test_every_overridden_parameter_exists() -> None:
    for name, environment in samconfig().items():
        if name == "version":
            continue
        overrides = environment["deploy"]["parameters"]["parameter_overrides"]

        assert home_stack(dict(each.split("=", 1) for each in overrides)).resources


def test_the_member_template_needs_no_macro() -> None:
    assert "Transform" not in MEMBER
    assert "AWS::Serverless" not in json.dumps(MEMBER)
