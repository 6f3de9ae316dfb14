"""Fixtures of all tests."""

import gc
import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.toolbox import Door, Flavor

#: Cases of one test whose lines count as covered; up to twice as many where they are few.
TRACED = 4

# A busy machine makes any example slow.
settings.register_profile("no deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadlines")


def pytest_configure() -> None:
    """Keep clients from loading CA certificates, which takes 40 ms each time: all servers here speak HTTP."""
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)  # where there are none


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trace some cases of a test that has many: tracing doubles their time, and most walk the same lines."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    for of_one_test in cases.values():
        step = len(of_one_test) // TRACED | 1  # odd, so that both flavors and both doors have their turn
        for place, item in enumerate(of_one_test):
            if place % step:
                item.add_marker(pytest.mark.no_cover)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test by each of the `doors` that it, or its module, names: a `flavor` of the node alone is the default."""
    doors = metafunc.definition.get_closest_marker("doors")
    if doors is not None and "door" in metafunc.fixturenames:
        metafunc.parametrize("door", doors.args)


def pytest_collection_finish() -> None:
    """Exempt what lives until the end from garbage collection: some hundred thousand objects.

    Collecting the rest less often saves a seventh of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)


@pytest.fixture
def door() -> Door:
    return "node"


@pytest.fixture(params=["sync", "async"])
def flavor(request: pytest.FixtureRequest, door: Door) -> Flavor:
    """The same test, once sync and once async."""
    return Flavor(is_async=request.param == "async", door=door)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
