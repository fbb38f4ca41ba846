"""Unit tests reach nothing outside the process: sockets are off while one runs.

A property that names no number of examples of its own tries hypothesis's hundred, scaled.
"""

from collections.abc import Iterator

import pytest
import pytest_socket
from hypothesis import settings

from tests.examples import examples

settings.register_profile("scaled", settings(max_examples=examples(100), deadline=None))
settings.load_profile("scaled")


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()
