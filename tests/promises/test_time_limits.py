"""An attempt that hangs is answered in time; if it cannot be stopped, the answer says that it may still run."""

import asyncio
import threading
import time

import httpx
import pytest
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from agent_tools import RetryPolicy, ToolEvent
from agent_tools.testing import FaultyServer, Reply
from tests.support.timing import assert_in_time, timed
from tests.support.toolbox import Door, Flaky, Flavor, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD = {"configurable": {"thread_id": "1"}}


@pytest.mark.anyio
@timed
async def test_an_attempt_that_hangs_is_answered_in_time_canceled_and_awaited(door: Door) -> None:
    ended = []

    async def hangs() -> str:
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.01)
            ended.append("cleaned up")
        return "never"

    async def works() -> str:
        return "fine"

    tools = [
        StructuredTool.from_function(coroutine=body, name=body.__name__, description="x") for body in (hangs, works)
    ]
    policy = RetryPolicy(attempt_timeout=0.2)
    started = time.monotonic()
    hung, fine = answers_in(
        await graph_of(tools, door=door, policy=policy).ainvoke(asking(("hangs", {}), ("works", {})))
    )

    assert_in_time(time.monotonic() - started, 0.5)
    assert (hung.artifact["category"], fine.content, ended) == ("timeout", "fine", ["cleaned up"])


@pytest.mark.anyio
@timed
async def test_a_server_that_drips_one_byte_at_a_time_is_ended(door: Door) -> None:
    with FaultyServer(Reply(200, "x" * 1000, delay=0.05, fault="drip")) as server:

        async def fetch() -> str:
            async with httpx.AsyncClient(timeout=1) as client:
                return (await client.get(server.url)).text

        tool = StructuredTool.from_function(coroutine=fetch, name="fetch", description="Fetches.")
        started = time.monotonic()
        (answer,) = answers_in(
            await graph_of([tool], door=door, policy=RetryPolicy(attempt_timeout=0.3)).ainvoke(asking(("fetch", {})))
        )

    assert_in_time(time.monotonic() - started, 0.8)
    assert answer.artifact["category"] == "timeout"


@pytest.mark.parametrize(("idempotent", "expected_runs"), [(None, 1), (True, 2)])
@timed
def test_a_sync_tool_that_hangs_is_answered_in_time_and_said_to_be_running(
    flavor: Flavor, idempotent: bool | None, expected_runs: int
) -> None:
    runs = []

    def hangs() -> str:
        runs.append("hangs")
        time.sleep(0.6)
        return "late"

    policy = RetryPolicy(
        attempt_timeout=0.15, base_delay=0, max_attempts=2, retry_on={"timeout"}, idempotent=idempotent
    )
    tool = StructuredTool.from_function(hangs, description="Hangs.")
    answered_at = 0.0

    def note_the_time(event: ToolEvent) -> None:  # asyncio.run waits for the thread; the answer comes before that
        nonlocal answered_at
        answered_at = time.monotonic()

    started = time.monotonic()
    answer = flavor.answer(tool, policy=policy, observer=note_the_time)

    assert_in_time(answered_at - started, 0.55)
    assert "may still be running" in answer.content
    assert len(runs) == expected_runs


def test_an_approved_tool_that_hangs_in_its_thread_is_said_to_be_running() -> None:
    hangs = threading.Event()

    class Transfer(BaseTool):
        name: str = "transfer"
        description: str = "Moves money."

        def _run(self) -> str:
            interrupt("may I?")
            hangs.wait()
            return "moved"

    def end_the_thread(event: ToolEvent) -> None:
        hangs.set()

    flavor, policy = Flavor(is_async=True), RetryPolicy(attempt_timeout=0.15)
    graph = graph_of([Transfer()], policy=policy, observer=end_the_thread, checkpointer=InMemorySaver())
    flavor.run(graph, asking(("transfer", {})), THREAD)
    (answer,) = answers_in(flavor.run(graph, Command(resume="yes"), THREAD))

    assert "may still be running" in answer.content


def test_a_tool_in_a_thread_that_is_ended_early_by_the_timer_of_its_batch_is_said_to_be_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent_tools._call.run.LONG", 0)
    monkeypatch.setattr("agent_tools._flow.deadline_timer.TICK", 0.15)
    runs, ended = [], threading.Event()

    def hangs() -> str:
        runs.append("hangs")
        ended.wait(5)
        return "late"

    def end_the_thread(event: ToolEvent) -> None:
        ended.set()

    policy = RetryPolicy(attempt_timeout=0.25, base_delay=0, retry_on={"timeout"})
    tool = StructuredTool.from_function(hangs, description="Hangs.")
    answer = Flavor(is_async=True).answer(tool, policy=policy, observer=end_the_thread)

    assert "may still be running" in answer.content
    assert runs == ["hangs"]


def test_a_tool_in_a_thread_that_gives_up_by_itself_on_its_second_attempt_is_not_said_to_be_running() -> None:
    runs = []

    def lookup() -> str:
        runs.append("lookup")
        if len(runs) == 1:
            time.sleep(0.25)
            raise http_error(503)
        raise TimeoutError

    policy = RetryPolicy(attempt_timeout=0.3, base_delay=0.1, jitter=0)
    tool = StructuredTool.from_function(lookup, description="Looks up.")
    answer = Flavor(is_async=True).answer(tool, policy=policy)

    assert answer.artifact["error_type"] == "TimeoutError"
    assert "still be running" not in answer.content


def test_a_sync_tool_within_its_time_returns_and_raises_as_ever() -> None:
    flavor, policy = Flavor(is_async=False), RetryPolicy(attempt_timeout=5, base_delay=0)
    fails = Flaky([http_error(503), TimeoutError()])

    def lookup() -> str:
        return str(fails())

    assert flavor.answer(flavor.tool(lookup), policy=policy).artifact["category"] == "timeout"
    assert fails.runs == 2


@pytest.mark.anyio
@timed
async def test_a_long_limit_is_looked_after_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_tools._call.run.LONG", 0.2)
    monkeypatch.setattr("agent_tools._flow.deadline_timer.TICK", 0.05)

    async def hangs() -> str:
        await asyncio.sleep(30)
        return "never"

    tool = StructuredTool.from_function(coroutine=hangs, name="hangs", description="Hangs.")
    graph = graph_of([tool], door=door, policy=RetryPolicy(deadline=0.3))
    (answer,) = answers_in(await graph.ainvoke(asking(("hangs", {}))))

    assert answer.artifact["elapsed"] > 0.2
    assert_in_time(answer.artifact["elapsed"], 0.35)
    assert answer.artifact["category"] == "timeout"
