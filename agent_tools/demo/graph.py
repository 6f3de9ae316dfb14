"""The support bot: the usual two nodes, with `ResilientToolNode` for the tools, and a repair before the model."""

import asyncio
import atexit
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import tools_condition

from agent_tools import ResilientToolNode, ToolErrorHandler
from agent_tools.demo.api import open_shop
from agent_tools.demo.model import model_named
from agent_tools.demo.tools import Services, connect, make_policies, make_tools
from agent_tools.routing import repair_node

#: Any: LangGraph's own four parameters say nothing here that helps.
Graph = CompiledStateGraph[Any, Any, Any, Any]

INSTRUCTIONS = SystemMessage(
    "You work for the support of a shop for kettles. Make all calls that you need in parallel. Tell the "
    "customer in a few plain sentences what you found, what you did and what you could not do."
)


def build_graph(
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    handler: ToolErrorHandler | None = None,
) -> Graph:
    """Return the bot: `model` calls `tools` until it has an answer for the user.

    With a checkpointer each call is recorded the moment it ends, so that it does not run again after a crash or an
    interrupt. A user who sends a message while tools run may end that run, so unanswered calls get an answer before
    the model is asked.
    """
    bound = model.bind_tools(tools)

    async def think(state: MessagesState) -> dict[str, list[BaseMessage]]:
        return {"messages": [await bound.ainvoke([INSTRUCTIONS, *state["messages"]])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", think)
    builder.add_node("tools", ResilientToolNode(tools, handler=handler))
    builder.add_node("repair", repair_node())
    builder.add_edge(START, "repair")
    builder.add_edge("repair", "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=checkpointer)


@asynccontextmanager
async def make_graph() -> AsyncIterator[Graph]:
    """Open the bot for the LangGraph server, which finds this function through `langgraph.json`.

    `SUPPORT_API_URL` and `SUPPORT_API_KEY` name the shop's API; without a URL the one on loopback is started
    on first use and lives as long as the process. `SUPPORT_MODEL` names a real model
    (`provider:name`); without it the scripted one answers.
    """
    # In threads: starting a server and reading files block, which the LangGraph server detects on its loop.
    services = await asyncio.to_thread(_services)
    model = await asyncio.to_thread(model_named, os.environ.get("SUPPORT_MODEL"))
    async with await asyncio.to_thread(connect, services) as client:
        yield build_graph(model, make_tools(client, services), handler=_handler())


@cache
def _handler() -> ToolErrorHandler:
    """Return one handler for all runs; otherwise each run would have to learn again which service is down."""
    return ToolErrorHandler(per_tool=make_policies(_services()))


@cache
def _services() -> Services:
    url = os.environ.get("SUPPORT_API_URL", "").rstrip("/")
    if url:
        return Services(api_url=url, help_url=url, api_key=os.environ.get("SUPPORT_API_KEY", ""))
    shop = ExitStack()
    atexit.register(shop.close)
    return shop.enter_context(open_shop()).services
