"""Swapping `ToolNode(tools)` for `ResilientToolNode(tools)` changes nothing else in a graph."""

import asyncio
import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, ToolRuntime, create_react_agent, tools_condition

from agent_tools import CircuitPolicy, ResilientToolNode, ToolErrorHandler
from agent_tools.testing import ScriptedChatModel, call
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, asking, graph_of, graph_with, http_error


def works() -> str:
    """Works."""
    return "fine"


def test_names_tags_and_tools_are_those_of_toolnode() -> None:
    ours, theirs = (kind([works], name="my tools", tags=["a"]) for kind in (ResilientToolNode, ToolNode))

    assert (ours.name, ours.tags, list(ours.tools_by_name)) == (theirs.name, theirs.tags, list(theirs.tools_by_name))
    assert ResilientToolNode([works]).name == ToolNode([works]).name == "tools"
    assert isinstance(ours, ToolNode)


def test_it_can_be_printed_and_drawn() -> None:
    def agent(node: ToolNode) -> Any:
        builder = StateGraph(MessagesState).add_node("model", lambda state: state).add_node("tools", node)
        builder.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
        return builder.compile()

    ours, theirs = agent(ResilientToolNode([works])), agent(ToolNode([works]))

    assert ours.get_graph().draw_mermaid() == theirs.get_graph().draw_mermaid()
    assert len(repr(ResilientToolNode([works]))) < 2000
    assert len(repr(ours)) < 10_000


def test_a_deep_copy_of_it_works_as_one_of_toolnode_does(flavor: Flavor) -> None:
    node = copy.deepcopy(ResilientToolNode([flavor.tool(works)]))

    assert answers_in(flavor.run(graph_with(node), asking(("works", {}))))[0].content == "fine"


def test_tools_see_the_config_that_they_see_in_toolnode(flavor: Flavor) -> None:
    seen: list[set[str]] = []

    def looks(runtime: ToolRuntime) -> str:
        """Looks at its config."""
        seen.append(set(runtime.config))
        return "fine"

    tool = StructuredTool.from_function(looks)
    for node in (ResilientToolNode([tool]), ToolNode([tool])):
        flavor.run(graph_with(node), asking(("looks", {})))

    assert seen[0] == seen[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_serves_create_react_agent(flavor: Flavor) -> None:
    fails = Flaky([http_error(503)], result="shipped")

    def get_order() -> str:
        return str(fails())

    model = ScriptedChatModel([call("get_order"), "It is shipped."])
    agent = create_react_agent(model, ResilientToolNode([flavor.tool(get_order)], policy=AT_ONCE))
    final = flavor.run(agent, {"messages": [HumanMessage("where is it?")]})

    assert answers_in(final)[0].content == "shipped"
    assert final["messages"][-1].content == "It is shipped."


def only_value_errors(error: ValueError) -> str:
    return f"my words for {type(error).__name__}"


EXPLICIT = [
    (False, ValueError("x"), ValueError),
    (False, http_error(404), type(http_error(404))),
    (ValueError, ValueError("x"), "`breaks` failed"),
    (ValueError, KeyError("x"), KeyError),
    ((ValueError, KeyError), KeyError("x"), "`breaks` failed"),
    ((ValueError, KeyError), OSError("x"), OSError),
    ((), ValueError("x"), ValueError),
    ("my own words", KeyError("x"), "my own words"),
    (only_value_errors, ValueError("x"), "my words for ValueError"),
    (only_value_errors, KeyError("x"), KeyError),
    (lambda error: f"caught {type(error).__name__}", KeyError("x"), "caught KeyError"),
    (True, KeyError("x"), "`breaks` failed"),
]


@pytest.mark.parametrize(("flag", "error", "expected"), EXPLICIT, ids=map(str, range(len(EXPLICIT))))
def test_an_explicit_handle_tool_errors_keeps_its_meaning(
    flavor: Flavor, flag: Any, error: Exception, expected: type[Exception] | str
) -> None:
    def breaks() -> str:
        raise error

    tool = flavor.tool(breaks)
    if isinstance(expected, str):
        answer = flavor.answer(tool, handle_tool_errors=flag)
        assert answer.content.startswith(expected)
        assert answer.status == "error"
        return
    with pytest.raises(expected) as caught:
        flavor.answer(tool, handle_tool_errors=flag)
    assert caught.value is error
    with pytest.raises(expected):
        flavor.run(graph_with(ToolNode([tool], handle_tool_errors=flag)), asking(("breaks", {})))


def test_any_other_handle_tool_errors_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a bool, a string, a function or error types, not 42"):
        ResilientToolNode([], handle_tool_errors=42)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match="handle_tool_errors must name error types, not 'ValueError'"):
        ResilientToolNode([], handle_tool_errors=(KeyError, "ValueError"))  # type: ignore[arg-type]  # on purpose


