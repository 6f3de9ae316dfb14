"""Effects, approvals, time limits, draining, credentials and keys."""

import asyncio
import contextvars
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.tools import BaseTool, StructuredTool
from langgraph._internal._constants import CONFIG_KEY_SCRATCHPAD
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphDrained
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import RunControl
from langgraph.types import Command, TimeoutPolicy, interrupt

from agent_tools import CircuitPolicy, ResilientToolNode, RetryPolicy, ToolErrorHandler, ToolEvent, idempotency_key
from agent_tools._langgraph.interrupts import SCRATCHPAD
from agent_tools.idempotency import asend_idempotency_key, send_idempotency_key
from agent_tools.testing import FaultyServer, Reply
from tests.support.toolbox import AT_ONCE, Door, Flaky, Flavor, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD = {"configurable": {"thread_id": "1"}}
ONCE = RetryPolicy(base_delay=0, throttled_delay=0, idempotent=False, retry_on={"retryable", "timeout", "network"})
REQUEST = httpx.Request("POST", "http://127.0.0.1/charge")


# ---- effects ----


@pytest.mark.parametrize(
    ("error", "runs"),
    [
        (httpx.ReadTimeout("x", request=REQUEST), 1),
        (httpx.ReadError("x", request=REQUEST), 1),
        (http_error(500), 1),
        (http_error(502), 1),
        (http_error(503), 1),
        (http_error(503, {"Retry-After": "0"}), 3),
        (http_error(429), 3),
        (httpx.ConnectError("x", request=REQUEST), 3),
        (httpx.ConnectTimeout("x", request=REQUEST), 3),
        (httpx.PoolTimeout("x", request=REQUEST), 3),
    ],
    ids=["read timeout", "read error", "500", "502", "503", "503 told when", "429", "connect", "connect late", "pool"],
)
def test_a_tool_that_must_not_act_twice_runs_again_only_when_nothing_can_have_happened(
    flavor: Flavor, error: Exception, runs: int
) -> None:
    fn = Flaky([error] * 3)

    def charge() -> str:
        return str(fn())

    answer = flavor.answer(flavor.tool(charge), policy=ONCE)

    assert fn.runs == runs
    assert ("unknown whether it took effect" in answer.content) == (runs == 1)


@pytest.mark.parametrize(
    ("hints", "runs"),
    [
        ({}, 3),
        ({"destructiveHint": True}, 1),
        ({"destructiveHint": True, "idempotentHint": True}, 3),
        ({"idempotentHint": True}, 3),
    ],
    ids=str,
)
def test_the_hints_of_an_mcp_server_are_used_for_more_care_only(
    flavor: Flavor, hints: dict[str, Any], runs: int
) -> None:
    fn = Flaky([http_error(500)] * 3)

    def charge() -> str:
        return str(fn())

    flavor.answer(flavor.tool(charge, metadata=hints))

    assert fn.runs == runs


def test_a_declared_policy_is_not_overruled_by_a_hint(flavor: Flavor) -> None:
    fn = Flaky([http_error(500)] * 2)

    def charge() -> str:
        return str(fn())

    policy = RetryPolicy(base_delay=0, idempotent=True)

    assert flavor.answer(flavor.tool(charge, metadata={"destructiveHint": True}), policy=policy).content == "done"


# ---- approvals ----


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
        time.sleep(delays[order].pop(0))  # now the one is faster, now the other
        answer = interrupt(f"refund {order}?")
        fails[order]()
        return f"{order}: {answer}"

    graph = flavor.graph_of([flavor.tool(refund)], checkpointer=InMemorySaver())
    state = flavor.run(graph, asking(("refund", {"order": "a"}), ("refund", {"order": "b"})), THREAD)
    questions = []
    while asked := state.get("__interrupt__"):  # a node asks one after the other, tasks of their own all at once
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


# ---- time limits ----


@pytest.mark.anyio
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

    assert time.monotonic() - started < 0.5
    assert (hung.artifact["category"], fine.content, ended) == ("timeout", "fine", ["cleaned up"])


@pytest.mark.anyio
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

    assert time.monotonic() - started < 0.8
    assert answer.artifact["category"] == "timeout"


@pytest.mark.parametrize(("idempotent", "expected_runs"), [(None, 1), (True, 2)])
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

    def note_the_time(event: ToolEvent) -> None:  # asyncio.run waits for the thread, the answer does not
        nonlocal answered_at
        answered_at = time.monotonic()

    started = time.monotonic()
    answer = flavor.answer(tool, policy=policy, observer=note_the_time)

    assert answered_at - started < 0.55
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
    monkeypatch.setattr("agent_tools._call.call._WATCHED_FROM", 0)
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
async def test_a_long_limit_is_looked_after_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_tools._call.call._WATCHED_FROM", 0.2)
    monkeypatch.setattr("agent_tools._flow.deadline_timer.TICK", 0.05)

    async def hangs() -> str:
        await asyncio.sleep(30)
        return "never"

    tool = StructuredTool.from_function(coroutine=hangs, name="hangs", description="Hangs.")
    graph = graph_of([tool], door=door, policy=RetryPolicy(deadline=0.3))
    (answer,) = answers_in(await graph.ainvoke(asking(("hangs", {}))))

    assert 0.2 < answer.artifact["elapsed"] < 0.35
    assert answer.artifact["category"] == "timeout"


