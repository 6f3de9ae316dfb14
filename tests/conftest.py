"""Fixtures of all tests."""

import gc
import os
import pkgutil
import signal
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.toolbox import Door, Flavor

#: Cases of one test that are traced for coverage; up to twice as many if it has few.
TRACED = 4

# Any example may be slow on a busy machine.
settings.register_profile("no deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadlines")


def pytest_configure(config: pytest.Config) -> None:
    """Keep clients from loading CA certificates, which takes 40 ms each time: all servers here speak HTTP."""
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)  # which has no certificates
    signal.signal(signal.SIGINT, _interrupt)
    if config.getoption("numprocesses", None):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)  # workers trace themselves, but not all that they import
    if hasattr(config, "workerinput"):
        # A worker has a tracer as a process that might run tests alone. It would trace on whenever the one of the
        # session pauses, and has nothing to save: that would race with other workers, which delete old data.
        while tracer := Coverage.current():
            tracer.stop()


def _interrupt(*_: object) -> None:
    """End the tests, as Python's own handler does, which `asyncio.run` would replace.

    When it puts that back, it writes the whole state of the graph into the message of an error that it ignores.
    """
    raise KeyboardInterrupt


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Collect the tests untraced, and import the package before: which test imports a module first is chance."""
    worker = getattr(session.config, "workerinput", {}).get("workerid")
    if worker == "gw0":
        for module in pkgutil.walk_packages(import_module("agent_tools").__path__, "agent_tools."):
            import_module(module.name)
    _trace(session.config, False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _trace_some(items)
    # Late, they would keep one worker busy for long after the others have ended.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _trace_some(items: list[pytest.Item]) -> None:
    """Trace only some cases of a test with many: tracing doubles their time, and most run the same lines.

    Of those that differ in flavor and door alone one in three is traced; each test begins with another, so that over
    all tests all are. For the same reason slow tests that cover nothing that others do not are marked `untraced`.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    for number, of_one_test in enumerate(cases.values()):
        least = 3 if "flavor" in getattr(of_one_test[0], "fixturenames", ()) else 1
        step = min(len(of_one_test), max(least, len(of_one_test) // TRACED | 1))
        for place, item in enumerate(of_one_test, number):
            if place % step:
                item.add_marker(pytest.mark.untraced)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _trace(item.config, item.get_closest_marker("untraced") is None)


def _trace(config: pytest.Config, is_traced: bool) -> None:
    """Start or stop the tracer; pytest-cov's own mark would have it run in the fixtures of a test all the same."""
    controller = getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    if controller is not None and controller.started is not is_traced:
        (controller.resume if is_traced else controller.pause)()


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
def door() -> "Door":
    return "node"


@pytest.fixture(params=["sync", "async"])
def flavor(request: pytest.FixtureRequest, door: "Door") -> "Flavor":
    """Runs the test twice, sync and async."""
    from tests.support.toolbox import Flavor  # noqa: PLC0415  # not in the process that runs no tests itself

    return Flavor(is_async=request.param == "async", door=door)


@pytest.fixture
def untraced_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep coverage out of the subprocesses that the code under test starts."""
    from tests.support.toolbox import untraced  # noqa: PLC0415  # not in the process that runs no tests itself

    for name in os.environ.keys() - untraced().keys():
        monkeypatch.delenv(name)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