def test_an_explicit_handle_tool_errors_is_applied_after_the_retries(flavor: Flavor) -> None:
    fails = Flaky([http_error(503)] * 2)

    def breaks() -> str:
        return str(fails())

    assert flavor.answer(flavor.tool(breaks), handle_tool_errors=False).content == "done"


def test_the_users_wrapper_goes_around_all_attempts_and_sees_the_error_itself(flavor: Flavor) -> None:
    seen: list[str] = []
    fails = Flaky([http_error(503)] * 3)

    def breaks() -> str:
        return str(fails())

    def wrapper(request: Any, execute: Callable[..., Any]) -> Any:
        seen.append("before")
        try:
            return execute(request)
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    async def awrapper(request: Any, execute: Callable[..., Any]) -> Any:
        seen.append("before")
        try:
            return await execute(request)
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    answer = flavor.answer(flavor.tool(breaks), wrap_tool_call=wrapper, awrap_tool_call=awrapper)

    assert seen == ["before", "HTTPStatusError"]
    assert (answer.status, fails.runs) == ("error", 3)


def test_a_sync_wrapper_serves_async_runs_and_async_tools_too(flavor: Flavor) -> None:
    seen = []

    def wrapper(request: Any, execute: Callable[..., Any]) -> Any:
        seen.append(request.tool_call["name"])
        call = {**request.tool_call, "args": {"number": 2}}
        return execute(request.override(tool_call=call))

    def double(number: int) -> int:
        return number * 2

    answer = flavor.answer(flavor.tool(double), arguments={"number": 1}, wrap_tool_call=wrapper)

    assert (answer.content, seen) == ("4", ["double"])


def test_a_wrapper_may_run_the_tool_again_or_another_tool(flavor: Flavor) -> None:
    fails = Flaky([http_error(503)] * 3, result="second round")

    def breaks() -> str:
        return str(fails())

    def wrapper(request: Any, execute: Callable[..., Any]) -> Any:
        try:
            return execute(request)
        except Exception:  # a wrapper that retries once itself
            return execute(request)

    answer = flavor.answer(flavor.tool(breaks), wrap_tool_call=wrapper)

    assert (answer.content, fails.runs) == ("second round", 4)


def test_a_wrapper_may_raise_its_first_error_when_the_second_round_fails_too(flavor: Flavor) -> None:
    fails = Flaky([http_error(404), http_error(401)])

    def breaks() -> str:
        return str(fails())

    def wrapper(request: Any, execute: Callable[..., Any]) -> Any:
        try:
            return execute(request)
        except Exception:
            with suppress(Exception):
                return execute(request)
            raise

    answer = flavor.answer(flavor.tool(breaks), wrap_tool_call=wrapper)

    assert (answer.artifact["status_code"], fails.runs) == (404, 2)


async def the_faster(request: Any, execute: Callable[..., Any]) -> Any:
    running = [asyncio.create_task(execute(request)) for _ in range(2)]
    done, slower = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for each in slower:
        each.cancel()
    await asyncio.gather(*slower, return_exceptions=True)
    return next(iter(done)).result()


