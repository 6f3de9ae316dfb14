"""Errors of MCP tools put nothing from the server into traces."""

from typing import Any

import pytest

from agent_tools import clean_errors
from agent_tools.testing import no_waiting
from tests.services.mcp_servers.conftest import NOT_TO_BE_READ, Ask
from tests.services.mcp_servers.gate import Gate
from tests.services.mcp_servers.running import Tools, http, tools_at
from tests.support.toolbox import AT_ONCE, asking, graph_of


@pytest.mark.anyio
@pytest.mark.parametrize("status", [401, 503])
async def test_a_refusal_in_a_group_is_answered_as_ever_and_seen_without_its_text(
    ask: Ask, gate: Gate, tools: Tools, status: int
) -> None:
    gate.refuse("tools/call", status)
    clean = clean_errors(tools["ok"])

    with no_waiting():
        one, other = [await ask([each], ("ok", {}), policy=AT_ONCE) for each in (tools["ok"], clean)]
        parts = [part async for part in graph_of([clean]).astream(asking(("ok", {})), stream_mode="tools")]

    assert one.told == other.told
    assert {**one.answer.artifact, "elapsed": 0} == {**other.answer.artifact, "elapsed": 0}
    (message, *_) = [part["message"] for part in parts if part["event"] == "tool-error"]
    assert message == f"HTTPStatusError (HTTP {status})"


@pytest.mark.anyio
@pytest.mark.parametrize("returned", [True, False], ids=["returned", "raised"])
async def test_an_is_error_stays_what_it_is(ask: Ask, gate: Gate, url: str, *, returned: bool) -> None:
    tool = (await tools_at(http(url), handle_tool_errors=returned))["fails_with_is_error"]
    clean = clean_errors(tool)
    calls = ("fails_with_is_error", {})

    one, other = [await ask([each], calls) for each in (tool, clean)]
    parts: list[Any] = [part async for part in graph_of([clean]).astream(asking(calls), stream_mode="tools")]

    assert one.answer.text == other.answer.text  # blocks of content have ids of their own
    messages = [part["message"] for part in parts if part["event"] == "tool-error"]
    assert len(messages) == (0 if returned else 1)
    assert not [word for word in NOT_TO_BE_READ for message in messages if word in message]
