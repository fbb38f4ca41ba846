"""Five hundred cases whose answers two independent policy engines gave."""

import json
from pathlib import Path
from typing import Any

import pytest

from replimend.domain.access.contract import evaluate_case

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data/policy-cases.jsonl").read_text().splitlines()
]
LAYER_NAMES = {"pb": "boundary", "vpce": "vpc_endpoint"}
DENIES = {"Explicit": "ExplicitlyDenied", "Implicit": "ImplicitlyDenied"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_case_ends_as_the_other_engines_say(case: dict[str, Any]) -> None:
    answer: dict[str, Any] = evaluate_case(case)

    assert answer["result"] == case["expected"]
    assert expected_denials(case) <= denials(answer)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["expected"] == "ImplicitlyDenied"],
    ids=lambda case: str(case["id"]),
)
def test_an_implicit_denial_names_exactly_the_silent_layers(case: dict[str, Any]) -> None:
    answer: dict[str, Any] = evaluate_case(case)

    assert denials(answer) == expected_denials(case)
    assert set(answer["denying"]) <= {layer for layer, _ in expected_denials(case)}
    assert answer["denying"]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["expected"] == "ExplicitlyDenied"],
    ids=lambda case: str(case["id"]),
)
def test_an_explicit_denial_names_the_statement(case: dict[str, Any]) -> None:
    answer: dict[str, Any] = evaluate_case(case)

    named = {denial["sid"] for denial in case["expectedDetail"]["denials"] if denial.get("sid")}
    assert named <= {
        statement
        for layer in answer["layers"]
        if layer["effect"] == "ExplicitlyDenied"
        for statement in layer["statements"]
    }
    assert answer["denying"]


def expected_denials(case: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (LAYER_NAMES.get(denial["layer"], denial["layer"]), DENIES[denial["type"]])
        for denial in case["expectedDetail"]["denials"]
    }


def denials(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (layer["layer"], layer["effect"])
        for layer in answer["layers"]
        if layer["effect"] in DENIES.values()
    }
