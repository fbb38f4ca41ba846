"""Condition operators, as the IAM User Guide documents each."""

import pytest

from replimend.domain.access import Effect, LayerName, MissedCondition, evaluate
from tests.unit.access.questions import SESSION, Context, allow, layers, policy, to_object

ABSENT: Context = {}


def holds(operator: str, expected: object, context: Context, key: str = "s3:key") -> bool:
    statement = allow(Condition={operator: {key: expected}})
    decision = evaluate(to_object(context=context), layers(identity=(statement,)))
    return decision.layer(LayerName.IDENTITY).effect is Effect.ALLOWED


def said(*values: str) -> Context:
    return {"s3:key": values if len(values) > 1 else values[0]}


@pytest.mark.parametrize(
    ("operator", "expected", "matching", "other"),
    [
        ("StringEquals", "a", "a", "A"),
        ("StringEquals", ["a", "b"], "b", "c"),
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEqualsIgnoreCase", "Data", "dATA", "date"),
        ("StringLike", "s3.*.amazonaws.com", "s3.eu-west-2.amazonaws.com", "s3.amazonaws.com"),
        ("StringLike", ["x", "a?c"], "abc", "aBCc"),
        ("NumericEquals", "10", "10.0", "11"),
        ("NumericEquals", 10, "10", "ten"),
        ("NumericEquals", "10", "1.0E1", "1_0"),
        ("NumericLessThan", "10", ".5", "-Infinity"),
        ("NumericLessThan", "10", "9.9", "10"),
        ("NumericLessThanEquals", "10", "10", "10.1"),
        ("NumericGreaterThan", "-1", "0", "-1"),
        ("NumericGreaterThanEquals", ["1e3"], "1000", "999"),
        ("DateEquals", "2026-06-01T12:00:00Z", "1780315200", "1780315201"),
        ("DateEquals", "2026-06-01T12:00:00Z", "2026-06-01T14:00:00+02:00", "2026-06-01"),
        ("DateEquals", "2026", "2026-01-01T00:00Z", "2026-01-01T00:00:01Z"),
        ("DateEquals", "2026-06", "2026-06-01", "2026-06-02"),
        ("DateLessThan", "2026-06-01T12:00:00.5Z", "2026-06-01T12:00:00Z", "2026-06-01T12:00:01Z"),
        ("DateLessThanEquals", "1780315200", "2026-06-01T12:00:00Z", "2026-06-01T12:00:01Z"),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"),
        ("DateGreaterThanEquals", "2026-01-01", "2026-01-01T00:00:00Z", "yesterday"),
        ("Bool", "true", "True", "false"),
        ("Bool", False, "false", "0"),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "YmluYXJ5"),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "not base64!"),
        ("IpAddress", "203.0.113.0/24", "203.0.113.10", "203.0.114.10"),
        ("IpAddress", "203.0.113.10", "203.0.113.10", "203.0.113.11"),
        ("IpAddress", ["10.0.0.0/8", "2001:DB8:1234::/48"], "2001:db8:1234:5678::1", "2001:db8::1"),
        ("IpAddress", "2001:db8::1", "2001:0db8:0:0::1", "2001:db8::2"),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", "not an address"),
        ("ArnEquals", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", "arn:aws:s3:::c"),
        ("ArnLike", "arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a/b", "arn:aws:iam::1:user/a"),
    ],
)
def test_an_operator_and_its_negation(
    operator: str, expected: object, matching: str, other: str
) -> None:
    assert holds(operator, expected, said(matching))
    assert not holds(operator, expected, said(other))
    assert not holds(operator, expected, ABSENT)
    assert holds(f"{operator}IfExists", expected, ABSENT)
    assert not holds(f"{operator}IfExists", expected, said(other))


