"""The idempotency key of a call, on its way to an MCP server."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.shared._httpx_utils import create_mcp_http_client

from agent_tools import idempotency_key
from agent_tools.idempotency import HEADER, asend_idempotency_key
from tests.services.mcp_servers.conftest import Ask
from tests.services.mcp_servers.gate import Gate
from tests.services.mcp_servers.running import http, tools_at

pytestmark = [pytest.mark.doors("node", "create_agent"), pytest.mark.untraced]

CALL = "tools/call"


async def with_key(
    request: MCPToolCallRequest, handler: Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]]
) -> MCPToolCallResult:
    """Send the key with every message of the session opened for this call."""
    return await handler(request.override(headers={HEADER: idempotency_key()}))


async def with_key_on_calls(request: httpx.Request) -> None:
    """Send the key only with the call, the one message that changes anything."""
    if b'"method":"tools/call"' in request.content:
        await asend_idempotency_key(request)


def client_with_key(**options: Any) -> httpx.AsyncClient:
    client = create_mcp_http_client(**options)
    client.event_hooks = {"request": [with_key_on_calls]}
    return client


def keys_of(gate: Gate, method: str) -> list[str | None]:
    return [asked.headers.get(HEADER) for asked in gate.asked if asked.method == method]


@pytest.mark.anyio
async def test_an_interceptor_sends_the_same_key_with_all_attempts_of_a_call(ask: Ask, gate: Gate, url: str) -> None:
    tools = await tools_at(http(url), tool_interceptors=[with_key])
    gate.reset()
    gate.refuse("ok", 503, times=2)

    turn = await ask([tools["ok"]], ("ok", {}))

    assert turn.answer.status == "success"
    first, second, third = keys_of(gate, CALL)
    assert first is not None
    assert first == second == third


@pytest.mark.anyio
async def test_parallel_calls_have_keys_of_their_own(ask: Ask, gate: Gate, url: str) -> None:
    tools = await tools_at(http(url), tool_interceptors=[with_key])
    gate.reset()

    await ask([tools["ok"]], ("ok", {}), ("ok", {}))

    one, other = keys_of(gate, CALL)
    assert None not in (one, other)
    assert one != other


@pytest.mark.anyio
async def test_an_event_hook_of_the_client_sends_the_key_with_the_call_alone(ask: Ask, gate: Gate, url: str) -> None:
    tools = await tools_at(http(url, httpx_client_factory=client_with_key))
    gate.reset()
    gate.refuse("ok", 503, times=1)

    await ask([tools["ok"]], ("ok", {}))

    first, second = keys_of(gate, CALL)
    assert first is not None
    assert first == second
    assert keys_of(gate, "initialize") == [None, None]


@pytest.mark.anyio
async def test_the_key_is_there_in_a_held_session_whose_headers_are_fixed(ask: Ask, gate: Gate, url: str) -> None:
    seen = []

    async def note(
        request: MCPToolCallRequest, handler: Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]]
    ) -> MCPToolCallResult:
        seen.append(idempotency_key())
        return await handler(request)

    async with MultiServerMCPClient({"shop": http(url)}).session("shop") as session:
        tools = await load_mcp_tools(session, tool_interceptors=[note, with_key])
        turn = await ask(tools, ("ok", {}))

    assert turn.answer.status == "success"
    assert len(seen) == 1
    assert keys_of(gate, CALL) == [None]  # the adapter drops what an interceptor adds to a held session
