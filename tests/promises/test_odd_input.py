"""A call is answered whatever a model writes or a tool raises, except for what ends the process or the stream."""

import asyncio
import copy
import pickle
import signal
import sys
import time
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.tools import tool as tool_of
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from pydantic import PrivateAttr

from agent_tools import ResilientToolNode, RetryPolicy, clean_errors
from agent_tools._core.turn import marked
from agent_tools.testing import inject_faults
from tests.support.toolbox import (
    AT_ONCE,
    Door,
    Flaky,
    Flavor,
    answers_in,
    asking,
    graph_of,
    graph_with,
    http_error,
)


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


class Leaving(BaseTool):
    name: str = "leaves"
    description: str = "Leaves."

    def _run(self, config: RunnableConfig) -> str:
        assert config["tags"] == ["mine"]
        sys.exit("SK-SECRET-123")


class AsyncLeaving(Leaving):
    async def _arun(self, config: RunnableConfig) -> str:
        self._run(config)
        raise AssertionError


async def leaves(config: RunnableConfig) -> str:
    """Leave."""
    return Leaving()._run(config)


async def helps() -> str:
    """Help."""
    return "helped"


ASYNC_TOOLS = {
    "decorated": tool_of(leaves),
    "coroutine": StructuredTool.from_function(coroutine=leaves, description="Leaves."),
    "clean": clean_errors(tool_of(leaves)),
    "class": AsyncLeaving(),
    "in a thread": Leaving(),
}


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize("tool", ASYNC_TOOLS.values(), ids=ASYNC_TOOLS)
@pytest.mark.parametrize("door", ["node", "create_agent"])
def test_an_async_tool_that_calls_sys_exit_is_answered_beside_others(door: Door, tool: BaseTool, others: int) -> None:
    graph = graph_of([tool, helps], door=door)
    calls: list[tuple[str, dict[str, Any]]] = [("helps", {})] * others
    state = asyncio.run(graph.ainvoke(asking(("leaves", {}), *calls), {"tags": ["mine"]}))
    answer, *helped = answers_in(state)

    assert (answer.artifact["category"], answer.artifact["error_type"]) == ("non_retryable", "SystemExit")
    assert [each.content for each in helped] == ["helped"] * others


def test_a_later_attempt_of_an_async_tool_may_call_sys_exit_in_a_resumed_run_and_beneath_wrappers() -> None:
    service = Flaky([http_error(503), SystemExit(3)])

    async def refund() -> str:
        """Refund."""
        reply = interrupt("refund?")
        return f"{reply}: {service()}"

    def around(request: Any, execute: Any) -> Any:
        assert request.tool == made
        return execute(request)

    made = tool_of(refund)
    thread: Any = {"configurable": {"thread_id": "1"}}
    graph = graph_of([made], policy=AT_ONCE, checkpointer=InMemorySaver(), wrap_tool_call=around)

    async def run() -> Any:
        await graph.ainvoke(asking(("refund", {})), thread)
        return await graph.ainvoke(Command(resume="yes"), thread)

    (answer,) = answers_in(asyncio.run(run()))
    assert (answer.artifact["attempts"], answer.artifact["error_type"]) == (2, "SystemExit")


def test_an_injected_exit_is_answered(flavor: Flavor) -> None:
    graph = graph_of([flavor.tool(lambda: "ok", name="looks")])
    with inject_faults(graph, {"looks": SystemExit}):
        (answer,) = answers_in(flavor.run(graph, asking(("looks", {}))))

    assert answer.artifact["error_type"] == "SystemExit"


def test_a_trace_sees_that_an_async_tool_has_called_sys_exit() -> None:
    seen: list[BaseException] = []

    class Tracer(AsyncCallbackHandler):
        async def on_tool_error(self, error: BaseException, **_: Any) -> None:
            seen.append(error)

    config: Any = {"tags": ["mine"], "callbacks": [Tracer()]}
    asyncio.run(graph_of([tool_of(leaves)]).ainvoke(asking(("leaves", {})), config))

    assert [str(each) for each in seen] == ["SystemExit"]


class Counting(BaseTool):
    name: str = "counts"
    description: str = "Counts."
    runs: int = 0
    _seen: list[Any] = PrivateAttr(default_factory=list)

    def _run(self) -> str:
        raise NotImplementedError

    async def _arun(self) -> str:
        self.runs += 1
        self._seen.append(self)
        return f"{pickle.loads(pickle.dumps(self)).runs} {copy.copy(self).runs} {super().get_name()}"  # noqa: S301


def test_an_async_tool_keeps_state_passes_for_itself_and_can_be_pickled() -> None:
    counts = Counting()
    graph = graph_of([counts])
    for number in (1, 2):
        (answer,) = answers_in(asyncio.run(graph.ainvoke(asking(("counts", {})))))
        assert answer.content == f"{number} {number} counts"

    assert counts.runs == 2
    assert [(each == counts, isinstance(each, Counting), each.__class__) for each in counts._seen] == [
        (True, True, Counting)
    ] * 2


class Final(BaseTool):
    """Allows no class below itself."""

    name: str = "final"
    description: str = "Is final."

    def __init_subclass__(cls, **_: Any) -> None:
        raise TypeError("final")

    def _run(self) -> str:
        raise NotImplementedError

    async def _arun(self) -> str:
        return "ran"


def test_a_tool_whose_class_is_final_runs_as_it_is() -> None:
    (answer,) = answers_in(asyncio.run(graph_of([Final()]).ainvoke(asking(("final", {})))))

    assert answer.content == "ran"


def test_what_the_interpreter_raises_in_an_async_tool_ends_the_run() -> None:
    async def waits() -> str:
        """Wait."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(graph_of([waits]).ainvoke(asking(("waits", {}))))


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
