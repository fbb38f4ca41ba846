"""Parsing of policy documents."""

import json
from typing import Any

import pytest

from replimend.domain.access import Policy
from replimend.errors import MalformedPolicyError

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
LIKE = "Statement[0].Condition.StringLike"


def document(**changes: Any) -> dict[str, Any]:
    changed = {**STATEMENT, **changes}
    kept = {name: value for name, value in changed.items() if value is not ...}
    return {"Version": "2012-10-17", "Statement": [kept]}


@pytest.mark.parametrize(
    ("malformed", "path"),
    [
        ([], ""),
        ("not JSON", ""),
        ("[" * 100_000, ""),
        ({"Version": "2012-10-17"}, "Statement"),
        ({"Statement": "x"}, "Statement"),
        ({"Statement": [STATEMENT, "x"]}, "Statement[1]"),
        ({"Version": "2013-01-01", "Statement": []}, "Version"),
        ({"Version": 2012, "Statement": []}, "Version"),
        ({"Id": 5, "Statement": []}, "Id"),
        ({"Statement": [], "Statements": []}, "Statements"),
        ({"Statement": {**STATEMENT, "Effect": "allow"}}, "Statement.Effect"),
        (document(Effect=...), "Statement[0].Effect"),
        (document(Effect="Permit"), "Statement[0].Effect"),
        (document(Effect=["Allow"]), "Statement[0].Effect"),
        (document(Sid=1), "Statement[0].Sid"),
        (document(Action=...), "Statement[0].Action"),
        (document(Resource=...), "Statement[0].Resource"),
        (document(Action=5), "Statement[0].Action"),
        (document(Action=["s3:*", None]), "Statement[0].Action[1]"),
        (document(Action="GetObject"), "Statement[0].Action"),
        (document(NotAction="s3:*"), "Statement[0].NotAction"),
        (document(NotResource="*"), "Statement[0].NotResource"),
        (document(Resource={"a": "b"}), "Statement[0].Resource"),
        (document(Resources="*"), "Statement[0].Resources"),
        (document(Principal="me"), "Statement[0].Principal"),
        (document(Principal=["*"]), "Statement[0].Principal"),
        (document(Principal={"AWS": 111111111111}), "Statement[0].Principal.AWS"),
        (document(Principal={"AWS": ["*", {}]}), "Statement[0].Principal.AWS[1]"),
        (document(Principal={"Aws": "*"}), "Statement[0].Principal.Aws"),
        (document(Principal="*", NotPrincipal="*"), "Statement[0].NotPrincipal"),
        (document(Condition=[]), "Statement[0].Condition"),
        (document(Condition={"StringLike": "x"}), LIKE),
        (document(Condition={"StringLike": {"aws:a": None}}), f"{LIKE}.aws:a"),
        (document(Condition={"StringLike": {"aws:a": ["x", {}]}}), f"{LIKE}.aws:a[1]"),
        (document(Condition={"StringIs": {"a": "b"}}), "Statement[0].Condition.StringIs"),
        (
            document(Condition={"ForSome:StringLike": {"a": "b"}}),
            "Statement[0].Condition.ForSome:StringLike",
        ),
        (
            document(Condition={"NullIfExists": {"a": "true"}}),
            "Statement[0].Condition.NullIfExists",
        ),
        (
            document(Condition={"ForAnyValue:Null": {"a": "true"}}),
            "Statement[0].Condition.ForAnyValue:Null",
        ),
    ],
)
def test_a_malformed_policy_is_one_error_with_a_path(malformed: Any, path: str) -> None:
    with pytest.raises(MalformedPolicyError) as caught:
        Policy.parse(malformed, name="policy")

    assert caught.value.path == path
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "well_formed",
    [
        {},
        {"Statement": []},
        {"Id": "key-default-1", "Version": "2008-10-17", "Statement": STATEMENT},
        document(Sid="With spaces"),
        document(Condition={}),
        document(Condition={"Bool": {"aws:SecureTransport": False}}),
        document(Condition={"NumericLessThan": {"s3:max-keys": [10, 20.5]}}),
        document(Condition={"IpAddress": {"aws:SourceIp": "no address"}}),
        document(Action="*"),
        document(Action=[]),
        json.dumps(document()),
    ],
)
def test_a_well_formed_policy_is_parsed(well_formed: Any) -> None:
    assert Policy.parse(well_formed, name="policy").name == "policy"


def test_statements_keep_their_order_their_index_and_their_sid() -> None:
    statements = [STATEMENT, {**STATEMENT, "Sid": "Second"}, STATEMENT]

    parsed = Policy.parse({"Statement": statements}, name="policy")

    assert [each.index for each in parsed.statements] == [0, 1, 2]
    assert [each.label for each in parsed.statements] == ["0", "Second", "2"]
