from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.fleet.store import RedisServer, redis_server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for this test alone."""
    with redis_server(tmp_path) as server:
        yield server
