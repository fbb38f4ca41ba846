"""What each function is granted is what its gateways declare that they call: no more, no less."""

import pytest

from replimend.wiring import ACTIONS
from tests.template.stacks import REPAIRING, granted_actions


@pytest.mark.parametrize("function", sorted(ACTIONS))
def test_granted_actions_are_the_declared_ones(function: str) -> None:
    assert granted_actions(function, REPAIRING) == ACTIONS[function]
