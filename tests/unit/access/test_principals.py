"""Whom a principal element means, and how directly."""

import pytest

from replimend.domain.access import Effect, LayerName, Result, evaluate
from tests.unit.access.questions import (
    ACCOUNT,
    ALLOW_ALL,
    ALLOW_NOTHING,
    DENY_ALL,
    OTHER_ACCOUNT,
    ROLE,
    ROOT,
    SESSION,
    USER,
    Statement,
    allow,
    deny,
    layers,
    request,
    to_object,
    to_other_key,
)

DENIED = Result.IMPLICITLY_DENIED
PATHED_ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/eu/repl"


@pytest.mark.parametrize(
    ("principal", "caller", "means"),
    [
        ("*", SESSION, True),
        ({"AWS": "*"}, SESSION, True),
        ({"AWS": ROLE}, SESSION, True),
        ({"AWS": ROLE}, ROLE, True),
        ({"AWS": SESSION}, SESSION, True),
        ({"AWS": SESSION}, ROLE, False),
        ({"AWS": SESSION.replace("s3-replication", "other")}, SESSION, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}, SESSION, False),
        ({"AWS": [f"arn:aws:iam::{ACCOUNT}:role/admin", ROLE]}, SESSION, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/re*"}, SESSION, False),
        ({"AWS": ROLE.upper()}, SESSION, False),
        ({"AWS": "AROAEXAMPLEDELETED00"}, SESSION, False),
        ({"AWS": USER}, USER, True),
        ({"AWS": USER}, f"arn:aws:iam::{ACCOUNT}:user/ben", False),
        ({"AWS": ROOT}, ROOT, True),
        ({"AWS": ACCOUNT}, ROOT, True),
        ({"Service": "s3.amazonaws.com"}, "s3.amazonaws.com", True),
        ({"Service": "s3.amazonaws.com"}, SESSION, False),
        ({"Service": ["sns.amazonaws.com"]}, "s3.amazonaws.com", False),
        ({"AWS": ROLE}, "s3.amazonaws.com", False),
        (
            {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
            SESSION,
            False,
        ),
    ],
)
def test_a_key_policy_admits_whom_it_names(principal: object, caller: str, *, means: bool) -> None:
    decision = evaluate(request(principal=caller), layers(resource=(allow(principal),)))

    assert (decision.result is Result.ALLOWED) is means


@pytest.mark.parametrize("statement", [ALLOW_ALL, DENY_ALL])
def test_a_resource_policys_statement_that_names_nobody_is_about_nobody(
    statement: Statement,
) -> None:
    decision = evaluate(request(), layers(resource=(statement,)))

    assert decision.layer(LayerName.RESOURCE).effect is Effect.IMPLICITLY_DENIED


def test_a_deny_of_an_identity_provider_denies_who_comes_from_it() -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/staff"
    statements = (allow("*"), deny({"Federated": provider}))

    decision = evaluate(request(principal=provider), layers(resource=statements))

    assert decision.result is Result.EXPLICITLY_DENIED


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_partitions_do_not_mix(partition: str) -> None:
    named = {"AWS": ROLE.replace("arn:aws:", f"arn:{partition}:")}
    session = SESSION.replace("arn:aws:", f"arn:{partition}:")
    layer = layers(resource=(allow(named),))

    assert evaluate(request(principal=session), layer).result is Result.ALLOWED
    if partition != "aws":
        assert evaluate(request(principal=SESSION), layer).result is Result.IMPLICITLY_DENIED


def test_a_session_arn_lacks_the_path_of_its_role_so_any_path_may_be_meant() -> None:
    admitting = layers(resource=(allow({"AWS": PATHED_ROLE}),))

    decision = evaluate(request(), admitting)

    assert decision.result is Result.ALLOWED


@pytest.mark.parametrize("told", ["role_arn", "context"])
def test_a_known_path_must_be_the_one_named(told: str) -> None:
    if told == "role_arn":
        asked = request(role_arn=PATHED_ROLE)
    else:
        asked = request(context={"aws:PrincipalArn": PATHED_ROLE})

    right = evaluate(asked, layers(resource=(allow({"AWS": PATHED_ROLE}),)))
    wrong = evaluate(asked, layers(resource=(allow({"AWS": ROLE}),)))

    assert right.result is Result.ALLOWED
    assert wrong.result is Result.IMPLICITLY_DENIED


def test_a_role_is_not_another_of_a_longer_path() -> None:
    named = {"AWS": ROLE.replace("role/", "role/eu/")}
    known = request(role_arn=ROLE)

    assert evaluate(request(principal=ROLE), layers(resource=(allow(named),))).result is DENIED
    assert evaluate(known, layers(resource=(allow(named),))).result is DENIED


def test_the_principal_arn_of_the_context_is_the_role_with_its_path() -> None:
    statement = allow(Condition={"ArnEquals": {"aws:PrincipalArn": PATHED_ROLE}})
    asked = to_object(role_arn=PATHED_ROLE, context={"aws:PrincipalArn": ROLE})

    assert evaluate(asked, layers(identity=(statement,))).result is Result.ALLOWED


def test_a_role_arn_of_another_role_is_not_believed() -> None:
    asked = request(role_arn=f"arn:aws:iam::{ACCOUNT}:role/admin")
    admitting = layers(resource=(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}),))

    assert evaluate(asked, admitting).result is Result.IMPLICITLY_DENIED


