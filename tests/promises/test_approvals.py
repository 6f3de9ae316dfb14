"""A human is asked once, however often the call is tried."""

import asyncio
import time

import pytest
from langchain_core.tools import StructuredTool
from langgraph._internal._constants import CONFIG_KEY_SCRATCHPAD
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from agent_tools._langgraph.private_names import SCRATCHPAD
from tests.support.toolbox import Door, Flaky, Flavor, answers_in, asking, graph_of, http_error

pytestmark = [pytest.mark.doors("node", "create_agent"), pytest.mark.untraced]

THREAD = {"configurable": {"thread_id": "1"}}


def test_the_key_where_langgraph_keeps_approvals_is_the_one_we_know() -> None:
    assert SCRATCHPAD == CONFIG_KEY_SCRATCHPAD


def test_an_approved_call_that_fails_once_asks_the_human_once(flavor: Flavor) -> None:
    asked, fails = [], Flaky([http_error(503)])

    def refund() -> str:
        asked.append("asked")
        first = interrupt("refund 5?")
        second = interrupt("really?")
        fails()
        return f"{first} and {second}"

    graph = flavor.graph_of([flavor.tool(refund)], checkpointer=InMemorySaver())
    flavor.run(graph, asking(("refund", {})), THREAD)
    paused = flavor.run(graph, Command(resume="yes"), THREAD)
    assert [each.value for each in paused["__interrupt__"]] == ["really?"]
    final = flavor.run(graph, Command(resume="sure"), THREAD)

    assert answers_in(final)[0].content == "yes and sure"
    assert fails.runs == 2
    assert "__interrupt__" not in final


def test_parallel_approved_calls_keep_their_own_answers_over_their_retries(flavor: Flavor) -> None:
    fails = {"a": Flaky([http_error(503)]), "b": Flaky([http_error(503), http_error(500)])}
    delays = {"a": [0.05, 0.0, 0.05, *[0.0] * 9], "b": [0.0, 0.05, *[0.0] * 9]}

    def refund(order: str) -> str:
        time.sleep(delays[order].pop(0))  # sometimes one is faster, sometimes the other
        answer = interrupt(f"refund {order}?")
        fails[order]()
        return f"{order}: {answer}"

    graph = flavor.graph_of([flavor.tool(refund)], checkpointer=InMemorySaver())
    state = flavor.run(graph, asking(("refund", {"order": "a"}), ("refund", {"order": "b"})), THREAD)
    questions = []
    while asked := state.get("__interrupt__"):  # calls in a node ask one after another, tasks all at once
        questions += [each.value for each in asked]
        answers = {each.id: f"approved {each.value}" for each in asked}
        state = flavor.run(graph, Command(resume=answers), THREAD)

    assert [answer.content for answer in answers_in(state)] == ["a: approved refund a?", "b: approved refund b?"]
    if flavor.door == "create_agent":  # whoever asks first
        questions.sort()
    assert questions == ["refund a?", "refund b?"]


def test_a_call_is_not_retried_where_its_approval_might_be_lost(
    flavor: Flavor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_tools._langgraph.interrupts.SCRATCHPAD", "a key of another version")
    fn = Flaky([http_error(503)] * 3)

    def refund() -> str:
        return str(fn())

    answer = flavor.answer(flavor.tool(refund))

    assert (fn.runs, answer.artifact["reason"]) == (1, "approval")


@pytest.mark.anyio
async def test_calls_beside_an_interrupted_one_come_to_their_end_before_the_run_stops(door: Door) -> None:
    acted = []

    async def approve() -> str:
        return str(interrupt("may I?"))

    async def charge() -> str:
        await asyncio.sleep(0.1)
        acted.append("charged")
        return "charged"

    tools = [
        StructuredTool.from_function(coroutine=body, name=body.__name__, description="x") for body in (approve, charge)
    ]
    graph = graph_of(tools, door=door, checkpointer=InMemorySaver())
    before = asyncio.all_tasks()
    await graph.ainvoke(asking(("approve", {}), ("charge", {})), THREAD)

    assert acted == ["charged"]
    assert asyncio.all_tasks() == before
