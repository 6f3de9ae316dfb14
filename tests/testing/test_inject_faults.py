"""Injected faults act like failures of the tools themselves, and leave nothing behind."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Annotated, Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, Tool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode
from langgraph.types import Command, interrupt

from agent_tools import (
    CircuitPolicy,
    ResilientToolNode,
    RetryPolicy,
    ToolErrorHandler,
    classify_error,
    clean_errors,
    idempotency_key,
)
from agent_tools._core.gate_state import GateState
from agent_tools.testing import (
    Fault,
    Reply,
    ScriptedChatModel,
    after,
    call,
    corrupted,
    hang,
    inject_faults,
    ok,
    random_faults,
    refused,
    slow,
    timeout,
    truncated,
    without,
)
from agent_tools.testing._faults import step_of
from tests.support import toolbox
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, asking, graph_with, http_error

THREAD: Any = {"configurable": {"thread_id": "1"}}


class Shop:
    """Two tools that count their runs."""

    def __init__(self, flavor: Flavor) -> None:
        self.done: list[str] = []

        def get_order() -> str:
            self.done.append("get_order")
            return "shipped"

        def charge() -> str:
            self.done.append("charge")
            return "charged"

        self.tools = [flavor.tool(get_order), flavor.tool(charge)]
        self.node = ResilientToolNode(self.tools, policy=AT_ONCE)


@pytest.fixture
def shop(flavor: Flavor) -> Shop:
    return Shop(flavor)


def contents(state: Any) -> list[str]:
    return [str(message.content) for message in answers_in(state)]


def test_a_tool_fails_as_scripted_and_the_last_word_stands_for_all_that_follows(flavor: Flavor, shop: Shop) -> None:
    with inject_faults(shop.node, {"get_order": [503, 503, ok]}) as report:
        for _ in range(2):
            assert contents(flavor.run(graph_with(shop.node), asking(("get_order", {})))) == ["shipped"]

    assert [seen.attempts for seen in report.calls] == [3, 1]
    assert shop.done == ["get_order"] * 2


def test_a_single_fault_fails_for_ever_and_other_tools_work(flavor: Flavor, shop: Shop) -> None:
    with inject_faults(shop.node, {"get_order": 401}) as report:
        state = flavor.run(graph_with(shop.node), asking(("get_order", {}), ("charge", {})))

    assert [(seen.ending, seen.error) for seen in report.calls] == [("failed", "auth_failure, HTTP 401"), ("ok", "")]
    assert contents(state)[0].startswith("`get_order` was refused")
    assert shop.done == ["charge"]


def test_after_a_fault_that_comes_too_late_the_tool_has_acted(flavor: Flavor, shop: Shop) -> None:
    with inject_faults(shop.node, {"charge": after(timeout)}):
        (answer,) = contents(flavor.run(graph_with(shop.node), asking(("charge", {}))))

    assert shop.done == ["charge"]
    assert "unknown whether it took effect" in answer


class RefusalError(Exception):
    """An error of the user's own."""


@pytest.mark.parametrize(
    ("fault", "category", "status"),
    [
        (429, "retryable", 429),
        (Reply(404, {"detail": "no"}), "non_retryable", 404),
        (Fault.RESET, "network", None),
        (Fault.STALL, "timeout", None),
        (Fault.BAD_GZIP, "non_retryable", None),
        (Reply(fault="close"), "network", None),
        (timeout, "timeout", None),
        (hang(0.001), "timeout", None),
        (refused, "network", None),
        (httpx.ConnectTimeout, "timeout", None),
        (RefusalError, "non_retryable", None),
        (RefusalError("with words"), "non_retryable", None),
        (http_error(503), "retryable", 503),
    ],
    ids=str,
)
def test_each_word_for_a_fault_is_the_error_that_it_stands_for(
    fault: Any, category: str, status: int | None, flavor: Flavor, shop: Shop
) -> None:
    error = step_of(fault).error
    assert error is not None
    assert classify_error(error()) == category
    with inject_faults(shop.node, {"charge": fault}) as report:
        flavor.run(graph_with(shop.node), asking(("charge", {})))
    assert [(seen.category, seen.status_code) for seen in report.calls] == [(category, status)]


