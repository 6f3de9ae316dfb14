"""A proxy passes for its tool, whatever middleware does with it."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from agent_tools._langgraph.attempt_tags import RetriedTool
from agent_tools._langgraph.interrupts import ReplayingTool, UsedIndexes
from agent_tools._langgraph.tool_proxy import WatchedTool
from tests.support.toolbox import Flaky, Flavor, PassesOn, answers_in, asking, graph_of, http_error


class Look(BaseTool):
    """A tool that can be pickled, unlike one with an inferred schema."""

    name: str = "look"
    description: str = "Looks up an order."

    def _run(self, order: str) -> str:
        return f"saw {order}"


def stand_ins() -> list[tuple[BaseTool, Any]]:
    tools = [Look() for _ in range(3)]
    indexes = UsedIndexes(iter(range(9)).__next__)
    watched: Any = WatchedTool(tools[2])
    made: list[Any] = [WatchedTool(tools[0]), RetriedTool(tools[1], 2), ReplayingTool(watched, indexes)]
    return list(zip(tools, made, strict=True))


@pytest.mark.parametrize(("tool", "stand_in"), stand_ins(), ids=["watched", "retried", "approved"])
def test_what_is_done_to_a_stand_in_is_done_to_its_tool(tool: BaseTool, stand_in: Any) -> None:
    stand_in.metadata = {"tenant": "t1"}
    stand_in.tags = ["mine"]
    assert (tool.metadata, tool.tags) == ({"tenant": "t1"}, ["mine"])
    assert stand_in.metadata == {"tenant": "t1"}
    assert stand_in == tool
    assert stand_in == RetriedTool(tool, 3)
    assert tool == stand_in
    assert stand_in != Look(name="other")
    assert isinstance(stand_in, BaseTool)
    assert repr(stand_in) == repr(tool)
    assert (stand_in | RunnableLambda(str.upper)).invoke({"order": "A"}) == "SAW A"
    assert (RunnableLambda(lambda order: {"order": order}) | stand_in).invoke("A") == "saw A"
    assert pickle.loads(pickle.dumps(stand_in)).invoke({"order": "A"}) == "saw A"  # noqa: S301
    with pytest.raises(TypeError):
        hash(stand_in)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda tool: tool.model_copy()])
@pytest.mark.parametrize(("tool", "stand_in"), stand_ins(), ids=["watched", "retried", "approved"])
def test_a_copy_stands_in_for_a_copy(tool: BaseTool, stand_in: Any, copied: Callable[[Any], Any]) -> None:
    other = copied(stand_in)
    other.tags = ["other"]
    assert type(other) is type(stand_in)
    assert tool.tags != ["other"]
    assert other.invoke({"order": "A"}) == "saw A"


class Touching(PassesOn):
    """Middleware that passes on a copy of the tool with other metadata."""

    def touched(self, request: Any) -> Any:
        assert isinstance(request.tool, BaseTool)
        tool = copy.copy(request.tool)
        tool.metadata = {"tenant": "t1"}
        return request.override(tool=tool)

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(self.touched(request))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(self.touched(request))


def test_middleware_inside_hands_on_a_copy_in_each_attempt_of_a_resumed_run(flavor: Flavor) -> None:
    service = Flaky([http_error(503)])

    def refund() -> str:
        reply = interrupt("refund?")
        return f"{reply}: {service()}"

    thread: Any = {"configurable": {"thread_id": "1"}}
    graph = graph_of([flavor.tool(refund)], door="create_agent", checkpointer=InMemorySaver(), inside=[Touching()])
    flavor.run(graph, asking(("refund", {})), thread)
    state = flavor.run(graph, Command(resume="yes"), thread)
    assert [answer.content for answer in answers_in(state)] == ["yes: done"]
    assert service.runs == 2
