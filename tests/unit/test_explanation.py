"""What is said of a signal: no more than it says itself, or all that its set-up tells."""

from typing import Any

import pytest

from replimend.domain.denials import DenialEffect, DenialLayer, parse_denial
from replimend.domain.diagnosis.causes import Cause, Confidence, Source
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.failure_reasons import FailureReason, ReasonCode
from replimend.domain.repair.plan import NoPlan, Plan
from replimend.domain.setups.deciding import DecidingPolicy, deciding_policies
from replimend.domain.setups.explanation import Explanation, explain, explain_message
from replimend.domain.setups.reported import reported_denial
from replimend.domain.signals import Ignored, IgnoredKind
from replimend.inbound.messages import signals_of
from replimend.inbound.setups import setup_of
from tests.builders import (
    DESTINATION_KEY_ARN,
    OBJECT_KEY,
    ROLE_ARN,
    SESSION_ARN,
    SOURCE_BUCKET,
    SOURCE_KEY_ARN,
    AwsJson,
    key_access_denied,
    replication_failed,
)
from tests.denial_cases import ASKED, CASES, ON_KEY, THREE_CAUSES
from tests.setups import (
    ADMITTING,
    DECRYPT,
    DESTINATION_KEY,
    ENCRYPT,
    OBJECT,
    ROLE_STATEMENTS,
    RULE,
    having,
    healthy,
    with_statement,
    without,
)

CONTEXT = ("Condition", "StringLike", "kms:EncryptionContext:aws:s3:arn")
UNDER_BUCKET_KEY = {**OBJECT, "BucketKeyEnabled": True}


def explained(event: AwsJson, snapshot: AwsJson | None = None) -> Explanation:
    (signal,) = signals_of(event)
    return explain(signal, None if snapshot is None else setup_of(snapshot))


def cause_of(explanation: Explanation) -> Cause | None:
    return explanation.diagnosis.cause if explanation.diagnosis else None


def says(explanation: Explanation) -> str:
    assert explanation.diagnosis is not None
    return " ".join(each.says for each in explanation.diagnosis.evidence)


# The event alone


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_text_is_decided_only_where_it_leaves_one_cause(case: Any) -> None:
    diagnosis = reported_denial(parse_denial(case.message), case.message)

    layer, effect = case.says.layer, case.says.effect
    one_cause = effect is DenialEffect.EXPLICIT or layer in {
        DenialLayer.BOUNDARY,
        DenialLayer.SCP,
        DenialLayer.RCP,
        DenialLayer.VPC_ENDPOINT,
        DenialLayer.TRUST,
    }
    assert (diagnosis.cause is not Cause.UNDETERMINED) is one_cause
    assert diagnosis.next


def test_a_missing_allow_and_a_missed_condition_have_one_text_and_so_no_cause() -> None:
    explanation = explain_message(
        f"{ASKED}{ON_KEY} because no identity-based policy allows the kms:Encrypt action"
    )

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert explanation.denial.layer is DenialLayer.IDENTITY
    assert "but for a condition" in explanation.next


def test_three_causes_with_one_text_are_told_apart_by_reading_the_key() -> None:
    explanation = explain_message(f"{ASKED} on this resource{THREE_CAUSES}")

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "kms:DescribeKey" in explanation.next


@pytest.mark.parametrize("kind", IgnoredKind)
def test_what_calls_for_nothing_says_so(kind: IgnoredKind) -> None:
    explanation = explain(Ignored(kind=kind, detail="x"))

    assert (explanation.diagnosis, explanation.reason) == (None, kind)
    assert explanation.next


# A failure in its set-up