@pytest.mark.parametrize(
    ("operator", "expected", "matching", "other"),
    [
        ("StringNotEquals", ["a", "b"], "c", "b"),
        ("StringNotEqualsIgnoreCase", "A", "b", "a"),
        ("StringNotLike", ["us-*", "eu-*"], "ap-south-1", "eu-west-2"),
        ("NumericNotEquals", "1", "2", "1.0"),
        ("DateNotEquals", "2026-06-01T12:00:00Z", "2026-06-02", "1780315200"),
        ("NotIpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "203.0.113.10", "10.9.9.9"),
        ("ArnNotEquals", "arn:aws:s3:::a", "arn:aws:s3:::b", "arn:aws:s3:::a"),
        ("ArnNotLike", "arn:aws:s3:::a*", "arn:aws:s3:::b", "arn:aws:s3:::ab"),
    ],
)
def test_a_negated_operator_wants_no_listed_value_and_is_met_by_a_missing_key(
    operator: str, expected: object, matching: str, other: str
) -> None:
    assert holds(operator, expected, said(matching))
    assert not holds(operator, expected, said(other))
    assert holds(operator, expected, ABSENT)
    assert holds(f"{operator}IfExists", expected, ABSENT)
    assert not holds(f"{operator}IfExists", expected, said(other))


@pytest.mark.parametrize(
    ("operator", "context", "met"),
    [
        ("ForAllValues:StringEquals", said("a", "b"), True),
        ("ForAllValues:StringEquals", said("a", "c"), False),
        ("ForAllValues:StringEquals", said("a"), True),
        ("ForAllValues:StringEquals", said(""), True),
        ("ForAllValues:StringEquals", ABSENT, True),
        ("ForAllValues:StringEquals", {"s3:key": ()}, True),
        ("ForAnyValue:StringEquals", said("a", "c"), True),
        ("ForAnyValue:StringEquals", said("c", "d"), False),
        ("ForAnyValue:StringEquals", ABSENT, False),
        ("ForAnyValue:StringEqualsIfExists", ABSENT, True),
        ("ForAnyValue:StringEquals", {"s3:key": ()}, False),
        ("ForAllValues:StringNotEquals", said("c", "d"), True),
        ("ForAllValues:StringNotEquals", said("a", "d"), False),
        ("ForAllValues:StringNotEquals", ABSENT, True),
        ("ForAnyValue:StringNotEquals", said("a", "d"), True),
        ("ForAnyValue:StringNotEquals", said("a", "b"), False),
        ("ForAnyValue:StringNotEquals", ABSENT, False),
        ("ForAllValues:StringLike", said("a", "b"), True),
        ("ForAnyValue:StringLike", said("c", "b"), True),
        ("forallvalues:stringequals", said("a", "c"), False),
    ],
)
def test_set_operators_count_the_values_of_the_request(
    operator: str, context: Context, *, met: bool
) -> None:
    assert holds(operator, ["a", "b"], context) is met


@pytest.mark.parametrize(
    ("expected", "context", "met"),
    [
        ("true", ABSENT, True),
        ("true", said("a"), False),
        ("false", said("a"), True),
        ("false", said(""), True),
        ("false", ABSENT, False),
        (True, ABSENT, True),
        ("true", {"s3:key": ()}, True),
    ],
)
def test_null_asks_whether_the_key_is_missing(
    expected: object, context: Context, *, met: bool
) -> None:
    assert holds("Null", expected, context) is met


def test_key_names_ignore_letter_case_and_values_do_not() -> None:
    context = {"aws:PrincipalTag/Team": "data"}

    assert holds("StringEquals", "data", context, key="AWS:principaltag/TEAM")
    assert not holds("StringEquals", "Data", context, key="AWS:principaltag/TEAM")


def test_all_operators_and_all_keys_of_a_statement_must_hold() -> None:
    condition = {"StringEquals": {"s3:a": "1", "s3:b": "2"}, "Bool": {"s3:c": "true"}}
    statement = allow(Condition=condition)
    complete = {"s3:a": "1", "s3:b": "2", "s3:c": "true"}

    decision = evaluate(to_object(context=complete), layers(identity=(statement,)))

    assert decision.layer(LayerName.IDENTITY).effect is Effect.ALLOWED
    for key in complete:
        lacking = {name: value for name, value in complete.items() if name != key}
        decision = evaluate(to_object(context=lacking), layers(identity=(statement,)))
        assert decision.layer(LayerName.IDENTITY).effect is Effect.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    ("operator", "expected", "context", "met"),
    [
        ("StringEquals", "${aws:username}", {"s3:key": "ann", "aws:username": "ann"}, True),
        ("StringEquals", "${AWS:UserName}", {"s3:key": "ann", "aws:username": "ann"}, True),
        ("StringEquals", "${aws:username}", {"s3:key": "ann"}, False),
        ("StringNotEquals", "${aws:username}", {"s3:key": "ann"}, True),
        (
            "StringLike",
            "home/${aws:username}/*",
            {"s3:key": "home/a*/x", "aws:username": "a*"},
            True,
        ),
        # A wildcard that comes with a value is a plain character.
        (
            "StringLike",
            "home/${aws:username}/*",
            {"s3:key": "home/ab/x", "aws:username": "a*"},
            False,
        ),
        ("StringLike", "${*}x*", {"s3:key": "*xy"}, True),
        ("StringLike", "${*}x*", {"s3:key": "axy"}, False),
        ("StringEquals", "${$}{${?}}", {"s3:key": "${?}"}, True),
        ("StringEquals", "${s3:team, 'company-wide'}", {"s3:key": "company-wide"}, True),
        ("StringEquals", "${s3:team, 'x'}", {"s3:key": "red", "s3:team": "red"}, True),
        ("StringEquals", "${s3:team, 'x'}", {"s3:key": "x", "s3:team": "red"}, False),
        # A multivalued key cannot be a variable.
        ("StringEquals", "${s3:team}", {"s3:key": "red", "s3:team": ("red", "blue")}, False),
        ("StringEquals", "${unfinished", {"s3:key": "${unfinished"}, True),
        ("StringEqualsIgnoreCase", "${s3:team}", {"s3:key": "RED", "s3:team": "red"}, True),
        ("ArnLike", "arn:aws:s3:::${s3:b}*", {"s3:key": "arn:aws:s3:::dst/x", "s3:b": "dst"}, True),
        ("ArnEquals", "${s3:arn}", {"s3:key": "arn:aws:s3:::b", "s3:arn": "arn:aws:s3:::b"}, True),
        ("Bool", "${s3:flag}", {"s3:key": "true", "s3:flag": "True"}, True),
        ("NumericEquals", "${s3:one}", {"s3:key": "1", "s3:one": "1"}, False),
    ],
)
def test_policy_variables(operator: str, expected: str, context: Context, *, met: bool) -> None:
    assert holds(operator, expected, context) is met


