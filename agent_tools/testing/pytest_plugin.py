"""Fixtures for pytest, enabled by one line in a `conftest.py`.

    pytest_plugins = ["agent_tools.testing.pytest_plugin"]

It does not enable itself (there is no `pytest11` entry point). Otherwise each test run would import the library
before coverage starts, and list its fixtures.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from agent_tools._call.observers import listening
from agent_tools._core.events import ToolEvent
from agent_tools.report import RunReport
from agent_tools.testing._inject import inject_faults
from agent_tools.testing._no_waiting import no_waiting as without_waiting


@pytest.fixture
def tool_faults() -> Iterator[Callable[..., RunReport]]:
    """`inject_faults` for the rest of the test; returns the report.

    def test_the_bot_survives_its_shop(tool_faults):
        report = tool_faults(bot, {"get_order": [503, 503, ok]}, waits=False)
        bot.invoke({"messages": [("user", "where is my order?")]})
        assert not report.lost
    """
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(inject_faults(*args, **kwargs))


@pytest.fixture
def tool_events() -> Iterator[list[ToolEvent]]:
    """Every `ToolEvent` of the test, in order, from all nodes."""
    events: list[ToolEvent] = []
    with listening(events.append):
        yield events


@pytest.fixture
def no_waiting() -> Iterator[list[float]]:
    """Skips all waits of this package; lists the seconds that were skipped."""
    with without_waiting() as waits:
        yield waits
