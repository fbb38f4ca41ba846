"""What follows from the layers together."""

import pytest

from replimend.domain.access import Effect, LayerName, Level, Request, Result, evaluate
from tests.unit.access.questions import (
    ACCOUNT,
    ALLOW_ALL,
    ALLOW_NOTHING,
    DENY_ALL,
    KEY,
    OTHER_ACCOUNT,
    ROLE,
    ROOT,
    USER,
    Statement,
    allow,
    deny,
    layers,
    level,
    policy,
    request,
    to_object,
    to_other_key,
)

ALLOWED, IMPLICIT, EXPLICIT = Result.ALLOWED, Result.IMPLICITLY_DENIED, Result.EXPLICITLY_DENIED
ADMIT: Statement = allow({"AWS": ROLE})
DELEGATE: Statement = allow({"AWS": ROOT})
ELSEWHERE: Statement = allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"})


@pytest.mark.parametrize(
    ("identity", "bucket_policy", "result"),
    [
        ((), None, IMPLICIT),
        ((ALLOW_ALL,), None, ALLOWED),
        ((), (ADMIT,), ALLOWED),
        ((), (DELEGATE,), IMPLICIT),
        ((ALLOW_ALL,), (ELSEWHERE,), ALLOWED),
        ((DENY_ALL,), (ADMIT,), EXPLICIT),
        ((ALLOW_ALL, DENY_ALL), None, EXPLICIT),
        ((ALLOW_ALL,), (deny("*"),), EXPLICIT),
    ],
)
def test_in_one_account_the_role_or_the_bucket_policy_allows(
    identity: tuple[Statement, ...], bucket_policy: tuple[Statement, ...] | None, result: Result
) -> None:
    decision = evaluate(to_object(), layers(identity=identity, resource=bucket_policy))

    assert decision.result is result


@pytest.mark.parametrize(
    ("identity", "key_policy", "result", "blocking"),
    [
        ((ALLOW_ALL,), None, IMPLICIT, ("resource",)),
        ((ALLOW_ALL,), (ELSEWHERE,), IMPLICIT, ("resource",)),
        ((ALLOW_ALL,), (DELEGATE,), ALLOWED, ()),
        ((), (DELEGATE,), IMPLICIT, ("identity",)),
        ((), (ADMIT,), ALLOWED, ()),
        ((), (ELSEWHERE,), IMPLICIT, ("resource", "identity")),
    ],
)
def test_a_key_is_never_opened_by_identity_policies_alone(
    identity: tuple[Statement, ...],
    key_policy: tuple[Statement, ...] | None,
    result: Result,
    blocking: tuple[str, ...],
) -> None:
    decision = evaluate(request(), layers(identity=identity, resource=key_policy))

    assert decision.result is result
    assert decision.blocking == blocking


@pytest.mark.parametrize(
    ("identity", "key_policy", "result", "blocking"),
    [
        ((ALLOW_ALL,), (ADMIT,), ALLOWED, ()),
        ((ALLOW_ALL,), (DELEGATE,), ALLOWED, ()),
        ((), (ADMIT,), IMPLICIT, ("identity",)),
        ((ALLOW_ALL,), (ELSEWHERE,), IMPLICIT, ("resource",)),
        ((ALLOW_ALL,), None, IMPLICIT, ("resource",)),
        ((), (ELSEWHERE,), IMPLICIT, ("resource", "identity")),
    ],
)
def test_across_accounts_both_sides_must_allow(
    identity: tuple[Statement, ...],
    key_policy: tuple[Statement, ...] | None,
    result: Result,
    blocking: tuple[str, ...],
) -> None:
    decision = evaluate(to_other_key(), layers(identity=identity, resource=key_policy))

    assert decision.result is result
    assert decision.blocking == blocking


@pytest.mark.parametrize("name", ["boundary", "session", "endpoint"])
@pytest.mark.parametrize(
    ("statements", "result"),
    [
        ((ALLOW_ALL,), ALLOWED),
        ((ALLOW_NOTHING,), IMPLICIT),
        ((), IMPLICIT),
        ((ALLOW_ALL, DENY_ALL), EXPLICIT),
    ],
)
def test_a_limiting_layer_must_allow_too(
    name: str, statements: tuple[Statement, ...], result: Result
) -> None:
    limited = layers(
        identity=(ALLOW_ALL,),
        boundary=statements if name == "boundary" else None,
        session=statements if name == "session" else None,
        endpoint=statements if name == "endpoint" else None,
    )

    decision = evaluate(to_object(), limited)

    assert decision.result is result
    if result is not ALLOWED:
        assert decision.blocking == ("vpc_endpoint" if name == "endpoint" else name,)


