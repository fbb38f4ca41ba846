"""Policy documents: adding is once, and everything else survives it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.documents import PolicyDocument
from replimend.errors import MalformedPolicyError
from tests.facts import MEMBER, administered_by, delegated_to, document

OURS = {"Sid": "ReplimendDestination0123456789ab", "Effect": "Allow", "Action": "kms:Encrypt"}

SIDS = st.sampled_from(["Administer", "Delegate", OURS["Sid"]]) | st.text(max_size=8)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Resource": st.just("*")},
    optional={"Sid": SIDS, "Action": st.text(max_size=12) | st.lists(st.text(max_size=12))},
)
DOCUMENTS = st.builds(
    lambda statements, version: PolicyDocument.of({"Version": version, "Statement": statements}),
    st.lists(STATEMENTS, max_size=6, unique_by=lambda each: each.get("Sid", json.dumps(each))),
    st.sampled_from(["2012-10-17", "2008-10-17"]),
)


def others(of: PolicyDocument) -> list[Any]:
    return [each for each in of.statements if each.get("Sid") != OURS["Sid"]]


@given(DOCUMENTS)
def test_adding_twice_is_adding_once(before: PolicyDocument) -> None:
    once = before.with_statement(OURS)

    assert once.with_statement(OURS) == once
    assert [each for each in once.statements if each.get("Sid") == OURS["Sid"]] == [OURS]


@given(DOCUMENTS)
def test_adding_leaves_every_other_statement_in_its_order(before: PolicyDocument) -> None:
    after = before.with_statement(OURS)

    assert others(after) == others(before)
    assert {**after.content, "Statement": []} == {**before.content, "Statement": []}


@given(DOCUMENTS)
def test_the_administrators_statement_survives_adding_and_removing(before: PolicyDocument) -> None:
    administrators = administered_by(MEMBER)
    administered = before.with_statement(administrators)

    changed = administered.with_statement(OURS).without_statement(str(OURS["Sid"]))

    assert administrators in administered.with_statement(OURS).statements
    assert administrators in changed.statements


@given(DOCUMENTS)
def test_removing_what_was_added_gives_the_document_back(before: PolicyDocument) -> None:
    without_ours = before.without_statement(str(OURS["Sid"]))

    back = without_ours.with_statement(OURS).without_statement(str(OURS["Sid"]))

    assert back.fingerprint == without_ours.fingerprint


@given(DOCUMENTS)
def test_a_document_survives_being_written_as_json(before: PolicyDocument) -> None:
    read = PolicyDocument(text=json.dumps(json.loads(before.text), indent=2, sort_keys=True))

    assert read.content == before.content
    assert read.fingerprint == before.fingerprint


@given(DOCUMENTS)
def test_what_was_added_is_told(before: PolicyDocument) -> None:
    after = before.without_statement(str(OURS["Sid"])).with_statement(OURS)

    assert after.added_to(before.without_statement(str(OURS["Sid"]))) == (OURS,)
    assert after.added_to(after) == ()


def test_everything_is_new_where_there_was_no_document() -> None:
    assert document(OURS).added_to(None) == (OURS,)


def test_a_lone_statement_counts_as_a_list_of_one() -> None:
    lone = PolicyDocument(text=json.dumps({"Statement": administered_by(MEMBER)}))

    assert lone.statements == (administered_by(MEMBER),)
    assert lone.with_statement(OURS).statements == (administered_by(MEMBER), OURS)


def test_our_statement_is_replaced_where_it_stands() -> None:
    before = document(OURS, delegated_to(MEMBER))
    wider = {**OURS, "Action": ["kms:Decrypt", "kms:Encrypt"]}

    assert before.with_statement(wider).statements == (wider, delegated_to(MEMBER))


def test_other_content_has_another_fingerprint() -> None:
    assert document(OURS).fingerprint != document({**OURS, "Effect": "Deny"}).fingerprint


def test_the_size_is_counted_in_bytes() -> None:
    assert PolicyDocument(text='{"Id": "ü"}').size == 12


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "null"])
def test_what_is_no_json_object_is_one_clear_error(text: str) -> None:
    with pytest.raises(MalformedPolicyError, match=r"\$"):
        _ = PolicyDocument(text=text).content
