"""What a preflight finds: every finding has a set-up that shows it, and a healthy one has none."""

import json
from typing import Any

import pytest

from replimend.domain.repair.plan import ChangeKind
from replimend.domain.requirements import CONTEXT_KEY, Needed
from replimend.domain.setups.access_findings import AccessFinding
from replimend.domain.setups.findings import Finding, FindingKind, Severity
from replimend.domain.setups.hearing_findings import HearingFinding
from replimend.domain.setups.preflight import Preflight, preflight
from replimend.domain.setups.setup_findings import SetupFinding
from replimend.inbound.setups import setup_of
from tests.builders import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY_ARN,
    ROLE_ARN,
    SOURCE_ACCOUNT,
    SOURCE_KEY_ARN,
    AwsJson,
)
from tests.setups import (
    ADMITTING,
    DECRYPT,
    DESTINATION_KEY,
    ENCRYPT,
    OBJECT,
    OFF,
    READ_OBJECTS,
    REPLICA_KEY,
    ROLE_STATEMENTS,
    RULE,
    SELECTORS,
    SOURCE_KEY,
    WRITE_REPLICAS,
    having,
    healthy,
    snapshot_named,
    with_statement,
    without,
)

CONTEXT = ("Condition", "StringLike", CONTEXT_KEY)
MISPRINT = "kms:EncryptionContext:arn:aws:arn"
OBJECTS_ONLY = "arn:aws:s3:::orders-frankfurt/*"
ALIAS = f"arn:aws:kms:eu-central-1:{DESTINATION_ACCOUNT}:alias/orders"
ELSEWHERE = f"arn:aws:kms:eu-north-1:{DESTINATION_ACCOUNT}:key/33333333-3333-4333-8333-333333333333"


def looked_at(snapshot: AwsJson) -> Preflight:
    return preflight(setup_of(snapshot))


def denying(action: str) -> AwsJson:
    return {"Sid": "Never", "Effect": "Deny", "Action": action, "Resource": "*"}


def allowing(action: str) -> AwsJson:
    return {"Sid": "More", "Effect": "Allow", "Action": action, "Resource": "*"}


def named_by_alias() -> AwsJson:
    snapshot = having(healthy(), ALIAS, *REPLICA_KEY)
    return having(snapshot, ALIAS, "keys", DESTINATION_KEY, "arn")


def in_another_region() -> AwsJson:
    snapshot = having(healthy(), ELSEWHERE, *REPLICA_KEY)
    snapshot = having(snapshot, ELSEWHERE, "keys", DESTINATION_KEY, "arn")
    return having(snapshot, ELSEWHERE, "keys", DESTINATION_KEY, "metadata", "Arn")


def misprinted() -> AwsJson:
    snapshot = without(healthy(), *ADMITTING, *CONTEXT)
    return having(snapshot, OBJECTS_ONLY, *ADMITTING, *CONTEXT[:-1], MISPRINT)


def locked() -> AwsJson:
    lock = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    return having(healthy(), lock, "source", "objectLock")