def test_an_endpoint_policy_may_name_principals() -> None:
    own_role = layers(identity=(ALLOW_ALL,), endpoint=(allow({"AWS": ROLE}),))
    other_role = layers(identity=(ALLOW_ALL,), endpoint=(ELSEWHERE,))

    assert evaluate(to_object(), own_role).result is ALLOWED
    assert evaluate(to_object(), other_role).result is IMPLICIT


def test_a_resource_policy_does_not_get_around_an_endpoint_policy() -> None:
    limited = layers(resource=(allow("*"),), endpoint=(ALLOW_NOTHING,))

    decision = evaluate(to_object(), limited)

    assert decision.result is IMPLICIT
    assert decision.blocking == (LayerName.VPC_ENDPOINT,)


@pytest.mark.parametrize(
    ("levels", "result"),
    [
        ((), ALLOWED),
        ((level(ALLOW_ALL), level(ALLOW_ALL)), ALLOWED),
        ((level(ALLOW_ALL), level(ALLOW_NOTHING)), IMPLICIT),
        ((level(ALLOW_NOTHING), level(ALLOW_ALL)), IMPLICIT),
        ((level(ALLOW_ALL), level()), IMPLICIT),
        ((level(ALLOW_ALL), level(ALLOW_ALL, DENY_ALL)), EXPLICIT),
        ((level(ALLOW_NOTHING), level(DENY_ALL)), EXPLICIT),
    ],
)
def test_every_level_of_scps_must_allow(levels: tuple[Level, ...], result: Result) -> None:
    decision = evaluate(to_object(), layers(identity=(ALLOW_ALL,), scps=levels))

    assert decision.result is result


def test_the_scp_level_that_allows_nothing_is_named() -> None:
    levels = (level(ALLOW_ALL, name="r-root"), level(ALLOW_NOTHING, name="ou-data"))

    decision = evaluate(to_object(), layers(identity=(ALLOW_ALL,), scps=levels))

    assert "ou-data" in str(decision.layer(LayerName.SCP).reason)


@pytest.mark.parametrize(
    ("levels", "result"),
    [
        ((level(),), ALLOWED),
        ((level(allow("*")),), ALLOWED),
        ((level(), level(deny("*"))), EXPLICIT),
        ((level(deny("*", Condition={"Bool": {"aws:SecureTransport": "false"}})),), ALLOWED),
    ],
)
def test_rcps_only_deny_since_full_access_is_always_attached(
    levels: tuple[Level, ...], result: Result
) -> None:
    decision = evaluate(to_object(), layers(identity=(ALLOW_ALL,), rcps=levels))

    assert decision.result is result


def test_service_linked_roles_are_beyond_scps_and_rcps() -> None:
    asked = to_object(
        principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForX/session",
    )
    denying = layers(identity=(ALLOW_ALL,), scps=(level(DENY_ALL),), rcps=(level(deny("*")),))

    assert evaluate(asked, denying).result is ALLOWED


def test_a_service_needs_only_the_resource_policy() -> None:
    asked = request(principal="s3.amazonaws.com", principal_account=OTHER_ACCOUNT)
    admitting = layers(
        resource=(allow({"Service": "s3.amazonaws.com"}),),
        boundary=(ALLOW_NOTHING,),
        scps=(level(DENY_ALL),),
    )

    assert evaluate(asked, admitting).result is ALLOWED
    assert evaluate(asked, layers()).blocking == (LayerName.RESOURCE,)


def test_a_service_that_no_resource_policy_admits_is_refused() -> None:
    decision = evaluate(to_object(principal="s3.amazonaws.com"), layers(identity=(ALLOW_ALL,)))

    assert decision.result is IMPLICIT
    assert decision.blocking == (LayerName.RESOURCE,)


def test_the_root_user_needs_no_identity_policy_but_a_key_must_admit_its_account() -> None:
    assert evaluate(to_object(principal=ROOT), layers()).result is ALLOWED
    assert evaluate(request(principal=ROOT), layers(resource=(DELEGATE,))).result is ALLOWED
    assert evaluate(request(principal=ROOT), layers(resource=(ELSEWHERE,))).result is IMPLICIT
    denied = layers(scps=(level(DENY_ALL),))
    assert evaluate(to_object(principal=ROOT), denied).result is EXPLICIT


