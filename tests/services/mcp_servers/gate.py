"""A gate in front of an MCP server that can answer instead of it, as proxies and login walls do."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import repeat

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.services.mcp_servers.shop import SECRET

#: Instead of a count: every time.
ALWAYS = 1000


@dataclass(frozen=True)
class Asked:
    """One message of a client: its JSON-RPC method, and the tool when it calls one."""

    method: str
    tool: str | None
    headers: Headers


@dataclass
class Gate:
    """An ASGI application around another one; `refuse` and `drip` make it answer itself."""

    app: ASGIApp
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[str, deque[Callable[[], Response]]] = field(default_factory=dict)

    def refuse(self, name: str, status: int, headers: dict[str, str] | None = None, *, times: int = ALWAYS) -> None:
        """Answer the next messages of a method, or calls of a tool, with an HTTP error."""
        body = f"<html>{status}: db-1.prod.internal does not want {SECRET}</html>"
        self._put(name, lambda: Response(body, status, headers, media_type="text/html"), times)

    def drip(self, name: str) -> None:
        """Answer such messages one byte at a time, forever."""
        self._put(name, lambda: StreamingResponse(_drops(), media_type="text/event-stream"), ALWAYS)

    def count(self, name: str) -> int:
        """Return how many messages of a method, or calls of a tool, have arrived."""
        return sum(name in (asked.method, asked.tool) for asked in self.asked)

    def reset(self) -> None:
        """Let everything through, and forget what has arrived."""
        self.asked.clear()
        self._answers.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        answer = self._answer_to(json.loads(body), Headers(scope=scope))
        if answer is not None:
            await answer(scope, receive, send)
            return
        unread = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive_again() -> Message:
            return next(unread, None) or await receive()

        await self.app(scope, receive_again, send)

    def _put(self, name: str, answer: Callable[[], Response], times: int) -> None:
        self._answers.setdefault(name, deque()).extend(repeat(answer, times))

    def _answer_to(self, message: dict[str, dict[str, str]], headers: Headers) -> Response | None:
        asked = Asked(str(message["method"]), message.get("params", {}).get("name"), headers)
        self.asked.append(asked)
        for name in (asked.method, asked.tool):
            if name is not None and self._answers.get(name):
                return self._answers[name].popleft()()
        return None


async def _drops() -> AsyncIterator[bytes]:
    while True:
        yield b":"  # starts a comment that never ends in the event stream
        await anyio.sleep(0.01)