@pytest.mark.parametrize("account", [ACCOUNT, ROOT])
def test_naming_the_account_leaves_it_to_identity_policies(account: str) -> None:
    delegating = (allow({"AWS": account}),)

    alone = evaluate(request(), layers(resource=delegating))
    together = evaluate(request(), layers(resource=delegating, identity=(ALLOW_ALL,)))

    assert alone.result is Result.IMPLICITLY_DENIED
    assert alone.layer(LayerName.RESOURCE).effect is Effect.ALLOWED
    assert alone.blocking == (LayerName.IDENTITY,)
    assert together.result is Result.ALLOWED


@pytest.mark.parametrize("account", [ACCOUNT, ROOT])
def test_a_deny_of_the_account_denies_all_its_principals(account: str) -> None:
    statements = (allow({"AWS": ROLE}), deny({"AWS": account}))

    decision = evaluate(request(), layers(resource=statements))

    assert decision.result is Result.EXPLICITLY_DENIED


def test_naming_the_key_owners_account_does_not_admit_another_account() -> None:
    own_account = allow({"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"})

    decision = evaluate(to_other_key(), layers(resource=(own_account,), identity=(ALLOW_ALL,)))

    assert decision.result is Result.IMPLICITLY_DENIED
    assert decision.blocking == (LayerName.RESOURCE,)


@pytest.mark.parametrize(
    ("names", "caller", "denied"),
    [
        ([ROLE, ROOT], SESSION, False),
        ([ROLE, ACCOUNT], SESSION, False),
        ([SESSION, ROOT], SESSION, False),
        ([ROLE, ROOT], ROLE, False),
        ([USER, ROOT], USER, False),
        (ROOT, ROOT, False),
        (ACCOUNT, ROOT, False),
        # The account must be listed beside its principal, and stands for nobody but itself.
        (ROLE, SESSION, True),
        (ROOT, SESSION, True),
        ([f"arn:aws:iam::{ACCOUNT}:role/admin", ROOT], SESSION, True),
    ],
)
def test_not_principal_spares_a_caller_listed_with_its_account(
    names: object, caller: str, *, denied: bool
) -> None:
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": names}, "Action": "*", "Resource": "*"}

    decision = evaluate(request(principal=caller), layers(resource=(allow("*"), statement)))

    assert (decision.result is Result.EXPLICITLY_DENIED) is denied


def test_not_principal_never_spares_a_caller_with_a_boundary() -> None:
    statement = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": [ROLE, ROOT]},
        "Action": "*",
        "Resource": "*",
    }

    decision = evaluate(request(), layers(resource=(allow("*"), statement), boundary=(ALLOW_ALL,)))

    assert decision.result is Result.EXPLICITLY_DENIED


def test_not_principal_spares_a_service_it_names() -> None:
    statement = {
        "Effect": "Deny",
        "NotPrincipal": {"Service": "s3.amazonaws.com"},
        "Action": "*",
        "Resource": "*",
    }
    denying = layers(resource=(allow("*"), statement))

    assert evaluate(request(principal="s3.amazonaws.com"), denying).result is Result.ALLOWED
    spared_not = evaluate(request(principal="sns.amazonaws.com"), denying)
    assert spared_not.result is Result.EXPLICITLY_DENIED


@pytest.mark.parametrize(
    ("named", "caller", "allowed"),
    [
        # A role stays within its boundary and session policy; a session, a user, everyone do not.
        (ROLE, SESSION, False),
        (ROLE, ROLE, False),
        (SESSION, SESSION, True),
        (USER, USER, True),
        ("*", SESSION, True),
        (
            f"arn:aws:sts::{ACCOUNT}:federated-user/eve",
            f"arn:aws:sts::{ACCOUNT}:federated-user/eve",
            True,
        ),
    ],
)
def test_what_is_given_to_a_session_itself_is_limited_by_nothing_implicit(
    named: str, caller: str, *, allowed: bool
) -> None:
    admitting = (allow({"AWS": named}),)

    bounded = evaluate(
        request(principal=caller), layers(resource=admitting, boundary=(ALLOW_NOTHING,))
    )
    narrowed = evaluate(
        request(principal=caller), layers(resource=admitting, session=(ALLOW_NOTHING,))
    )

    assert (bounded.result is Result.ALLOWED) is allowed
    assert (narrowed.result is Result.ALLOWED) is allowed
    if not allowed:
        assert bounded.blocking == (LayerName.BOUNDARY,)
        assert narrowed.blocking == (LayerName.SESSION,)


def test_across_accounts_naming_the_session_spares_it_nothing() -> None:
    admitting = (allow({"AWS": SESSION}),)

    alone = evaluate(to_other_key(), layers(resource=admitting))
    bounded = evaluate(
        to_other_key(),
        layers(resource=admitting, identity=(ALLOW_ALL,), boundary=(ALLOW_NOTHING,)),
    )

    assert alone.blocking == (LayerName.IDENTITY,)
    assert bounded.blocking == (LayerName.BOUNDARY,)
