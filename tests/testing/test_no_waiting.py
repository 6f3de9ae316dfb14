"""Waits are skipped and recorded, in every thread and event loop."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent_tools._flow.waiting import apause, pause
from agent_tools.testing import no_waiting
from tests.support.toolbox import printed_by


@pytest.fixture(autouse=True)
def at_once() -> object:
    """Check that each test here ends at once, although its code waits for minutes."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 5


def test_waits_are_instant_and_recorded() -> None:
    with no_waiting() as waits:
        pause(60.0)
        pause(120.0)
    assert waits == [60.0, 120.0]


@pytest.mark.anyio
async def test_async_waits_are_instant_and_recorded() -> None:
    with no_waiting() as waits:
        await apause(60.0)
    assert waits == [60.0]


@pytest.mark.anyio
async def test_an_async_wait_still_gives_way_to_others() -> None:
    turns: list[str] = []

    async def take_turns(name: str) -> None:
        for _ in range(2):
            turns.append(name)
            await apause(60.0)

    with no_waiting():
        await asyncio.gather(take_turns("a"), take_turns("b"))
    assert turns == ["a", "b", "a", "b"]


def test_it_holds_in_threads_that_are_older_than_the_block() -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pause, [0.0] * 8))
        with no_waiting() as waits:
            list(pool.map(pause, range(100)))
    assert sorted(waits) == list(range(100))


def test_it_holds_in_event_loops_of_other_threads() -> None:
    with no_waiting() as waits:
        thread = threading.Thread(target=lambda: asyncio.run(apause(60.0)))
        thread.start()
        thread.join()
    assert waits == [60.0]


def test_nested_blocks_each_list_what_was_skipped_during_them() -> None:
    with no_waiting() as outer:
        pause(60.0)
        with no_waiting() as inner:
            pause(61.0)
        pause(62.0)
    assert (outer, inner) == ([60.0, 61.0, 62.0], [61.0])


def test_overlapping_blocks_may_end_in_any_order() -> None:
    first, second = no_waiting(), no_waiting()
    first_waits, second_waits = first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    pause(60.0)
    second.__exit__(None, None, None)
    assert (first_waits, second_waits) == ([], [60.0])


@pytest.mark.anyio
async def test_waits_are_real_again_after_an_error_in_the_block() -> None:
    def fail() -> None:
        with no_waiting():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    started = time.monotonic()
    pause(0.02)
    await apause(0.02)
    assert time.monotonic() - started >= 0.04


def test_importing_the_switch_imports_no_framework() -> None:
    code = "import sys, agent_tools._flow.waiting; print([m for m in sys.modules if m.startswith(('lang', 'httpx'))])"
    assert printed_by(code) == "[]\n"


def test_the_server_comes_without_httpx_and_langchain() -> None:
    code = (
        "import sys; from agent_tools.testing import FaultyServer, Reply, no_waiting; "
        "print([m for m in sys.modules if m.startswith(('lang', 'httpx'))])"
    )
    assert printed_by(code) == "[]\n"