def by_get_object_version() -> AwsJson:
    actions = ["s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    return having(healthy(), actions, *ROLE_STATEMENTS, READ_OBJECTS, "Action")


TRIGGERS: dict[FindingKind, AwsJson] = {
    SetupFinding.REPLICATION_MISSING: having(healthy(), None, "source", "replication"),
    SetupFinding.NO_RULE_ENABLED: having(healthy(), "Disabled", *RULE, "Status"),
    SetupFinding.RULE_DISABLED: having(healthy(), "Disabled", *RULE, "Status"),
    SetupFinding.NO_RULE_SELECTS_OBJECT: having(
        healthy(object=OBJECT), "elsewhere/", *RULE, "Filter", "Prefix"
    ),
    SetupFinding.NOT_OPTED_IN: without(healthy(), *RULE, "SourceSelectionCriteria"),
    SetupFinding.NO_REPLICA_KEY: without(
        healthy(), *RULE, "Destination", "EncryptionConfiguration"
    ),
    SetupFinding.OBJECT_ARCHIVED: healthy(object={**OBJECT, "StorageClass": "GLACIER"}),
    SetupFinding.SOURCE_UNVERSIONED: having(
        healthy(), {"Status": "Suspended"}, "source", "versioning"
    ),
    SetupFinding.DESTINATION_MISSING: having(healthy(), None, "destinations", 0, "region"),
    SetupFinding.DESTINATION_UNVERSIONED: having(healthy(), {}, "destinations", 0, "versioning"),
    SetupFinding.DESTINATION_LACKS_OBJECT_LOCK: locked(),
    SetupFinding.DESTINATION_POLICY_MISSING: having(healthy(), None, "destinations", 0, "policy"),
    SetupFinding.SOURCE_KEY_MISSING: having(healthy(), None, "keys", SOURCE_KEY, "metadata"),
    SetupFinding.SOURCE_KEY_UNUSABLE: having(
        healthy(), "Disabled", "keys", SOURCE_KEY, "metadata", "KeyState"
    ),
    SetupFinding.DESTINATION_KEY_MISSING: having(
        healthy(), None, "keys", DESTINATION_KEY, "metadata"
    ),
    SetupFinding.DESTINATION_KEY_UNUSABLE: having(
        healthy(), "PendingDeletion", "keys", DESTINATION_KEY, "metadata", "KeyState"
    ),
    SetupFinding.KEY_IN_WRONG_REGION: in_another_region(),
    SetupFinding.AWS_MANAGED_KEY_ACROSS_ACCOUNTS: having(
        healthy(), "AWS", "keys", DESTINATION_KEY, "metadata", "KeyManager"
    ),
    SetupFinding.REPLICA_KEY_WITHOUT_ACCOUNT: having(healthy(), "alias/orders", *REPLICA_KEY),
    SetupFinding.ALIAS_AS_REPLICA_KEY: named_by_alias(),
    SetupFinding.UNREAD: without(healthy(), "keys", DESTINATION_KEY, "policy"),
    HearingFinding.METRICS_OFF: without(healthy(), *RULE, "Destination", "Metrics"),
    HearingFinding.NOTIFICATION_MISSING: having(healthy(), {}, "source", "notification"),
    HearingFinding.NOTIFICATION_UNWIRED: having(
        healthy(),
        ["s3:ObjectCreated:*"],
        "source",
        "notification",
        "QueueConfigurations",
        0,
        "Events",
    ),
    HearingFinding.TRAIL_MISSING: healthy(trails=[]),
    HearingFinding.TRAIL_STOPPED: having(healthy(), OFF, "trails", 0, "IsLogging"),
    HearingFinding.TRAIL_SKIPS_READS: having(healthy(), "WriteOnly", *SELECTORS, "ReadWriteType"),
    HearingFinding.TRAIL_EXCLUDES_KMS: having(
        healthy(), ["kms.amazonaws.com"], *SELECTORS, "ExcludeManagementEventSources"
    ),
    HearingFinding.TRAIL_MISSES_REGION: having(healthy(), OFF, "trails", 0, "IsMultiRegionTrail"),
    AccessFinding.ROLE_MISSING: healthy(role=None),
    AccessFinding.ROLE_NOT_ASSUMABLE: having(
        healthy(),
        {"Service": "ec2.amazonaws.com"},
        *("role", "trust", "Statement", 0, "Principal"),
    ),
    AccessFinding.GET_OBJECT_VERSION_IN_PLACE: by_get_object_version(),
    AccessFinding.ROLE_POLICY_LACKS_ACTION: without(healthy(), *ROLE_STATEMENTS, ENCRYPT),
    AccessFinding.KEY_POLICY_LACKS_ROLE: without(healthy(), *ADMITTING),
    AccessFinding.BUCKET_POLICY_LACKS_ROLE: having(healthy(), {}, "destinations", 0, "policy"),
    AccessFinding.EXPLICIT_DENY: with_statement(
        healthy(), denying("kms:Encrypt"), *ROLE_STATEMENTS
    ),
    AccessFinding.PERMISSIONS_BOUNDARY: having(
        healthy(),
        {"name": "only-s3", "document": {"Version": "2012-10-17", "Statement": [allowing("s3:*")]}},
        "role",
        "boundary",
    ),
    AccessFinding.CONDITION_MISMATCH: having(
        healthy(), {"StringEquals": {"aws:SourceVpc": "vpc-other"}}, *ADMITTING, "Condition"
    ),
    AccessFinding.MISPRINTED_ENCRYPTION_CONTEXT: misprinted(),
    AccessFinding.VIA_SERVICE_OF_WRONG_REGION: having(
        healthy(),
        "s3.eu-west-1.amazonaws.com",
        *ADMITTING,
        *("Condition", "StringEquals", "kms:ViaService"),
    ),
    AccessFinding.OBJECT_CONTEXT_UNDER_BUCKET_KEY: having(
        healthy(), OBJECTS_ONLY, *ADMITTING, *CONTEXT
    ),
    AccessFinding.DEAD_PRINCIPAL: having(
        healthy(), {"AWS": "AROAEXAMPLEEXAMPLEID"}, *ADMITTING, "Principal"
    ),
    AccessFinding.KMS_WILDCARD: with_statement(healthy(), allowing("kms:*"), *ROLE_STATEMENTS),
    AccessFinding.NEEDLESS_KMS_ACTION: with_statement(
        healthy(), allowing("kms:ReEncrypt*"), *ROLE_STATEMENTS
    ),
    AccessFinding.S3_WILDCARD: with_statement(healthy(), allowing("s3:*"), *ROLE_STATEMENTS),
}


def kinds(snapshot: AwsJson) -> set[FindingKind]:
    return {each.kind for each in looked_at(snapshot).findings}


def the(kind: FindingKind, snapshot: AwsJson) -> Finding:
    return next(each for each in looked_at(snapshot).findings if each.kind is kind)


def test_a_healthy_set_up_replicates_and_nothing_is_found() -> None:
    found = looked_at(healthy())

    assert found.replicates is True
    assert found.findings == ()
    assert found.changes == ()


def test_every_finding_has_a_set_up_that_shows_it() -> None:
    listed = {*SetupFinding, *HearingFinding, *AccessFinding}

    assert set(TRIGGERS) == listed


@pytest.mark.parametrize(("kind", "snapshot"), TRIGGERS.items(), ids=[*TRIGGERS])
def test_a_set_up_shows_its_finding(kind: FindingKind, snapshot: AwsJson) -> None:
    finding = the(kind, snapshot)

    assert finding.severity is kind.severity
    assert finding.subject
    assert "{" not in finding.says + finding.fix


@pytest.mark.parametrize(("kind", "snapshot"), TRIGGERS.items(), ids=[*TRIGGERS])
def test_an_error_means_that_it_does_not_replicate(kind: FindingKind, snapshot: AwsJson) -> None:
    found = looked_at(snapshot)

    has_error = any(each.severity is Severity.ERROR for each in found.findings)
    assert (found.replicates is False) is has_error
    assert has_error or kind.severity is not Severity.ERROR


def context_of(found: Preflight, action: str, resource: str) -> list[str]:
    return [
        call.requirement.context[CONTEXT_KEY]
        for call in found.calls
        if (call.requirement.action, call.requirement.resource) == (action, resource)
    ]


def test_without_an_object_both_kinds_of_context_are_looked_at_under_a_bucket_key() -> None:
    found = looked_at(healthy())

    assert context_of(found, "kms:Encrypt", DESTINATION_KEY_ARN) == [
        "arn:aws:s3:::orders-frankfurt/*",
        "arn:aws:s3:::orders-frankfurt",
    ]
    assert context_of(found, "kms:Decrypt", SOURCE_KEY_ARN) == [
        "arn:aws:s3:::orders-ireland/*",
        "arn:aws:s3:::orders-ireland",
    ]
    needed = {call.requirement.needed for call in found.calls}
    assert needed == {Needed.ALWAYS, Needed.BUCKET_KEY, Needed.TAGS}


def without_bucket_keys() -> AwsJson:
    rule = ("encryption", "ServerSideEncryptionConfiguration", "Rules", 0, "BucketKeyEnabled")
    snapshot = having(healthy(), OFF, "source", *rule)
    return having(snapshot, OFF, "destinations", 0, *rule)


def test_without_bucket_keys_only_objects_are_in_the_context() -> None:
    found = looked_at(without_bucket_keys())

    assert context_of(found, "kms:Encrypt", DESTINATION_KEY_ARN) == [
        "arn:aws:s3:::orders-frankfurt/*"
    ]
    assert context_of(found, "kms:Decrypt", DESTINATION_KEY_ARN) == []


def test_an_object_is_looked_at_as_it_is() -> None:
    found = looked_at(healthy(object={**OBJECT, "BucketKeyEnabled": True}))

    assert context_of(found, "kms:Encrypt", DESTINATION_KEY_ARN) == [
        "arn:aws:s3:::orders-frankfurt"
    ]


def test_the_rule_s_prefix_is_in_every_object_s_name() -> None:
    found = looked_at(having(healthy(), "reports/", *RULE, "Filter", "Prefix"))

    resources = {call.requirement.resource for call in found.calls}
    assert "arn:aws:s3:::orders-ireland/reports/*" in resources


def test_what_only_tagged_objects_need_is_a_warning_and_stops_no_others() -> None:
    actions = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"]
    snapshot = having(healthy(), actions, *ROLE_STATEMENTS, READ_OBJECTS, "Action")

    found = looked_at(snapshot)

    assert found.replicates is True
    assert [(each.severity, each.predicts) for each in found.findings] == [
        (Severity.WARNING, "SrcGetTaggingNotPermitted")
    ]


def test_what_a_locked_object_needs_is_looked_at_where_the_source_has_object_lock() -> None:
    lock = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    snapshot = having(locked(), lock, "destinations", 0, "objectLock")

    predicted = {each.predicts for each in looked_at(snapshot).findings}

    assert {"SrcGetRetentionNotPermitted", "DstPutLegalHoldNotPermitted"} <= predicted


@pytest.mark.parametrize(
    ("snapshot", "predicts"),
    [
        (without(healthy(), *ROLE_STATEMENTS, DECRYPT), "SrcGetObjectNotPermitted"),
        (without(healthy(), *ROLE_STATEMENTS, ENCRYPT), "DstPutObjectNotPermitted"),
        (without(healthy(), *ROLE_STATEMENTS, WRITE_REPLICAS), "DstPutObjectNotPermitted"),
        (
            having(
                without(healthy(), *ROLE_STATEMENTS, WRITE_REPLICAS),
                {"Status": "Enabled"},
                *(*RULE, "DeleteMarkerReplication"),
            ),
            "DstDelObjNotPermitted",
        ),
    ],
)
def test_a_refused_call_predicts_the_code_that_s3_gives(snapshot: AwsJson, predicts: str) -> None:
    findings = looked_at(snapshot).findings

    assert predicts in {each.predicts for each in findings if each.severity is Severity.ERROR}


def test_calls_refused_alike_are_told_as_one() -> None:
    (finding,) = looked_at(snapshot_named("key-policy-lacks-role")).findings

    assert finding.kind is AccessFinding.KEY_POLICY_LACKS_ROLE
    assert "kms:Encrypt, kms:Decrypt" in finding.says


PARTS: list[tuple[Any, ...]] = [
    ("source", "replication"),
    ("source", "versioning"),
    ("source", "policy"),
    ("source", "region"),
    ("destinations",),
    ("destinations", 0, "policy"),
    ("destinations", 0, "versioning"),
    ("role",),
    ("role", "trust"),
    ("role", "identityPolicies"),
    ("role", "boundary"),
    ("keys",),
    ("keys", SOURCE_KEY, "metadata"),
    ("keys", DESTINATION_KEY),
    ("keys", DESTINATION_KEY, "metadata"),
    ("keys", DESTINATION_KEY, "policy"),
]


@pytest.mark.parametrize("path", PARTS, ids=str)
def test_a_part_that_may_decide_and_is_missing_leaves_the_answer_open(path: Any) -> None:
    found = looked_at(without(healthy(), *path))

    assert found.replicates is None
    unread = [each for each in found.findings if each.kind is SetupFinding.UNREAD]
    assert unread
    assert all("snapshot" in each.says for each in unread)


@pytest.mark.parametrize(
    "path",
    [
        ("source", "notification"),
        ("source", "objectLock"),
        ("destinations", 0, "encryption"),
        ("keys", DESTINATION_KEY, "grants"),
        ("trails",),
        ("denials",),
    ],
    ids=str,
)
def test_a_part_that_decides_nothing_may_be_missing(path: Any) -> None:
    assert looked_at(without(healthy(), *path)).replicates is True


def test_a_refusal_is_certain_whatever_else_is_not_known() -> None:
    snapshot = without(healthy(), *ROLE_STATEMENTS, ENCRYPT)
    snapshot = without(snapshot, "keys", DESTINATION_KEY, "metadata")
    snapshot = without(snapshot, "role", "trust")

    found = looked_at(without(snapshot, "destinations"))

    assert found.replicates is False


def test_nothing_but_a_bucket_s_name_is_a_set_up_of_which_nothing_is_known() -> None:
    found = looked_at({"source": {"bucket": "orders-ireland"}})

    assert found.replicates is None
    assert found.calls == ()


def test_a_slip_that_another_statement_makes_up_for_is_only_a_warning() -> None:
    slip = {**allowing("kms:Encrypt"), "Condition": {"StringLike": {MISPRINT: OBJECTS_ONLY}}}

    found = looked_at(with_statement(healthy(), slip, *ROLE_STATEMENTS))

    assert found.replicates is True
    assert the_only(found).severity is Severity.WARNING


def test_a_dead_principal_beside_the_live_one_is_only_a_warning() -> None:
    names = ["AROAEXAMPLEEXAMPLEID", ROLE_ARN]

    found = looked_at(having(healthy(), {"AWS": names}, *ADMITTING, "Principal"))

    assert found.replicates is True
    assert the_only(found).severity is Severity.WARNING


def test_a_condition_that_a_call_misses_where_too_little_is_known_is_only_a_warning() -> None:
    snapshot = having(healthy(), OBJECTS_ONLY, *ADMITTING, *CONTEXT)

    found = looked_at(without(snapshot, "keys", DESTINATION_KEY, "grants"))

    slip = next(
        each
        for each in found.findings
        if each.kind is AccessFinding.OBJECT_CONTEXT_UNDER_BUCKET_KEY
    )
    assert found.replicates is None
    assert slip.severity is Severity.WARNING


def the_only(found: Preflight) -> Finding:
    (finding,) = found.findings
    return finding


def test_an_allow_in_a_key_s_policy_is_too_wide_only_if_it_names_the_role() -> None:
    everything = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    administrator = {"AWS": f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/key-admin"}
    policy = ("keys", DESTINATION_KEY, "policy", "Statement")

    to_the_role = with_statement(healthy(), everything | {"Principal": {"AWS": ROLE_ARN}}, *policy)
    to_another = with_statement(healthy(), everything | {"Principal": administrator}, *policy)

    assert AccessFinding.KMS_WILDCARD in kinds(to_the_role)
    assert AccessFinding.KMS_WILDCARD not in kinds(to_another)


def test_a_trail_that_hears_makes_up_for_one_that_does_not() -> None:
    deaf = {"Name": "deaf", "IsLogging": False, "IsMultiRegionTrail": True, "EventSelectors": []}

    assert kinds(healthy(trails=[deaf, *healthy()["trails"]])) == set()


@pytest.mark.parametrize(
    ("selector", "finding"),
    [
        (["eventCategory"], None),
        (["eventCategory", "readOnly"], None),
        ([], HearingFinding.TRAIL_SKIPS_READS),
        (["eventCategory", "writes"], HearingFinding.TRAIL_SKIPS_READS),
        (["eventCategory", "notKms"], HearingFinding.TRAIL_EXCLUDES_KMS),
    ],
)
def test_advanced_selectors_are_understood(
    selector: list[str], finding: FindingKind | None
) -> None:
    fields = {
        "eventCategory": {"Field": "eventCategory", "Equals": ["Management"]},
        "readOnly": {"Field": "readOnly", "Equals": ["true"]},
        "writes": {"Field": "readOnly", "Equals": ["false"]},
        "notKms": {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
    }
    selectors = [{"Name": "all", "FieldSelectors": [fields[name] for name in selector]}]
    trail = {**without(healthy(), "trails", 0, "EventSelectors")["trails"][0]}

    found = kinds(healthy(trails=[{**trail, "AdvancedEventSelectors": selectors}]))

    assert found == ({finding} if finding else set())


def two_rules() -> AwsJson:
    snapshot = without(healthy(), *ROLE_STATEMENTS, ENCRYPT)
    rules = ("source", "replication", "ReplicationConfiguration", "Rules")
    other = having(healthy(), "arn:aws:s3:::orders-paris", *RULE, "Destination", "Bucket")
    rule = {**other["source"]["replication"]["ReplicationConfiguration"]["Rules"][0], "ID": "p"}
    bucket = {**healthy()["destinations"][0], "bucket": "orders-paris"}
    snapshot = with_statement(snapshot, rule, *rules)
    return with_statement(snapshot, bucket, "destinations")


def test_two_rules_changes_to_one_policy_become_one() -> None:
    (change,) = [
        each for each in looked_at(two_rules()).changes if each.kind is ChangeKind.ROLE_POLICY
    ]

    assert len(change.after.statements) == 2


def test_the_plan_gives_the_role_only_what_was_refused() -> None:
    (change,) = looked_at(snapshot_named("key-policy-lacks-role")).changes

    assert change.kind is ChangeKind.KEY_POLICY
    assert change.subject == DESTINATION_KEY_ARN
    assert change.statement["Principal"] == {"AWS": ROLE_ARN}
    assert change.statement["Action"] == ["kms:Decrypt", "kms:Encrypt"]


def test_a_pair_within_one_account_needs_no_bucket_policy() -> None:
    text = json.dumps(healthy()).replace(DESTINATION_ACCOUNT, SOURCE_ACCOUNT)
    snapshot = having(json.loads(text), None, "destinations", 0, "policy")

    assert looked_at(snapshot).replicates is True


@pytest.mark.parametrize("name", ["object-context-under-bucket-key", "silent"])
def test_the_broken_set_ups_of_the_data_files_are_seen_to_be_broken(name: str) -> None:
    assert looked_at(snapshot_named(name)).replicates is False
