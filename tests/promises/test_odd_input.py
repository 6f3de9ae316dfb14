"""Whatever a model writes and a tool raises, the call is answered; what ends the process or the stream still does."""

import asyncio
import signal
import sys
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent_tools import ResilientToolNode, RetryPolicy
from agent_tools._core.turn import marked
from tests.support.toolbox import Flavor, answers_in, asking, graph_of, graph_with, http_error


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def deep() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(3_000):
        found = {"a": found}
    return found


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


ODD = {"a cycle": CYCLE, "no repr": {"x": Unprintable()}, "deep": deep(), "keys of two types": {1: "a", "b": 2}}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_arguments_are_answered_also_when_the_calls_before_had_them(flavor: Flavor, odd: Any) -> None:
    def lookup(x: Any) -> str:
        raise RuntimeError("bug")

    facts = {"category": "retryable", "status_code": 503, "attempts": 1}
    history: list[Any] = [HumanMessage("go")]
    for number in (1, 2, 3):
        call = AIMessage("", tool_calls=[{"name": "lookup", "args": {}, "id": f"c{number}"}])
        call.tool_calls[0]["args"] = {"x": odd}
        kwargs = marked(facts, None)
        history += [call, ToolMessage("no", tool_call_id=f"c{number}", status="error", additional_kwargs=kwargs)]
    state = flavor.run(graph_of([flavor.tool(lookup)]), {"messages": history[:-1]})

    assert answers_in(state)[-1].artifact["reason"] == "repeated"


@pytest.mark.parametrize("policy", [RetryPolicy(), RetryPolicy(attempt_timeout=5)], ids=["here", "in a thread"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_that_calls_sys_exit_is_answered(policy: RetryPolicy, *, is_async: bool) -> None:
    tool = Flavor(is_async=False).tool(lambda: sys.exit(3), name="leaves")
    graph = graph_of([tool], policy=policy)
    state = asyncio.run(graph.ainvoke(asking(("leaves", {})))) if is_async else graph.invoke(asking(("leaves", {})))
    (answer,) = answers_in(state)

    assert (answer.artifact["category"], answer.artifact["error_type"]) == ("non_retryable", "SystemExit")


def test_an_exit_by_a_signal_ends_the_run() -> None:
    def leave(number: int, _frame: object) -> None:
        sys.exit(number)

    async def waits() -> str:
        """Wait."""
        signal.raise_signal(signal.SIGUSR1)
        return "late"

    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(SystemExit):
            asyncio.run(graph_of([waits]).ainvoke(asking(("waits", {}))))
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("calls", [1, 3])
def test_closing_a_stream_ends_the_waits_of_its_calls(calls: int) -> None:
    def lookup() -> str:
        """Look up."""
        raise http_error(503)

    node = ResilientToolNode([lookup], policy=RetryPolicy(base_delay=15, jitter=0))
    stream = graph_with(node).stream(asking(*[("lookup", {})] * calls), stream_mode="custom")
    assert next(stream)["agent_tools"]["type"] == "tool_retry"
    began = time.monotonic()
    stream.close()

    assert time.monotonic() - began < 5  # of 15; idle machines need 0.1