def test_variables_are_plain_text_before_the_version_that_brought_them() -> None:
    statement = allow(Condition={"StringEquals": {"s3:key": "${aws:username}"}})
    old = layers(identity=())
    context = {"s3:key": "${aws:username}", "aws:username": "ann"}

    decision = evaluate(
        to_object(context=context),
        type(old)(identity=(policy(statement, version="2008-10-17"),), resource=None),
    )

    assert decision.layer(LayerName.IDENTITY).effect is Effect.ALLOWED


@pytest.mark.parametrize(
    ("resource", "context", "covered"),
    [
        ("arn:aws:s3:::dst/${s3:dept}/*", {"s3:dept": "tax"}, True),
        ("arn:aws:s3:::dst/${s3:dept}/*", {"s3:dept": "law"}, False),
        ("arn:aws:s3:::dst/${s3:dept}/*", {}, False),
        ("arn:aws:s3:::dst/${s3:dept, 'tax'}/*", {}, True),
        ("arn:aws:s3:::dst/${s3:dept}/*", {"s3:dept": "*"}, False),
    ],
)
def test_variables_in_a_resource(resource: str, context: Context, *, covered: bool) -> None:
    named = evaluate(to_object(context=context), layers(identity=(allow(Resource=resource),)))
    spared = evaluate(to_object(context=context), layers(identity=(allow(NotResource=resource),)))

    assert (named.layer(LayerName.IDENTITY).effect is Effect.ALLOWED) is covered
    assert (spared.layer(LayerName.IDENTITY).effect is Effect.ALLOWED) is not covered


def test_what_the_request_itself_tells_is_part_of_its_context() -> None:
    condition = {
        "StringEquals": {"aws:PrincipalAccount": "111111111111", "aws:ResourceAccount": "2"},
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/repl"},
        "Bool": {"aws:PrincipalIsAWSService": "false"},
    }
    asked = to_object(principal=SESSION, resource_account="2")

    decision = evaluate(asked, layers(identity=(allow(Condition=condition),)))

    assert decision.layer(LayerName.IDENTITY).effect is Effect.ALLOWED


def test_a_missed_condition_tells_the_operator_what_it_expects_and_what_came() -> None:
    statement = allow(
        Sid="Encrypt",
        Condition={
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::dst/*"},
            "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["AppName"]},
            "StringEquals": {"kms:ViaService": "s3.eu-west-2.amazonaws.com"},
            "Bool": {"aws:SecureTransport": "true"},
        },
    )
    context = {
        "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::dst",
        "kms:EncryptionContextKeys": ("aws:s3:arn", "Other"),
        "aws:SecureTransport": "true",
    }

    decision = evaluate(to_object(context=context), layers(identity=(statement,)))

    assert decision.layer(LayerName.IDENTITY).missed == (
        MissedCondition(
            policy="identity",
            statement="Encrypt",
            condition="StringLike kms:EncryptionContext:aws:s3:arn",
            expected=("arn:aws:s3:::dst/*",),
            actual="arn:aws:s3:::dst",
        ),
        MissedCondition(
            policy="identity",
            statement="Encrypt",
            condition="ForAnyValue:StringEquals kms:EncryptionContextKeys",
            expected=("AppName",),
            actual=("aws:s3:arn", "Other"),
        ),
        MissedCondition(
            policy="identity",
            statement="Encrypt",
            condition="StringEquals kms:ViaService",
            expected=("s3.eu-west-2.amazonaws.com",),
            actual=None,
        ),
    )


def test_only_statements_that_would_allow_are_near_misses() -> None:
    unmet = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    statements = (
        allow(**unmet, Action="s3:Get*"),
        allow(**unmet, Resource="arn:aws:s3:::other/*"),
        {**allow(**unmet), "Effect": "Deny"},
    )

    decision = evaluate(to_object(), layers(identity=statements))

    assert decision.layer(LayerName.IDENTITY).missed == ()
