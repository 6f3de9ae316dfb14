"""What the tests above the core share: one way to write a tool and to run a graph, sync and async."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent_tools import ResilientToolNode, RetryPolicy

Graph = CompiledStateGraph[Any, Any, Any, Any]

#: Retries at once, so that tests about anything but waiting do not wait.
AT_ONCE = RetryPolicy(base_delay=0, throttled_delay=0)


@dataclass(frozen=True)
class Flavor:
    """Sync or async: the same tools and graphs, run the one way or the other."""

    is_async: bool

    def tool(self, body: Callable[..., Any], **options: Any) -> BaseTool:
        """Return a tool named like `body`; its coroutine runs `body` in a thread."""
        options = {"name": body.__name__, "description": f"Runs {body.__name__}.", **options}
        if not self.is_async:
            return StructuredTool.from_function(body, **options)

        async def in_thread(**arguments: Any) -> Any:
            return await run_in_executor(None, body, **arguments)

        schema = options.pop("args_schema", None) or StructuredTool.from_function(body, **options).args_schema
        return StructuredTool.from_function(coroutine=in_thread, args_schema=schema, **options)

    def run(self, graph: Graph, state: Any, config: Any = None, **options: Any) -> Any:
        """Return the state in which `graph` ends."""
        if self.is_async:
            return asyncio.run(graph.ainvoke(state, config, **options))
        return graph.invoke(state, config, **options)

    def stream(self, graph: Graph, state: Any, mode: str, config: Any = None) -> list[Any]:
        """Return all that `graph` streams in `mode`."""
        if not self.is_async:
            return list(graph.stream(state, config, stream_mode=mode))

        async def collected() -> list[Any]:
            return [part async for part in graph.astream(state, config, stream_mode=mode)]

        return asyncio.run(collected())

    def answers(self, tools: Sequence[Any], *calls: tuple[str, dict[str, Any]], **options: Any) -> list[ToolMessage]:
        """Return the answers of a fresh node to `calls` of one message, ids c1, c2, ..."""
        return answers_in(self.run(graph_of(tools, **options), asking(*calls)))

    def answer(self, tool: Any, /, *, arguments: dict[str, Any] | None = None, **options: Any) -> ToolMessage:
        """Return the one answer of a fresh node to one call of `tool`."""
        (message,) = self.answers([tool], (tool.name, arguments or {}), **options)
        return message


@dataclass
class Flaky:
    """Raises the errors one after the other, then returns `result`; counts its runs."""

    errors: Sequence[BaseException | type[BaseException]] = ()
    result: Any = "done"
    runs: int = 0
    _left: Iterator[BaseException | type[BaseException]] = field(init=False)

    def __post_init__(self) -> None:
        self._left = iter(self.errors)

    def __call__(self) -> Any:
        self.runs += 1
        for error in self._left:
            raise error
        return self.result


def http_error(status: int, headers: Mapping[str, str] | None = None) -> httpx.HTTPStatusError:
    """Return what `raise_for_status` raises, with a key in its URL."""
    request = httpx.Request("GET", "https://api.shop.example/orders?api_key=SK-SECRET-123")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError(f"{status} for url {request.url}", request=request, response=response)


def graph_of(tools: Sequence[Any], *, checkpointer: Any = None, **options: Any) -> Graph:
    """Return a graph that is nothing but our node."""
    return graph_with(ResilientToolNode(tools, **{"policy": AT_ONCE, **options}), checkpointer=checkpointer)


def graph_with(node: Any, *, checkpointer: Any = None) -> Graph:
    """Return a graph that is nothing but `node`."""
    builder = StateGraph(MessagesState)
    builder.add_node("tools", node)
    builder.add_edge(START, "tools")
    builder.add_edge("tools", END)
    return builder.compile(checkpointer=checkpointer)


def asking(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a state whose last message makes `calls`, ids c1, c2, ..."""
    tool_calls = [
        {"name": name, "args": arguments, "id": f"c{number}", "type": "tool_call"}
        for number, (name, arguments) in enumerate(calls, start=1)
    ]
    return {"messages": [HumanMessage("help"), AIMessage("", tool_calls=tool_calls)]}


def answers_in(state: Any) -> list[ToolMessage]:
    """Return the tool messages of a final state."""
    return [message for message in state["messages"] if isinstance(message, ToolMessage)]


def names_of(errors: Sequence[BaseException]) -> list[str]:
    """Return ids for parametrized errors, the same in every process."""
    return [f"{number}-{type(error).__name__}" for number, error in enumerate(errors)]
