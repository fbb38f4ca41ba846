"""KMS grants."""

from dataclasses import replace
from typing import Any

import pytest

from replimend.domain.access import Effect, Grant, LayerName, MissedCondition, Result, evaluate
from replimend.errors import MalformedPolicyError
from tests.unit.access.questions import (
    ACCOUNT,
    ALLOW_ALL,
    ALLOW_NOTHING,
    DENY_ALL,
    KEY,
    OTHER_KEY,
    ROLE,
    ROOT,
    SESSION,
    Context,
    Statement,
    deny,
    grant,
    layers,
    level,
    request,
    to_object,
    to_other_key,
)

ARN_KEY = "kms:EncryptionContext:aws:s3:arn"
BUCKET = "arn:aws:s3:::dst"
BUCKET_CONTEXT: Context = {ARN_KEY: BUCKET, "kms:EncryptionContextKeys": ("aws:s3:arn",)}
OBJECT_CONTEXT: Context = {ARN_KEY: f"{BUCKET}/a", "kms:EncryptionContextKeys": ("aws:s3:arn",)}


def test_a_grant_suffices_without_any_policy() -> None:
    decision = evaluate(request(), layers(resource=(), grants=(grant(),)))

    assert decision.result is Result.ALLOWED
    assert decision.layer(LayerName.GRANT).statements == ("replication",)


def test_a_grant_suffices_across_accounts() -> None:
    decision = evaluate(to_other_key(), layers(resource=(), grants=(grant(KeyId=OTHER_KEY),)))

    assert decision.result is Result.ALLOWED


@pytest.mark.parametrize(
    "fields",
    [
        {"Operations": ["Decrypt"]},
        {"GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/admin"},
        {"GranteePrincipal": "AROAEXAMPLEDELETED00"},
        {"KeyId": OTHER_KEY},
        {"GranteePrincipal": "s3.amazonaws.com"},
    ],
)
def test_a_grant_for_something_else_has_no_say(fields: dict[str, Any]) -> None:
    decision = evaluate(request(), layers(resource=(), grants=(grant(**fields),)))

    assert decision.result is Result.IMPLICITLY_DENIED
    assert decision.layer(LayerName.GRANT).effect is Effect.NOT_APPLICABLE
    assert decision.blocking == (LayerName.RESOURCE, LayerName.IDENTITY)


@pytest.mark.parametrize("grantee", [ROLE, SESSION])
def test_the_grantee_is_a_role_or_its_session(grantee: str) -> None:
    decision = evaluate(request(), layers(resource=(), grants=(grant(GranteePrincipal=grantee),)))

    assert decision.result is Result.ALLOWED


def test_a_grant_to_the_account_leaves_it_to_identity_policies() -> None:
    to_account = (grant(GranteePrincipal=ROOT),)

    alone = evaluate(request(), layers(resource=(), grants=to_account))
    together = evaluate(request(), layers(resource=(), identity=(ALLOW_ALL,), grants=to_account))

    assert alone.blocking == (LayerName.IDENTITY,)
    assert together.result is Result.ALLOWED


@pytest.mark.parametrize(
    ("constraint", "context", "allowed"),
    [
        ({"EncryptionContextEquals": {"aws:s3:arn": BUCKET}}, BUCKET_CONTEXT, True),
        ({"EncryptionContextEquals": {"aws:s3:arn": BUCKET}}, OBJECT_CONTEXT, False),
        ({"EncryptionContextEquals": {"aws:s3:arn": BUCKET}}, {}, False),
        ({"EncryptionContextEquals": {"AWS:s3:arn": BUCKET}}, BUCKET_CONTEXT, True),
        ({"EncryptionContextSubset": {"AWS:s3:arn": BUCKET}}, BUCKET_CONTEXT, True),
        ({"EncryptionContextSubset": {"AWS:s3:arn": BUCKET}}, OBJECT_CONTEXT, False),
        ({"EncryptionContextEquals": {"aws:s3:arn": BUCKET.upper()}}, BUCKET_CONTEXT, False),
        ({"EncryptionContextEquals": {"aws:s3:arn": f"{BUCKET}/*"}}, OBJECT_CONTEXT, False),
        (
            {"EncryptionContextEquals": {"aws:s3:arn": BUCKET}},
            {ARN_KEY: BUCKET, "kms:EncryptionContext:team": "tax"},
            False,
        ),
        (
            {"EncryptionContextEquals": {"aws:s3:arn": BUCKET}},
            {ARN_KEY: BUCKET, "kms:EncryptionContextKeys": ("aws:s3:arn", "team")},
            False,
        ),
        (
            {"EncryptionContextSubset": {"aws:s3:arn": BUCKET}},
            {ARN_KEY: BUCKET, "kms:EncryptionContext:team": "tax"},
            True,
        ),
        ({"EncryptionContextSubset": {"aws:s3:arn": BUCKET}}, OBJECT_CONTEXT, False),
        ({"EncryptionContextSubset": {}}, {}, True),
        ({}, OBJECT_CONTEXT, True),
    ],
)
def test_constraints_are_exact_but_for_the_letter_case_of_keys(
    constraint: dict[str, Any], context: Context, *, allowed: bool
) -> None:
    decision = evaluate(
        request(context=context), layers(resource=(), grants=(grant(Constraints=constraint),))
    )

    assert (decision.result is Result.ALLOWED) is allowed


