"""For the tests above the core: one way to write tools and run graphs, sync and async, through either door."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import tools_condition

from agent_tools import ResilientToolNode, RetryPolicy
from agent_tools.middleware import ResilientToolMiddleware
from agent_tools.testing import ScriptedChatModel

Graph = CompiledStateGraph[Any, Any, Any, Any]

#: The ways to put the handler into a graph.
Door = Literal["node", "create_agent"]

#: Retries without waiting, for tests that are not about waiting.
AT_ONCE = RetryPolicy(base_delay=0, throttled_delay=0)


@dataclass(frozen=True)
class Flavor:
    """Runs the same tools and graphs sync or async, through the node or the middleware."""

    is_async: bool
    door: Door = "node"

    def tool(self, body: Callable[..., Any], **options: Any) -> BaseTool:
        """Return a tool named like `body`; its coroutine runs `body` in a thread."""
        options = {"name": body.__name__, "description": f"Runs {body.__name__}.", **options}
        schema = options.pop("args_schema", None) or _schema_of(body, options["name"])
        if not self.is_async:
            return StructuredTool.from_function(body, args_schema=schema, **options)

        async def in_thread(**arguments: Any) -> Any:
            return await run_in_executor(None, body, **arguments)

        return StructuredTool.from_function(coroutine=in_thread, args_schema=schema, **options)

    def run(self, graph: Graph, state: Any, config: Any = None, **options: Any) -> Any:
        """Return the final state of `graph`."""
        if self.is_async:
            return asyncio.run(graph.ainvoke(state, config, **options))
        return graph.invoke(state, config, **options)

    def stream(self, graph: Graph, state: Any, mode: str, config: Any = None) -> list[Any]:
        """Return everything that `graph` streams in `mode`."""
        if not self.is_async:
            return list(graph.stream(state, config, stream_mode=mode))

        async def collected() -> list[Any]:
            return [part async for part in graph.astream(state, config, stream_mode=mode)]

        return asyncio.run(collected())

    def graph_of(self, tools: Sequence[Any], /, **options: Any) -> Graph:
        """Return a graph in which the handler runs the calls of the last message."""
        return graph_of(tools, door=self.door, **options)

    def agent(self, model: ScriptedChatModel, tools: Sequence[Any], *, checkpointer: Any = None) -> Graph:
        """Return the usual loop of `model` and `tools`."""
        if self.door == "create_agent":
            return agent_of(tools, model=model, checkpointer=checkpointer)
        bound = model.bind_tools(tools)

        def think(state: MessagesState) -> dict[str, list[AIMessage]]:
            return {"messages": [bound.invoke(state["messages"])]}

        node = ResilientToolNode(tools, policy=AT_ONCE)
        builder = StateGraph(MessagesState).add_node("model", think).add_node("tools", node)
        builder.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
        return builder.compile(checkpointer=checkpointer)

    def answers(self, tools: Sequence[Any], /, *calls: tuple[str, dict[str, Any]], **options: Any) -> list[ToolMessage]:
        """Return the answers of a fresh node to `calls` of one message, ids c1, c2, ..."""
        return answers_in(self.run(self.graph_of(tools, **options), asking(*calls)))

    def answer(self, tool: Any, /, *, arguments: dict[str, Any] | None = None, **options: Any) -> ToolMessage:
        """Return the one answer of a fresh node to one call of `tool`."""
        (message,) = self.answers([tool], (tool.name, arguments or {}), **options)
        return message


def _schema_of(body: Callable[..., Any], name: str) -> Any:
    """Return the schema of the arguments of `body`; a function that each test defines anew has one for all tests.

    Building a schema takes as long as running a graph.
    """
    code = getattr(body, "__code__", None)
    facts = code and (body.__annotations__, body.__defaults__, body.__kwdefaults__)
    known, schema = _SCHEMAS.get((code, name), (None, None))
    if code is None or known != facts:
        schema = StructuredTool.from_function(body, name=name, description=name).args_schema
        _SCHEMAS[code, name] = (facts, schema)
    return schema


#: By code and name: what else a schema depends on, and the schema.
_SCHEMAS: dict[tuple[Any, str], tuple[Any, Any]] = {}


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


class Skipping:
    """A clock that only skipped waits advance; `waits` are their seconds."""

    def __init__(self, waits: list[float]) -> None:
        self._waits = waits
        self.moved = 0.0

    def __call__(self) -> float:
        return self.moved + sum(self._waits)


def untraced() -> dict[str, str]:
    """Return the environment for a subprocess without coverage, for one that is killed or runs little of the package.

    Coverage takes 50 % more time.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}


def printed_by(code: str) -> str:
    """Return what a fresh process prints that runs `code`."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=untraced(), check=True, capture_output=True, text=True).stdout


def http_error(status: int, headers: Mapping[str, str] | None = None) -> httpx.HTTPStatusError:
    """Return what `raise_for_status` raises, with a key in its URL."""
    request = httpx.Request("GET", "https://api.shop.example/orders?api_key=SK-SECRET-123")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError(f"{status} for url {request.url}", request=request, response=response)


def graph_of(tools: Sequence[Any], /, *, door: Door = "node", checkpointer: Any = None, **options: Any) -> Graph:
    """Return a graph with only the node, or a LangChain agent, depending on `door`."""
    if door == "create_agent":
        return agent_of(tools, checkpointer=checkpointer, **options)
    return graph_with(ResilientToolNode(tools, **at_once(options)), checkpointer=checkpointer)


def at_once(options: dict[str, Any]) -> dict[str, Any]:
    """Return handler `options` with immediate retries unless a policy is given."""
    return options if "handler" in options else {"policy": AT_ONCE, **options}


class PassesOn(AgentMiddleware[Any, Any]):
    """Middleware that only passes tool calls on."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request)

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)


class Repeating(ScriptedChatModel):
    """Repeats the calls of the last message; says goodbye once they are answered."""

    def _say(self, messages: list[BaseMessage]) -> AIMessage:
        last = messages[-1]
        return last if isinstance(last, AIMessage) and last.tool_calls else super()._say(messages)


def agent_of(
    tools: Sequence[Any],
    /,
    *,
    checkpointer: Any = None,
    model: Any = None,
    around: Sequence[AgentMiddleware[Any, Any]] = (),
    inside: Sequence[AgentMiddleware[Any, Any]] = (),
    **options: Any,
) -> Graph:
    """Return a LangChain agent with the middleware, and with other middleware outside and inside it."""
    return create_agent(
        Repeating([], then="Goodbye.") if model is None else model,
        tools,
        middleware=[*around, ResilientToolMiddleware(**at_once(options)), *inside],
        checkpointer=checkpointer,
    )


def graph_with(node: Any, *, checkpointer: Any = None) -> Graph:
    """Return a graph with only `node`."""
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
