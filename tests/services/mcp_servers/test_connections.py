"""MCP servers that are absent, disappear during a call, come back, or freeze."""

import asyncio
import os
import signal
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

from agent_tools import ErrorCategory, RetryPolicy, classify_error
from agent_tools.testing import refused_url
from tests.services.mcp_servers.conftest import Ask
from tests.services.mcp_servers.gate import Gate
from tests.services.mcp_servers.running import held, http, in_process, moved, tools_at
from tests.support.toolbox import asking, graph_of

pytestmark = [pytest.mark.doors("node", "create_agent"), pytest.mark.untraced]

IN_TIME = RetryPolicy(attempt_timeout=0.2)


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_a_network_failure_in_which_nothing_happened(
    ask: Ask, gate: Gate, url: str
) -> None:
    tools = await moved(url, to=http(refused_url()))

    turn = await ask([tools["destroys"]], ("destroys", {}))

    facts = turn.answer.artifact
    assert (facts["category"], facts["attempts"], facts["may_have_acted"]) == ("network", 1, False)


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_asked_again_when_the_policy_says_so(
    ask: Ask, gate: Gate, url: str
) -> None:
    tools = await moved(url, to=http(refused_url()))

    turn = await ask([tools["ok"]], ("ok", {}), policy=RetryPolicy(base_delay=0, retry_on={"network"}))

    assert turn.answer.artifact["attempts"] == 3


@pytest.mark.anyio
async def test_a_server_killed_in_the_middle_of_a_call_is_given_up_in_time(ask: Ask) -> None:
    with in_process() as (process, url):
        tools = await tools_at(http(url))

        turn = await ask(list(tools.values()), ("dies", {}), policy=RetryPolicy(attempt_timeout=1))
        process.join(timeout=5)
        assert process.exitcode == -signal.SIGKILL
        afterwards = await ask(list(tools.values()), ("ok", {}))

    # The client never learns that its stream has ended: only the time limit ends the call.
    assert turn.answer.artifact["category"] == "timeout"
    assert turn.answer.artifact["may_have_acted"] is True
    assert turn.seconds < 1.5
    assert afterwards.answer.artifact["category"] == "network"


@pytest.mark.anyio
async def test_a_server_restarted_in_the_middle_of_a_call_answers_the_next_attempt(ask: Ask) -> None:
    with in_process() as (process, url):
        tools = await tools_at(http(url))
        policy = RetryPolicy(
            base_delay=0.5, multiplier=1, max_attempts=20, attempt_timeout=1, retry_on={"timeout", "network"}
        )
        asked = asyncio.create_task(ask(list(tools.values()), ("dies", {}), policy=policy))
        await asyncio.to_thread(process.join, 5)

        with in_process(port=int(url.rpartition(":")[2]), mortal=False):
            turn = await asked

    assert turn.answer.content[0]["text"] == "alive"
    assert {event["category"] for event in turn.events} <= {"timeout", "network"}
    assert turn.told[-1] == "tool_recovered"


def works() -> str:
    """Return a result."""
    return "fine"


@pytest.mark.anyio
async def test_a_server_that_freezes_in_the_middle_of_a_call_is_left_in_time(ask: Ask, tmp_path: Path) -> None:
    """The client says goodbye to the server, and would wait minutes for the reply."""
    pid_file = tmp_path / "pid"
    calls = [("hangs", {"pid_file": str(pid_file)}), ("works", {})]
    with in_process() as (process, url):
        tools = await tools_at(http(url))
        asked = asyncio.create_task(ask([*tools.values(), works], *calls, policy=RetryPolicy(attempt_timeout=2)))
        while not pid_file.exists():
            await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGSTOP)

        turn = await asyncio.wait_for(asked, 30)

    frozen, fine = turn.answers
    assert (frozen.artifact["category"], fine.content) == ("timeout", "fine")
    assert turn.seconds < 6


@pytest.mark.anyio
async def test_a_server_that_takes_connections_and_never_says_a_word_is_left_in_time(ask: Ask, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tools = await moved(url, to=http(f"http://127.0.0.1:{listener.getsockname()[1]}"))

        turn = await ask([tools["ok"], works], ("ok", {}), ("works", {}), policy=RetryPolicy(attempt_timeout=0.5))

    mute, fine = turn.answers
    assert (mute.artifact["category"], fine.content) == ("timeout", "fine")
    assert turn.seconds < 4


@pytest.mark.anyio
async def test_the_time_limit_of_the_session_itself_is_a_timeout(ask: Ask, gate: Gate, url: str) -> None:
    limit = {"read_timeout_seconds": timedelta(seconds=0.8)}
    tools = await tools_at(http(url, session_kwargs=limit))
    gate.reset()

    turn = await ask([tools["hangs"]], ("hangs", {}))

    assert turn.answer.artifact["error_type"] == "McpError"  # JSON-RPC 408
    assert turn.answer.artifact["category"] == "timeout"
    assert gate.count("hangs") == 1


@pytest.mark.anyio
async def test_tools_of_one_held_session_work_side_by_side(ask: Ask, gate: Gate, url: str) -> None:
    async with held(http(url)) as tools:
        turn = await ask(
            list(tools.values()),
            *[("hangs", {}), ("ok", {}), ("fails_with_is_error", {}), ("ok", {"order": "4"})],
            per_tool={"hangs": RetryPolicy(attempt_timeout=1)},
            held=True,
        )

    # If they ran one after the other, the hanging call would be given up first.
    assert [event["tool"] for event in turn.events] == ["fails_with_is_error", "hangs"]
    assert [answer.status for answer in turn.answers] == ["error", "success", "error", "success"]
    assert gate.count("initialize") == 1


@pytest.mark.anyio
async def test_a_held_session_broken_by_one_refusal_answers_all_later_calls(ask: Ask, gate: Gate, url: str) -> None:
    async with held(http(url)) as tools:
        gate.refuse("tools/call", 503, times=1)
        # The client ends the session and forgets the waiting call: again only the time limit ends it.
        turn = await ask([tools["ok"]], ("ok", {}), policy=IN_TIME)
        later = await ask([tools["ok"]], ("ok", {}))

    assert turn.answer.artifact["category"] == "timeout"
    assert later.answer.artifact["error_type"] == "ClosedResourceError"
    assert later.answer.artifact["category"] == "network"
    assert gate.count("tools/call") == 1


@pytest.mark.anyio
async def test_tools_of_a_session_that_is_closed_are_a_network_failure(ask: Ask, url: str) -> None:
    async with held(http(url)) as tools:
        pass

    turn = await ask([tools["ok"]], ("ok", {}))

    assert turn.answer.artifact["error_type"] == "ClosedResourceError"
    assert turn.answer.artifact["category"] == "network"


@pytest.mark.anyio
async def test_a_session_held_by_the_task_of_the_run_takes_the_run_down_and_says_why(gate: Gate, url: str) -> None:
    """The client cancels the task that opened the session, a cancellation from outside, which passes."""
    gate.refuse("tools/call", 401)

    async def run() -> None:
        async with MultiServerMCPClient({"shop": http(url)}).session("shop") as session:
            await graph_of(await load_mcp_tools(session)).ainvoke(asking(("ok", {})))

    with pytest.raises(ExceptionGroup) as caught:
        await run()

    assert classify_error(caught.value) is ErrorCategory.AUTH_FAILURE
    assert gate.count("tools/call") == 1