def test_a_constraint_that_misses_tells_what_came() -> None:
    constrained = grant(Constraints={"EncryptionContextEquals": {"aws:s3:arn": BUCKET}})

    decision = evaluate(request(context=OBJECT_CONTEXT), layers(resource=(), grants=(constrained,)))

    assert decision.layer(LayerName.GRANT).missed == (
        MissedCondition(
            policy="grants",
            statement="replication",
            condition="EncryptionContextEquals aws:s3:arn",
            expected=(BUCKET,),
            actual=f"{BUCKET}/a",
        ),
    )


def test_describe_key_has_no_encryption_context_to_constrain() -> None:
    constrained = grant(
        Operations=["DescribeKey"],
        Constraints={"EncryptionContextEquals": {"aws:s3:arn": BUCKET}},
    )

    decision = evaluate(
        request(action="kms:DescribeKey"), layers(resource=(), grants=(constrained,))
    )

    assert decision.result is Result.ALLOWED


def test_a_source_arn_constrains_a_service_only() -> None:
    constraint = {"SourceArn": "arn:aws:dynamodb:eu-west-2:111111111111:table/t"}
    to_service = grant(
        GranteePrincipal=None, GranteeServicePrincipal="x.amazonaws.com", Constraints=constraint
    )
    asked = request(principal="x.amazonaws.com")
    from_table = request(
        principal="x.amazonaws.com", context={"aws:SourceArn": constraint["SourceArn"]}
    )
    to_role = layers(resource=(), grants=(grant(Constraints=constraint),))

    denied = evaluate(asked, layers(resource=(), grants=(to_service,)))
    assert denied.result is Result.IMPLICITLY_DENIED
    assert denied.layer(LayerName.GRANT).missed[0].condition == "SourceArn"
    allowed = evaluate(from_table, layers(resource=(), grants=(to_service,)))
    assert allowed.result is Result.ALLOWED
    assert evaluate(request(), to_role).result is Result.ALLOWED


@pytest.mark.parametrize(
    "denying",
    [
        {"resource": (deny("*"),)},
        {"identity": (DENY_ALL,)},
        {"scps": (level(DENY_ALL),)},
        {"rcps": (level(deny("*")),)},
        {"boundary": (DENY_ALL,)},
        {"session": (DENY_ALL,)},
        {"endpoint": (DENY_ALL,)},
    ],
)
def test_an_explicit_deny_outweighs_a_grant(denying: dict[str, Any]) -> None:
    decision = evaluate(request(), layers(**{"resource": (), **denying}, grants=(grant(),)))

    assert decision.result is Result.EXPLICITLY_DENIED


def test_a_role_granted_a_key_stays_within_its_boundary_and_a_session_does_not() -> None:
    to_role, to_session = grant(), grant(GranteePrincipal=SESSION)
    limited = layers(resource=(), boundary=(ALLOW_NOTHING,))

    role = evaluate(request(), replace(limited, grants=(to_role,)))
    session = evaluate(request(), replace(limited, grants=(to_session,)))

    assert role.blocking == (LayerName.BOUNDARY,)
    assert session.result is Result.ALLOWED


@pytest.mark.parametrize(
    ("grantee", "identity", "blocking"),
    [
        (ROLE, (), (LayerName.BOUNDARY,)),
        (SESSION, (), (LayerName.BOUNDARY,)),
        (ROOT, (), (LayerName.IDENTITY, LayerName.BOUNDARY)),
        (ROOT, (ALLOW_ALL,), (LayerName.BOUNDARY,)),
    ],
)
def test_across_accounts_the_boundary_holds_whomever_the_grant_names(
    grantee: str, identity: tuple[Statement, ...], blocking: tuple[LayerName, ...]
) -> None:
    granted = grant(KeyId=OTHER_KEY, GranteePrincipal=grantee)

    decision = evaluate(
        to_other_key(),
        layers(resource=(), identity=identity, boundary=(ALLOW_NOTHING,), grants=(granted,)),
    )

    assert decision.result is Result.IMPLICITLY_DENIED
    assert decision.blocking == blocking


def test_a_grant_says_nothing_of_a_bucket() -> None:
    decision = evaluate(to_object(), layers(grants=(grant(KeyId=None),)))

    assert decision.layer(LayerName.GRANT).effect is Effect.NOT_APPLICABLE


def test_a_bare_key_id_is_the_key_of_that_id() -> None:
    decision = evaluate(request(), layers(resource=(), grants=(grant(KeyId="1234"),)))

    assert KEY.endswith("/1234")
    assert decision.result is Result.ALLOWED


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"Operations": None}, "Operations"),
        ({"Operations": ["Encrypt", 5]}, "Operations[1]"),
        ({"GranteePrincipal": ["x"]}, "GranteePrincipal"),
        ({"Constraints": "x"}, "Constraints"),
        ({"Constraints": {"EncryptionContextSubset": []}}, "Constraints.EncryptionContextSubset"),
        (
            {"Constraints": {"EncryptionContextEquals": {"a": 1}}},
            "Constraints.EncryptionContextEquals.a",
        ),
    ],
)
def test_a_malformed_grant_is_one_error_with_a_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedPolicyError) as caught:
        grant(**fields)

    assert caught.value.path == path


def test_a_grant_without_a_name_goes_by_its_id() -> None:
    assert Grant.parse({"GrantId": "abc", "Name": "", "Operations": []}).label == "abc"
