"""The graph that is served besides the demo's: the same bot, with a model that calls the tools named in its input.

`A-1 and A-2` looks up two orders, `block` calls a tool that blocks the event loop, anything else is small talk. The API
behind the tools is run by the test.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from blockbuster import BlockingError
from langchain_core.messages import BaseMessage, HumanMessage, ToolCall
from langchain_core.tools import tool

from agent_tools.demo.graph import Graph, build_graph
from agent_tools.demo.tools import Services, make_tools
from agent_tools.testing import ScriptedChatModel, call

#: The environment variable with the URL of the test's API.
API_URL = "DESK_API_URL"

#: The prefix of the detector's alarms in the log.
ALARM = "ALARM: "

_ORDER = re.compile(r"A-\d+")


@tool
async def block() -> str:
    """Block the event loop, which an async tool must not do."""
    time.sleep(0.001)  # the point of it
    return "blocked"


@asynccontextmanager
async def make_graph() -> AsyncIterator[Graph]:
    """Open the bot."""
    services = Services(api_url=os.environ[API_URL], help_url="", api_key="")
    client = await asyncio.to_thread(httpx.AsyncClient, base_url=services.api_url, timeout=30, trust_env=False)
    async with client:
        yield build_graph(ScriptedChatModel([], then=_next_move), [*make_tools(client, services), block])


def _next_move(messages: list[BaseMessage]) -> str | Sequence[ToolCall]:
    last = messages[-1]
    if not isinstance(last, HumanMessage):
        return "That is what I found."
    calls = [call("get_order", order=order) for order in _ORDER.findall(last.text)]
    return calls or ([call("block")] if last.text == "block" else "You are welcome.")


def _announce_alarms() -> None:
    """Log each alarm; one that is caught, by a tool node for example, would otherwise leave no trace."""
    original = BlockingError.__init__

    def announce(self: BlockingError, function: str, *arguments: Any) -> None:
        print(ALARM + function.splitlines()[0], flush=True)
        original(self, function, *arguments)

    BlockingError.__init__ = announce  # type: ignore[method-assign]  # each alarm is created here


_announce_alarms()
