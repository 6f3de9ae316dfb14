"""No tool acts before the message that calls it is saved; otherwise a resumed run would ask the model again."""

import asyncio
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from agent_tools.testing import ScriptedChatModel, call
from tests.support.toolbox import Flavor, asking, graph_of

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD: Any = {"configurable": {"thread_id": "1"}}


class SlowSaver(InMemorySaver):
    """Takes longer to save a checkpoint than a tool takes to act."""

    def put(self, *args: Any) -> Any:
        time.sleep(0.05)
        return super().put(*args)

    async def aput(self, *args: Any) -> Any:
        await asyncio.sleep(0.05)
        return super().put(*args)

    def is_called(self) -> bool:
        """Return whether the saved thread ends with a message that calls tools."""
        saved = self.get_tuple(THREAD)
        messages = [] if saved is None else saved.checkpoint["channel_values"].get("messages", [])
        return bool(messages) and isinstance(messages[-1], AIMessage) and bool(messages[-1].tool_calls)


def test_a_tool_acts_once_the_message_that_calls_it_is_saved(flavor: Flavor) -> None:
    saver, was_saved = SlowSaver(), []

    def charge() -> None:
        was_saved.append(saver.is_called())

    model = ScriptedChatModel([[call("charge"), call("charge")], call("charge"), "Done."])
    flavor.run(flavor.agent(model, [flavor.tool(charge)], checkpointer=saver), {"messages": ["go"]}, THREAD)

    assert was_saved == [True, True, True]


def test_a_tool_in_a_graph_inside_acts_once_the_message_around_it_is_saved(flavor: Flavor) -> None:
    saver, was_saved = SlowSaver(), []

    def charge() -> None:
        was_saved.append(saver.is_called())

    def model(_: MessagesState) -> Any:
        return {"messages": asking(("charge", {}))["messages"][1:]}

    builder = StateGraph(MessagesState).add_node("model", model).add_edge(START, "model").add_edge("model", "agent")
    builder.add_node("agent", graph_of([flavor.tool(charge)], door=flavor.door))
    flavor.run(builder.compile(checkpointer=saver), {"messages": ["go"]}, THREAD)

    assert was_saved == [True]
