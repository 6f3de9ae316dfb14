"""Fixtures of all tests."""

import gc
import os
import pkgutil
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

import agent_tools
from tests.support.toolbox import Door, Flavor, untraced

#: Cases of one test that are traced for coverage; up to twice as many if it has few.
TRACED = 4

# Any example may be slow on a busy machine.
settings.register_profile("no deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadlines")


def pytest_configure(config: pytest.Config) -> None:
    """Keep clients from loading CA certificates, which takes 40 ms each time: all servers here speak HTTP."""
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)  # which has no certificates
    if hasattr(config, "workerinput") and Coverage.current():
        _trace_imports_only()


def _trace_imports_only() -> None:
    """Stop the tracers that a worker has by now, or they would trace on whenever the last one, of its session, pauses.

    It has one as a subprocess, and one as a process that might run tests alone. Which test is the first to import a
    module is chance, so all are imported here.
    """
    for module in pkgutil.walk_packages(agent_tools.__path__, "agent_tools."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    while tracer := Coverage.current():
        tracer.stop()
        tracer.save()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trace only some cases of a test with many: tracing doubles their time, and most run the same lines.

    For the same reason slow tests that cover nothing that others do not are marked `no_cover`.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    for of_one_test in cases.values():
        step = len(of_one_test) // TRACED | 1  # odd, so that both flavors and both doors are traced
        for place, item in enumerate(of_one_test):
            if place % step:
                item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _trace(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    _trace(item)


def _trace(item: pytest.Item) -> None:
    """Keep the tracer out of the fixtures, too, of a test that is not traced; pytest-cov spares its function only."""
    coverage = item.config.pluginmanager.get_plugin("_cov")
    if coverage is None or coverage.cov_controller is None:
        return
    is_traced = item.get_closest_marker("no_cover") is None
    if coverage.cov_controller.started is not is_traced:
        (coverage.cov_controller.resume if is_traced else coverage.cov_controller.pause)()


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
def untraced_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep coverage out of the subprocesses that the code under test starts."""
    for name in os.environ.keys() - untraced().keys():
        monkeypatch.delenv(name)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