async def the_first(request: Any, execute: Callable[..., Any]) -> Any:
    both = await asyncio.gather(execute(request), execute(request), return_exceptions=True)
    if isinstance(both[0], BaseException):
        raise both[0]
    return both[0]


@pytest.mark.anyio
async def test_a_wrapper_may_run_the_tool_twice_at_the_same_time_and_raise_either_error() -> None:
    fails = Flaky([http_error(404), http_error(401)])

    async def lookup() -> str:
        await asyncio.sleep(0)
        return str(fails())

    tool = StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    (answer,) = answers_in(await graph_of([tool], awrap_tool_call=the_first).ainvoke(asking(("lookup", {}))))

    assert (answer.status, fails.runs) == ("error", 2)


@pytest.mark.anyio
async def test_calls_that_a_wrapper_runs_at_the_same_time_leave_the_window_as_they_came() -> None:
    together, is_down = asyncio.Barrier(20), True

    async def lookup() -> str:
        if is_down:
            await together.wait()
            raise httpx.ReadTimeout("no answer in time")
        await asyncio.sleep(0.01)
        return "fine"

    circuit = CircuitPolicy(probe_after=0.01, patience=0.5)
    tool = StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    graph = graph_of([tool], circuit=circuit, awrap_tool_call=the_faster)
    await graph.ainvoke(asking(*[("lookup", {})] * 10))
    is_down = False
    for _ in range(5):
        answers = answers_in(await graph.ainvoke(asking(*[("lookup", {})] * 3)))
        assert [each.content for each in answers] == ["fine"] * 3


def test_a_wrapper_may_answer_without_running_the_tool(flavor: Flavor) -> None:
    def wrapper(request: Any, execute: Callable[..., Any]) -> Any:
        return ToolMessage("from the cache", tool_call_id=request.tool_call["id"])

    assert flavor.answer(flavor.tool(works), wrap_tool_call=wrapper).content == "from the cache"


def test_a_graph_of_ours_and_of_toolnode_end_in_the_same_state_when_nothing_fails(flavor: Flavor) -> None:
    tool = flavor.tool(works)
    ours = flavor.run(graph_of([tool]), asking(("works", {}), ("works", {})))
    theirs = flavor.run(graph_with(ToolNode([tool])), asking(("works", {}), ("works", {})))

    def without_ids(state: Any) -> list[dict[str, Any]]:
        return [{**message.model_dump(), "id": None} for message in state["messages"]]

    assert without_ids(ours) == without_ids(theirs)


class Counting(ToolErrorHandler):
    """A user's own handler, which counts the calls."""

    calls = 0

    def wrap_tool_call(self, request: Any, execute: Any, **options: Any) -> Any:
        """Count a call."""
        self.calls += 1
        return super().wrap_tool_call(request, execute, **options)

    def awrap_tool_call(self, request: Any, execute: Any, **options: Any) -> Any:
        """Count a call."""
        self.calls += 1
        return super().awrap_tool_call(request, execute, **options)


def test_methods_that_a_subclass_of_the_handler_overrides_are_asked_for_each_call(flavor: Flavor) -> None:
    handler = Counting(policy=AT_ONCE)
    tools = [flavor.tool(works), flavor.tool(Flaky([http_error(503)]).__call__, name="lookup")]
    graph = flavor.graph_of(tools, handler=handler)

    answers = answers_in(flavor.run(graph, asking(("works", {}), ("lookup", {}))))

    assert [answer.content for answer in answers] == ["fine", "done"]
    assert handler.calls == 2


def test_an_overridden_method_needs_no_options_that_the_node_was_not_given() -> None:
    class Plain(ToolErrorHandler):
        def wrap_tool_call(self, request: Any, execute: Any) -> Any:  # type: ignore[override]  # takes no options
            return execute(request)

    answers = answers_in(graph_with(ResilientToolNode([works], handler=Plain())).invoke(asking(("works", {}))))

    assert [answer.content for answer in answers] == ["fine"]
