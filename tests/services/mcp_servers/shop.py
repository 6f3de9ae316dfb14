"""An MCP server whose tools work, fail, hang and kill it; also a program, for tests that need a child.

`python -m tests.services.mcp_servers.shop` uses standard input and output.
"""

import os
import signal
import socket
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

import anyio
import httpx
import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import ToolAnnotations
from starlette.applications import Starlette
from starlette.types import ASGIApp

SECRET = "sk-live-4eC39HqLyjWDarjtT1zdp7dc"
SECRETS = (SECRET, "hunter2", "prod.internal")
"""What the server's tools and refusals say, which the client may not show."""


def shop(*, mortal: bool = True) -> FastMCP:
    """Return a server that can run once; with `mortal`, its tool `dies` kills the process."""
    server = FastMCP("shop", log_level="CRITICAL")

    @server.tool()
    async def ok(order: str = "1") -> str:
        """Look up an order."""
        return f"order {order} is shipped"

    @server.tool(annotations=ToolAnnotations(destructiveHint=True))
    async def destroys() -> str:
        """Delete the account."""
        return "deleted"

    @server.tool()
    async def fails_with_is_error() -> str:
        """Raise an error with text that must not leave the server."""
        raise ToolError(f"no order 7, key {SECRET} at postgresql://admin:hunter2@db-1.prod.internal/orders")

    @server.tool()
    async def asks(status: int) -> str:
        """Ask a service that answers with a status."""
        raise_for(status)

    @server.tool(annotations=ToolAnnotations(readOnlyHint=True))
    async def reads(status: int) -> str:
        """Read from a service that answers with a status."""
        raise_for(status)

    @server.tool()
    async def hangs(pid_file: str = "") -> str:
        """Never return; write to a file which process hangs."""
        if pid_file:
            Path(pid_file).write_text(str(os.getpid()))  # noqa: ASYNC240  # a few bytes
        await anyio.sleep_forever()
        return "never"

    @server.tool()
    async def dies() -> str:
        """Kill the server in the middle of the call."""
        if mortal:
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    return server


def raise_for(status: int) -> NoReturn:
    """Raise httpx's error for a response with this status."""
    request = httpx.Request("GET", f"http://db-1.prod.internal/orders?api_key={SECRET}")
    httpx.Response(status, request=request).raise_for_status()
    raise AssertionError(f"{status} is no error")


def application(*, mortal: bool = True) -> Starlette:
    """Return the server for streamable HTTP, at `/mcp`."""
    return shop(mortal=mortal).streamable_http_app()


def uvicorn_of(app: ASGIApp) -> uvicorn.Server:
    """Return a silent server for `app`."""
    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)


def serve(ports: Connection, port: int, *, mortal: bool) -> None:
    """Serve at this port, or at a free one, until the end of the process; send the port."""
    listener = socket.create_server(("127.0.0.1", port))
    ports.send(listener.getsockname()[1])  # accepts connections from now on
    uvicorn_of(application(mortal=mortal)).run(sockets=[listener])


if __name__ == "__main__":
    shop().run("stdio")
