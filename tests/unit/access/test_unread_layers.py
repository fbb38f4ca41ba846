"""What could not be read is unknown, unless it cannot matter."""

from dataclasses import replace

import pytest

from replimend.domain.access import Effect, LayerName, Layers, Result, evaluate
from tests.unit.access.questions import (
    ALLOW_ALL,
    ALLOW_NOTHING,
    DENY_ALL,
    ROLE,
    ROOT,
    UNREAD,
    allow,
    grant,
    layers,
    level,
    request,
    to_object,
    to_other_key,
)

FIELDS = {
    "identity": LayerName.IDENTITY,
    "resource": LayerName.RESOURCE,
    "boundary": LayerName.BOUNDARY,
    "session": LayerName.SESSION,
    "scps": LayerName.SCP,
    "rcps": LayerName.RCP,
    "endpoint": LayerName.VPC_ENDPOINT,
}
EVERYTHING_ALLOWED = layers(
    identity=(ALLOW_ALL,),
    resource=(allow("*"),),
    boundary=(ALLOW_ALL,),
    session=(ALLOW_ALL,),
    scps=(level(ALLOW_ALL),),
    rcps=(level(),),
    endpoint=(ALLOW_ALL,),
)


def without(field: str, known: Layers) -> Layers:
    return replace(known, **{field: UNREAD})


@pytest.mark.parametrize("field", FIELDS)
def test_an_unread_layer_makes_an_allow_unknown(field: str) -> None:
    decision = evaluate(request(), without(field, EVERYTHING_ALLOWED))

    assert decision.result is Result.UNKNOWN
    assert decision.layer(FIELDS[field]).effect is Effect.UNKNOWN
    assert decision.layer(FIELDS[field]).reason == UNREAD.reason
    assert decision.denying_layer is None


@pytest.mark.parametrize("field", FIELDS)
def test_an_explicit_deny_elsewhere_decides(field: str) -> None:
    denied = replace(
        EVERYTHING_ALLOWED,
        **(
            {"scps": (level(DENY_ALL),)}
            if field != "scps"
            else {"identity": layers(identity=(DENY_ALL,)).identity}
        ),
    )

    decision = evaluate(request(), without(field, denied))

    assert decision.result is Result.EXPLICITLY_DENIED


def test_what_denies_for_certain_is_named_beside_an_unread_layer() -> None:
    decision = evaluate(to_other_key(), layers(identity=(ALLOW_NOTHING,), resource=UNREAD))

    assert decision.result is Result.UNKNOWN
    assert decision.blocking == (LayerName.IDENTITY,)


def test_within_an_account_an_unread_resource_policy_may_make_up_for_the_rest() -> None:
    decision = evaluate(
        to_object(),
        layers(identity=(ALLOW_NOTHING,), resource=UNREAD, boundary=(ALLOW_NOTHING,)),
    )

    assert decision.result is Result.UNKNOWN
    assert decision.blocking == ()


def test_unread_grants_do_not_matter_to_what_is_allowed_without_them() -> None:
    decision = evaluate(
        request(), layers(identity=(ALLOW_ALL,), resource=(allow({"AWS": ROOT}),), grants=UNREAD)
    )

    assert decision.result is Result.ALLOWED


def test_unread_grants_might_allow_what_nothing_else_does() -> None:
    decision = evaluate(request(), layers(resource=(), grants=UNREAD))

    assert decision.result is Result.UNKNOWN
    assert decision.layer(LayerName.GRANT).effect is Effect.UNKNOWN


def test_unread_grants_cannot_lift_what_an_scp_withholds() -> None:
    decision = evaluate(request(), layers(resource=(), grants=UNREAD, scps=(level(ALLOW_NOTHING),)))

    assert decision.result is Result.IMPLICITLY_DENIED
    assert decision.blocking == (LayerName.SCP,)


def test_unread_grants_are_of_no_matter_to_a_bucket() -> None:
    decision = evaluate(to_object(), layers(grants=UNREAD))

    assert decision.result is Result.IMPLICITLY_DENIED


def test_an_unread_key_policy_beside_a_grant_may_still_deny() -> None:
    decision = evaluate(request(), layers(resource=UNREAD, grants=(grant(),)))

    assert decision.result is Result.UNKNOWN


def test_layers_that_do_not_bind_the_caller_may_stay_unread() -> None:
    asked = request(principal="s3.amazonaws.com")
    unread = layers(
        identity=UNREAD,
        resource=(allow({"Service": "s3.amazonaws.com"}),),
        boundary=UNREAD,
        session=UNREAD,
        scps=UNREAD,
    )

    assert evaluate(asked, unread).result is Result.ALLOWED


def test_a_role_named_by_the_key_still_waits_for_its_unread_boundary() -> None:
    decision = evaluate(request(), layers(resource=(allow({"AWS": ROLE}),), boundary=UNREAD))

    assert decision.result is Result.UNKNOWN


def test_an_unread_boundary_may_be_none_so_not_principal_denies_nobody_by_it() -> None:
    statement = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": [ROLE, ROOT]},
        "Action": "*",
        "Resource": "*",
    }

    decision = evaluate(request(), layers(resource=(allow("*"), statement), boundary=UNREAD))

    assert decision.result is Result.UNKNOWN