BROKEN: dict[str, tuple[AwsJson, Cause]] = {
    "the key policy lacks the role": (without(healthy(), *ADMITTING), Cause.KEY_POLICY_LACKS_ROLE),
    "the role lacks the action": (
        without(healthy(), *ROLE_STATEMENTS, ENCRYPT),
        Cause.ROLE_POLICY_LACKS_ACTION,
    ),
    "the key is disabled": (
        having(healthy(), "Disabled", "keys", DESTINATION_KEY, "metadata", "KeyState"),
        Cause.DESTINATION_KEY_UNUSABLE,
    ),
    "the key does not exist": (
        having(healthy(), None, "keys", DESTINATION_KEY, "metadata"),
        Cause.DESTINATION_KEY_MISSING,
    ),
    "the destination is not versioned": (
        having(healthy(), {}, "destinations", 0, "versioning"),
        Cause.DESTINATION_UNVERSIONED,
    ),
    "the destination has no policy": (
        having(healthy(), None, "destinations", 0, "policy"),
        Cause.BUCKET_POLICY_LACKS_ROLE,
    ),
    "the role is gone": (healthy(role=None), Cause.ROLE_MISSING),
    "the rule is disabled": (having(healthy(), "Disabled", *RULE, "Status"), Cause.RULE_DISABLED),
    "nothing replicates": (
        having(healthy(), None, "source", "replication"),
        Cause.REPLICATION_CONFIGURATION_MISSING,
    ),
}


