"""For the routing tests: a bot whose checkpointer is reopened for each operation."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, InvalidToolCall
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from agent_tools import ResilientToolNode
from agent_tools.routing import arepair_thread, repair_node, repair_thread, route_tool_calls
from tests.support.toolbox import AT_ONCE, Flavor

THREAD = {"configurable": {"thread_id": "1"}}


def shape_of(messages: Sequence[Any]) -> list[str]:
    """Return the outline of a history: message types, and for answers the call they belong to."""
    return [getattr(message, "tool_call_id", message.type) for message in messages]


def saying(text: str) -> dict[str, Any]:
    """Return an input with a human message."""
    return {"messages": [HumanMessage(text)]}


def invalid_call(call_id: str | None = "i1", name: str | None = "charge") -> InvalidToolCall:
    """Return a call whose arguments are cut off."""
    return InvalidToolCall(name=name, args='{"sum": ', id=call_id, error=None, type="invalid_tool_call")


def thinking(model: Any) -> Any:
    """Return the node that asks `model`."""

    def think(state: MessagesState) -> dict[str, list[BaseMessage]]:
        return {"messages": [model.invoke(state["messages"])]}

    return think


def bot_graph(model: Any, tools: Any, *, route: Any = route_tool_calls, repair: bool = False) -> StateGraph[Any]:
    """Return the builder of an agent; `repair` puts the repair node before the model."""
    node = tools if isinstance(tools, ResilientToolNode) else ResilientToolNode(tools, policy=AT_ONCE)
    builder = StateGraph(MessagesState).add_node("model", thinking(model)).add_node("tools", node)
    builder.add_conditional_edges("model", route).add_edge("tools", "model")
    if not repair:
        return builder.add_edge(START, "model")
    return builder.add_node("repair", repair_node()).add_edge(START, "repair").add_edge("repair", "model")


@dataclass
class Bot:
    """A graph and one thread of it; with a `path`, each operation reopens the database."""

    flavor: Flavor
    builder: Any
    path: Path | None = None
    durability: str | None = None
    _memory: InMemorySaver = field(default_factory=InMemorySaver)

    def run(self, given: Any) -> list[Any]:
        """Return the messages after a run."""
        if self.flavor.is_async:
            return asyncio.run(self._arun(given))
        with self._graph() as graph:
            return graph.invoke(given, THREAD, durability=self.durability)["messages"]

    async def _arun(self, given: Any) -> list[Any]:
        async with self._agraph() as graph:
            return (await graph.ainvoke(given, THREAD, durability=self.durability))["messages"]

    def repair(self) -> list[Any]:
        """Return the answers that `repair_thread` adds."""
        if self.flavor.is_async:
            return asyncio.run(self._arepair())
        with self._graph() as graph:
            return repair_thread(graph, THREAD)

    async def _arepair(self) -> list[Any]:
        async with self._agraph() as graph:
            return await arepair_thread(graph, THREAD)

    def snapshot(self) -> Any:
        """Return the state of the thread."""
        if self.flavor.is_async:
            return asyncio.run(self._asnapshot())
        with self._graph() as graph:
            return graph.get_state(THREAD)

    async def _asnapshot(self) -> Any:
        async with self._agraph() as graph:
            return await graph.aget_state(THREAD)

    @contextmanager
    def _graph(self) -> Iterator[Any]:
        if self.path is None:
            yield self.builder.compile(checkpointer=self._memory)
            return
        with SqliteSaver.from_conn_string(str(self.path)) as saver:
            yield self.builder.compile(checkpointer=saver)

    @asynccontextmanager
    async def _agraph(self) -> AsyncIterator[Any]:
        if self.path is None:
            yield self.builder.compile(checkpointer=self._memory)
            return
        async with AsyncSqliteSaver.from_conn_string(str(self.path)) as saver:
            yield self.builder.compile(checkpointer=saver)


@dataclass
class Shop:
    """Tools that act, wait for a human, or break; `done` records what was done."""

    flavor: Flavor
    done: list[str] = field(default_factory=list)

    @property
    def tools(self) -> list[Any]:
        return [self.flavor.tool(body) for body in (self.charge, self.lookup, self.approve, self.crash, self.fail)]

    def charge(self) -> str:
        self.done.append("charge")
        return "charged"

    def lookup(self) -> str:
        self.done.append("lookup")
        return "found"

    def approve(self) -> str:
        return f"approved by {interrupt('may I?')}"

    def crash(self) -> str:
        raise SystemError("the process is as good as dead")

    def fail(self) -> str:
        raise ValueError("no")


def asking_for(*names: str, message_id: str | None = None) -> AIMessage:
    """Return a message that calls tools; the ids are c1, c2, ..."""
    calls = [{"name": name, "args": {}, "id": f"c{number}"} for number, name in enumerate(names, start=1)]
    return AIMessage("", tool_calls=calls, id=message_id)
