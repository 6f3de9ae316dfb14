"""Runs MCP servers: in a thread, where faults can be triggered, or in processes that can be killed and frozen."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from langchain_core.tools import BaseTool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from starlette.types import ASGIApp

from tests.services.mcp_servers.shop import uvicorn_of
from tests.support.toolbox import untraced

_PROGRAM = ("-m", "tests.services.mcp_servers.shop")
_ROOT = Path(__file__).parents[3]

Tools = dict[str, BaseTool]

#: How the adapter starts the shop.
STDIO = {"transport": "stdio", "command": sys.executable, "args": list(_PROGRAM), "cwd": str(_ROOT)}


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


@contextmanager
def in_process(*, port: int = 0, age: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the shop in a process; the target is the process and its URL."""
    command = [sys.executable, *_PROGRAM, str(port), age]
    with subprocess.Popen(
        command, cwd=_ROOT, env=untraced(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
