"""Calls with unreadable arguments, in a LangChain agent."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from agent_tools.middleware import ResilientToolMiddleware, UnreadableCallMiddleware
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import invalid_call, shape_of
from tests.support.toolbox import Flavor

THREAD = {"configurable": {"thread_id": "1"}}
PAY = {"messages": [HumanMessage("pay")]}


def unreadable(number: int = 1) -> AIMessage:
    return AIMessage("", invalid_tool_calls=[invalid_call(f"i{number}")])


def agent(flavor: Flavor, model: Any, done: list[str], **options: Any) -> Any:
    def charge() -> str:
        done.append("charge")
        return "charged"

    middleware = [ResilientToolMiddleware(), UnreadableCallMiddleware(**options)]
    return create_agent(model, [flavor.tool(charge)], middleware=middleware, checkpointer=InMemorySaver())


def test_the_model_is_told_and_asked_again(flavor: Flavor) -> None:
    done: list[str] = []
    model = ScriptedChatModel([unreadable(), call("charge"), "Done."])
    messages = flavor.run(agent(flavor, model, done), PAY, THREAD)["messages"]

    assert shape_of(messages) == ["human", "ai", "i1", "ai", "call_1", "ai"]
    assert messages[2].content == (
        "`charge` was not run: its arguments are not valid JSON. Call it with arguments that are."
    )
    assert done == ["charge"]


def test_readable_calls_of_the_same_message_run_and_the_model_is_asked_once_for_all(flavor: Flavor) -> None:
    done: list[str] = []
    both = AIMessage("", tool_calls=[{**call("charge"), "id": "c1"}], invalid_tool_calls=[invalid_call()])
    model = ScriptedChatModel([both, "Done."])
    messages = flavor.run(agent(flavor, model, done), PAY, THREAD)["messages"]

    assert shape_of(messages) == ["human", "ai", "i1", "c1", "ai"]
    assert done == ["charge"]


def test_after_the_third_in_a_row_the_run_ends_answered_and_the_next_turn_is_accepted(flavor: Flavor) -> None:
    model = ScriptedChatModel([unreadable(1), unreadable(2), unreadable(3), "Hello again."])
    graph = agent(flavor, model, [])
    messages = flavor.run(graph, PAY, THREAD)["messages"]

    assert shape_of(messages) == ["human", "ai", "i1", "ai", "i2", "ai", "i3"]
    check_history(messages)
    assert flavor.run(graph, PAY, THREAD)["messages"][-1].content == "Hello again."


@pytest.mark.parametrize("limit", [0, 1])
def test_the_limit_is_configured(flavor: Flavor, limit: int) -> None:
    model = ScriptedChatModel([unreadable(number) for number in range(limit + 1)])
    messages = flavor.run(agent(flavor, model, [], max_in_a_row=limit), PAY, THREAD)["messages"]

    assert len(model.seen) == limit + 1
    check_history(messages)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="max_in_a_row must not be negative, not -1"):
        UnreadableCallMiddleware(max_in_a_row=-1)


def test_a_state_without_a_message_of_the_model_is_left_alone() -> None:
    assert UnreadableCallMiddleware().after_model({"messages": [HumanMessage("hi")]}, None) is None
