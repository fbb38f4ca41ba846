"""What the contract tests share."""

from collections.abc import Iterator

import pytest

from tests.stubs import StubbedClients


@pytest.fixture
def clients() -> Iterator[StubbedClients]:
    clients = StubbedClients()
    yield clients
    clients.assert_all_was_asked()
