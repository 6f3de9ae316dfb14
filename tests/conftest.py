"""Fixtures of all tests."""

import gc
import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.toolbox import Door, Flavor

#: Cases of one test that are traced for coverage; up to twice as many if it has few.
TRACED = 4

# Any example may be slow on a busy machine.
settings.register_profile("no deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadlines")


def pytest_configure() -> None:
    """Keep clients from loading CA certificates, which takes 40 ms each time: all servers here speak HTTP."""
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)  # which has no certificates


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trace only some cases of a test with many: tracing doubles their time, and most run the same lines."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    for of_one_test in cases.values():
        step = len(of_one_test) // TRACED | 1  # odd, so that both flavors and both doors are traced
        for place, item in enumerate(of_one_test):
            if place % step:
                item.add_marker(pytest.mark.no_cover)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test through each door that its mark `doors`, or that of its module, names; the default is the node."""
    doors = metafunc.definition.get_closest_marker("doors")
    if doors is not None and "door" in metafunc.fixturenames:
        metafunc.parametrize("door", doors.args)


def pytest_collection_finish() -> None:
    """Exempt objects that live until the end from garbage collection: some hundred thousand.

    Collecting the rest less often saves a seventh of the run time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)


@pytest.fixture
def door() -> Door:
    return "node"


@pytest.fixture(params=["sync", "async"])
def flavor(request: pytest.FixtureRequest, door: Door) -> Flavor:
    """Runs the test twice, sync and async."""
    return Flavor(is_async=request.param == "async", door=door)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
