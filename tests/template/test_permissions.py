"""What the roles may do: the second guardrail, which holds when the code does not."""

import json
import re
from collections.abc import Mapping

import pytest

from replimend.domain.access import Effect
from tests.template.stacks import (
    ACCOUNT,
    DESTINATION_BUCKET,
    DESTINATION_KEY,
    EVERY_KIND,
    FUNCTIONS,
    HOME,
    MEMBER,
    MEMBER_PARAMETERS,
    OBSERVING,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REPAIRING,
    REPLICATION_ROLE,
    SOURCE_BUCKET,
    SOURCE_KEY,
    Fields,
    documents,
    effect,
    granted_actions,
    home_stack,
    listed,
    may,
    member_stack,
    properties,
    statements,
)

HOME_STACK = home_stack(REPAIRING)
OTHER_STACK = member_stack(OTHER_ACCOUNT, OTHER_REGION)
BOTH = [*statements(HOME), *statements(MEMBER)]

# Each statement that may say `Resource: "*"`, and why.
ON_EVERYTHING = {
    "LeaveTheDataUnreadable": "denies",
    "LeaveTheDataUnreadableButThroughS3": "denies",
    "UseKeysForNothingElse": "denies",
    "NeverSkipTheLockoutCheck": "denies",
    "LeaveAloneWhatOptedOut": "denies",
    "AskForASecondOpinion": "the checks of Access Analyzer have no resource type",
    "CreateBatchJobs": "s3:CreateJob has no resource type",
    "LookUpWhoChangedWhat": "cloudtrail:LookupEvents has no resource type",
}
GRANTS = {"kms:CreateGrant", "kms:RevokeGrant"}
SWITCHES = {"kms:EnableKey", "kms:DisableKey", "kms:CancelKeyDeletion"}
CONFIGURES = {"s3:PutReplicationConfiguration", "iam:PassRole"}
BUCKET_WRITES = {"s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}
GRANT: Mapping[str, str | tuple[str, ...]] = {
    "kms:GranteePrincipal": REPLICATION_ROLE,
    "kms:GrantOperations": ("Decrypt", "Encrypt"),
    "kms:GrantConstraintType": "EncryptionContextSubset",
}
READS = re.compile(r"(Get|List|Describe)\w+")
CONTROLLED = {"kms", "iam", "s3"}
INLINE_POLICY_LIMIT = 10_240  # characters, without white space, of all inline policies of a role
ANY_TRAIL = f"arn:aws:cloudtrail:{OTHER_REGION}:{OTHER_ACCOUNT}:trail/any"
MEMBER_ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role"
EXTERNAL_ID = {"sts:ExternalId": "orders-replimend"}


def without(context: Mapping[str, str | tuple[str, ...]], name: str) -> Fields:
    return {key: each for key, each in context.items() if key != name}


@pytest.mark.parametrize("statement", BOTH, ids=lambda each: each.get("Sid", "none"))
def test_every_statement_says_in_its_sid_what_it_is_for(statement: Fields) -> None:
    assert re.fullmatch(r"[A-Z][a-z]+([A-Z][a-z0-9]*)+", statement["Sid"])


@pytest.mark.parametrize("statement", BOTH, ids=lambda each: each.get("Sid", "none"))
def test_no_statement_allows_a_wildcard_action(statement: Fields) -> None:
    allowed = listed(statement["Action"]) if statement["Effect"] == "Allow" else []

    assert "NotAction" not in statement
    assert [action for action in allowed if "*" in action] == []


def test_only_statements_with_a_reason_are_about_every_resource() -> None:
    everything = {each["Sid"] for each in BOTH if each.get("Resource") == "*"}

    assert everything == set(ON_EVERYTHING)


def test_nothing_is_granted_by_leaving_something_out() -> None:
    assert all(each["Effect"] == "Deny" for each in BOTH if "NotResource" in each)


@pytest.mark.parametrize("role", [f"{function}Role" for function in FUNCTIONS])
def test_a_function_has_no_managed_policy_but_those_that_sam_adds(role: str) -> None:
    managed = properties(HOME_STACK.resource(role))["ManagedPolicyArns"]

    assert {arn.rsplit("/", 1)[-1] for arn in managed} <= {
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
    }


@pytest.mark.parametrize(
    ("function", "own"),
    [
        ("TriageFunction", "SignalQueue"),
        ("RepairFunction", "RepairQueue"),
        ("RecopyFunction", "RecopyQueue"),
    ],
)
def test_a_function_is_denied_the_messages_of_every_queue_but_its_own(
    function: str, own: str
) -> None:
    (document,) = documents(HOME_STACK, f"{function}Role")

    (denied,) = (each for each in document["Statement"] if "NotResource" in each)

    assert denied["Effect"] == "Deny"
    assert set(denied["Action"]) == {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
    assert denied["NotResource"] == HOME_STACK.resource(own).physical.arn


@pytest.mark.parametrize(
    "action",
    [
        "kms:PutKeyPolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        *sorted(GRANTS),
        *sorted(BUCKET_WRITES),
        *sorted(SWITCHES),
        "s3:PutReplicationConfiguration",
    ],
)
def test_only_repair_can_change_access(action: str) -> None:
    able = {name for name in FUNCTIONS if action in granted_actions(name, REPAIRING)}

    assert able == {"RepairFunction"}


@pytest.mark.parametrize("action", ["s3:CreateJob", "s3:PutObject"])
def test_only_recopy_can_start_a_job(action: str) -> None:
    able = {name for name in FUNCTIONS if action in granted_actions(name, REPAIRING)}

    assert able == {"RecopyFunction"}


@pytest.mark.parametrize("mode", ["observe", "approve", "repair"])
@pytest.mark.parametrize("action", ["Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom"])
@pytest.mark.parametrize("function", ["TriageFunction", "RepairFunction", "RecopyFunction"])
def test_who_may_get_objects_cannot_use_a_key_even_if_its_policy_says_so(
    function: str, action: str, mode: str
) -> None:
    stack = home_stack({**REPAIRING, "RepairMode": mode})

    said = effect(stack, f"{function}Role", f"kms:{action}", SOURCE_KEY)

    assert said is Effect.EXPLICITLY_DENIED


THROUGH_S3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
COPYING: Mapping[str, str] = {**REPAIRING, "RecopyMethods": "replicate,copy"}
REWRITING: Mapping[str, str] = {**REPAIRING, "RecopyMethods": "in_place"}


@pytest.mark.parametrize(
    ("action", "context", "expected"),
    [
        ("Decrypt", THROUGH_S3, Effect.ALLOWED),
        ("GenerateDataKey", THROUGH_S3, Effect.ALLOWED),
        ("Decrypt", {}, Effect.EXPLICITLY_DENIED),
        ("GenerateDataKey", {}, Effect.EXPLICITLY_DENIED),
        (
            "Decrypt",
            {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"},
            Effect.EXPLICITLY_DENIED,
        ),
        ("Encrypt", THROUGH_S3, Effect.EXPLICITLY_DENIED),
        ("ReEncryptFrom", THROUGH_S3, Effect.EXPLICITLY_DENIED),
        ("GenerateDataKeyWithoutPlaintext", THROUGH_S3, Effect.EXPLICITLY_DENIED),
        ("GenerateDataKeyPair", THROUGH_S3, Effect.EXPLICITLY_DENIED),
    ],
)
@pytest.mark.parametrize("parameters", [COPYING, REWRITING], ids=["copy", "in_place"])
def test_who_may_copy_uses_keys_through_s3_and_for_nothing_else(
    parameters: Mapping[str, str], action: str, context: Mapping[str, str], expected: Effect
) -> None:
    stack = home_stack(parameters)

    for key in (SOURCE_KEY, DESTINATION_KEY):
        assert effect(stack, "RecopyFunctionRole", f"kms:{action}", key, context) is expected


@pytest.mark.parametrize("function", ["TriageFunction", "RepairFunction"])
def test_consent_to_copying_lets_no_other_function_use_a_key(function: str) -> None:
    for parameters in (COPYING, REWRITING):
        said = effect(
            home_stack(parameters), f"{function}Role", "kms:Decrypt", SOURCE_KEY, THROUGH_S3
        )

        assert said is Effect.EXPLICITLY_DENIED


@pytest.mark.parametrize(
    ("parameters", "bucket", "expected"),
    [
        (REPAIRING, DESTINATION_BUCKET, False),
        (REPAIRING, SOURCE_BUCKET, False),
        (COPYING, DESTINATION_BUCKET, True),
        (COPYING, SOURCE_BUCKET, False),
        (COPYING, "arn:aws:s3:::payroll", False),
        (REWRITING, DESTINATION_BUCKET, False),
        (REWRITING, SOURCE_BUCKET, True),
        ({**COPYING, "RepairMode": "observe"}, DESTINATION_BUCKET, False),
        ({**COPYING, "DestinationBucketArns": ""}, DESTINATION_BUCKET, False),
        ({**REWRITING, "SourceBucketArns": ""}, SOURCE_BUCKET, False),
    ],
)
def test_objects_are_written_only_where_the_methods_say(
    parameters: Mapping[str, str], bucket: str, *, expected: bool
) -> None:
    stack = home_stack(parameters)

    assert may(stack, "RecopyFunctionRole", "s3:PutObject", f"{bucket}/a.pdf") is expected


def test_the_sweep_can_get_no_object() -> None:
    granted = granted_actions("SweepFunction", REPAIRING)

    assert {action.split(":")[0] for action in granted} == {"dynamodb", "sqs"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_in_observe_mode_keys_roles_and_buckets_are_only_read(function: str) -> None:
    granted = granted_actions(function, {**REPAIRING, "RepairMode": "observe"})

    writes = [
        action
        for action in granted
        if action.split(":")[0] in CONTROLLED and not READS.fullmatch(action.split(":")[1])
    ]

    assert writes == []


def test_in_observe_mode_no_repairer_role_is_assumed() -> None:
    stack = home_stack({**REPAIRING, "RepairMode": "observe"})

    repairer = f"{MEMBER_ROLE}/replimend-repairer"

    assert not may(stack, "RepairFunctionRole", "sts:AssumeRole", repairer, EXTERNAL_ID)


@pytest.mark.parametrize(
    ("emptied", "function", "lost"),
    [
        ("RepairableKeyArns", "RepairFunction", {"kms:PutKeyPolicy", *GRANTS, *SWITCHES}),
        (
            "ReplicationRoleArns",
            "RepairFunction",
            {"iam:PutRolePolicy", "iam:DeleteRolePolicy", *GRANTS, *CONFIGURES},
        ),
        (
            "SourceBucketArns",
            "RecopyFunction",
            {"s3:CreateJob", "s3:PutObject", "s3:UpdateJobStatus", "iam:PassRole"},
        ),
        ("SourceBucketArns", "RepairFunction", CONFIGURES),
    ],
)
def test_an_empty_list_leaves_no_write_statement(
    emptied: str, function: str, lost: set[str]
) -> None:
    before = granted_actions(function, REPAIRING)
    after = granted_actions(function, {**REPAIRING, emptied: ""})

    assert before - after == lost


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("role_policy", {"iam:PutRolePolicy", "iam:DeleteRolePolicy"}),
        ("key_policy", {"kms:PutKeyPolicy"}),
        ("grant", GRANTS),
        ("bucket_policy", BUCKET_WRITES),
        ("replication_configuration", CONFIGURES),
        ("key_state", SWITCHES),
    ],
)
def test_a_kind_of_change_that_is_not_allowed_leaves_no_write_statement(
    kind: str, lost: set[str]
) -> None:
    left = ",".join(each for each in EVERY_KIND.split(",") if each != kind)

    before = granted_actions("RepairFunction", REPAIRING)
    after = granted_actions("RepairFunction", {**REPAIRING, "AllowedChanges": left})

    assert before - after == lost


def test_unless_a_stack_says_so_only_policies_of_keys_and_roles_are_written() -> None:
    by_default = {name: each for name, each in REPAIRING.items() if name != "AllowedChanges"}

    granted = granted_actions("RepairFunction", by_default)

    assert not granted & (GRANTS | BUCKET_WRITES | SWITCHES | CONFIGURES)


@pytest.mark.parametrize("emptied", ["RepairableAccounts", "RepairableKeyArns"])
def test_without_listed_accounts_and_keys_no_repairer_role_is_assumed(emptied: str) -> None:
    stack = home_stack({**REPAIRING, emptied: ""})

    repairer = f"{MEMBER_ROLE}/replimend-repairer"

    assert not may(stack, "RepairFunctionRole", "sts:AssumeRole", repairer, EXTERNAL_ID)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_an_external_id_no_other_account_is_reached(function: str) -> None:
    parameters = {**REPAIRING, "RepairableAccounts": "", "MemberExternalId": ""}

    assert "sts:AssumeRole" not in granted_actions(function, parameters)


@pytest.mark.parametrize(
    ("action", "resource", "context", "expected"),
    [
        ("kms:PutKeyPolicy", SOURCE_KEY, {}, True),
        ("kms:PutKeyPolicy", SOURCE_KEY.replace("1111", "9999"), {}, False),
        ("kms:PutKeyPolicy", SOURCE_KEY, {"kms:BypassPolicyLockoutSafetyCheck": "true"}, False),
        ("kms:PutKeyPolicy", SOURCE_KEY, {"kms:BypassPolicyLockoutSafetyCheck": "false"}, True),
        ("kms:CreateGrant", SOURCE_KEY, {}, False),
        ("kms:CreateGrant", SOURCE_KEY, GRANT, True),
        ("kms:CreateGrant", SOURCE_KEY.replace("1111", "9999"), GRANT, False),
        (
            "kms:CreateGrant",
            SOURCE_KEY,
            {**GRANT, "kms:GranteePrincipal": f"{REPLICATION_ROLE}-2"},
            False,
        ),
        (
            "kms:CreateGrant",
            SOURCE_KEY,
            {**GRANT, "kms:GrantOperations": ("Decrypt", "CreateGrant")},
            False,
        ),
        ("kms:CreateGrant", SOURCE_KEY, without(GRANT, "kms:GrantOperations"), False),
        ("kms:CreateGrant", SOURCE_KEY, without(GRANT, "kms:GrantConstraintType"), False),
        ("kms:RevokeGrant", SOURCE_KEY, {}, True),
        ("s3:PutBucketPolicy", DESTINATION_BUCKET, {}, True),
        ("s3:PutBucketPolicy", f"{DESTINATION_BUCKET}-2", {}, False),
        ("kms:EnableKey", SOURCE_KEY, {}, True),
        ("kms:EnableKey", SOURCE_KEY.replace("1111", "9999"), {}, False),
        ("kms:CancelKeyDeletion", SOURCE_KEY, {}, True),
        ("kms:CancelKeyDeletion", SOURCE_KEY.replace("1111", "9999"), {}, False),
        ("kms:ScheduleKeyDeletion", SOURCE_KEY, {}, False),
        ("s3:PutReplicationConfiguration", SOURCE_BUCKET, {}, True),
        ("s3:PutReplicationConfiguration", DESTINATION_BUCKET, {}, False),
        ("iam:PassRole", REPLICATION_ROLE, {"iam:PassedToService": "s3.amazonaws.com"}, True),
        ("iam:PassRole", REPLICATION_ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}, False),
        (
            "iam:PassRole",
            f"{REPLICATION_ROLE}-2",
            {"iam:PassedToService": "s3.amazonaws.com"},
            False,
        ),
        ("iam:PutRolePolicy", REPLICATION_ROLE, {}, True),
        ("iam:DeleteRolePolicy", REPLICATION_ROLE, {}, True),
        ("iam:AttachRolePolicy", REPLICATION_ROLE, {}, False),
        ("iam:UpdateAssumeRolePolicy", REPLICATION_ROLE, {}, False),
        ("iam:PutRolePolicy", f"{REPLICATION_ROLE}-2", {}, False),
        ("sts:AssumeRole", f"{MEMBER_ROLE}/replimend-repairer", EXTERNAL_ID, True),
        ("sts:AssumeRole", f"{MEMBER_ROLE}/replimend-repairer", {}, False),
        (
            "sts:AssumeRole",
            f"{MEMBER_ROLE}/replimend-repairer",
            {"sts:ExternalId": "another-stack"},
            False,
        ),
        ("sts:AssumeRole", "arn:aws:iam::333333333333:role/replimend-repairer", EXTERNAL_ID, False),
        ("sts:AssumeRole", f"{MEMBER_ROLE}/administrator", EXTERNAL_ID, False),
        ("s3:PutBucketPolicy", SOURCE_BUCKET, {}, False),
        ("s3:PutObject", f"{SOURCE_BUCKET}/a", {}, False),
    ],
)
def test_repair_may_write_what_is_listed_and_nothing_else(
    action: str, resource: str, context: Mapping[str, str | tuple[str, ...]], *, expected: bool
) -> None:
    assert may(HOME_STACK, "RepairFunctionRole", action, resource, context) is expected


WRITES = [
    ("kms:PutKeyPolicy", SOURCE_KEY),
    ("kms:EnableKey", SOURCE_KEY),
    ("kms:CancelKeyDeletion", SOURCE_KEY),
    ("iam:PutRolePolicy", REPLICATION_ROLE),
    ("iam:DeleteRolePolicy", REPLICATION_ROLE),
]
TAGGED = "aws:ResourceTag/replimend"


@pytest.mark.parametrize(("action", "resource"), WRITES)
@pytest.mark.parametrize("required", ["", "replimend=allowed"])
def test_what_is_tagged_never_cannot_be_written(action: str, resource: str, required: str) -> None:
    stack = home_stack({**REPAIRING, "RequiredTag": required})

    said = effect(stack, "RepairFunctionRole", action, resource, {TAGGED: "never"})

    assert said is Effect.EXPLICITLY_DENIED


@pytest.mark.parametrize(("action", "resource"), WRITES)
@pytest.mark.parametrize(
    ("required", "tags", "expected"),
    [
        ("", {}, True),
        ("", {TAGGED: "allowed"}, True),
        ("replimend=allowed", {TAGGED: "allowed"}, True),
        ("replimend=allowed", {TAGGED: "other"}, False),
        ("replimend=allowed", {}, False),
    ],
)
def test_once_a_tag_is_required_only_what_bears_it_can_be_written(
    action: str, resource: str, required: str, tags: Mapping[str, str], *, expected: bool
) -> None:
    stack = home_stack({**REPAIRING, "RequiredTag": required})

    assert may(stack, "RepairFunctionRole", action, resource, tags) is expected


@pytest.mark.parametrize(
    ("required", "tags", "expected"),
    [
        ("", {}, True),
        ("", {TAGGED: "never"}, False),
        ("replimend=allowed", {TAGGED: "allowed"}, True),
        ("replimend=allowed", {}, False),
    ],
)
def test_a_member_stack_holds_to_the_tags_too(
    required: str, tags: Mapping[str, str], *, expected: bool
) -> None:
    parameters = {**MEMBER_PARAMETERS, "RequiredTag": required}
    stack = member_stack(OTHER_ACCOUNT, OTHER_REGION, parameters)

    assert may(stack, "RepairerRole", "kms:PutKeyPolicy", DESTINATION_KEY, tags) is expected


def test_the_required_tag_adds_no_action_and_takes_none() -> None:
    for function in FUNCTIONS:
        required = granted_actions(function, {**REPAIRING, "RequiredTag": "replimend=allowed"})
        assert required == granted_actions(function, REPAIRING)


@pytest.mark.parametrize(
    ("function", "asks"), [("TriageFunction", True), ("RepairFunction", False)]
)
def test_only_triage_writes_to_people(function: str, *, asks: bool) -> None:
    topic = HOME_STACK.resource("OutcomeTopic").physical.arn

    assert may(HOME_STACK, f"{function}Role", "sns:Publish", topic) is asks
    assert not may(HOME_STACK, f"{function}Role", "sns:Publish", f"{topic}-2")


def test_in_observe_mode_nobody_is_asked_for_a_second_opinion() -> None:
    granted = granted_actions("RepairFunction", {**REPAIRING, "RepairMode": "observe"})

    assert not any(action.startswith("access-analyzer:") for action in granted)


@pytest.mark.parametrize(
    "ours",
    [
        "TriageFunctionRole",
        "RepairFunctionRole",
        "RecopyFunctionRole",
        "SweepFunctionRole",
        "BatchJobRole",
        "NotificationPipeRole",
    ],
)
def test_repair_cannot_write_a_role_of_this_stack_even_if_it_is_listed(ours: str) -> None:
    arn = HOME_STACK.resource(ours).physical.arn
    stack = home_stack({**REPAIRING, "ReplicationRoleArns": arn})

    assert not may(stack, "RepairFunctionRole", "iam:PutRolePolicy", arn)


@pytest.mark.parametrize(
    ("parameters", "resource", "expected"),
    [
        (OBSERVING, f"{SOURCE_BUCKET}/2026/a.pdf", True),
        (REPAIRING, f"{SOURCE_BUCKET}/2026/a.pdf", True),
        (REPAIRING, f"{DESTINATION_BUCKET}/2026/a.pdf", True),
        (REPAIRING, "arn:aws:s3:::payroll/a.pdf", False),
    ],
)
@pytest.mark.parametrize("function", ["TriageFunction", "RepairFunction", "RecopyFunction"])
def test_once_buckets_are_listed_only_their_objects_are_looked_at(
    function: str, parameters: Mapping[str, str], resource: str, *, expected: bool
) -> None:
    stack = home_stack(parameters)

    assert may(stack, f"{function}Role", "s3:GetObjectVersion", resource) is expected


def test_every_one_of_several_listed_buckets_is_looked_at() -> None:
    stack = home_stack({**REPAIRING, "SourceBucketArns": f"{SOURCE_BUCKET},arn:aws:s3:::invoices"})

    for bucket in (SOURCE_BUCKET, "arn:aws:s3:::invoices"):
        assert may(stack, "TriageFunctionRole", "s3:GetObject", f"{bucket}/a")
        assert may(stack, "BatchJobRole", "s3:InitiateReplication", f"{bucket}/a")


def test_triage_repair_and_recopy_read_through_the_same_reader_role() -> None:
    reader = f"{MEMBER_ROLE}/replimend-reader"

    for function in ("TriageFunction", "RepairFunction", "RecopyFunction"):
        assert may(HOME_STACK, f"{function}Role", "sts:AssumeRole", reader, EXTERNAL_ID)
        assert not may(HOME_STACK, f"{function}Role", "sts:AssumeRole", reader)


def test_recopy_passes_the_batch_job_role_to_batch_operations_only() -> None:
    role = HOME_STACK.resource("BatchJobRole").physical.arn
    service = "iam:PassedToService"

    to_batch = {service: "batchoperations.s3.amazonaws.com"}
    to_lambda = {service: "lambda.amazonaws.com"}

    assert may(HOME_STACK, "RecopyFunctionRole", "iam:PassRole", role, to_batch)
    assert not may(HOME_STACK, "RecopyFunctionRole", "iam:PassRole", role, to_lambda)
    assert not may(HOME_STACK, "RecopyFunctionRole", "iam:PassRole", REPLICATION_ROLE, to_batch)


@pytest.mark.parametrize(
    ("mode", "bucket", "expected"),
    [
        ("repair", SOURCE_BUCKET, True),
        ("approve", SOURCE_BUCKET, True),
        ("observe", SOURCE_BUCKET, False),
        ("repair", "arn:aws:s3:::payroll", False),
    ],
)
def test_a_batch_job_replicates_listed_buckets_only(
    mode: str, bucket: str, *, expected: bool
) -> None:
    stack = home_stack({**REPAIRING, "RepairMode": mode})

    assert may(stack, "BatchJobRole", "s3:InitiateReplication", f"{bucket}/a") is expected


@pytest.mark.parametrize("function", ["TriageFunction", "RepairFunction", "RecopyFunction"])
def test_a_function_keeps_the_ledger_but_deletes_nothing_from_it(function: str) -> None:
    role, table = f"{function}Role", HOME_STACK.resource("IncidentsTable").physical.arn

    for action in ("GetItem", "BatchGetItem", "PutItem", "BatchWriteItem", "UpdateItem"):
        assert may(HOME_STACK, role, f"dynamodb:{action}", table)
    for resource in (table, f"{table}/index/by_status"):
        assert may(HOME_STACK, role, "dynamodb:Query", resource)
    assert not may(HOME_STACK, role, "dynamodb:DeleteItem", table)


def test_the_sweep_only_reads_the_ledger() -> None:
    table = HOME_STACK.resource("IncidentsTable").physical.arn

    assert may(HOME_STACK, "SweepFunctionRole", "dynamodb:Query", f"{table}/index/by_status")
    assert not may(HOME_STACK, "SweepFunctionRole", "dynamodb:UpdateItem", table)


@pytest.mark.parametrize(
    ("function", "queues"),
    [
        ("TriageFunction", {"RepairQueue", "SignalQueue", "SignalDeadLetterQueue"}),
        ("RepairFunction", {"SignalQueue", "RepairQueue", "RecopyQueue"}),
        ("RecopyFunction", {"RepairQueue", "RecopyQueue"}),
        ("SweepFunction", {"SignalQueue", "RepairQueue", "RecopyQueue", "SweepDeadLetterQueue"}),
    ],
)
def test_a_function_sends_to_the_queues_of_its_own_job(function: str, queues: set[str]) -> None:
    reached = {
        queue.logical_id
        for queue in HOME_STACK.of_kind("AWS::SQS::Queue")
        if may(HOME_STACK, f"{function}Role", "sqs:SendMessage", queue.physical.arn)
    }

    assert reached == queues


def test_every_role_is_bounded_once_a_boundary_is_given() -> None:
    boundary = {"PermissionsBoundaryArn": "arn:aws:iam::111111111111:policy/boundary"}

    roles = [
        *home_stack(boundary).of_kind("AWS::IAM::Role"),
        *member_stack(
            ACCOUNT, OTHER_REGION, {"HomeAccountId": ACCOUNT, "HomeRegion": "eu-west-1", **boundary}
        ).of_kind("AWS::IAM::Role"),
        *member_stack(
            OTHER_ACCOUNT,
            OTHER_REGION,
            {
                "HomeAccountId": ACCOUNT,
                "HomeRegion": "eu-west-1",
                "RepairableKeyArns": DESTINATION_KEY,
                **boundary,
            },
        ).of_kind("AWS::IAM::Role"),
    ]

    assert len(roles) == 9
    for role in roles:
        assert properties(role)["PermissionsBoundary"] == boundary["PermissionsBoundaryArn"]


@pytest.mark.parametrize(
    ("kinds", "entries"), [("role_policy,key_policy", 25), (EVERY_KIND, 7)], ids=["usual", "every"]
)
def test_so_many_entries_in_every_list_fit_into_a_role(kinds: str, entries: int) -> None:
    numbers = range(10, 10 + entries)
    stack = home_stack(
        {
            **REPAIRING,
            "AllowedChanges": kinds,
            "RecopyMethods": "replicate,copy,in_place",
            "SourceBucketArns": ",".join(
                f"arn:aws:s3:::a-bucket-of-usual-length-{i}" for i in numbers
            ),
            "DestinationBucketArns": ",".join(
                f"arn:aws:s3:::a-bucket-of-usual-length-{i}" for i in numbers
            ),
            "ReplicationRoleArns": ",".join(f"{REPLICATION_ROLE}-{i}" for i in numbers),
            "RepairableKeyArns": ",".join(f"{DESTINATION_KEY[:-2]}{i}" for i in numbers),
        }
    )

    for function in FUNCTIONS:
        texts = [
            json.dumps(each, separators=(",", ":")) for each in documents(stack, f"{function}Role")
        ]
        assert sum(map(len, texts)) <= INLINE_POLICY_LIMIT


@pytest.mark.parametrize("role", ["ReaderRole", "RepairerRole"])
def test_a_member_role_trusts_named_functions_of_the_home_stack_with_the_external_id(
    role: str,
) -> None:
    (statement,) = properties(OTHER_STACK.resource(role))["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert statement["Condition"]["StringEquals"] == EXTERNAL_ID
    trusted = listed(statement["Condition"]["ArnLike"]["aws:PrincipalArn"])
    readers = ["TriageFunctionRole", "RepairFunctionRole", "RecopyFunctionRole"]
    expected = readers if role == "ReaderRole" else ["RepairFunctionRole"]
    assert trusted == [f"{HOME_STACK.resource(each).physical.arn}*" for each in expected]


def test_a_member_stack_repairs_listed_keys_only() -> None:
    another = DESTINATION_KEY.replace("2222-4222", "3333-4333")
    bypass = {"kms:BypassPolicyLockoutSafetyCheck": "true"}

    assert may(OTHER_STACK, "RepairerRole", "kms:PutKeyPolicy", DESTINATION_KEY)
    assert not may(OTHER_STACK, "RepairerRole", "kms:PutKeyPolicy", DESTINATION_KEY, bypass)
    assert not may(OTHER_STACK, "RepairerRole", "kms:PutKeyPolicy", another)
    assert not may(OTHER_STACK, "ReaderRole", "kms:PutKeyPolicy", DESTINATION_KEY)
    assert may(OTHER_STACK, "RepairerRole", "kms:CreateGrant", DESTINATION_KEY, GRANT)
    assert not may(OTHER_STACK, "RepairerRole", "kms:CreateGrant", DESTINATION_KEY)
    assert may(OTHER_STACK, "RepairerRole", "s3:PutBucketPolicy", DESTINATION_BUCKET)
    for switch in SWITCHES:
        assert may(OTHER_STACK, "RepairerRole", switch, DESTINATION_KEY)
        assert not may(OTHER_STACK, "RepairerRole", switch, another)


def test_a_member_stack_switches_no_key_unless_it_says_so() -> None:
    stack = member_stack(
        OTHER_ACCOUNT,
        OTHER_REGION,
        {k: v for k, v in MEMBER_PARAMETERS.items() if k != "AllowedChanges"},
    )

    for switch in SWITCHES:
        assert not may(stack, "RepairerRole", switch, DESTINATION_KEY)


def test_a_member_reader_reads_keys_listed_buckets_and_who_changed_what_only() -> None:
    assert may(OTHER_STACK, "ReaderRole", "kms:GetKeyPolicy", DESTINATION_KEY)
    assert may(OTHER_STACK, "ReaderRole", "s3:GetBucketPolicy", DESTINATION_BUCKET)
    assert may(OTHER_STACK, "ReaderRole", "s3:GetObjectVersion", f"{DESTINATION_BUCKET}/a")
    assert may(OTHER_STACK, "ReaderRole", "cloudtrail:LookupEvents", ANY_TRAIL)
    assert not may(OTHER_STACK, "ReaderRole", "s3:GetBucketPolicy", "arn:aws:s3:::payroll")
    decrypts = effect(OTHER_STACK, "ReaderRole", "kms:Decrypt", DESTINATION_KEY)
    assert decrypts is Effect.EXPLICITLY_DENIED


def test_a_member_stack_without_keys_has_no_repairer() -> None:
    parameters = {"HomeAccountId": ACCOUNT, "HomeRegion": "eu-west-1"}

    roles = member_stack(OTHER_ACCOUNT, OTHER_REGION, parameters).of_kind("AWS::IAM::Role")

    assert [role.logical_id for role in roles] == ["ReaderRole"]


def test_a_member_stack_in_the_home_account_has_no_reader_and_no_repairer() -> None:
    roles = member_stack(ACCOUNT, OTHER_REGION).of_kind("AWS::IAM::Role")

    assert [role.logical_id for role in roles] == ["ForwardingRole"]