# ---- draining and idle time ----


@pytest.mark.anyio
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
    with suppress(GraphDrained):  # where a node comes after the tools, the graph stops before it
        await run
    took = time.monotonic() - started
    (answer,) = answers_in((await graph.aget_state(THREAD)).values)

    assert took < 0.25
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


# ---- credentials ----


@pytest.mark.parametrize("is_async_hook", [False, True], ids=["sync hook", "async hook"])
def test_credentials_are_renewed_once_for_parallel_calls_which_then_get_one_more_attempt(
    flavor: Flavor, is_async_hook: bool
) -> None:
    if is_async_hook and not flavor.is_async:
        with pytest.raises(TypeError, match="on_auth_failure is async"):
            _renewing(flavor, _async(lambda event: True))
        return
    token, renewals, together = ["old"], list[str](), threading.Barrier(5)

    def renew(event: ToolEvent) -> bool:
        time.sleep(0.05)
        renewals.append(event.tool)
        token[0] = "new"
        return True

    with FaultyServer(lambda request: Reply(200 if request.headers["x-token"] == "new" else 401)) as server:

        def lookup() -> str:
            used = token[0]
            if used == "old":
                together.wait(10)  # or one of them might begin with the new credentials
            return httpx.get(server.url, headers={"x-token": used}).raise_for_status().text or "fine"

        hook = _async(renew) if is_async_hook else renew
        answers = flavor.answers([flavor.tool(lookup)], *[("lookup", {})] * 5, on_auth_failure=hook)

        assert [answer.content for answer in answers] == ["fine"] * 5
        assert len(server.requests) == 10
    assert renewals == ["lookup"]


def _async(hook: Any) -> Any:
    async def renew(event: ToolEvent) -> bool:
        return bool(hook(event))

    return renew


def _renewing(flavor: Flavor, hook: Any, *errors: Exception) -> tuple[Any, int]:
    fails = Flaky(errors or [http_error(401)] * 9)

    def lookup() -> str:
        return str(fails())

    return flavor.answer(flavor.tool(lookup), on_auth_failure=hook), fails.runs