def test_a_status_comes_with_a_real_response(flavor: Flavor, shop: Shop) -> None:
    seen: list[BaseException] = []
    node = ToolNode(shop.tools, handle_tool_errors=lambda error: str(seen.append(error)))
    fault = Reply(429, {"detail": "slow down"}, {"Retry-After": "2"})
    with inject_faults(node, {"charge": fault}):
        flavor.run(graph_with(node), asking(("charge", {})))

    (error,) = seen
    assert isinstance(error, httpx.HTTPStatusError)
    assert (error.response.json(), error.response.headers["Retry-After"]) == ({"detail": "slow down"}, "2")
    with pytest.raises(httpx.HTTPStatusError):
        error.response.raise_for_status()


def test_waits_are_kept_or_skipped_and_reported_in_full(flavor: Flavor, shop: Shop) -> None:
    node = ResilientToolNode(shop.tools, policy=RetryPolicy(base_delay=60, max_delay=100, jitter=0, deadline=None))
    with inject_faults(node, {"charge": [503, ok]}, waits=False) as report:
        flavor.run(graph_with(node), asking(("charge", {})))

    assert [round(seen.waited) for seen in report.calls] == [60]
    assert report.totals.waited == report.calls[0].waited
    assert report.totals.longest >= 60


def test_the_model_reads_of_the_time_that_the_report_shows_when_waits_are_skipped(flavor: Flavor, shop: Shop) -> None:
    policy = RetryPolicy(base_delay=10, multiplier=2, max_delay=100, jitter=0)
    node = ResilientToolNode(shop.tools, handler=ToolErrorHandler(policy=policy, clock=lambda: 0.0))
    with inject_faults(node, {"charge": 503}, waits=False) as report:
        (answer,) = answers_in(flavor.run(graph_with(node), asking(("charge", {}))))

    assert "It was tried 3 times in 30 s." in answer.content
    # The call takes no longer than its run, whose time the report shows, and both count the 30 s.
    assert 30 <= answer.artifact["elapsed"] <= report.totals.longest + 0.001


def test_a_tool_that_hangs_meets_its_time_limit(flavor: Flavor, shop: Shop) -> None:
    node = ResilientToolNode(shop.tools, policy=RetryPolicy(attempt_timeout=0.1))
    with inject_faults(node, {"charge": hang(600)}) as report:
        (answer,) = contents(flavor.run(graph_with(node), asking(("charge", {}))))

    assert answer.startswith("`charge` did not answer in time")
    assert report.calls[0].category == "timeout"
    assert shop.done == []


def test_a_slow_tool_works_all_the_same(flavor: Flavor, shop: Shop) -> None:
    with inject_faults(shop.node, {"charge": slow(0.05)}) as report:
        assert contents(flavor.run(graph_with(shop.node), asking(("charge", {})))) == ["charged"]
    assert report.calls[0].seconds >= 0.05


def test_traces_see_the_fault_inside_of_the_run_of_the_tool(flavor: Flavor, shop: Shop) -> None:
    seen: list[str] = []

    class Tracer(BaseCallbackHandler):
        def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
            seen.append("start")

        def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
            seen.append(type(error).__name__)

        def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
            seen.append("end")

    with inject_faults(shop.node, {"charge": [503, ok]}):
        flavor.run(graph_with(shop.node), asking(("charge", {})), {"callbacks": [Tracer()]})

    assert seen == ["start", "HTTPStatusError", "start", "end"]


def test_a_tool_whose_errors_are_clean_meets_clean_faults(flavor: Flavor, shop: Shop) -> None:
    seen: list[str] = []

    class Tracer(BaseCallbackHandler):
        def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
            seen.append(str(error))

    node = ResilientToolNode([clean_errors(each) for each in shop.tools], policy=AT_ONCE)
    with inject_faults(node, {"charge": [http_error(503), after(http_error(503)), ok]}) as report:
        flavor.run(graph_with(node), asking(("charge", {})), {"callbacks": [Tracer()]})

    assert seen == ["HTTPStatusError (HTTP 503)"] * 2
    assert [(each.ending, each.error) for each in report.calls] == [("recovered", "retryable, HTTP 503")]


