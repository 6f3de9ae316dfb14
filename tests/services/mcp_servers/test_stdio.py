"""An MCP server run as a child process that talks over standard input and output."""

import os
from pathlib import Path

import pytest

from agent_tools import RetryPolicy
from tests.services.mcp_servers.conftest import Ask
from tests.services.mcp_servers.running import STDIO, held, moved


@pytest.mark.anyio
async def test_a_child_that_dies_in_the_middle_of_a_call_is_a_broken_connection(ask: Ask) -> None:
    async with held(STDIO) as tools:
        healthy = await ask(list(tools.values()), ("ok", {}))
        broken = await ask(list(tools.values()), ("dies", {}))
        later = await ask(list(tools.values()), ("ok", {}))

    assert healthy.answer.content[0]["text"] == "order 1 is shipped"
    assert broken.answer.artifact["error_type"] == "McpError"  # JSON-RPC -32000
    assert broken.answer.artifact["category"] == "network"
    assert broken.answer.artifact["may_have_acted"] is True
    assert later.answer.artifact["error_type"] == "ClosedResourceError"
    assert later.answer.artifact["category"] == "network"


@pytest.mark.anyio
async def test_a_child_that_hangs_is_ended_and_its_process_is_gone(ask: Ask, url: str, tmp_path: Path) -> None:
    tools = await moved(url, to=STDIO)
    pid_file = tmp_path / "pid"

    policy = RetryPolicy(attempt_timeout=4)  # including the start of the process
    turn = await ask([tools["hangs"]], ("hangs", {"pid_file": str(pid_file)}), policy=policy)

    assert turn.answer.artifact["category"] == "timeout"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.anyio
async def test_a_child_that_dies_takes_no_call_after_it_with_it(ask: Ask, url: str) -> None:
    tools = await moved(url, to=STDIO)

    turn = await ask(list(tools.values()), ("dies", {}), ("ok", {}))

    broken, healthy = turn.answers
    assert broken.artifact["category"] == "network"
    assert healthy.content[0]["text"] == "order 1 is shipped"
