"""The classifier's order and its words, on facts without AWS."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.causes import Cause, Confidence
from replimend.domain.denials import parse_denial
from replimend.domain.diagnosis import diagnose
from replimend.domain.facts import Absent, Facts, NamedPolicy, ReplicationSetup
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    ROLE_ARN,
    a_bucket,
    a_key,
    a_role,
    a_rule,
    administered_by,
    admitting_the_role,
    an_object,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
    role_policy,
    trust,
)

REASON = FailureReason.parse("DstPutObjectNotPermitted")


def denied(
    message: str, action: str = "kms:Encrypt", region: str = "eu-central-1"
) -> KeyAccessDenied:
    return KeyAccessDenied(
        event_id="11111111-2222-3333-4444-555555555555",
        event_time=NOON,
        region=region,
        account=HOME,
        principal_arn=f"arn:aws:sts::{HOME}:assumed-role/orders-replication/s3-replication",
        role_arn=ROLE_ARN,
        session_name="s3-replication",
        action=action,
        key_arn=None,
        denial=parse_denial(message),
        error_code="AccessDenied",
        message=message,
        encryption_context=None,
        invoked_by="AWS Internal",
        replayed=False,
    )


AMBIGUOUS = (
    f"User: arn:aws:sts::{HOME}:assumed-role/orders-replication/s3-replication is not authorized "
    "to perform: kms:Encrypt on this resource because the resource does not exist in this Region, "
    "no resource-based policies allow access, or a resource-based policy explicitly denies access"
)
BY_AN_SCP = (
    f"User: arn:aws:sts::{HOME}:assumed-role/orders-replication/s3-replication is not authorized "
    f"to perform: kms:Encrypt on resource: {DESTINATION_KEY} with an explicit deny in a service "
    "control policy: "
    "arn:aws:organizations::777777777777:policy/o-example/service_control_policy/p-1"
)


def test_the_flagship_is_named_with_its_call_layer_and_key() -> None:
    diagnosis = diagnose(flagship_facts(), REASON)

    assert diagnosis.cause is Cause.KEY_POLICY_LACKS_ROLE
    assert diagnosis.confidence is Confidence.EVALUATED
    assert diagnosis.requirement is not None
    assert diagnosis.requirement.action == "kms:Encrypt"
    assert (diagnosis.subject, diagnosis.layer) == (DESTINATION_KEY, "resource")
    assert any(
        "neither names the role nor delegates" in each.says and HOME in each.says
        for each in diagnosis.evidence
    )


def test_a_denial_that_agrees_proves_the_diagnosis() -> None:
    diagnosis = diagnose(flagship_facts(denials=(denied(AMBIGUOUS),)), REASON)

    assert diagnosis.confidence is Confidence.PROVEN


def test_a_denial_of_another_region_proves_nothing() -> None:
    diagnosis = diagnose(flagship_facts(denials=(denied(AMBIGUOUS, region="eu-west-1"),)), REASON)

    assert diagnosis.confidence is Confidence.EVALUATED


def test_what_was_ruled_out_is_said_with_reasons() -> None:
    ruled_out = {each.cause: each.because for each in diagnose(flagship_facts(), REASON).ruled_out}

    assert "the role's own policy allows kms:Encrypt" in ruled_out[Cause.ROLE_POLICY_LACKS_ACTION]
    assert "Enabled" in ruled_out[Cause.DESTINATION_KEY_UNUSABLE]
    assert Cause.EXPLICIT_DENY in ruled_out


def with_role(**changes: Any) -> Facts:
    return healthy_facts(role=a_role(**changes))


def policies(*documents: Any) -> tuple[NamedPolicy, ...]:
    return tuple(NamedPolicy(name=f"p{i}", document=each) for i, each in enumerate(documents))


DENY_ENCRYPT = {"Sid": "NoEncrypt", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}

CASES: dict[str, tuple[Facts, Cause]] = {
    "role lacks the action": (
        with_role(identity_policies=policies(role_policy(without=frozenset({"kms:Encrypt"})))),
        Cause.ROLE_POLICY_LACKS_ACTION,
    ),
    "both sides lack it": (
        flagship_facts(
            role=a_role(identity_policies=policies(role_policy(without=frozenset({"kms:Encrypt"}))))
        ),
        Cause.BOTH_SIDES_LACK_ROLE,
    ),
    "explicit deny in the role's policy": (
        with_role(identity_policies=policies(role_policy(), document(DENY_ENCRYPT))),
        Cause.EXPLICIT_DENY,
    ),
    "permissions boundary": (
        with_role(
            boundary=NamedPolicy(
                name="boundary",
                document=document(
                    {"Sid": "OnlyS3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
                ),
            )
        ),
        Cause.PERMISSIONS_BOUNDARY,
    ),
    "context of objects, under a Bucket Key": (
        healthy_facts(
            object=an_object(bucket_key=True),
            destination_key=a_key(
                policy=document(
                    administered_by(MEMBER),
                    admitting_the_role(
                        "kms:Encrypt",
                        "kms:Decrypt",
                        Condition={
                            "StringLike": {
                                "kms:EncryptionContext:aws:s3:arn": (
                                    "arn:aws:s3:::orders-frankfurt/*"
                                )
                            }
                        },
                    ),
                )
            ),
        ),
        Cause.CONDITION_MISMATCH,
    ),
    "principal of a deleted role": (
        healthy_facts(
            destination_key=a_key(
                policy=document(
                    administered_by(MEMBER),
                    {
                        "Sid": "AdmitReplication",
                        "Effect": "Allow",
                        "Principal": {"AWS": "AROAEXAMPLEEXAMPLEID"},
                        "Action": "kms:Encrypt",
                        "Resource": "*",
                    },
                )
            )
        ),
        Cause.DEAD_PRINCIPAL,
    ),
    "destination bucket policy": (
        healthy_facts(destination=a_bucket(policy=Absent(what="policy"))),
        Cause.BUCKET_POLICY_LACKS_ROLE,
    ),
    "destination key disabled": (
        healthy_facts(destination_key=a_key(state="Disabled")),
        Cause.DESTINATION_KEY_UNUSABLE,
    ),
    "destination key missing": (
        healthy_facts(destination_key=Absent(what=f"key {DESTINATION_KEY}")),
        Cause.DESTINATION_KEY_MISSING,
    ),
    "destination key in another Region": (
        healthy_facts(destination=a_bucket(region="eu-north-1")),
        Cause.KEY_IN_WRONG_REGION,
    ),
    "AWS managed key of another account": (
        healthy_facts(destination_key=a_key(customer_managed=False)),
        Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS,
    ),
    "role not assumable": (
        with_role(trust=trust("ec2.amazonaws.com")),
        Cause.ROLE_NOT_ASSUMABLE,
    ),
    "destination unversioned": (
        healthy_facts(destination=a_bucket(versioned=False)),
        Cause.DESTINATION_UNVERSIONED,
    ),
    "destination gone": (
        healthy_facts(destination=Absent(what="bucket orders-frankfurt")),
        Cause.DESTINATION_BUCKET_MISSING,
    ),
    "rule gone": (
        healthy_facts(setup=ReplicationSetup(role_arn=ROLE_ARN, rules=())),
        Cause.RULE_MISSING,
    ),
    "rule disabled": (
        healthy_facts(setup=ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(enabled=False),))),
        Cause.RULE_DISABLED,
    ),
    "not opted in": (
        healthy_facts(
            setup=ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(replicates_kms_objects=False),))
        ),
        Cause.NOT_OPTED_IN,
    ),
    "object gone": (healthy_facts(object=Absent(what="version")), Cause.OBJECT_GONE),
    "already replicated": (
        healthy_facts(object=an_object(replication_status="COMPLETED")),
        Cause.ALREADY_REPLICATED,
    ),
    "all is well now": (healthy_facts(), Cause.MENDED),
    "role unreadable": (
        healthy_facts(role=Unavailable(reason="denied to us")),
        Cause.UNDETERMINED,
    ),
    "destination key unreadable": (
        healthy_facts(destination_key=Unavailable(reason="denied to us")),
        Cause.UNDETERMINED,
    ),
    "key policy unreadable": (
        healthy_facts(destination_key=a_key(policy=Unavailable(reason="denied to us"))),
        Cause.UNDETERMINED,
    ),
    "service control policy, known from the text only": (
        replace(healthy_facts(), denials=(denied(BY_AN_SCP),)),
        Cause.ORGANISATION_POLICY,
    ),
    "same account, key policy does not delegate": (
        healthy_facts(
            source_key=a_key(
                f"arn:aws:kms:eu-west-1:{HOME}:key/11111111-1111-4111-8111-111111111111",
                policy=document(administered_by(HOME)),
            )
        ),
        Cause.KEY_POLICY_LACKS_ROLE,
    ),
}


@pytest.mark.parametrize(("facts", "cause"), CASES.values(), ids=CASES)
def test_each_condition_has_its_cause(facts: Facts, cause: Cause) -> None:
    diagnosis = diagnose(facts, REASON)

    assert diagnosis.cause is cause
    assert diagnosis.next
    assert diagnosis.evidence


def test_an_undocumented_reason_is_never_called_mended() -> None:
    diagnosis = diagnose(healthy_facts(), FailureReason.parse("SomethingNew"))

    assert diagnosis.cause is Cause.UNDETERMINED
    assert "SomethingNew" in diagnosis.evidence[0].says


def test_what_only_delete_markers_need_is_no_cause_of_a_failed_put() -> None:
    facts = healthy_facts(
        setup=ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(delete_markers=True),)),
        role=a_role(
            identity_policies=policies(role_policy(without=frozenset({"s3:ReplicateDelete"})))
        ),
    )

    assert diagnose(facts, REASON).cause is Cause.MENDED
    assert (
        diagnose(facts, FailureReason.parse("DstDelObjNotPermitted")).cause
        is Cause.ROLE_POLICY_LACKS_ACTION
    )


def test_an_organisations_denial_of_another_call_is_not_the_cause() -> None:
    elsewhere = denied(BY_AN_SCP.replace("kms:Encrypt", "kms:Decrypt"), action="kms:Decrypt")

    assert diagnose(flagship_facts(denials=(elsewhere,)), REASON).cause is (
        Cause.KEY_POLICY_LACKS_ROLE
    )


def test_delegation_to_the_roles_account_leaves_it_to_the_role() -> None:
    facts = healthy_facts(
        destination_key=a_key(policy=document(administered_by(MEMBER), delegated_to(HOME)))
    )

    assert diagnose(facts, REASON).cause is Cause.MENDED