# ---- where the tools are ----


def agent_of(flavor: Flavor, shop: Shop) -> Any:
    return create_agent(ScriptedChatModel([call("charge"), "done"], then="done"), shop.tools)


def nested_agent(flavor: Flavor, shop: Shop) -> Any:
    inner = agent_of(flavor, shop)
    return StateGraph(MessagesState).add_node("support", inner).add_edge(START, "support").compile()


def agent_in_a_function(flavor: Flavor, shop: Shop) -> Any:
    node = shop.node

    def tools(state: MessagesState, config: RunnableConfig) -> Any:
        return node.invoke(state, config)

    async def atools(state: MessagesState, config: RunnableConfig) -> Any:
        return await node.ainvoke(state, config)

    model = ScriptedChatModel([call("charge")])
    builder = StateGraph(MessagesState).add_node("model", lambda state: {"messages": model.invoke(state["messages"])})
    builder.add_node("tools", RunnableLambda(tools, atools)).add_edge(START, "model").add_edge("model", "tools")
    return builder.compile()


def agent_in_a_tool(flavor: Flavor, shop: Shop) -> Any:
    agents = {"shop": agent_of(flavor, shop)}

    def ask_the_shop() -> str:
        return str(flavor.run(agents["shop"], {"messages": [HumanMessage("pay")]})["messages"][-1].text)

    return create_agent(ScriptedChatModel([call("ask_the_shop"), "done"]), [flavor.tool(ask_the_shop)])


def agent_with_a_fallback(flavor: Flavor, shop: Shop) -> Any:
    tools = shop.node.with_fallbacks([RunnableLambda(lambda state: {"messages": []})], exception_key="error")
    builder = StateGraph(MessagesState).add_node(
        "model", lambda _: {"messages": ScriptedChatModel([call("charge")]).invoke("")}
    )
    return builder.add_node("tools", tools).add_edge(START, "model").add_edge("model", "tools").compile()


def deep_agent(flavor: Flavor, shop: Shop) -> Any:
    helper = {"name": "payer", "description": "pays", "system_prompt": "pay", "tools": shop.tools}
    helper["model"] = ScriptedChatModel([call("charge"), "done"])
    model = ScriptedChatModel([call("task", description="pay", subagent_type="payer"), "done"])
    return pytest.importorskip("deepagents").create_deep_agent(model, subagents=[helper])


@pytest.mark.parametrize(
    "make",
    [agent_of, nested_agent, agent_in_a_function, agent_in_a_tool, agent_with_a_fallback, deep_agent],
    ids=lambda make: make.__name__,
)
def test_the_tools_of_an_agent_are_found_wherever_it_keeps_them(
    make: Callable[[Flavor, Shop], Any], flavor: Flavor, shop: Shop
) -> None:
    agent = make(flavor, shop)
    with inject_faults(agent, {"charge": slow(0)}) as report:
        flavor.run(agent, {"messages": [HumanMessage("pay")]})

    assert shop.done == ["charge"]
    assert [seen.attempts for seen in report.calls if seen.tool == "charge"] == [1]
    assert report.lost == ()


def test_without_a_tool_node_it_says_what_to_give() -> None:
    with (
        pytest.raises(TypeError, match="no tool node was found in ScriptedChatModel: pass the node itself"),
        inject_faults(ScriptedChatModel(["hi"]), {}),
    ):
        pass


# ---- every kind of tool ----


class Counting(BaseTool):
    """A tool with its own class and state."""

    name: str = "charge"
    description: str = "Charges."
    done: int = 0

    def _run(self, amount: int, config: RunnableConfig) -> str:
        self.done += 1
        return f"charged {amount} in thread {config['configurable']['thread_id']}"


class AsyncCounting(Counting):
    async def _arun(self, amount: int, config: RunnableConfig) -> str:
        return self._run(amount, config)


@pytest.mark.parametrize("kind", [Counting, AsyncCounting])
def test_a_tool_of_its_own_class_keeps_its_arguments_and_its_state(kind: type[Counting], flavor: Flavor) -> None:
    charge = kind()
    node = ResilientToolNode([charge], policy=AT_ONCE)
    with inject_faults(node, {"charge": [503, after(503), ok]}) as report:
        state = flavor.run(graph_with(node, checkpointer=InMemorySaver()), asking(("charge", {"amount": 5})), THREAD)

    assert contents(state) == ["charged 5 in thread 1"]
    assert (charge.done, report.calls[0].attempts) == (2, 3)


