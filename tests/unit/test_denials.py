import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.denials import Denial, DenialEffect, DenialLayer, parse_denial
from tests.builders import DESTINATION_KEY_ARN, SESSION_ARN
from tests.denial_cases import (
    ACTION,
    ASKED,
    CASES,
    IMPLICIT_WORDS,
    ON_KEY,
    SCP_ARN,
    THREE_CAUSES,
    DenialCase,
)

MARKERS = st.sampled_from(
    [
        "User: ",
        " is not authorized to perform: ",
        " on resource: ",
        '"',
        "arn:aws:",
        ":s3:",
        " because no ",
        " with an explicit deny in a ",
        " transitively through a ",
        " policy: ",
        " Go to http",
        " (Service: ",
        "\n",
        " ",
        "...",
    ]
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_says_who_asked_what_of_what_and_which_layer_refused(case: DenialCase) -> None:
    assert parse_denial(case.message) == case.says


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.message.startswith("User")], ids=lambda case: case.name
)
def test_words_before_a_message_change_nothing_about_what_it_says(case: DenialCase) -> None:
    assert parse_denial(f"An error occurred (AccessDenied): {case.message}") == case.says


@given(
    principal=st.from_regex(r"arn:aws:sts::1:[\w+=,.@:/-]{1,40}", fullmatch=True),
    key=st.from_regex(r"arn:aws(-cn)?:kms:[\w-]{1,9}:[0-9]{1,12}:key/[\w-]{1,36}", fullmatch=True),
    layer=st.sampled_from(sorted(IMPLICIT_WORDS)),
    between=st.sampled_from([" ", "  ", "\n", " \n"]),
)
def test_a_message_says_the_same_however_its_words_are_spaced(
    principal: str, key: str, layer: str, between: str
) -> None:
    message = (
        f"User: {principal} is not authorized to perform: {ACTION} on resource: {key} "
        f"because no {layer} allows the {ACTION} action"
    )

    assert parse_denial(message) == parse_denial(f"{between}{message}{between}")


def test_every_layer_is_named_by_some_message() -> None:
    named = {case.says.layer for case in CASES}

    assert named == set(DenialLayer)


@pytest.mark.parametrize(
    ("cut_at", "layer", "effect"),
    [
        (" because no resource-ba", DenialLayer.UNKNOWN, DenialEffect.IMPLICIT),
        (" because no resource-based policy all", DenialLayer.RESOURCE, DenialEffect.IMPLICIT),
        (" with an explicit deny in a serv", DenialLayer.UNKNOWN, DenialEffect.EXPLICIT),
        (" because the reso", DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS),
    ],
)
def test_a_reason_cut_off_anywhere_says_no_more_than_its_words(
    cut_at: str, layer: DenialLayer, effect: DenialEffect
) -> None:
    denial = parse_denial(f"{ASKED}{ON_KEY}{cut_at}")

    assert (denial.layer, denial.effect) == (layer, effect)
    assert denial.resource == DESTINATION_KEY_ARN


def test_a_message_of_one_kilobyte_is_taken_as_cut_off() -> None:
    asked = f"User: {SESSION_ARN} is not authorized to perform: s3:GetObject on resource: "
    message = f"{asked}arn:aws:s3:::orders-ireland/{'a' * 1024}"[:1024]

    denial = parse_denial(message)

    assert denial.action == "s3:GetObject"
    assert denial.resource is None


def test_half_a_policy_arn_is_none() -> None:
    message = (
        f"{ASKED}{ON_KEY} with an explicit deny in a service control policy: {SCP_ARN[:40]}..."
    )

    denial = parse_denial(message)

    assert denial.layer is DenialLayer.SCP
    assert denial.policy_arn is None


@pytest.mark.parametrize("end", ["arn:aws:kms:eu-central-1", "arn:aws:kms:eu-central-1:2:", "arn:"])
def test_half_a_resource_arn_is_none(end: str) -> None:
    denial = parse_denial(f"{ASKED} on resource: {end}")

    assert denial.action == ACTION
    assert denial.resource is None


@given(st.integers(min_value=0, max_value=400))
def test_a_cut_message_never_says_other_than_the_whole(length: int) -> None:
    whole = f"{ASKED}{ON_KEY}{THREE_CAUSES}"

    denial = parse_denial(whole[:length])

    assert denial.principal in {None, SESSION_ARN}
    assert denial.layer in {DenialLayer.UNKNOWN, DenialLayer.RESOURCE}
    assert denial.effect is DenialEffect.AMBIGUOUS
    assert denial.policy_arn is None


def test_letters_that_only_look_alike_name_no_layer() -> None:
    denial = parse_denial(
        f"{ASKED}{ON_KEY} because no \u017fession policy allows the {ACTION} action"
    )

    assert denial.layer is DenialLayer.UNKNOWN


@given(st.lists(st.one_of(st.text(), MARKERS), max_size=30).map("".join))
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(parse_denial(text), Denial)


@pytest.mark.parametrize(
    "unit",
    [
        "User: ",
        " is not authorized to perform: ",
        " because no ",
        " with an explicit deny in a ",
        " transitively through a service control policy",
        '"',
        "arn:",
        " (Service: ",
        ". Go to http",
        " ",
        "\n",
        "a",
    ],
)
@pytest.mark.timeout(30)
def test_a_text_of_a_megabyte_is_parsed_in_time(unit: str) -> None:
    text = f"{ASKED} on resource: arn:aws:s3:::b/{unit * (1_000_000 // len(unit))}"

    # A quadratic parser would take hours, and the timeout is the claim: no clock is compared.
    assert parse_denial(text).action == parse_denial(f"{ASKED} on resource: x").action
