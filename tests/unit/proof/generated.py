"""Set-ups with generated key and role policies: some fit, some almost, most are about others."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Fact, Facts, NamedPolicy
from tests.examples import examples
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_role,
    administered_by,
    an_object,
    document,
    healthy_facts,
    role_policy,
)
from tests.unit.proof.ladder import CONTEXT, DESTINATION

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(unhurried, max_examples=examples(500))
some = settings(unhurried, max_examples=examples(100))
"""For what tries hundreds of probes on each example."""

SOURCE = "arn:aws:s3:::orders-ireland"
ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-before1234"}}

principals = st.sampled_from(
    [
        {"AWS": ROLE_ARN},
        {"AWS": [ROLE_ARN]},
        {"AWS": [ROLE_ARN, f"arn:aws:iam::{MEMBER}:role/other"]},
        {"AWS": f"arn:aws:iam::{MEMBER}:root"},
        {"AWS": f"arn:aws:iam::{HOME}:root"},
        {"AWS": f"arn:aws:iam::{MEMBER}:role/auditor"},
        {"AWS": "*"},
        {"Service": "logs.amazonaws.com"},
    ]
)
actions = st.sampled_from(
    [
        "kms:*",
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:DescribeKey",
        ["kms:Encrypt", "kms:Decrypt"],
        ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"],
        ["kms:Encrypt", "kms:ReEncrypt*"],
    ]
)
values = st.lists(
    st.sampled_from(
        [DESTINATION, f"{DESTINATION}/*", f"{DESTINATION}/reports/*", SOURCE, f"{SOURCE}/*", "*"]
    ),
    min_size=1,
    max_size=2,
    unique=True,
)
vias = st.sampled_from(["s3.eu-central-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"])
contexts = st.builds(
    lambda operator, named: {operator: {CONTEXT: named}},
    st.sampled_from(["StringLike", "StringEquals", "ArnLike", "StringNotLike"]),
    values,
)
conditions = st.one_of(
    st.none(),
    contexts,
    st.builds(lambda via: {"StringEquals": {"kms:ViaService": via}}, vias),
    st.builds(
        lambda via, context: {**context, "StringEqualsIgnoreCase": {"kms:ViaService": via}},
        vias,
        contexts,
    ),
    st.just(ORGANISATION),
)


def _statement(principal: Any, action: Any, condition: Any, effect: str) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"}
    return statement if condition is None else {**statement, "Condition": condition}


allows = st.builds(_statement, principals, actions, conditions, st.just("Allow"))
statements = st.one_of(
    allows, allows, allows, st.builds(_statement, principals, actions, contexts, st.just("Deny"))
)
key_policies = st.lists(statements, max_size=4).map(
    lambda found: [
        administered_by(MEMBER),
        *({"Sid": f"S{i}", **each} if i % 2 else each for i, each in enumerate(found)),
    ]
)
role_lacks = st.sets(st.sampled_from(["kms:Encrypt", "kms:Decrypt", "s3:ReplicateObject"]))
kinds = st.sets(st.sampled_from(["grant", "bucket_policy", "key_policy"])).map(
    lambda some: frozenset({"role_policy", *some})
)


bucket_policies = st.sampled_from(
    [
        a_bucket().policy,
        Absent(what="policy of orders-frankfurt"),
        document({"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}),
    ]
)


def _facts(
    key_policy: list[dict[str, Any]],
    lacks: set[str],
    bucket_policy: Fact[PolicyDocument],
    *,
    bucket_key: bool,
) -> Facts:
    policy = NamedPolicy(name="replicate", document=role_policy(without=frozenset(lacks)))
    return healthy_facts(
        object=an_object(bucket_key=bucket_key),
        role=a_role(identity_policies=(policy,)),
        destination=a_bucket(policy=bucket_policy),
        source_key=a_key(SOURCE_KEY),
        destination_key=a_key(DESTINATION_KEY, policy=document(*key_policy)),
    )


set_ups = st.builds(_facts, key_policies, role_lacks, bucket_policies, bucket_key=st.booleans())
