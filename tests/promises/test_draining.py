"""Waits do not delay a graph that shuts down, and do not count as idle time."""

import asyncio
import time
from contextlib import suppress

import pytest
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphDrained
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import RunControl
from langgraph.types import TimeoutPolicy

from agent_tools import CircuitPolicy, ResilientToolNode, RetryPolicy
from tests.support.timing import assert_in_time, timed
from tests.support.toolbox import Door, Flaky, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD = {"configurable": {"thread_id": "1"}}


@pytest.mark.anyio
@timed
async def test_a_draining_graph_ends_a_wait_with_an_answer(door: Door) -> None:
    control, fails = RunControl(), Flaky([http_error(503)] * 9)

    async def lookup() -> str:
        return str(fails())

    tool = StructuredTool.from_function(coroutine=lookup, name="lookup", description="Looks up.")
    graph = graph_of([tool], door=door, policy=RetryPolicy(base_delay=20, jitter=0), checkpointer=InMemorySaver())
    run = asyncio.create_task(graph.ainvoke(asking(("lookup", {})), THREAD, control=control))
    await asyncio.sleep(0.15)
    control.request_drain()
    started = time.monotonic()
    with suppress(GraphDrained):  # the graph stops before the node after the tools, if there is one
        await run
    took = time.monotonic() - started
    (answer,) = answers_in((await graph.aget_state(THREAD)).values)

    assert_in_time(took, 0.25)
    assert (fails.runs, answer.artifact["reason"]) == (1, "draining")


@pytest.mark.anyio
async def test_a_draining_graph_answers_a_call_that_waits_for_a_probe() -> None:
    control, fails = RunControl(), Flaky([http_error(503)] * 9)

    async def lookup() -> str:
        return str(fails())

    tool = StructuredTool.from_function(coroutine=lookup, name="lookup", description="Looks up.")
    circuit = CircuitPolicy(failures=1, probe_after=20, jitter=0, patience=30)
    graph = graph_of([tool], policy=RetryPolicy(max_attempts=1), circuit=circuit)
    await graph.ainvoke(asking(("lookup", {})))
    run = asyncio.create_task(graph.ainvoke(asking(("lookup", {})), control=control))
    await asyncio.sleep(0.15)
    control.request_drain()
    (answer,) = answers_in(await run)

    assert (fails.runs, answer.artifact["reason"], answer.artifact["attempts"]) == (1, "draining", 0)


def test_a_draining_graph_is_not_waited_for_in_a_sync_run_either(door: Door) -> None:
    control, fails = RunControl(), Flaky([http_error(503)] * 9)

    def lookup() -> str:
        control.request_drain()
        return str(fails())

    tool = StructuredTool.from_function(lookup, description="Looks up.")
    graph = graph_of([tool], door=door, policy=RetryPolicy(base_delay=20), checkpointer=InMemorySaver())
    with suppress(GraphDrained):
        graph.invoke(asking(("lookup", {})), THREAD, control=control)
    (answer,) = answers_in(graph.get_state(THREAD).values)

    assert (fails.runs, answer.artifact["reason"]) == (1, "draining")


@pytest.mark.anyio
async def test_a_node_with_an_idle_timeout_survives_a_wait() -> None:
    fails = Flaky([http_error(503)])

    async def lookup() -> str:
        return str(fails())

    tool = StructuredTool.from_function(coroutine=lookup, name="lookup", description="Looks up.")
    node = ResilientToolNode([tool], policy=RetryPolicy(base_delay=1.0, jitter=0))
    builder = StateGraph(MessagesState)
    builder.add_node("tools", node, timeout=TimeoutPolicy(idle_timeout=0.3))
    graph = builder.add_edge(START, "tools").add_edge("tools", END).compile()
    (answer,) = answers_in(await graph.ainvoke(asking(("lookup", {}))))

    assert answer.content == "done"