@pytest.mark.parametrize(("snapshot", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_failure_has_the_cause_that_its_set_up_shows(snapshot: AwsJson, cause: Cause) -> None:
    explanation = explained(replication_failed(), {**snapshot, "object": OBJECT})

    assert cause_of(explanation) is cause


@pytest.mark.parametrize(("snapshot", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_stand_in_shows_the_same_cause_where_it_does_not_hang_on_the_version(
    snapshot: AwsJson, cause: Cause
) -> None:
    assert cause_of(explained(replication_failed(), snapshot)) is cause


def test_a_version_that_was_replicated_since_needs_nothing() -> None:
    snapshot = healthy(object={**OBJECT, "ReplicationStatus": "COMPLETED"})

    assert cause_of(explained(replication_failed(), snapshot)) is Cause.ALREADY_REPLICATED


def test_a_set_up_that_is_well_needs_only_a_replay() -> None:
    explanation = explained(replication_failed(), healthy(object=OBJECT))

    assert cause_of(explanation) is Cause.MENDED
    assert explanation.located is not None
    assert isinstance(explanation.located.plan, Plan)
    assert explanation.located.plan.is_replay_only


def test_without_the_version_a_set_up_that_is_well_decides_nothing() -> None:
    explanation = explained(replication_failed(), healthy())

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "replimend snapshot --object" in explanation.next


def test_another_version_in_the_snapshot_is_not_the_one_that_failed() -> None:
    replicated = {**OBJECT, "VersionId": "another", "ReplicationStatus": "COMPLETED"}

    explanation = explained(replication_failed(), healthy(object=replicated))

    assert cause_of(explanation) is Cause.UNDETERMINED


def test_what_hangs_on_the_bucket_key_of_an_unknown_version_is_open() -> None:
    objects = "arn:aws:s3:::orders-frankfurt/*"
    snapshot = having(healthy(), objects, *ADMITTING, *CONTEXT)

    without_version = explained(replication_failed(), snapshot)
    with_version = explained(replication_failed(), {**snapshot, "object": UNDER_BUCKET_KEY})

    assert cause_of(without_version) is Cause.UNDETERMINED
    assert "mended or condition_mismatch" in says(without_version)
    assert cause_of(with_version) is Cause.CONDITION_MISMATCH


def test_a_refusal_on_the_other_side_than_the_code_s_is_no_cause_for_a_stand_in() -> None:
    snapshot = without(healthy(), *ROLE_STATEMENTS, DECRYPT)

    explanation = explained(replication_failed(reason="DstPutObjectNotPermitted"), snapshot)

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "kms:Decrypt" in says(explanation)


def test_what_s3_reports_of_the_version_stands_against_a_stand_in() -> None:
    snapshot = without(healthy(), *ADMITTING)

    explanation = explained(replication_failed(reason="SrcObjectNotFound"), snapshot)

    assert cause_of(explanation) is Cause.OBJECT_GONE
    assert explanation.located is not None
    assert isinstance(explanation.located.plan, NoPlan)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_set_up_is_explained_as_triage_would_diagnose_it(code: ReasonCode) -> None:
    explanation = explained(replication_failed(reason=code), healthy(object=OBJECT))

    assert explanation.located is not None
    assert explanation.located.facts is not None
    assert (
        cause_of(explanation)
        is diagnose(explanation.located.facts, FailureReason.parse(code)).cause
    )


def test_a_version_that_is_there_is_not_gone_because_s3_says_so() -> None:
    explanation = explained(replication_failed(reason="SrcVersionNotFound"), healthy(object=OBJECT))

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "Re-copy this one version" in explanation.next


def test_a_grant_that_misses_by_its_context_is_told_as_the_keys_own_refusal() -> None:
    grant = {
        "GrantId": "g-1",
        "GranteePrincipal": ROLE_ARN,
        "Operations": ["Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"aws:s3:arn": "arn:aws:s3:::orders-frankfurt"}},
    }
    snapshot = without(healthy(object=OBJECT), *ADMITTING)
    snapshot = having(snapshot, [grant], "keys", DESTINATION_KEY, "grants")

    explanation = explained(replication_failed(), snapshot)

    assert cause_of(explanation) is Cause.CONDITION_MISMATCH
    assert explanation.diagnosis is not None
    assert explanation.diagnosis.layer == "grant"
    assert explanation.denial.layer is DenialLayer.RESOURCE


def test_a_grant_of_the_same_minute_as_the_failure_is_waited_for() -> None:
    grant = {
        "GrantId": "g-1",
        "GranteePrincipal": ROLE_ARN,
        "Operations": ["Encrypt", "Decrypt"],
        "CreationDate": "2026-01-15T09:58:00+00:00",
    }
    snapshot = without(healthy(object=OBJECT), *ADMITTING)
    snapshot = having(snapshot, [grant], "keys", DESTINATION_KEY, "grants")

    explanation = explained(replication_failed(), snapshot)

    assert cause_of(explanation) is Cause.GRANT_PENDING
    assert "2026-01-15T10:03" in explanation.next


def test_what_s3_reports_decides_where_the_snapshot_lacks_what_would() -> None:
    snapshot = without(healthy(object=OBJECT), "destinations")

    explanation = explained(replication_failed(reason="DstBucketUnversioned"), snapshot)

    assert explanation.diagnosis is not None
    assert explanation.diagnosis.cause is Cause.DESTINATION_UNVERSIONED
    assert explanation.diagnosis.confidence is Confidence.REPORTED
    assert "the snapshot does not have" in says(explanation)


@pytest.mark.parametrize(
    "path",
    [
        ("source", "replication"),
        ("role",),
        ("role", "boundary"),
        ("keys",),
        ("keys", DESTINATION_KEY, "policy"),
        ("keys", DESTINATION_KEY, "metadata"),
        ("destinations", 0, "policy"),
        ("destinations", 0, "versioning"),
    ],
    ids=str,
)
def test_without_a_part_that_may_decide_the_answer_is_open_and_names_it(path: Any) -> None:
    explanation = explained(replication_failed(), without(healthy(object=OBJECT), *path))

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "could not be read" in says(explanation)


def test_a_refusal_is_certain_whatever_else_the_snapshot_lacks() -> None:
    snapshot = without(healthy(object=OBJECT), *ADMITTING)
    snapshot = without(snapshot, "keys", DESTINATION_KEY, "metadata")

    explanation = explained(replication_failed(), without(snapshot, "role", "trust"))

    assert cause_of(explanation) is Cause.KEY_POLICY_LACKS_ROLE


def test_a_denial_of_another_role_is_no_evidence() -> None:
    other = ROLE_ARN.replace("orders", "invoices")
    issuer = ("userIdentity", "sessionContext", "sessionIssuer", "arn")
    snapshot = without(healthy(object=OBJECT), *ADMITTING)

    explanation = explained(
        replication_failed(), {**snapshot, "denials": [having(key_access_denied(), other, *issuer)]}
    )

    assert explanation.diagnosis is not None
    assert explanation.diagnosis.confidence is Confidence.EVALUATED


def test_the_snapshot_of_another_bucket_decides_nothing() -> None:
    explanation = explained(replication_failed(bucket="invoices-ireland"), healthy(object=OBJECT))

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "--bucket invoices-ireland" in explanation.next


def test_the_plan_serves_every_version_that_the_rule_is_for() -> None:
    explanation = explained(replication_failed(), without(healthy(), *ADMITTING))

    assert explanation.located is not None
    assert isinstance(explanation.located.plan, Plan)
    (change,) = explanation.located.plan.changes
    assert change.statement["Action"] == ["kms:Decrypt", "kms:Encrypt"]


# A denial in its set-up


@pytest.mark.parametrize("version", [None, OBJECT, {**OBJECT, "ReplicationStatus": "COMPLETED"}])
def test_a_denial_is_proven_by_the_policy_that_refuses_still(version: AwsJson | None) -> None:
    snapshot = without(healthy(), *ADMITTING)

    explanation = explained(
        key_access_denied(), snapshot if version is None else {**snapshot, "object": version}
    )

    assert explanation.diagnosis is not None
    assert explanation.diagnosis.cause is Cause.KEY_POLICY_LACKS_ROLE
    assert explanation.diagnosis.confidence is Confidence.PROVEN
    assert explanation.principal == SESSION_ARN


def test_the_denied_call_is_explained_and_not_another_that_is_refused_too() -> None:
    snapshot = without(without(healthy(), *ADMITTING), *ROLE_STATEMENTS, DECRYPT)

    explanation = explained(key_access_denied(), snapshot)

    assert explanation.diagnosis is not None
    assert explanation.diagnosis.requirement is not None
    assert explanation.diagnosis.requirement.action == "kms:Encrypt"


def test_a_denial_that_the_policies_no_longer_explain_is_mended() -> None:
    assert cause_of(explained(key_access_denied(), healthy(object=OBJECT))) is Cause.MENDED


def test_a_call_that_only_the_denial_tells_of_is_looked_at_as_well() -> None:
    explanation = explained(
        key_access_denied(action="kms:GenerateDataKey"), healthy(object=UNDER_BUCKET_KEY)
    )

    assert explanation.diagnosis is not None
    assert explanation.diagnosis.cause is Cause.BOTH_SIDES_LACK_ROLE
    assert explanation.diagnosis.requirement is not None
    assert explanation.diagnosis.requirement.action == "kms:GenerateDataKey"
    assert explanation.located is not None
    assert isinstance(explanation.located.plan, Plan)


def test_a_call_beyond_the_ceiling_is_never_planned_for() -> None:
    explanation = explained(key_access_denied(action="kms:CreateGrant"), healthy(object=OBJECT))

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert explanation.located is not None
    assert isinstance(explanation.located.plan, NoPlan)


@pytest.mark.parametrize(
    "event",
    [
        key_access_denied(key_arn=DESTINATION_KEY_ARN.replace("2222-4222", "3333-4333")),
        key_access_denied(region="eu-north-1"),
        having(
            key_access_denied(),
            ROLE_ARN.replace("orders", "invoices"),
            *("userIdentity", "sessionContext", "sessionIssuer", "arn"),
        ),
    ],
)
def test_a_denial_of_another_key_region_or_role_is_not_this_set_up_s(event: AwsJson) -> None:
    explanation = explained(event, without(healthy(object=OBJECT), *ADMITTING))

    assert cause_of(explanation) is Cause.UNDETERMINED


def test_a_layer_that_only_the_text_tells_of_is_the_organisation_s() -> None:
    message = f"{ASKED}{ON_KEY} with an explicit deny in a service control policy"

    explanation = explained(key_access_denied(message=message), healthy(object=OBJECT))

    assert cause_of(explanation) is Cause.ORGANISATION_POLICY
    assert explanation.denial.layer is DenialLayer.SCP


# A question about an object


def test_a_question_without_a_set_up_asks_for_one() -> None:
    explanation = explained({"bucket": SOURCE_BUCKET, "key": OBJECT_KEY})

    assert cause_of(explanation) is Cause.UNDETERMINED
    assert "replimend snapshot" in explanation.next


def test_a_question_is_answered_by_the_rule_that_needs_most() -> None:
    snapshot = healthy(object=OBJECT)
    rules = ("source", "replication", "ReplicationConfiguration", "Rules")
    broken = having(snapshot, "Disabled", *RULE, "Status")
    rule = broken["source"]["replication"]["ReplicationConfiguration"]["Rules"][0]
    snapshot = with_statement(snapshot, {**rule, "ID": "second"}, *rules)

    explanation = explained({"bucket": SOURCE_BUCKET, "key": OBJECT_KEY}, snapshot)

    assert cause_of(explanation) is Cause.RULE_DISABLED


@pytest.mark.parametrize(
    ("event", "snapshot"),
    [
        ({"bucket": "invoices-ireland", "key": "a"}, healthy()),
        (
            {"bucket": SOURCE_BUCKET, "key": "a"},
            having(healthy(), "reports/", *RULE, "Filter", "Prefix"),
        ),
    ],
)
def test_a_question_about_what_no_rule_selects_is_open(event: AwsJson, snapshot: AwsJson) -> None:
    assert cause_of(explained(event, snapshot)) is Cause.UNDETERMINED


# The policy that decides


def deciding(event: AwsJson, snapshot: AwsJson) -> tuple[DecidingPolicy, ...]:
    located = explained(event, snapshot).located
    assert located is not None
    assert located.facts is not None
    return deciding_policies(located.diagnosis, located.facts)


def test_the_condition_that_is_missed_is_what_decides() -> None:
    snapshot = having(healthy(), "arn:aws:s3:::orders-frankfurt/*", *ADMITTING, *CONTEXT)

    (policy,) = deciding(replication_failed(), {**snapshot, "object": UNDER_BUCKET_KEY})

    assert policy.name == DESTINATION_KEY_ARN
    assert policy.places == (("Statement", 1, *CONTEXT),)


def test_the_effect_of_a_deny_is_what_decides() -> None:
    deny = {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": SOURCE_KEY_ARN}
    snapshot = with_statement(healthy(object=OBJECT), deny, *ROLE_STATEMENTS)

    (policy,) = deciding(replication_failed(), snapshot)

    assert policy.name == "replication"
    assert policy.places == (("Statement", 5, "Effect"),)


def test_the_name_of_a_deleted_role_is_what_decides() -> None:
    dead = {"AWS": ["AROAEXAMPLEEXAMPLEID"]}

    (policy,) = deciding(
        replication_failed(), having(healthy(object=OBJECT), dead, *ADMITTING, "Principal")
    )

    assert policy.places == (("Statement", 1, "Principal", "AWS"),)


def test_a_silent_policy_decides_as_a_whole() -> None:
    (policy,) = deciding(replication_failed(), without(healthy(object=OBJECT), *ADMITTING))

    assert policy.places == ()
    assert policy.says == "nothing here allows kms:Encrypt"


def test_a_boundary_that_is_silent_is_shown() -> None:
    boundary = {"name": "only-s3", "document": {"Version": "2012-10-17", "Statement": []}}

    (policy,) = deciding(
        replication_failed(), having(healthy(object=OBJECT), boundary, "role", "boundary")
    )

    assert policy.name == "only-s3"


def test_a_cause_without_a_policy_shows_none() -> None:
    assert deciding(replication_failed(), healthy(object=OBJECT)) == ()


def test_the_stand_in_is_part_of_the_evidence() -> None:
    explanation = explained(replication_failed(), without(healthy(), *ADMITTING))

    assert explanation.diagnosis is not None
    assert Source.READ in {each.source for each in explanation.diagnosis.evidence}