def test_a_tool_that_is_async_only_works_async_and_says_so_in_a_sync_run() -> None:
    @tool
    async def charge() -> str:
        """Charge."""
        return "charged"

    node = ResilientToolNode([charge], policy=AT_ONCE)
    with inject_faults(node, {"charge": [503, ok]}):
        assert contents(asyncio.run(graph_with(node).ainvoke(asking(("charge", {}))))) == ["charged"]
        with pytest.raises(NotImplementedError, match="sync"):
            graph_with(node).invoke(asking(("charge", {})))


def test_a_sync_tool_takes_one_fault_per_run_in_an_async_run_too() -> None:
    fn = Flaky(result="charged")
    tools = [
        StructuredTool.from_function(lambda: fn(), name="charge", description="Charges."),  # noqa: PLW0108
        Tool.from_function(lambda text: fn(), "pay", "Pays."),
    ]
    node = ResilientToolNode(tools, policy=AT_ONCE)
    with inject_faults(node, {"charge": [503, 503, ok], "pay": [503, 503, ok]}) as report:
        asyncio.run(graph_with(node).ainvoke(asking(("charge", {}), ("pay", {"__arg1": "x"}))))

    assert [seen.attempts for seen in report.calls] == [3, 3]
    assert fn.runs == 2


def test_injected_arguments_arrive_and_the_schema_is_the_tools_own() -> None:
    @tool
    def charge(
        amount: int, state: Annotated[MessagesState, InjectedState], call_id: Annotated[str, InjectedToolCallId]
    ) -> str:
        """Charge."""
        return f"{amount} {len(state['messages'])} {call_id}"

    node = ResilientToolNode([charge], policy=AT_ONCE)
    with inject_faults(node, {"charge": [503, ok]}):
        assert contents(graph_with(node).invoke(asking(("charge", {"amount": 5})))) == ["5 2 c1"]
        faulty = node.tools_by_name["charge"]
        assert convert_to_openai_tool(faulty) == convert_to_openai_tool(charge)


def test_wrong_arguments_are_refused_before_any_fault() -> None:
    @tool
    def charge(amount: int) -> str:
        """Charge."""
        return "charged"

    node = ResilientToolNode([charge])
    with inject_faults(node, {"charge": 503}) as report:
        (answer,) = contents(graph_with(node).invoke(asking(("charge", {"amount": "much"}))))

    assert "its arguments do not fit" in answer
    assert report.calls[0].error == "non_retryable, ValidationError"


def test_all_attempts_of_a_call_have_one_idempotency_key(flavor: Flavor) -> None:
    keys: list[str] = []

    def charge() -> str:
        keys.append(idempotency_key())
        return "charged"

    node = ResilientToolNode([flavor.tool(charge)], policy=AT_ONCE)
    with inject_faults(node, {"charge": [after(503), after(503), ok]}):
        flavor.run(graph_with(node), asking(("charge", {})))

    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_tool_that_asks_a_human_meets_its_fault_after_the_answer(flavor: Flavor) -> None:
    done: list[str] = []

    def charge() -> str:
        done.append(interrupt("pay?"))
        return "charged"

    node = ResilientToolNode([flavor.tool(charge)], policy=AT_ONCE)
    graph = graph_with(node, checkpointer=InMemorySaver())
    with inject_faults(node, {"charge": [after(503), ok]}) as report:
        flavor.run(graph, asking(("charge", {})), THREAD)
        assert [seen.ending for seen in report.calls] == ["paused"]
        state = flavor.run(graph, Command(resume="yes"), THREAD)

    assert contents(state) == ["charged"]
    assert done == ["yes", "yes"]
    assert [(seen.ending, seen.attempts) for seen in report.calls] == [("recovered", 2)]


# ---- nothing is left behind ----


