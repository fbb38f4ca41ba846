"""What each function is granted is what its gateways declare that they call: no more, no less."""

from collections.abc import Mapping

import pytest

from replimend.wiring import ACTIONS, COPYING
from tests.template.stacks import OBSERVING, REPAIRING, granted_actions

READS = {
    "TriageFunction": ACTIONS["TriageFunction"],
    "SweepFunction": ACTIONS["SweepFunction"],
}
"""The functions that no mode gives more."""


@pytest.mark.parametrize("mode", ["approve", "repair"])
@pytest.mark.parametrize("tag", ["", "replimend=allowed"])
@pytest.mark.parametrize("function", sorted(ACTIONS))
def test_granted_actions_are_the_declared_ones(function: str, tag: str, mode: str) -> None:
    parameters = {**REPAIRING, "RepairMode": mode, "RequiredTag": tag}

    assert granted_actions(function, parameters) == ACTIONS[function]


@pytest.mark.parametrize("methods", ["replicate,copy", "in_place", "copy,in_place"])
def test_who_may_copy_is_granted_what_copying_calls_and_no_more(methods: str) -> None:
    parameters = {**REPAIRING, "RecopyMethods": methods}

    granted = granted_actions("RecopyFunction", parameters)

    assert granted == ACTIONS["RecopyFunction"] | COPYING


@pytest.mark.parametrize("methods", ["copy", "in_place", "copy,in_place"])
def test_observing_grants_no_copying_whatever_the_methods(methods: str) -> None:
    observing = {**REPAIRING, "RepairMode": "observe"}

    granted = granted_actions("RecopyFunction", {**observing, "RecopyMethods": methods})

    assert granted == granted_actions("RecopyFunction", observing)


@pytest.mark.parametrize("parameters", [OBSERVING, {**REPAIRING, "RepairMode": "observe"}])
@pytest.mark.parametrize("function", sorted(ACTIONS))
def test_observing_grants_nothing_that_is_not_declared(
    function: str, parameters: Mapping[str, str]
) -> None:
    assert granted_actions(function, parameters) <= ACTIONS[function]


@pytest.mark.parametrize("function", sorted(READS))
def test_who_only_reads_is_granted_the_same_in_every_mode(function: str) -> None:
    observing = {**REPAIRING, "RepairMode": "observe"}

    assert granted_actions(function, observing) == READS[function]
