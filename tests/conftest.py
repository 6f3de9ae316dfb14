"""Fixtures of all tests."""

import pytest

from tests.toolbox import Flavor


@pytest.fixture(params=["sync", "async"])
def flavor(request: pytest.FixtureRequest) -> Flavor:
    """The same test, once sync and once async."""
    return Flavor(is_async=request.param == "async")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