def test_all_is_as_before_when_the_block_ends_whatever_ended_it(shop: Shop) -> None:
    names, tools = set(vars(shop.node)), dict(shop.node.tools_by_name)

    def broken() -> None:
        with inject_faults(shop.node, {"charge": 503}):
            assert shop.node.tools_by_name["charge"] is not tools["charge"]
            raise RefusalError

    with pytest.raises(RefusalError):
        broken()

    assert set(vars(shop.node)) == names
    assert all(shop.node.tools_by_name[name] is each for name, each in tools.items())


def test_the_tools_themselves_are_never_touched(flavor: Flavor, shop: Shop) -> None:
    with inject_faults(shop.node, {"charge": 503}):
        other = ToolNode(shop.tools)
        assert contents(flavor.run(graph_with(other), asking(("charge", {})))) == ["charged"]


def test_a_block_in_a_block_comes_first_and_both_report(flavor: Flavor, shop: Shop) -> None:
    graph = graph_with(shop.node)
    with inject_faults(shop.node, {"charge": [503, ok]}) as outer:
        with inject_faults(shop.node, {"charge": [429, ok]}) as inner:
            flavor.run(graph, asking(("charge", {})))
        flavor.run(graph, asking(("charge", {})))

    assert [span.status_code for span in inner.calls[0].spans if span.kind == "failed"] == [429, 503]
    assert [seen.attempts for seen in inner.calls] == [3]
    assert [seen.attempts for seen in outer.calls] == [3, 1]


def test_blocks_may_end_in_any_order(flavor: Flavor, shop: Shop) -> None:
    names, tools = set(vars(shop.node)), dict(shop.node.tools_by_name)
    first, second = inject_faults(shop.node, {"charge": 401}), inject_faults(shop.node, {"charge": slow(0)})
    first.__enter__()
    report = second.__enter__()
    first.__exit__(None, None, None)
    assert contents(flavor.run(graph_with(shop.node), asking(("charge", {})))) == ["charged"]
    second.__exit__(None, None, None)

    assert len(report.calls) == 1
    assert set(vars(shop.node)) == names
    assert all(shop.node.tools_by_name[name] is each for name, each in tools.items())


def test_the_reports_of_two_agents_do_not_mix(flavor: Flavor) -> None:
    one, other = Shop(flavor), Shop(flavor)
    with inject_faults(one.node, {"charge": [503, ok]}) as report, inject_faults(other.node, {}) as second:
        flavor.run(graph_with(one.node), asking(("charge", {})))
        flavor.run(graph_with(other.node), asking(("get_order", {})))

    assert [(seen.tool, seen.attempts) for seen in report.calls] == [("charge", 2)]
    assert [(seen.tool, seen.attempts) for seen in second.calls] == [("get_order", 1)]


def test_each_fault_is_used_once_however_many_threads_ask() -> None:
    fn = Flaky(result="charged")

    def charge() -> str:
        """Charge."""
        return str(fn())

    node = ResilientToolNode([charge], policy=RetryPolicy(base_delay=0, max_attempts=100), circuit=None, budget=None)
    graph = graph_with(node)
    with inject_faults(node, {"charge": [*[503] * 50, ok]}) as report, ThreadPoolExecutor(8) as pool:
        states = list(pool.map(graph.invoke, [asking(("charge", {}))] * 40))

    assert [contents(state) for state in states] == [["charged"]] * 40
    assert (report.totals.calls, report.totals.attempts, report.totals.unanswered) == (40, 90, 0)


# ---- by chance ----


def attempts_with(seed: int, flavor: Flavor) -> list[int]:
    shop = Shop(flavor)
    node = ResilientToolNode(shop.tools, policy=RetryPolicy(base_delay=0, max_attempts=50), circuit=None, budget=None)
    graph = graph_with(node)
    with inject_faults(graph, random_faults(seed=seed, rate=0.5, kinds=[500, 503])) as report:
        for _ in range(10):
            flavor.run(graph, asking(("charge", {}), ("get_order", {})))
    return [seen.attempts for seen in report.calls]


def test_the_same_seed_brings_the_same_faults_and_another_one_others(flavor: Flavor) -> None:
    first = attempts_with(7, flavor)

    assert first == attempts_with(7, flavor)
    assert first != attempts_with(8, flavor)
    assert len(set(first)) > 1


