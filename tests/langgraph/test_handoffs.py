"""A handoff to another agent passes on the answers of the message's other calls."""

from typing import Annotated, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import InjectedToolCallId
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState
from langgraph.types import Command, Send

from agent_tools import ResilientToolNode
from agent_tools.testing import check_history
from tests.support.toolbox import answers_in, asking, graph_with

CALLS = asking(("look_up", {}), ("hand_off", {}), ("look_up", {}))
THREAD: Any = {"configurable": {"thread_id": "1"}}


def look_up() -> str:
    """Look up."""
    return "found"


def hand_off(state: Annotated[Any, InjectedState], call: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Hand off."""
    return Command(graph=Command.PARENT, goto="other", update=taken_along(state, call))


def hand_off_by_send(state: Annotated[Any, InjectedState], call: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Hand off."""
    return Command(graph=Command.PARENT, goto=[Send("other", taken_along(state, call))])


def taken_along(state: Any, call: str) -> dict[str, Any]:
    return {"messages": [*state["messages"], ToolMessage("handed off", tool_call_id=call, name="hand_off")]}


@pytest.mark.parametrize("is_recorded", [False, True])
@pytest.mark.parametrize("tool", [hand_off, hand_off_by_send])
def test_the_next_agent_reads_the_answers_of_all_calls(tool: Any, is_recorded: bool) -> None:
    read: list[Any] = []

    def other(state: MessagesState) -> None:
        read.extend(state["messages"])

    node = ResilientToolNode([look_up, tool])
    node.tools_by_name["hand_off"] = node.tools_by_name[tool.__name__]
    builder = StateGraph(MessagesState).add_node("agent", graph_with(node)).add_node("other", other)
    checkpointer = InMemorySaver() if is_recorded else None
    builder.add_edge(START, "agent").compile(checkpointer=checkpointer).invoke(CALLS, THREAD)

    assert {answer.tool_call_id: answer.content for answer in answers_in({"messages": read})} == {
        "c1": "found",
        "c2": "handed off",
        "c3": "found",
    }
    check_history(read)


def test_a_command_of_a_graph_inside_of_a_tool_keeps_the_answers_of_the_calls_beside_it() -> None:
    def hand_off(call: Annotated[str, InjectedToolCallId]) -> str:
        """Hand off."""

        def below(_: MessagesState) -> Command[Any]:
            answer = ToolMessage("handed off", tool_call_id=call, name="hand_off")
            return Command(graph=Command.PARENT, goto="other", update={"messages": [answer]})

        graph_with(below).invoke({"messages": []})
        raise AssertionError("the graph inside has handed off")

    read: list[Any] = []

    def other(state: MessagesState) -> None:
        read.extend(state["messages"])

    builder = StateGraph(MessagesState).add_node("tools", ResilientToolNode([look_up, hand_off]))
    builder.add_node("other", other).add_edge(START, "tools")
    builder.compile(checkpointer=InMemorySaver()).invoke(CALLS, THREAD)

    answers = {answer.tool_call_id: answer.content for answer in answers_in({"messages": read})}
    assert answers == {"c1": "found", "c2": "handed off", "c3": "found"}
