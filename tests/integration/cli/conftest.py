"""Every test here has a stack of its own, and the command at hand."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.integration.cli.made_up import MadeUpStack, make_stack


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeUpStack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        stack = make_stack()
        yield stack
        stack.stubber.assert_no_pending_responses()