def test_the_rate_is_the_part_that_fails() -> None:
    steps = random_faults(seed=1, rate=0.3, kinds=[503]).of_tool("charge")
    failures = sum(next(steps) is not ok for _ in range(2000))
    assert 500 < failures < 700


# ---- health ----


#: Opens after a number of failures, on machines of any speed.
COUNTS = CircuitPolicy(patience=0, failing_for=3600)


def fail_often(flavor: Flavor, graph: Any) -> None:
    for _ in range(6):
        flavor.run(graph, asking(("get_order", {})))


@pytest.mark.untraced
@pytest.mark.parametrize("door", ["node", "create_agent"])
def test_faults_leave_budget_and_circuit_as_they_were(flavor: Flavor, shop: Shop, door: Any) -> None:
    handler = ToolErrorHandler(policy=AT_ONCE, circuit=COUNTS)
    graph = toolbox.graph_of(shop.tools, door=door, handler=handler)
    with inject_faults(graph, {"get_order": [503, ok]}):
        flavor.run(graph, asking(("get_order", {})))
    assert handler.health() == {}

    with inject_faults(graph, {"get_order": 503}):
        fail_often(flavor, graph)
        assert handler.health()["get_order"].failures >= 5
    assert handler.health() == {}
    assert answers_in(flavor.run(graph, asking(("get_order", {}))))[0].content == "shipped"


def test_a_tool_that_is_down_gets_faults_from_a_fresh_start_and_is_down_afterwards(flavor: Flavor) -> None:
    fails = Flaky([http_error(503)] * 99)

    def get_order() -> str:
        return str(fails())

    down = flavor.tool(get_order)
    node = ResilientToolNode([down], policy=AT_ONCE, circuit=COUNTS)
    fail_often(flavor, graph_with(node))
    before = node.handler.health()["get_order"]
    assert before.failures >= 5

    with inject_faults(node, {"get_order": KeyError()}) as report:
        flavor.run(graph_with(node), asking(("get_order", {})))

    assert [(each.ending, each.attempts) for each in report.calls] == [("failed", 1)]
    after_it = node.handler.health()["get_order"]
    assert (after_it.failures, after_it.retry_tokens) == (before.failures, before.retry_tokens)


def test_blocks_within_and_across_each_other_leave_no_health_behind() -> None:
    handler = ToolErrorHandler()
    first, second = handler.fresh_health(), handler.fresh_health()
    with ExitStack() as stack:
        first.__enter__()
        stack.push(second)
        second.__enter__()
        handler._settings.gates.change("inner", lambda *_: (GateState(timed_out=1), None))
        first.__exit__(None, None, None)
        assert list(handler.health()) == ["inner"]
    assert handler.health() == {}


# ---- results that arrive damaged ----

ORDER = {"status": "shipped", "customer": {"status": "gold", "id": 7}, "items": [{"status": "new", "id": 1}]}


def returning(flavor: Flavor, result: Any, **options: Any) -> Any:
    def get_order() -> Any:
        return result

    return flavor.tool(get_order, **options)


def damaged(flavor: Flavor, fault: Any, result: Any, **options: Any) -> Any:
    node = ResilientToolNode([returning(flavor, result, **options)])
    with inject_faults(node, {"get_order": fault}):
        (answer,) = answers_in(flavor.run(graph_with(node), asking(("get_order", {}))))
    return answer


def test_a_result_can_be_cut_off(flavor: Flavor) -> None:
    assert damaged(flavor, truncated(), "0123456789").content == "01234"
    assert damaged(flavor, truncated(0.25), ORDER).content == '{"status": "shipped", "cu'
    assert damaged(flavor, truncated(0), "0123456789").content == ""


@pytest.mark.parametrize("as_text", [False, True], ids=["dict", "JSON"])
def test_fields_can_be_missing_at_any_depth(flavor: Flavor, as_text: bool) -> None:
    answer = damaged(flavor, without("status"), json.dumps(ORDER) if as_text else ORDER)
    assert json.loads(answer.content) == {"customer": {"id": 7}, "items": [{"id": 1}]}


