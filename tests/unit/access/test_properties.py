"""What holds of every policy, request and set of layers."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.access import Layers, Level, Policy, Request, Result, evaluate
from replimend.domain.access.conditions import OPERATORS
from replimend.errors import MalformedPolicyError
from tests.unit.access.questions import (
    ACCOUNT,
    DENY_ALL,
    KEY,
    OBJECT,
    OTHER_ACCOUNT,
    OTHER_KEY,
    ROLE,
    ROOT,
    SESSION,
    UNREAD,
    USER,
    Statement,
    grant,
    policy,
    request,
)

DENIED = {Result.EXPLICITLY_DENIED, Result.IMPLICITLY_DENIED}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
almost_condition = st.dictionaries(
    st.sampled_from(["StringLike", "Null", "ForAllValues:ArnEquals", "DateEquals", "IpAddress"])
    | st.text(max_size=8),
    st.dictionaries(st.text(max_size=8), json_values, max_size=2) | json_values,
    max_size=2,
)
almost_statement = st.fixed_dictionaries(
    {},
    optional={
        "Sid": st.text(max_size=4) | json_values,
        "Effect": st.sampled_from(["Allow", "Deny"]) | json_values,
        "Principal": st.just("*") | json_values,
        "NotPrincipal": json_values,
        "Action": st.sampled_from(["*", "s3:*"]) | json_values,
        "NotAction": json_values,
        "Resource": st.sampled_from(["*", "arn:aws:s3:::b/${aws:username}", "${", "arn:"])
        | json_values,
        "NotResource": json_values,
        "Condition": almost_condition | json_values,
        "Else": json_values,
    },
)
almost_policy = st.fixed_dictionaries(
    {},
    optional={
        "Version": st.just("2012-10-17") | json_values,
        "Id": json_values,
        "Statement": almost_statement | st.lists(almost_statement, max_size=3) | json_values,
    },
)

odd_texts = st.text(max_size=12) | st.sampled_from(
    [
        "1e999999999",
        "1_0",
        "sNaN",
        "9" * 400,
        "9" * 5000,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-13",
        "fe80::1%eth0",
        "10.0.0.0/33",
        "::ffff:10.0.0.1/96",
        "QQ=",
        "${",
        "${}",
        "${aws:username, 'x'}",
        "${*}" * 9,
        "arn:",
        "arn:aws:s3:::b/${aws:username}",
        "arn:*:*:?:*:" + "*a" * 40,
        "*" * 40,
        "true",
        "\ud800",
    ]
)
odd_values = odd_texts | st.booleans() | st.integers() | st.floats()
odd_keys = st.sampled_from(["aws:SourceIp", "AWS:sourceip", "kms:EncryptionContext:", "", "a"])
odd_conditions = st.dictionaries(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "ForAnyValue:", "forallvalues:"]),
        st.sampled_from(sorted(OPERATORS)),
        st.sampled_from(["", "IfExists"]),
    )
    | st.just("Null"),
    st.dictionaries(odd_keys, odd_values | st.lists(odd_values, max_size=3), max_size=2),
    max_size=3,
)
odd_contexts = st.dictionaries(odd_keys, odd_texts | st.lists(odd_texts, max_size=3).map(tuple))

principals = st.sampled_from(
    [
        "*",
        {"AWS": "*"},
        {"AWS": ROLE},
        {"AWS": SESSION},
        {"AWS": [USER, ROOT]},
        {"AWS": ACCOUNT},
        {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
        {"AWS": "AROAEXAMPLEDELETED00"},
        {"Service": "s3.amazonaws.com"},
    ]
)
conditions: st.SearchStrategy[Any] = st.sampled_from(
    [
        {},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
        {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["aws:s3:arn"]}},
        {"Null": {"aws:SourceIp": "true"}},
    ]
)


def statements(effect: str, *, named: bool) -> st.SearchStrategy[Statement]:
    return st.fixed_dictionaries(
        {
            "Effect": st.just(effect),
            **({"Principal": principals} if named else {}),
            "Action": st.sampled_from(["*", "kms:*", "kms:Encrypt", "s3:Replicate*", "iam:*"]),
            "Resource": st.sampled_from(["*", KEY, "arn:aws:kms:*:222222222222:key/*", OBJECT]),
            "Condition": conditions,
        }
    )


def documents(*, named: bool) -> st.SearchStrategy[tuple[Statement, ...]]:
    one = statements("Allow", named=named) | statements("Deny", named=named)
    return st.lists(one, max_size=3).map(tuple)


type Document = tuple[Statement, ...]
type Documents = dict[str, Document | None]

requests = st.builds(
    request,
    principal=st.sampled_from([SESSION, ROLE, USER, ROOT, "s3.amazonaws.com"]),
    action=st.sampled_from(["kms:Encrypt", "s3:ReplicateObject"]),
    resource=st.sampled_from([KEY, OTHER_KEY, OBJECT]),
    resource_account=st.sampled_from([ACCOUNT, OTHER_ACCOUNT]),
    context=st.dictionaries(
        st.sampled_from(["aws:SecureTransport", "aws:SourceIp", "aws:SourceVpce"]),
        st.sampled_from(["true", "203.0.113.1", "vpce-1"]),
    ),
)
NAMED = {"resource", "rcps"}
FIELDS = ("identity", "resource", "boundary", "session", "scps", "rcps", "endpoint")
worlds: st.SearchStrategy[Documents] = st.fixed_dictionaries(
    {
        field: documents(named=field in NAMED)
        if field == "identity"
        else st.none() | documents(named=field in NAMED)
        for field in FIELDS
    }
)
with_grants = st.sampled_from([(), (grant(),), (grant(GranteePrincipal=ROOT),)])


def built(world: Documents, grants: tuple[Any, ...] = ()) -> Layers:
    def some(field: str) -> tuple[Policy, ...] | None:
        document = world[field]
        return None if document is None else (policy(*document),)

    def levels(field: str) -> tuple[Level, ...]:
        policies = some(field)
        return () if policies is None else (Level(name="r-root", policies=policies),)

    resource = some("resource")
    return Layers(
        identity=some("identity") or (),
        resource=resource[0] if resource else None,
        boundary=some("boundary"),
        session=some("session"),
        scps=levels("scps"),
        rcps=levels("rcps"),
        endpoint=some("endpoint"),
        grants=grants,
    )


def widened(world: Documents, field: str, statement: Statement) -> Documents:
    document = world[field]
    return world if document is None else {**world, field: (*document, statement)}


@given(value=json_values | almost_policy)
def test_parsing_raises_nothing_but_a_malformed_policy(value: Any) -> None:
    with suppress(MalformedPolicyError):
        Policy.parse(value, name="policy")


@given(text=st.text(max_size=40))
def test_parsing_any_text_raises_nothing_but_a_malformed_policy(text: str) -> None:
    with suppress(MalformedPolicyError):
        Policy.parse(text, name="policy")


@given(
    principal=odd_texts | st.sampled_from([SESSION, USER, "arn:aws:sts::1:assumed-role", "arn:"]),
    resource=odd_texts | st.just(KEY),
    context=odd_contexts,
    patterns=st.lists(odd_texts, min_size=1, max_size=3),
    conditions=odd_conditions,
    version=st.sampled_from(["2008-10-17", "2012-10-17"]),
)
def test_every_policy_that_parses_gives_every_call_an_answer(
    *,
    principal: str,
    resource: str,
    context: dict[str, Any],
    patterns: list[str],
    conditions: dict[str, Any],
    version: str,
) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "NotAction": "iam:*",
        "Resource": patterns,
        "Condition": conditions,
    }
    odd = Policy.parse({"Version": version, "Statement": statement}, name="odd")
    asked = request(principal=principal, resource=resource, context=context)

    decision = evaluate(asked, Layers(identity=(odd,), resource=odd, endpoint=(odd,)))

    assert decision.result in {Result.ALLOWED, Result.IMPLICITLY_DENIED}


@given(asked=requests, world=worlds, grants=with_grants, data=st.data())
def test_no_call_is_allowed_past_a_layer_that_was_not_read_and_might_deny(
    asked: Request, world: Documents, grants: tuple[Any, ...], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(FIELDS))
    named = {"Principal": "*"} if field in NAMED else {}
    denied: Documents = {**world, field: ({**DENY_ALL, **named},)}
    might_deny = evaluate(asked, built(denied, grants)).result in DENIED
    unread = replace(built(world, grants), **{field: UNREAD})

    result = evaluate(asked, unread).result

    assert not might_deny or result is not Result.ALLOWED


@given(asked=requests, world=worlds, grants=with_grants, data=st.data())
def test_adding_an_allow_never_turns_an_allow_into_a_denial(
    asked: Request, world: Documents, grants: tuple[Any, ...], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(FIELDS))
    added = data.draw(statements("Allow", named=field in NAMED))
    before = evaluate(asked, built(world, grants)).result

    after = evaluate(asked, built(widened(world, field, added), grants)).result

    assert before is not Result.ALLOWED or after is Result.ALLOWED


@given(asked=requests, world=worlds, grants=with_grants, data=st.data())
def test_adding_a_deny_never_widens(
    asked: Request, world: Documents, grants: tuple[Any, ...], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(FIELDS))
    added = data.draw(statements("Deny", named=field in NAMED))
    before = evaluate(asked, built(world, grants)).result

    after = evaluate(asked, built(widened(world, field, added), grants)).result

    assert before not in DENIED or after in DENIED
    assert before is not Result.EXPLICITLY_DENIED or after is Result.EXPLICITLY_DENIED


@given(asked=requests, world=worlds, grants=with_grants, data=st.data())
def test_the_order_of_statements_does_not_matter(
    asked: Request, world: Documents, grants: tuple[Any, ...], data: st.DataObject
) -> None:
    shuffled: Documents = {
        field: None if document is None else tuple(data.draw(st.permutations(document)))
        for field, document in world.items()
    }

    one, other = (evaluate(asked, built(each, grants)) for each in (world, shuffled))

    assert one.result is other.result
    assert one.blocking == other.blocking
    assert [layer.effect for layer in one.layers] == [layer.effect for layer in other.layers]


@given(asked=requests, world=worlds, grants=with_grants, data=st.data())
def test_an_unread_layer_gives_the_same_answer_or_none(
    asked: Request, world: Documents, grants: tuple[Any, ...], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from((*FIELDS, "grants")))
    known = built(world, grants)
    unread = replace(known, **{field: UNREAD})

    with_all, without = evaluate(asked, known), evaluate(asked, unread)

    assert without.result in {with_all.result, Result.UNKNOWN}
    if without.result is Result.UNKNOWN:
        assert set(without.blocking) <= set(with_all.blocking) or with_all.result is (
            Result.EXPLICITLY_DENIED
        )


@given(asked=requests, world=worlds, grants=with_grants)
def test_a_denial_names_a_layer_and_an_allow_names_none(
    asked: Request, world: Documents, grants: tuple[Any, ...]
) -> None:
    decision = evaluate(asked, built(world, grants))

    assert bool(decision.blocking) is (decision.result in DENIED)
    assert (decision.denying_layer is None) is (decision.result is Result.ALLOWED)
