"""What is kept: the ledger, the logs, the work bucket and the code."""

import pytest

from tests.template.stacks import FUNCTIONS, HOME, home_stack, properties

STACK = home_stack()


@pytest.mark.parametrize("resource", ["IncidentsTable", "WorkBucket"])
def test_what_is_kept_outlives_the_stack(resource: str) -> None:
    assert HOME["Resources"][resource]["DeletionPolicy"] == "Retain"
    assert HOME["Resources"][resource]["UpdateReplacePolicy"] == "Retain"


def test_the_ledger_is_on_demand_recoverable_encrypted_and_protected() -> None:
    table = properties(STACK.resource("IncidentsTable"))

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_ledger_is_keyed_as_the_code_reads_it() -> None:
    table = properties(STACK.resource("IncidentsTable"))
    (index,) = table["GlobalSecondaryIndexes"]

    def keys(schema: list[dict[str, str]]) -> dict[str, str]:
        return {each["KeyType"]: each["AttributeName"] for each in schema}

    assert keys(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}
    assert keys(index["KeySchema"]) == {"HASH": "status", "RANGE": "updated_at"}
    assert index["IndexName"] == "by_status"
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert {each["AttributeType"] for each in table["AttributeDefinitions"]} == {"S"}


def test_the_work_bucket_is_private_unversioned_and_under_no_customer_key() -> None:
    bucket = properties(STACK.resource("WorkBucket"))
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "VersioningConfiguration" not in bucket


def test_the_work_bucket_forgets_after_ninety_days() -> None:
    (rule,) = properties(STACK.resource("WorkBucket"))["LifecycleConfiguration"]["Rules"]

    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == 90


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_logs_json_into_the_group_with_a_retention(function: str) -> None:
    stack = home_stack({"LogRetentionDays": "30"})

    logging = properties(stack.resource(function))["LoggingConfig"]

    group = stack.resource("FunctionsLogGroup")
    assert logging == {"LogFormat": "JSON", "LogGroup": group.physical.reference}
    assert int(properties(group)["RetentionInDays"]) == 30


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_functions_run_on_the_architecture_that_was_asked_for(architecture: str) -> None:
    stack = home_stack({"Architecture": architecture})

    for function in FUNCTIONS:
        assert properties(stack.resource(function))["Architectures"] == [architecture]


def test_arm64_is_the_default() -> None:
    assert HOME["Parameters"]["Architecture"]["Default"] == "arm64"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_has_a_fixed_name_and_each_has_the_core_layer(function: str) -> None:
    written = HOME["Resources"][function]["Properties"]

    assert "FunctionName" not in written
    assert properties(STACK.resource(function))["Layers"] == [
        STACK.resource("CoreLayer").physical.reference
    ]


def test_each_function_has_a_folder_of_its_own() -> None:
    folders = {name: HOME["Resources"][name]["Properties"]["CodeUri"] for name in FUNCTIONS}

    assert folders == {
        "TriageFunction": "functions/triage",
        "RepairFunction": "functions/repair",
        "RecopyFunction": "functions/recopy",
        "SweepFunction": "functions/sweep",
    }


@pytest.mark.parametrize(
    ("function", "seconds", "megabytes"),
    [
        ("TriageFunction", 60, 256),
        ("RepairFunction", 60, 256),
        ("RecopyFunction", 300, 512),
        ("SweepFunction", 120, 256),
    ],
)
def test_a_function_has_the_time_and_memory_of_its_job(
    function: str, seconds: int, megabytes: int
) -> None:
    settings = properties(STACK.resource(function))

    assert settings["Timeout"] == seconds
    assert settings["MemorySize"] == megabytes