def test_fields_can_be_wrong(flavor: Flavor) -> None:
    answer = damaged(flavor, corrupted("status", id=-1), {"id": 7, "status": "shipped", "weight": 2})
    assert json.loads(answer.content) == {"id": -1, "status": "\ufffd\ufffd\ufffd", "weight": 2}


def test_an_artifact_stays_whole(flavor: Flavor) -> None:
    answer = damaged(flavor, without("id"), ({"id": 7, "a": 1}, {"id": 7}), response_format="content_and_artifact")
    assert (json.loads(answer.content), answer.artifact) == ({"a": 1}, {"id": 7})


def test_a_message_that_the_tool_returns_can_be_damaged(flavor: Flavor) -> None:
    assert damaged(flavor, truncated(), ToolMessage("0123456789", tool_call_id="c1")).content == "01234"


@pytest.mark.parametrize("result", ["plain text", {"state": "shipped"}, 7])
def test_a_field_that_no_result_has_is_an_error_at_the_end_of_the_block(flavor: Flavor, result: Any) -> None:
    words = r"faults\['get_order'\]: without\('status'\): the result has no field 'status'"
    with pytest.raises(ValueError, match=words):
        damaged(flavor, without("status"), result)


# ---- what is lost, and what is refused ----


def test_a_plain_tool_node_loses_all_answers_of_its_batch(flavor: Flavor, shop: Shop) -> None:
    node = ToolNode(shop.tools)
    with inject_faults(node, {"get_order": 503}) as report, pytest.raises(httpx.HTTPStatusError):
        flavor.run(graph_with(node), asking(("get_order", {}), ("charge", {})))

    assert [seen.ending for seen in report.calls] == ["unanswered", "unanswered"]
    assert [(seen.tool, seen.error) for seen in report.lost] == [("get_order", "retryable, HTTP 503"), ("charge", "")]


def test_no_text_of_an_error_gets_into_the_report(flavor: Flavor, shop: Shop) -> None:
    secret = "SK-SECRET-0123456789abcdef"
    with inject_faults(shop.node, {"charge": [http_error(503), RefusalError(f"<b>{secret}</b>")]}) as report:
        flavor.run(graph_with(shop.node), asking(("charge", {})))

    assert report.calls[0].attempts == 2
    assert "SECRET" not in f"{report}{report!r}{report._repr_html_()}{report.calls}"


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"get_oder": 503}, "faults names 'get_oder', but the tools are charge, get_order"),
        ([503, 503], "faults must be a mapping by tool name, or random_faults"),
        ({"charge": []}, r"faults\['charge'\] must have at least one fault"),
        ({"charge": 200}, "a status must be from 400 to 599, not 200; ok runs the tool"),
        ({"charge": Fault.DRIP}, "a fault must end in an error, unlike 'drip'; slow"),
        (
            {"charge": httpx.HTTPStatusError},
            "an error type must need no arguments, unlike HTTPStatusError: pass",
        ),
        ({"get_order": 503, "charge": [503, "ok"]}, r"faults\['charge'\]: a fault must be a status, .*, not 'ok'"),
        ({"charge": "503"}, "a fault must be a status"),
        ({"charge": True}, "a fault must be a status"),
    ],
)
def test_faults_that_make_no_sense_are_refused_and_nothing_is_changed(faults: Any, message: str) -> None:
    shop = Shop(Flavor(is_async=False))
    tools = dict(shop.node.tools_by_name)
    with pytest.raises((ValueError, TypeError), match=message), inject_faults(shop.node, faults):
        pass
    assert shop.node.tools_by_name == tools


def test_words_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="must get a fault that ends in an error, not ok"):
        after(ok)
    with pytest.raises(ValueError, match="rate must be a number from 0 to 1"):
        random_faults(seed=1, rate=2)
    with pytest.raises(ValueError, match="kinds must have at least one fault"):
        random_faults(seed=1, kinds=[])
    with pytest.raises(ValueError, match="seconds must be a finite number"):
        hang(-1)
    with pytest.raises(ValueError, match="part must be a number from 0 to 1"):
        truncated(2)
    for damage in (without, corrupted):
        with pytest.raises(ValueError, match="must get at least one field name"):
            damage()
