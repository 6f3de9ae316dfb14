"""A node that the user's own code calls inside a run, without a config."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import MessagesState
from langgraph.types import Command, interrupt

from agent_tools import ResilientToolNode
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, asking, graph_with, http_error

THREAD = {"configurable": {"thread_id": "1"}}

#: The ways to call a runnable with a state alone.
WAYS: dict[str, Callable[[Any], Any]] = {
    "bare": lambda node: node,
    "with_config": lambda node: node.with_config(tags=["mine"]),
    "with_retry": lambda node: node.with_retry(),
    "piped": lambda node: node | RunnableLambda(lambda answers: answers),
    "piped into": lambda node: RunnableLambda(lambda state: state) | node,
}


def echo(text: str) -> str:
    """Echo."""
    return f"said {text}"


def calling(flavor: Flavor, runnable: Any, *config: Any) -> Callable[[Any], Any]:
    """Return a node function that calls `runnable` with a state, and with a config only if one is given."""

    def by_hand(state: MessagesState) -> Any:
        return runnable.invoke(state, *config)

    async def aby_hand(state: MessagesState) -> Any:
        return await runnable.ainvoke(state, *config)

    return aby_hand if flavor.is_async else by_hand


def said(state: Any) -> list[Any]:
    return [answer.content for answer in answers_in(state)]


@pytest.mark.parametrize("way", WAYS)
def test_a_node_function_calls_the_node_with_the_state_alone(flavor: Flavor, way: str) -> None:
    node = WAYS[way](ResilientToolNode([flavor.tool(echo)]))
    graph = graph_with(calling(flavor, node))
    assert said(flavor.run(graph, asking(("echo", {"text": "a"}), ("echo", {"text": "b"})))) == ["said a", "said b"]


def test_a_config_that_only_adds_to_the_one_of_the_run_may_be_given(flavor: Flavor) -> None:
    node = ResilientToolNode([flavor.tool(echo)])
    graph = graph_with(calling(flavor, node, {"tags": ["mine"], "configurable": {"tenant": "t1"}}))
    assert said(flavor.run(graph, asking(("echo", {"text": "a"})))) == ["said a"]


def test_an_entrypoint_and_a_task_call_the_node_with_the_state_alone(flavor: Flavor) -> None:
    by_hand = calling(flavor, ResilientToolNode([flavor.tool(echo)]))
    in_task: Any = task(name="tools")(by_hand)

    def work(state: Any) -> Any:
        return [by_hand(state), in_task(state).result()]

    async def awork(state: Any) -> Any:
        return [await by_hand(state), await in_task(state)]

    flow = entrypoint()(awork if flavor.is_async else work)
    directly, through_task = flavor.run(flow, asking(("echo", {"text": "a"})))
    assert said(directly) == said(through_task) == ["said a"]


def test_a_tool_calls_the_node_with_a_state_alone(flavor: Flavor) -> None:
    inner = ResilientToolNode([echo])

    def delegate() -> str:
        return str(said(inner.invoke(asking(("echo", {"text": "a"})))))

    outer = graph_with(ResilientToolNode([flavor.tool(delegate)]))
    assert said(flavor.run(outer, asking(("delegate", {})))) == ["['said a']"]


def test_an_approval_is_replayed_to_the_next_attempt(flavor: Flavor) -> None:
    service = Flaky([http_error(503)])

    def refund() -> str:
        reply = interrupt("refund?")
        return f"{reply}: {service()}"

    graph = graph_with(
        calling(flavor, ResilientToolNode([flavor.tool(refund)], policy=AT_ONCE)), checkpointer=InMemorySaver()
    )
    flavor.run(graph, asking(("refund", {})), THREAD)
    assert said(flavor.run(graph, Command(resume="yes"), THREAD)) == ["yes: done"]


def test_the_limit_of_the_run_holds() -> None:
    at_work, most = 0, 0

    async def work() -> None:
        """Work."""
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1

    graph = graph_with(calling(Flavor(is_async=True), ResilientToolNode([work])))
    asyncio.run(graph.ainvoke(asking(*[("work", {})] * 6), {"max_concurrency": 2}))
    assert most == 2


def test_outside_of_a_run_the_node_says_what_a_tool_node_says() -> None:
    with pytest.raises(ValueError, match="Missing required config key"):
        ResilientToolNode([echo]).invoke(asking(("echo", {"text": "a"})))
