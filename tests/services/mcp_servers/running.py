"""Runs MCP servers: in a thread, where faults can be triggered, or in processes that can be killed and frozen."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from multiprocessing import Pipe, get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

from langchain_core.tools import BaseTool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from starlette.types import ASGIApp

from tests.services.mcp_servers import shop
from tests.services.mcp_servers.shop import serve, uvicorn_of
from tests.support.toolbox import untraced

Tools = dict[str, BaseTool]

#: How the adapter starts the shop.
STDIO = {
    "transport": "stdio",
    "command": sys.executable,
    "args": ["-m", shop.__name__],
    "cwd": str(Path(__file__).parents[3]),
}


def http(url: str, **options: Any) -> dict[str, Any]:
    """Return how the adapter reaches the shop at `url`."""
    return {"transport": "streamable_http", "url": url + "/mcp", **options}


async def tools_at(connection: dict[str, Any], **options: Any) -> Tools:
    """Return the tools of a server by name; each call opens its own session."""
    client = MultiServerMCPClient({"shop": connection}, **options)
    return {tool.name: tool for tool in await client.get_tools()}


async def moved(url: str, to: dict[str, Any]) -> Tools:
    """Return the tools of the server at `url`, which moved after they were loaded."""
    connection = http(url)
    tools = await tools_at(connection)
    connection.clear()
    connection.update(to)
    return tools


@asynccontextmanager
async def held(connection: dict[str, Any]) -> AsyncIterator[Tools]:
    """Hold one session for all calls, in its own task; the target is its tools."""
    opened: asyncio.Future[Tools] = asyncio.get_running_loop().create_future()
    close = asyncio.Event()

    async def hold() -> None:
        async with MultiServerMCPClient({"shop": connection}).session("shop") as session:
            opened.set_result({tool.name: tool for tool in await load_mcp_tools(session)})
            await close.wait()

    holder = asyncio.create_task(hold())
    try:
        yield await opened
    finally:
        close.set()
        await asyncio.gather(holder, return_exceptions=True)


@contextmanager
def in_thread(app: ASGIApp) -> Iterator[str]:
    """Serve `app` in a thread; the target is its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn_of(app)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@cache
def _forks() -> ForkServerContext:
    """Return what forks processes from one that has imported the shop, which takes longer than most of them live."""
    context = get_context("forkserver")
    context.set_forkserver_preload([shop.__name__])
    with patch.dict(os.environ, untraced(), clear=True):
        ensure_running()
    return context


@contextmanager
def in_process(*, port: int = 0, mortal: bool = True) -> Iterator[tuple[ForkServerProcess, str]]:
    """Serve the shop in a process; the target is the process and its URL."""
    ours, theirs = Pipe()
    process = _forks().Process(target=serve, args=(theirs, port), kwargs={"mortal": mortal})
    process.start()
    try:
        yield process, f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()
