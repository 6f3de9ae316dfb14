"""Tools that fail like those of a support bot, because of a server that really fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langgraph.types import interrupt

from agent_tools.testing import FaultyServer, Reply
from tests.support.toolbox import Flavor


@contextmanager
def open_shop(flavor: Flavor) -> Iterator[list[BaseTool]]:
    """Serve the shop while the `with` block lasts; the target is the tools."""
    routes = {
        "/orders": [503, 503, {"status": "shipped"}],
        "/customers": 401,
        "/shipments": Reply(fault="stall"),
        "/refunds": {"refunded": True},
    }
    with FaultyServer(routes) as server:

        def get(path: str) -> str:
            seconds = 0.2 if path == "/shipments" else 10
            return httpx.get(server.url + path, timeout=seconds).raise_for_status().text

        def get_order() -> str:
            return get("/orders")

        def get_customer() -> str:
            return get("/customers")

        def get_shipping() -> str:
            return get("/shipments")

        def refund(amount: int) -> str:
            return get("/refunds")

        def approve() -> str:
            return str(interrupt("May I?"))

        def break_off() -> str:
            raise ValueError("")

        def report() -> Any:
            return ToolMessage([{"type": "text", "text": ""}], tool_call_id="call_2", status="error")

        bodies = (get_order, get_customer, get_shipping, refund, approve, break_off, report)
        yield [flavor.tool(body) for body in bodies]