def to_assume(principal: str) -> Request:
    return request(principal=principal, action="sts:AssumeRole", resource=ROLE)


def test_a_trust_policy_has_no_resource_and_must_admit_who_assumes() -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    by_s3 = evaluate(to_assume(principal="s3.amazonaws.com"), layers(resource=(trust,)))
    by_user = evaluate(to_assume(principal=USER), layers(identity=(ALLOW_ALL,), resource=(trust,)))

    assert by_s3.result is ALLOWED
    assert by_user.blocking == (LayerName.RESOURCE,)


@pytest.mark.parametrize("missing", ["Action", "Resource"])
def test_a_key_policy_statement_without_action_or_resource_has_no_effect(missing: str) -> None:
    incomplete = {name: value for name, value in ADMIT.items() if name != missing}

    decision = evaluate(request(), layers(resource=(incomplete,)))

    assert decision.result is IMPLICIT


@pytest.mark.parametrize(
    ("elements", "applies"),
    [
        ({"Action": "KMS:encrypt"}, True),
        ({"Action": ["s3:*", "kms:Enc*"]}, True),
        ({"Action": "kms:Encryp?"}, True),
        ({"Action": "kms:Encryp"}, False),
        ({"Action": "*:*"}, True),
        ({"NotAction": "kms:Delete*"}, True),
        ({"NotAction": ["iam:*", "KMS:ENCRYPT"]}, False),
        ({"Resource": "arn:aws:kms:*:111111111111:key/*"}, True),
        ({"Resource": "arn:aws:kms:*:111111111111:alias/*"}, False),
        ({"NotResource": "arn:aws:kms:*:222222222222:key/*"}, True),
        ({"NotResource": ["arn:aws:s3:::b", "arn:aws:kms:*"]}, False),
    ],
)
def test_actions_ignore_letter_case_and_elements_can_be_inverted(
    elements: dict[str, object], *, applies: bool
) -> None:
    decision = evaluate(request(), layers(identity=(allow(**elements),), resource=(DELEGATE,)))

    assert (decision.result is ALLOWED) is applies


def test_a_resource_is_denied_by_its_name_whatever_the_variables_beside_it_say() -> None:
    denied = deny(Resource=[KEY, "arn:aws:kms:*:*:key/${aws:username}"])

    decision = evaluate(request(), layers(identity=(ALLOW_ALL, denied), resource=(DELEGATE,)))

    assert decision.result is EXPLICIT


def test_a_decision_names_the_statements_that_decided_by_sid_or_index() -> None:
    statements = (allow(Sid="First"), allow(Action="iam:*"), allow(), deny(Action="iam:*"))
    decided = evaluate(to_object(), layers(identity=statements)).layer(LayerName.IDENTITY)

    assert decided.effect is Effect.ALLOWED
    assert decided.statements == ("First", "2")
    assert decided.policies == ("identity", "identity")


def test_an_explicit_denial_names_only_what_denies() -> None:
    statements = (allow(Sid="Yes"), deny(Sid="No"), deny(Sid="NorThis"))

    decision = evaluate(to_object(), layers(identity=statements))

    assert decision.denying_layer is not None
    assert decision.denying_layer.statements == ("No", "NorThis")
    assert decision.denying_layer.layer is LayerName.IDENTITY


def test_a_granted_role_within_a_silent_boundary_is_held_back_by_the_boundary_alone() -> None:
    decision = evaluate(request(), layers(resource=(ADMIT,), boundary=(ALLOW_NOTHING,)))

    assert decision.layer(LayerName.IDENTITY).effect is Effect.IMPLICITLY_DENIED
    assert decision.blocking == (LayerName.BOUNDARY,)


def test_layers_that_do_not_exist_have_no_say() -> None:
    decision = evaluate(to_object(), layers(identity=(ALLOW_ALL,)))

    absent = {layer.layer for layer in decision.layers if layer.effect is Effect.NOT_APPLICABLE}
    assert absent == set(LayerName) - {LayerName.IDENTITY}
    assert [layer.layer for layer in decision.layers] == list(LayerName)


def test_several_policies_of_a_layer_count_as_one() -> None:
    two = layers(identity=())
    identity = (policy(ALLOW_NOTHING, name="a"), policy(allow(Sid="S"), name="b"))

    decision = evaluate(to_object(), type(two)(identity=identity, resource=None))

    assert decision.result is ALLOWED
    assert decision.layer(LayerName.IDENTITY).policies == ("b",)
