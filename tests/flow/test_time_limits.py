"""Attempts end when their time is up, even if a cancellation is not enough, and other cancellations pass."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from langchain_core.tools import BaseTool, StructuredTool

from agent_tools import RetryPolicy, ToolEvent
from agent_tools._flow import time_limit
from agent_tools._flow.time_limit import NoThreadError, StillRunningError, TimeLimit, run_within
from tests.support.toolbox import answers_in, asking, graph_of, http_error

LIMIT = 0.05


@pytest.fixture(params=["of an attempt", "of a batch"])
def policy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> RetryPolicy:
    """Short limits, enforced by each attempt itself or by the timer of its batch."""
    monkeypatch.setattr("agent_tools._flow.time_limit.AGAIN", LIMIT)
    monkeypatch.setattr("agent_tools._flow.deadline_timer.TICK", LIMIT)
    if request.param == "of a batch":
        monkeypatch.setattr("agent_tools._call.run.LONG", 0)
    return RetryPolicy(attempt_timeout=4 * LIMIT)


def tool_of(body: Callable[[], Awaitable[str]]) -> BaseTool:
    return StructuredTool.from_function(coroutine=body, name=body.__name__, description="Acts.")


async def works() -> str:
    return "fine"


@pytest.mark.anyio
@pytest.mark.parametrize("farewells", [1, 3])
async def test_a_tool_that_takes_its_time_to_end_is_canceled_until_it_has_ended(
    policy: RetryPolicy, farewells: int
) -> None:
    canceled = []

    async def hangs() -> str:
        for _ in range(farewells):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError as error:
                canceled.append(error)
        await asyncio.sleep(30)
        return "never"

    graph = graph_of([tool_of(hangs), tool_of(works)], policy=policy)
    async with asyncio.timeout(5):
        hung, fine = answers_in(await graph.ainvoke(asking(("hangs", {}), ("works", {}))))

    assert (hung.artifact["category"], fine.content) == ("timeout", "fine")
    assert len(canceled) == farewells


@pytest.mark.anyio
async def test_what_was_canceled_for_its_time_is_not_taken_to_be_canceled_later(policy: RetryPolicy) -> None:
    runs = []

    async def hangs() -> str:
        runs.append("hangs")
        if len(runs) > 1:
            raise asyncio.CancelledError  # as a broken session does
        for _ in range(2):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                continue
        raise http_error(503)

    policy = replace(policy, base_delay=0)
    (answer,) = answers_in(await graph_of([tool_of(hangs)], policy=policy).ainvoke(asking(("hangs", {}))))

    assert (len(runs), answer.status) == (2, "error")


@pytest.mark.anyio
@pytest.mark.parametrize("first", ["limit", "outside"])
async def test_a_cancellation_from_outside_is_not_taken_for_ours(policy: RetryPolicy, first: str) -> None:
    began, canceled = asyncio.Event(), asyncio.Event()
    events: list[ToolEvent] = []

    async def hangs() -> str:
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            canceled.set()
        await asyncio.sleep(30)
        return "never"

    graph = graph_of([tool_of(hangs)], policy=policy, observer=events.append)
    run = asyncio.create_task(graph.ainvoke(asking(("hangs", {}))))
    await (canceled if first == "limit" else began).wait()
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await run
    assert events == []


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [None, 30.0])
async def test_a_limit_that_is_not_reached_changes_nothing(seconds: float | None) -> None:
    error = KeyError("x")
    with pytest.raises(KeyError) as caught, TimeLimit(seconds):
        raise error

    assert caught.value is error


@pytest.mark.anyio
async def test_a_limit_of_no_time_ends_the_first_wait() -> None:
    with pytest.raises(TimeoutError), TimeLimit(0):
        await asyncio.sleep(30)


@pytest.mark.anyio
async def test_a_limit_around_another_is_told_apart_from_it() -> None:
    with TimeLimit(30), pytest.raises(TimeoutError), TimeLimit(LIMIT):
        await asyncio.sleep(30)
    with pytest.raises(TimeoutError), TimeLimit(LIMIT), TimeLimit(30):
        await asyncio.sleep(30)
    task = asyncio.current_task()

    assert task is not None
    assert task.cancelling() == 0


def test_a_call_that_finds_no_free_thread_says_so_and_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "_free_threads", threading.Semaphore(1))
    end, began = threading.Event(), list[int]()
    with pytest.raises(StillRunningError):
        run_within(0.01, end.wait)
    with pytest.raises(NoThreadError):
        run_within(1, lambda: began.append(1))
    end.set()
    assert began == []