def test_credentials_that_are_refused_again_or_cannot_be_renewed_give_the_auth_answer(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(event: ToolEvent) -> bool:
        raise KeyError("SK-SECRET-123")

    for hook, runs in [(lambda event: True, 2), (lambda event: False, 1), (raises, 1)]:
        answer, ran = _renewing(flavor, hook)

        assert ran == runs
        assert answer.artifact["category"] == "auth_failure"
        assert "credentials are not accepted" in answer.content
    assert "SK-SECRET" not in caplog.text


class RenewsLater:
    """Async, and no coroutine function to look at."""

    def __init__(self, *, renewed: bool) -> None:
        self.renewed = renewed
        self.asked = 0

    async def __call__(self, event: ToolEvent) -> bool:
        self.asked += 1
        return self.renewed


def _behind(hook: Any) -> Any:
    def renew(event: ToolEvent) -> Any:
        return hook(event)

    return renew


@pytest.mark.parametrize("renewed", [True, False])
@pytest.mark.parametrize("hide", [lambda hook: hook, _behind], ids=["object", "function around it"])
def test_what_is_async_without_being_a_coroutine_function_is_asked_of_the_credentials_too(
    flavor: Flavor, hide: Any, *, renewed: bool
) -> None:
    hook = RenewsLater(renewed=renewed)
    if not flavor.is_async:
        with pytest.raises(TypeError, match="on_auth_failure is async"):
            _renewing(flavor, hide(hook))
        return
    _, ran = _renewing(flavor, hide(hook))

    assert (hook.asked, ran) == (1, 2 if renewed else 1)


@pytest.mark.anyio
async def test_a_renewal_that_hangs_ends_with_the_deadline(door: Door) -> None:
    async def lookup() -> str:
        raise http_error(401)

    async def hangs(event: ToolEvent) -> bool:
        await asyncio.sleep(30)
        return True

    tool = StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    graph = graph_of([tool], door=door, on_auth_failure=hangs, policy=RetryPolicy(deadline=0.3))
    started = time.monotonic()
    (answer,) = answers_in(await asyncio.wait_for(graph.ainvoke(asking(("lookup", {}))), 5))

    assert time.monotonic() - started < 1
    assert (answer.artifact["category"], answer.artifact["attempts"]) == ("auth_failure", 1)


def test_a_renewal_that_cancels_itself_is_none_and_siblings_keep_their_results(flavor: Flavor) -> None:
    def lookup() -> str:
        raise http_error(401)

    def works() -> str:
        return "fine"

    def cancels(event: ToolEvent) -> bool:
        raise asyncio.CancelledError

    for hook in [cancels, *([_async(cancels)] if flavor.is_async else [])]:
        tools = [flavor.tool(lookup), flavor.tool(works)]
        refused, fine = flavor.answers(tools, ("lookup", {}), ("works", {}), on_auth_failure=hook)

        assert (refused.artifact["category"], fine.content) == ("auth_failure", "fine")


# ---- keys ----


def _key_tool(flavor: Flavor, seen: list[str], *errors: Exception) -> Any:
    fails = Flaky(errors)

    def charge(amount: int = 5) -> str:
        """Charge the customer."""
        seen.append(idempotency_key())
        return str(fails())

    return flavor.tool(charge)


def _state(message: str, *ids: str) -> dict[str, Any]:
    calls = [ToolCall(name="charge", args={"amount": 5}, id=each) for each in ids]
    return {"messages": [HumanMessage("charge"), AIMessage("", id=message, tool_calls=calls)]}


def test_the_key_is_the_same_for_all_attempts_and_differs_for_another_call_turn_or_thread(flavor: Flavor) -> None:
    seen: list[str] = []
    tool = _key_tool(flavor, seen, http_error(503), http_error(503))
    graph = flavor.graph_of([tool], checkpointer=InMemorySaver())

    flavor.run(graph, _state("ai1", "c1"), THREAD)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    flavor.run(graph, _state("ai2", "c1"), THREAD)  # the id of the call repeats in a later turn
    flavor.run(graph, _state("ai3", "c1", "c2"), THREAD)
    flavor.run(graph, _state("ai1", "c1"), {"configurable": {"thread_id": "2"}})

    assert len(set(seen)) == 5
    assert {len(key) for key in seen} == {32}


def test_the_key_is_the_same_after_an_interrupt_in_another_graph_object(flavor: Flavor) -> None:
    seen: list[str] = []
    saver = InMemorySaver()

    def charge() -> str:
        seen.append(idempotency_key())
        return str(interrupt("charge?"))

    flavor.run(flavor.graph_of([flavor.tool(charge)], checkpointer=saver), asking(("charge", {})), THREAD)
    flavor.run(flavor.graph_of([flavor.tool(charge)], checkpointer=saver), Command(resume="yes"), THREAD)

    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_keys_by_arguments_join_the_calls_that_ask_the_same_in_a_thread(flavor: Flavor) -> None:
    seen: list[str] = []
    policy = RetryPolicy(key_by="arguments")
    graph = flavor.graph_of([_key_tool(flavor, seen)], checkpointer=InMemorySaver(), policy=policy)

    flavor.run(graph, _state("ai1", "c1"), THREAD)
    flavor.run(graph, _state("ai2", "c9"), THREAD)
    flavor.run(graph, _state("ai2", "c9"), {"configurable": {"thread_id": "2"}})

    assert seen[0] == seen[1] != seen[2]


def test_without_a_checkpointer_each_run_has_keys_of_its_own(flavor: Flavor) -> None:
    seen: list[str] = []
    graph = flavor.graph_of([_key_tool(flavor, seen)])
    flavor.run(graph, _state("ai1", "c1"))
    flavor.run(graph, _state("ai1", "c1"))

    assert len(set(seen)) == 2


def test_outside_a_tool_there_is_no_key() -> None:
    with pytest.raises(RuntimeError, match="inside a tool"):
        contextvars.Context().run(idempotency_key)


@pytest.mark.doors("node")  # create_agent tells the model itself
def test_the_schema_that_the_model_sees_is_unchanged(flavor: Flavor) -> None:
    tool = _key_tool(flavor, [])
    before = tool.tool_call_schema.model_json_schema()
    flavor.answer(tool)

    assert ResilientToolNode([tool]).tools_by_name["charge"].tool_call_schema.model_json_schema() == before
    assert set(before["properties"]) == {"amount"}


def test_one_line_sends_the_key_with_httpx(flavor: Flavor) -> None:
    with FaultyServer({"POST /charge": [503, 503, {"ok": True}], "GET /charge": 200}) as server:

        def charge() -> str:
            with httpx.Client(event_hooks={"request": [send_idempotency_key]}) as client:
                client.get(server.url + "/charge")
                return client.post(server.url + "/charge").raise_for_status().text

        async def acharge() -> str:
            async with httpx.AsyncClient(event_hooks={"request": [asend_idempotency_key]}) as client:
                await client.get(server.url + "/charge")
                return (await client.post(server.url + "/charge")).raise_for_status().text

        tool = (
            StructuredTool.from_function(coroutine=acharge, name="charge", description="Charges.")
            if flavor.is_async
            else StructuredTool.from_function(charge, description="Charges.")
        )
        answer = flavor.answer(tool)
        keys = Counter((request.method, request.headers.get("idempotency-key")) for request in server.requests)

    assert answer.status == "success"
    assert keys.pop(("GET", None)) == 3
    assert list(keys.values()) == [3]


def test_a_handler_without_a_graph_still_works() -> None:
    handler = ToolErrorHandler(policy=AT_ONCE)
    request: Any = ToolCallRequest(tool_call=ToolCall(name="x", args={}, id="1"), tool=None, state={}, runtime=None)  # type: ignore[arg-type]
    fails = Flaky([http_error(503)] * 3)
    answer: Any = handler.wrap_tool_call(request, lambda request: fails())

    assert (answer.status, fails.runs) == ("error", 3)
