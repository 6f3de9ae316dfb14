"""The CPU time of an agent with `ResilientToolMiddleware`, relative to one whose `wrap_tool_call` does nothing.

The two take turns within one run, as in `overhead`.
"""

from itertools import product
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import StructuredTool

from agent_tools.middleware import ResilientToolMiddleware
from agent_tools.testing import ScriptedChatModel
from tests.benchmarks import nodes
from tests.benchmarks.overhead import median_ratio
from tests.support.toolbox import PassesOn


def agent(middleware: AgentMiddleware[Any, Any], tool: StructuredTool, *, calls: int) -> Any:
    """Return an agent whose model makes `calls` calls of `tool` and then ends."""

    def move(messages: list[BaseMessage]) -> str | AIMessage:
        return "done" if isinstance(messages[-1], ToolMessage) else asking

    (asking,) = nodes.state(tool.name, calls)["messages"]
    return create_agent(ScriptedChatModel([], then=move, strict=False), [tool], middleware=[middleware])


def main() -> None:
    """Print a row per way of calling."""
    print("| calls at once | mode | bare, us a call | ours / bare |")
    print("| --- | --- | --- | --- |")
    for calls, is_async in product((1, 16), (False, True)):
        tool = nodes.tool("tool_0", is_async=is_async, fails=False)
        graphs = {
            "bare": agent(PassesOn(), tool, calls=calls),
            "ours": agent(ResilientToolMiddleware(), tool, calls=calls),
        }
        state = {"messages": [("user", "go")]}
        bare, times = median_ratio(graphs, state, calls=calls, is_async=is_async)
        print(f"| {calls} | {'async' if is_async else 'sync'} | {bare * 1e6:.0f} | {times:.3f} |", flush=True)


if __name__ == "__main__":
    main()
