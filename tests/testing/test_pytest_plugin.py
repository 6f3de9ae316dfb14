"""The fixtures work in a user's project, with the one line that the module's docstring names."""

from pathlib import Path

import pytest

from tests.support.toolbox import printed_by

CONFTEST = 'pytest_plugins = ["agent_tools.testing.pytest_plugin"]\n'

TESTS = '''
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from agent_tools import ResilientToolNode
from agent_tools.testing import ok


def get_order() -> str:
    """Look up an order."""
    return "shipped"


node = ResilientToolNode([get_order])
bot = StateGraph(MessagesState).add_node("tools", node).add_edge(START, "tools").compile()
asked = {"messages": [AIMessage("", tool_calls=[{"name": "get_order", "args": {}, "id": "c1"}])]}


def test_faults_events_and_waits(tool_faults, tool_events, no_waiting):
    report = tool_faults(bot, {"get_order": [503, 503, ok]})
    assert bot.invoke(asked)["messages"][-1].content == "shipped"
    assert report.calls[0].attempts == 3
    assert [event.type for event in tool_events] == ["tool_retry", "tool_retry", "tool_recovered"]
    assert len(no_waiting) == 2


def test_the_next_test_knows_nothing_of_it(tool_events, no_waiting):
    assert bot.invoke(asked)["messages"][-1].content == "shipped"
    assert tool_events == []
    assert no_waiting == []


def test_faults_may_change_within_a_test(tool_faults):
    first = tool_faults(bot, {"get_order": 401})
    assert bot.invoke(asked)["messages"][-1].status == "error"
    assert tool_faults(bot, {"get_order": ok}, waits=False) is not first
'''


def test_one_line_in_a_conftest_brings_the_fixtures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_bot.py").write_text(TESTS)
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]  # it leaves no trace in this process
    pytest.main([*options, "--rootdir", str(tmp_path), str(tmp_path)])
    assert "3 passed" in capsys.readouterr().out


def test_without_it_the_library_adds_nothing_to_a_test_run() -> None:
    code = "import importlib.metadata as m; print([e.value for e in m.entry_points(group='pytest11')])"
    assert "agent_tools" not in printed_by(code)
