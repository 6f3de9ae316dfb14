"""The graphs that the benchmarks compare, with one node: `ResilientToolNode` or `ToolNode`."""

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import StructuredTool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from agent_tools import ResilientToolNode

NODES = {"bare": ToolNode, "ours": ResilientToolNode}


def tool(name: str, *, is_async: bool, fails: bool) -> StructuredTool:
    """Return a tool that does nothing, or only raises."""

    def body(number: int) -> str:
        if fails:
            raise ValueError("no such order")
        return "x"

    async def abody(number: int) -> str:
        return body(number)

    if is_async:
        return StructuredTool.from_function(coroutine=abody, name=name, description="Does nothing.")
    return StructuredTool.from_function(body, name=name, description="Does nothing.")


def graph(kind: str, *tools: StructuredTool, **options: Any) -> Any:
    """Return a graph of one tool node, `kind` is "bare" or "ours"."""
    node = NODES[kind](tools, handle_tool_errors=True, **options)
    return StateGraph(MessagesState).add_node("tools", node).add_edge(START, "tools").add_edge("tools", END).compile()


def state(name: str, calls: int, *, history: int = 0) -> dict[str, Any]:
    """Return a state with `history` older messages whose last one makes `calls` calls of `name`."""
    tool_calls = [{"name": name, "args": {"number": 1}, "id": f"c{i}", "type": "tool_call"} for i in range(calls)]
    older = [HumanMessage("hello", id=f"h{i}") for i in range(history)]
    return {"messages": [*older, AIMessage("", tool_calls=tool_calls, id="ai")]}
