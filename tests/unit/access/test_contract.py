"""The JSON contract of `replimend evaluate`."""

import json
from typing import Any

import pytest

from replimend.domain.access.contract import evaluate_case
from replimend.errors import MalformedEventError, MalformedPolicyError

ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
DOCUMENTED = json.loads("""
{"id": "c1",
 "request": {"principal": "arn:aws:sts::111111111111:assumed-role/repl/s3-replication",
   "principalAccount": "111111111111", "action": "kms:Encrypt",
   "resource": "arn:aws:kms:eu-west-2:222222222222:key/1234", "resourceAccount": "222222222222",
   "context": {"kms:ViaService": "s3.eu-west-2.amazonaws.com",
     "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::dst/a.pdf"}},
 "identityPolicies": [], "resourcePolicy": {}, "boundary": null, "sessionPolicy": null,
 "scps": [{"orgIdentifier": "r-root", "policies": [{}]}],
 "rcps": [], "endpointPolicies": null, "grants": []}
""")


def case(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENTED, "scps": [], **changes}


def asking(**changes: Any) -> dict[str, Any]:
    return case(request={**DOCUMENTED["request"], **changes})


def answer_to(asked: dict[str, Any]) -> Any:
    return evaluate_case(asked)


def test_the_documented_case_is_answered() -> None:
    answer = answer_to(DOCUMENTED)

    assert answer["id"] == "c1"
    assert answer["result"] == "ImplicitlyDenied"
    assert answer["denying"] == ["scp", "resource", "identity"]
    assert [layer["layer"] for layer in answer["layers"]] == ["identity", "resource", "scp"]
    json.dumps(answer)


def test_an_answer_says_which_statement_missed_and_on_what() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "111111111111"},
        "Action": "kms:Encrypt",
        "Resource": "*",
        "Condition": {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::dst"}},
    }

    answer = answer_to(case(identityPolicies=[ALLOW_ALL], resourcePolicy={"Statement": statement}))

    assert answer["layers"] == [
        {
            "layer": "identity",
            "effect": "Allowed",
            "statements": ["0"],
            "policies": ["identityPolicies[0]"],
            "missed": [],
            "reason": None,
        },
        {
            "layer": "resource",
            "effect": "ImplicitlyDenied",
            "statements": [],
            "policies": [],
            "missed": [
                {
                    "policy": "resourcePolicy",
                    "statement": "0",
                    "condition": "StringLike kms:EncryptionContext:aws:s3:arn",
                    "expected": ["arn:aws:s3:::dst"],
                    "actual": "arn:aws:s3:::dst/a.pdf",
                }
            ],
            "reason": None,
        },
    ]


def test_layers_that_are_left_out_do_not_exist() -> None:
    answer = answer_to({"request": DOCUMENTED["request"]})

    assert answer["id"] is None
    assert answer["result"] == "ImplicitlyDenied"
    assert [layer["layer"] for layer in answer["layers"]] == ["identity", "resource"]


@pytest.mark.parametrize(
    "layer",
    [
        "identityPolicies",
        "resourcePolicy",
        "boundary",
        "sessionPolicy",
        "scps",
        "rcps",
        "endpointPolicies",
        "grants",
    ],
)
def test_a_layer_may_be_unavailable(layer: str) -> None:
    open_to_all = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
    }
    known = {"identityPolicies": [ALLOW_ALL], "resourcePolicy": {"Statement": open_to_all}}
    if layer == "grants":
        known = {}

    answer = answer_to(case(**{**known, layer: {"unavailable": "AccessDenied"}}))

    assert answer["result"] == "Unknown"
    assert [each["reason"] for each in answer["layers"] if each["effect"] == "Unknown"] == [
        "AccessDenied"
    ]


def test_a_session_policy_and_an_endpoint_policy_are_heard() -> None:
    silent = {"Version": "2012-10-17", "Statement": []}
    bucket = {
        "action": "s3:ListBucket",
        "resource": "arn:aws:s3:::b",
        "resourceAccount": "111111111111",
    }
    allowed = asking(**bucket)["request"]

    answer = answer_to(
        case(
            request=allowed,
            identityPolicies=[ALLOW_ALL],
            resourcePolicy=None,
            sessionPolicy=silent,
            endpointPolicies=[silent],
        )
    )

    assert answer["denying"] == ["vpc_endpoint", "session"]


def test_the_path_of_a_role_may_be_told() -> None:
    role = "arn:aws:iam::111111111111:role/a/repl"
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "*", "Resource": "*"}
    known = {"identityPolicies": [ALLOW_ALL], "resourcePolicy": {"Statement": statement}}

    right = answer_to({**asking(roleArn=role), **known})
    wrong = answer_to({**asking(roleArn=role.replace("/a/", "/b/")), **known})

    assert right["result"] == "Allowed"
    assert wrong["result"] == "ImplicitlyDenied"


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ([], ""),
        ({}, "request"),
        (case(request="x"), "request"),
        (asking(principal=None), "request.principal"),
        (asking(principal="someone"), "request.principal"),
        (asking(principal="arn:aws:iam::1:role/r"), "request.principal"),
        (asking(principalAccount=111111111111), "request.principalAccount"),
        (asking(action="Encrypt"), "request.action"),
        (asking(action="kms:*"), "request.action"),
        (asking(resource=None), "request.resource"),
        (asking(resourceAccount=None), "request.resourceAccount"),
        (asking(context=[]), "request.context"),
        (asking(context={"aws:a": None}), "request.context.aws:a"),
        (asking(context={"aws:a": ["x", {}]}), "request.context.aws:a[1]"),
        (asking(roleArn=5), "request.roleArn"),
    ],
)
def test_a_malformed_request_is_one_error_with_a_path(asked: Any, path: str) -> None:
    with pytest.raises(MalformedEventError) as caught:
        evaluate_case(asked)

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"identityPolicies": {}}, "identityPolicies"),
        ({"identityPolicies": [5]}, "identityPolicies[0]"),
        ({"identityPolicies": [ALLOW_ALL, {"Statement": 5}]}, "identityPolicies[1].Statement"),
        (
            {
                "identityPolicies": [
                    {"Statement": [{"Effect": "x", "Action": "*", "Resource": "*"}]}
                ]
            },
            "identityPolicies[0].Statement[0].Effect",
        ),
        (
            {
                "boundary": [
                    {
                        "Statement": {
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "*",
                            "Resource": "*",
                        }
                    }
                ]
            },
            "boundary[0].Statement[0].Principal",
        ),
        ({"resourcePolicy": ALLOW_ALL}, "resourcePolicy.Statement[0].Principal"),
        ({"resourcePolicy": "not JSON"}, "resourcePolicy"),
        ({"sessionPolicy": []}, "sessionPolicy"),
        ({"scps": [{}]}, "scps[0].policies"),
        ({"scps": [{"policies": []}]}, "scps[0].orgIdentifier"),
        ({"scps": [{"orgIdentifier": "r", "policies": [[]]}]}, "scps[0].policies[0]"),
        (
            {"rcps": [{"orgIdentifier": "r", "policies": [ALLOW_ALL]}]},
            "rcps[0].policies[0].Statement[0].Principal",
        ),
        ({"endpointPolicies": [{"Version": "1"}]}, "endpointPolicies[0].Statement"),
        ({"grants": [{}]}, "grants[0].Operations"),
        ({"grants": ["x"]}, "grants[0]"),
    ],
)
def test_a_malformed_policy_is_one_error_with_a_path_from_the_case_down(
    changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(MalformedPolicyError) as caught:
        evaluate_case(case(**changes))

    assert caught.value.path == path
