"""Results of MCP tools, and calls without a result in time."""

import asyncio
import time

import pytest

from agent_tools import RetryPolicy
from tests.services.mcp_servers.conftest import Ask
from tests.services.mcp_servers.gate import Gate
from tests.services.mcp_servers.running import Tools, http, tools_at
from tests.support.toolbox import Door, asking, graph_of

pytestmark = [pytest.mark.doors("node", "create_agent"), pytest.mark.untraced]

IN_TIME = RetryPolicy(attempt_timeout=1.0)  # the handshake included, on a busy machine


@pytest.mark.anyio
@pytest.mark.parametrize("returned", [True, False], ids=["returned", "raised"])
async def test_an_is_error_is_a_failure_that_is_scrubbed_and_not_run_again(
    ask: Ask, gate: Gate, url: str, *, returned: bool
) -> None:
    tools = await tools_at(http(url), handle_tool_errors=returned)
    gate.reset()

    turn = await ask([tools["fails_with_is_error"]], ("fails_with_is_error", {}))

    assert turn.answer.status == "error"
    assert "no order 7" in str(turn.answer.content)  # text written for the model reaches it
    assert turn.told == ["tool_failed"]
    assert gate.count("fails_with_is_error") == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "category"), [(503, "retryable"), (429, "retryable"), (401, "auth_failure"), (404, "non_retryable")]
)
async def test_what_fails_inside_of_a_tool_arrives_with_its_category_and_status(
    ask: Ask, gate: Gate, tools: Tools, status: int, category: str
) -> None:
    turn = await ask([tools["asks"]], ("asks", {"status": status}), links=True)

    facts = turn.answer.artifact
    assert (facts["category"], facts["status_code"], facts["attempts"]) == (category, status, 1)


@pytest.mark.anyio
async def test_a_tool_that_is_hinted_read_only_is_asked_again(ask: Ask, gate: Gate, tools: Tools) -> None:
    policy = RetryPolicy(base_delay=0, throttled_delay=0)

    turn = await ask([tools["reads"]], ("reads", {"status": 503}), policy=policy, links=True)

    assert turn.answer.artifact["attempts"] == gate.count("reads") == 3


@pytest.mark.anyio
async def test_rules_and_texts_apply_to_what_fails_inside(ask: Ask, gate: Gate, tools: Tools) -> None:
    def rule(error: object) -> str | None:
        return "timeout" if "no order 7" in str(error) else None

    texts = {"timeout": "Die Auskunft ist zu langsam."}
    turn = await ask([tools["fails_with_is_error"]], ("fails_with_is_error", {}), classify=rule, texts=texts)

    assert (turn.answer.content, turn.answer.artifact["category"]) == ("Die Auskunft ist zu langsam.", "timeout")


@pytest.mark.anyio
async def test_an_is_error_is_run_again_when_the_policy_says_so(ask: Ask, gate: Gate, tools: Tools) -> None:
    policy = RetryPolicy(base_delay=0, failed_when=lambda result: result.status == "error")

    turn = await ask([tools["fails_with_is_error"]], ("fails_with_is_error", {}), policy=policy)

    assert turn.answer.status == "error"
    assert gate.count("fails_with_is_error") == 3


@pytest.mark.anyio
async def test_a_tool_that_hangs_is_ended_in_time_and_its_sibling_keeps_its_result(
    ask: Ask, gate: Gate, tools: Tools
) -> None:
    turn = await ask(list(tools.values()), ("hangs", {}), ("ok", {}), per_tool={"hangs": IN_TIME})

    late, healthy = turn.answers
    assert late.artifact["category"] == "timeout"
    assert late.artifact["elapsed"] < 1.3
    assert healthy.content[0]["text"] == "order 1 is shipped"
    assert gate.count("hangs") == 1


@pytest.mark.anyio
async def test_a_server_that_drips_one_byte_at_a_time_is_left_in_time(ask: Ask, gate: Gate, tools: Tools) -> None:
    gate.drip("ok")

    turn = await ask([tools["ok"]], ("ok", {}), policy=IN_TIME)

    assert turn.answer.artifact["category"] == "timeout"
    assert turn.seconds < 1.3


@pytest.mark.anyio
async def test_a_late_tool_is_tried_again_when_the_policy_says_so(ask: Ask, gate: Gate, tools: Tools) -> None:
    policy = RetryPolicy(base_delay=0, max_attempts=2, attempt_timeout=0.5, retry_on={"timeout"})

    turn = await ask([tools["hangs"]], ("hangs", {}), policy=policy)

    assert turn.answer.artifact["attempts"] == 2
    assert gate.count("hangs") == 2


@pytest.mark.anyio
async def test_a_cancellation_from_outside_passes_at_once_and_leaves_nothing_behind(
    door: Door, gate: Gate, tools: Tools
) -> None:
    before = asyncio.all_tasks()
    run = asyncio.create_task(graph_of(list(tools.values()), door=door).ainvoke(asking(("hangs", {}), ("ok", {}))))
    while gate.count("hangs") == 0:
        await asyncio.sleep(0.01)

    canceled_at = time.monotonic()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert time.monotonic() - canceled_at < 0.5
    assert gate.count("hangs") == 1
    async with asyncio.timeout(1):
        while not asyncio.all_tasks() <= before:  # ToolNode waits for the first of its calls to end, not for all
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_run_without_async_tells_the_developer_what_is_wrong(door: Door, tools: Tools) -> None:
    with pytest.raises(NotImplementedError, match="sync invocation"):
        await asyncio.to_thread(graph_of([tools["ok"]], door=door).invoke, asking(("ok", {})))


@pytest.mark.anyio
async def test_a_plain_result_comes_through_as_it_is(ask: Ask, tools: Tools) -> None:
    turn = await ask([tools["ok"]], ("ok", {"order": "9"}))

    assert turn.answer.status == "success"
    assert turn.answer.content[0]["text"] == "order 9 is shipped"
    assert turn.answer.artifact == {"structured_content": {"result": "order 9 is shipped"}}
    assert turn.events == []
