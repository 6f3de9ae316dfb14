"""A tool that is down: which calls run, wait or are answered, in real graphs."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool

from agent_tools import BudgetPolicy, CircuitPolicy, ErrorCategory, RetryPolicy, ToolErrorHandler, ToolEvent
from agent_tools.testing import no_waiting
from tests.support.toolbox import AT_ONCE, Door, Flaky, Flavor, Skipping, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

ONCE = RetryPolicy(max_attempts=1)
IMPATIENT = CircuitPolicy(failing_for=60, jitter=0, patience=0)


def answer(flavor: Flavor, graph: Any, tool: str = "lookup") -> ToolMessage:
    (message,) = answers_in(flavor.run(graph, asking((tool, {}))))
    return message


def test_after_five_failures_in_a_row_calls_are_answered_without_running(flavor: Flavor) -> None:
    body, events = Flaky([http_error(503)] * 99), list[ToolEvent]()
    handler = ToolErrorHandler(policy=ONCE, circuit=IMPATIENT, observer=events.append, clock=lambda: 100.0)
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], policy=None, handler=handler)
    answers = [answer(flavor, graph) for _ in range(7)]
    assert body.runs == 5
    assert [each.artifact["reason"] for each in answers[4:]] == ["attempts_used", "circuit", "circuit"]
    assert answers[6].artifact["attempts"] == 0
    assert answers[6].artifact["category"] == "retryable"
    assert answers[6].artifact["retry_after"] == 0.5
    assert answers[6].artifact["may_have_acted"] is False
    assert [str(event.type) for event in events] == ["tool_failed"] * 5 + ["tool_short_circuited"] * 2
    assert handler.health()["lookup"].state == "open"
    handler.reset("lookup")
    answer(flavor, graph)
    assert body.runs == 6


@pytest.mark.untraced
@pytest.mark.parametrize(
    "error",
    [http_error(401), http_error(404), http_error(422), http_error(429), TypeError("bug"), asyncio.CancelledError()],
    ids=["401", "404", "422", "429", "bug", "canceled"],
)
def test_what_does_not_say_that_the_service_is_down_opens_no_circuit(flavor: Flavor, error: BaseException) -> None:
    body = Flaky([error] * 99)
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], policy=ONCE, circuit=IMPATIENT)
    for _ in range(6):
        answer(flavor, graph)
    assert body.runs == 6


def test_arguments_that_do_not_fit_say_nothing_of_the_service(flavor: Flavor) -> None:
    body, now = Flaky([http_error(503)] * 99), [100.0]

    def lookup(number: int) -> str:
        return str(body())

    handler = ToolErrorHandler(policy=ONCE, circuit=IMPATIENT, clock=lambda: now[0])
    graph = flavor.graph_of([flavor.tool(lookup)], policy=None, handler=handler)
    for number in (1, 2, "wrong", 3, 4, 5):
        flavor.run(graph, asking(("lookup", {"number": number})))
    assert handler.health()["lookup"].state == "open"
    now[0] += 0.6
    flavor.run(graph, asking(("lookup", {"number": "wrong"})))  # this call would be the probe
    assert handler.health()["lookup"].state == "open"
    flavor.run(graph, asking(("lookup", {"number": 6})))
    assert body.runs == 6


def test_the_circuit_works_at_one_call_in_ten_seconds() -> None:
    body = Flaky([http_error(503)] * 999)
    with no_waiting() as waits:
        clock = Skipping(waits)
        handler = ToolErrorHandler(circuit=CircuitPolicy(jitter=0), clock=clock)
        tool = StructuredTool.from_function(body.__call__, name="lookup", description="Looks up.")
        graph = graph_of([tool], policy=None, handler=handler)
        runs = []
        for after in [10] * 10 + [100] * 5 + [10] * 10:
            clock.moved += after
            before = body.runs
            graph.invoke(asking(("lookup", {})))
            runs.append(body.runs - before)
    assert runs[0] == 3
    assert set(runs[2:15]) == {1}  # nothing is retried, each new call is a probe
    assert sum(runs[15:]) == 5  # and after ten minutes only every other call is one


def test_one_tool_that_is_down_does_not_hold_up_another(flavor: Flavor) -> None:
    down, well = Flaky([http_error(503)] * 99), Flaky()
    tools = [flavor.tool(down.__call__, name="lookup"), flavor.tool(well.__call__, name="inventory")]
    graph = flavor.graph_of(tools, policy=ONCE, circuit=IMPATIENT)
    for _ in range(7):
        answer(flavor, graph)
        assert answer(flavor, graph, "inventory").content == "done"
    assert well.runs == 7


def test_calls_share_by_the_key_that_the_user_names(flavor: Flavor) -> None:
    body = Flaky([http_error(503)] * 99)

    def lookup(tenant: str) -> str:
        return str(body())

    def tenant_of(request: Any) -> str:
        return str(request.tool_call["args"]["tenant"])

    handler = ToolErrorHandler(policy=ONCE, circuit=IMPATIENT, share_key=tenant_of, clock=lambda: 100.0)
    graph = flavor.graph_of([flavor.tool(lookup)], policy=None, handler=handler)
    for _ in range(7):
        flavor.run(graph, asking(("lookup", {"tenant": "red"})))
    assert body.runs == 5
    flavor.run(graph, asking(("lookup", {"tenant": "blue"})))
    assert body.runs == 6


def test_a_key_function_that_raises_does_not_cost_the_call(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    body = Flaky([http_error(503)])

    def broken(request: Any) -> str:
        raise KeyError("secret-123")

    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], share_key=broken)
    assert answer(flavor, graph).content == "done"
    assert "share_key raised KeyError" in caplog.text
    assert "secret-123" not in caplog.text


class Crowd:
    """Twenty parallel calls of a tool that was down, and works again once the test lets it."""

    def __init__(self) -> None:
        self.is_down = True
        self.running = 0
        self.most_running = 0
        self.runs = 0
        self.most_before_verdict = 0
        self.has_worked = False

    async def __call__(self) -> str:
        self.runs += 1
        if self.is_down:
            raise http_error(503)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        if not self.has_worked:
            self.most_before_verdict = max(self.most_before_verdict, self.running)
        await asyncio.sleep(0.05)
        self.has_worked = True
        self.running -= 1
        return "done"


def opened(circuit: CircuitPolicy, door: Door) -> tuple[Crowd, Any, ToolErrorHandler]:
    crowd = Crowd()
    by_count = replace(circuit, failing_for=60)  # else it may open before the fifth failure on a busy machine
    handler = ToolErrorHandler(policy=ONCE, circuit=by_count)
    tool = StructuredTool.from_function(coroutine=crowd.__call__, name="lookup", description="Looks up.")
    graph = graph_of([tool], door=door, policy=None, handler=handler)
    for _ in range(5):
        asyncio.run(graph.ainvoke(asking(("lookup", {}))))
    crowd.is_down = False
    return crowd, graph, handler


def test_one_of_twenty_calls_probes_and_the_others_wait_for_its_verdict(door: Door) -> None:
    crowd, graph, handler = opened(CircuitPolicy(probe_after=0.05, spread=0.1), door)
    answers = answers_in(asyncio.run(graph.ainvoke(asking(*[("lookup", {})] * 20))))
    assert [each.content for each in answers] == ["done"] * 20
    assert crowd.most_before_verdict == 1
    assert handler.health()["lookup"].state == "closed"


def test_one_of_twenty_calls_probes_and_those_without_patience_are_answered_at_once(door: Door) -> None:
    crowd, graph, _ = opened(CircuitPolicy(probe_after=0.05, patience=0), door)
    time.sleep(0.06)
    answers = answers_in(asyncio.run(graph.ainvoke(asking(*[("lookup", {})] * 20))))
    assert sorted(each.status for each in answers) == ["error"] * 19 + ["success"]
    assert crowd.runs == 6


def test_a_service_that_drowned_in_calls_gets_few_at_a_time_when_it_is_back(door: Door) -> None:
    crowd, together = Crowd(), asyncio.Barrier(30)

    async def lookup() -> str:
        if crowd.is_down:
            await together.wait()  # all are under way before the first gives up
            raise httpx.ReadTimeout("no answer in time")
        return await crowd()

    handler = ToolErrorHandler(policy=ONCE, circuit=CircuitPolicy(probe_after=0.05))
    tool = StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    graph = graph_of([tool], door=door, policy=None, handler=handler)

    async def drown_and_come_back() -> list[ToolMessage]:
        await graph.ainvoke(asking(*[("lookup", {})] * 30))
        crowd.is_down = False
        return answers_in(await graph.ainvoke(asking(*[("lookup", {})] * 40)))

    assert [each.content for each in asyncio.run(drown_and_come_back())] == ["done"] * 40
    assert crowd.most_before_verdict == 1
    assert 8 < crowd.most_running < 20  # 1, 2, 4, 8, 16, then one more at a time


def test_a_canceled_probe_gives_its_slot_back(door: Door) -> None:
    crowd, graph, handler = opened(CircuitPolicy(probe_after=0.05), door)

    async def cancel_then_call() -> Any:
        probe = asyncio.create_task(graph.ainvoke(asking(("lookup", {}))))
        while not crowd.running:
            await asyncio.sleep(0.01)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert handler.health()["lookup"].state == "open"
        return await graph.ainvoke(asking(("lookup", {})))

    (message,) = answers_in(asyncio.run(cancel_then_call()))
    assert message.content == "done"


def test_a_process_that_ends_during_a_probe_gives_its_slot_back() -> None:
    body = Flaky([http_error(503)] * 5 + [KeyboardInterrupt()])
    handler = ToolErrorHandler(policy=ONCE, circuit=CircuitPolicy(probe_after=0.01))
    tool = StructuredTool.from_function(body.__call__, name="lookup", description="Looks up.")
    graph = graph_of([tool], policy=None, handler=handler)
    for _ in range(5):
        graph.invoke(asking(("lookup", {})))
    with pytest.raises(KeyboardInterrupt):
        graph.invoke(asking(("lookup", {})))
    assert handler.health()["lookup"].state == "open"


def test_a_blip_costs_a_wait_and_no_error(flavor: Flavor) -> None:
    body = Flaky([http_error(503)] * 2)
    with no_waiting() as waits:
        handler = ToolErrorHandler(circuit=CircuitPolicy(jitter=0), clock=Skipping(waits))
        graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], policy=None, handler=handler)
        assert answer(flavor, graph).status == "success"
    assert 3.0 < sum(waits) < 3.6  # the last attempt comes after a blip of three seconds


def requests_in_an_outage(budget: BudgetPolicy | None, *, calls: int, rate: float) -> int:
    """Return how often a dead tool runs for `calls` calls, `rate` of them a second."""
    body = Flaky([http_error(503)] * 9999)
    with no_waiting() as waits:
        clock = Skipping(waits)
        handler = ToolErrorHandler(budget=budget, circuit=None, clock=clock)
        tool = StructuredTool.from_function(body.__call__, name="lookup", description="Looks up.")
        graph = graph_of([tool], policy=None, handler=handler)
        for _ in range(calls):
            clock.moved += 1 / rate
            graph.invoke(asking(("lookup", {})))
    return body.runs


@pytest.mark.untraced
def test_the_retries_of_an_outage_cost_six_percent_at_the_most() -> None:
    assert requests_in_an_outage(BudgetPolicy(), calls=120, rate=0.2) < 1.06 * 120
    assert requests_in_an_outage(None, calls=20, rate=0.2) == 60


@pytest.mark.untraced
@pytest.mark.parametrize("seed", range(2))
def test_the_budget_costs_nothing_when_every_fifth_request_fails_by_chance(seed: int) -> None:
    def answered(budget: BudgetPolicy | None) -> list[str]:
        chance = random.Random(seed)  # noqa: S311

        def lookup() -> str:
            if chance.random() < 0.2:
                raise http_error(503)
            return "done"

        tool = StructuredTool.from_function(lookup, description="Looks up.")
        graph = graph_of([tool], policy=AT_ONCE, circuit=None, budget=budget)
        return [graph.invoke(asking(("lookup", {})))["messages"][-1].status for _ in range(80)]

    with_budget = answered(BudgetPolicy(tokens=100))  # for 80 calls, as the default is for 400
    assert with_budget == answered(None)
    assert with_budget.count("success") >= 78


def test_an_empty_budget_ends_the_retries_and_says_so(flavor: Flavor) -> None:
    body = Flaky([http_error(503)] * 99)
    budget = BudgetPolicy(tokens=14)
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], budget=budget, circuit=None)
    assert answer(flavor, graph).artifact["attempts"] == 2
    assert answer(flavor, graph).artifact["attempts"] == 1
    assert answer(flavor, graph).artifact["reason"] == "budget"


class Listening(AsyncCallbackHandler):
    """Takes very long to process an event."""

    async def on_custom_event(self, *_: Any, **__: Any) -> None:
        await asyncio.sleep(30)


@pytest.mark.parametrize("callbacks", [[], [Listening()]], ids=["while it waits", "while a callback is told"])
def test_a_retry_that_is_canceled_before_it_begins_pays_nothing(callbacks: list[Listening]) -> None:
    async def lookup() -> str:
        raise http_error(503)

    handler = ToolErrorHandler(policy=RetryPolicy(base_delay=9, jitter=0))
    tool = StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    graph = graph_of([tool], policy=None, handler=handler)

    async def cancel() -> None:
        call = asyncio.create_task(graph.ainvoke(asking(("lookup", {})), {"callbacks": [*callbacks]}))
        while not handler.health():
            await asyncio.sleep(0.01)
        assert handler.health()["lookup"].retry_tokens == 486
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancel())
    assert handler.health()["lookup"].retry_tokens == 500


def test_newcomers_wait_as_long_as_a_server_has_asked_the_first_one_to(flavor: Flavor) -> None:
    with no_waiting() as waits:
        body = Flaky([http_error(429, {"Retry-After": "30"})])
        handler = ToolErrorHandler(policy=RetryPolicy(max_attempts=1), clock=Skipping(waits), chance=lambda: 0.5)
        graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], policy=None, handler=handler)
        assert answer(flavor, graph).status == "error"
        assert answer(flavor, graph).content == "done"
    assert [round(wait, 6) for wait in waits] == [30.125]


def test_there_is_no_news_of_a_tool_that_has_never_failed(flavor: Flavor) -> None:
    body = Flaky()
    handler = ToolErrorHandler()
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], policy=None, handler=handler)
    answer(flavor, graph)
    assert handler.health() == {}


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("budget", 500, "budget must be a BudgetPolicy or None, not 500"),
        ("circuit", True, "circuit must be a CircuitPolicy or None, not True"),
    ],
)
def test_nonsense_is_refused_at_construction(name: str, value: object, rule: str) -> None:
    with pytest.raises(TypeError) as refused:
        ToolErrorHandler(**{name: value})  # type: ignore[arg-type]
    assert str(refused.value) == rule


class Counting:
    """A tool body that counts how many of its runs are under way."""

    def __init__(self, work: Callable[[], str]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self.running = self.most = 0

    def __call__(self) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            time.sleep(0.02)
            return self._work()
        finally:
            with self._lock:
                self.running -= 1


@pytest.mark.doors("node")  # create_agent runs calls as tasks, which LangGraph limits
def test_the_limit_of_the_config_holds_for_the_calls_of_a_message(flavor: Flavor) -> None:
    body = Counting(lambda: "done")
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")])
    answers = answers_in(flavor.run(graph, asking(*[("lookup", {})] * 8), {"max_concurrency": 2}))
    assert [each.content for each in answers] == ["done"] * 8
    assert body.most == 2


@pytest.mark.doors("node")  # create_agent runs sync calls in the threads that LangGraph has
def test_without_a_limit_all_calls_of_a_message_run_at_once(flavor: Flavor) -> None:
    barrier = threading.Barrier(8, timeout=20)

    def lookup() -> str:
        barrier.wait()
        return "done"

    if flavor.is_async:  # threads come from the default executor, which has fewer on two cores
        return
    answers = answers_in(flavor.run(flavor.graph_of([flavor.tool(lookup)]), asking(*[("lookup", {})] * 8)))
    assert [each.content for each in answers] == ["done"] * 8


@pytest.mark.doors("node")  # create_agent runs calls as tasks, which LangGraph limits
def test_a_waiting_retry_holds_no_slot(flavor: Flavor) -> None:
    others = threading.Event()
    first = iter([http_error(503)])

    def flaky() -> str:
        for error in first:
            raise error
        assert others.wait(20)
        return "done"

    def lookup() -> str:
        others.set()
        return "done"

    tools = [flavor.tool(flaky), flavor.tool(lookup)]
    graph = flavor.graph_of(tools, policy=RetryPolicy(base_delay=0.3, jitter=0))
    answers = answers_in(flavor.run(graph, asking(("flaky", {}), ("lookup", {})), {"max_concurrency": 1}))
    assert [each.content for each in answers] == ["done", "done"]


def test_the_tools_get_the_limit_that_the_run_was_given(flavor: Flavor) -> None:
    seen: list[Any] = []

    def lookup(config: RunnableConfig) -> str:
        seen.append(config.get("max_concurrency"))
        return "done"

    graph = flavor.graph_of([StructuredTool.from_function(lookup, description="Looks up.")])
    for config in ({"max_concurrency": 3}, {}):
        graph.invoke(asking(("lookup", {})), config)
    assert seen == [3, None]


def test_categories_that_are_not_retried_still_open_the_circuit(flavor: Flavor) -> None:
    body = Flaky([TimeoutError()] * 99)
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], circuit=IMPATIENT)
    answers = [answer(flavor, graph) for _ in range(6)]
    assert body.runs == 5
    assert answers[5].artifact["category"] == ErrorCategory.TIMEOUT


@pytest.mark.untraced
def test_fifty_calls_of_one_message_that_meet_one_503_each_all_succeed(flavor: Flavor) -> None:
    tried: list[int] = []
    has_fifty_threads = flavor.door == "node" and not flavor.is_async
    # Else one that begins after the others would meet its 503 when the service is back.
    together = threading.Barrier(50 if has_fifty_threads else 1)

    def work(number: int) -> str:
        tried.append(number)
        if tried.count(number) == 1:
            together.wait(timeout=30)
            raise http_error(503)
        return "done"

    graph = flavor.graph_of([flavor.tool(work)], circuit=CircuitPolicy(patience=60))  # long enough for a busy machine
    answers = answers_in(flavor.run(graph, asking(*(("work", {"number": number}) for number in range(50)))))
    assert [each.content for each in answers] == ["done"] * 50
    assert len(tried) <= 110


def test_calls_that_fail_after_the_service_has_come_back_are_retried(door: Door) -> None:
    tried: list[int] = []
    all_begun, is_back, is_over = asyncio.Barrier(30), asyncio.Event(), asyncio.Event()

    async def work(number: int) -> str:
        tried.append(number)
        if tried.count(number) == 1:
            await (is_back.wait() if number < 10 else all_begun.wait())
            raise http_error(503)
        if number >= 10 and len(tried) > 41:  # the first retry is the probe, and has worked when the next begins
            is_back.set()
            await is_over.wait()
        return "done"

    circuit = CircuitPolicy(failing_for=60, probe_after=0.01, patience=60, spread=0)
    handler = ToolErrorHandler(policy=AT_ONCE, circuit=circuit)
    tool = StructuredTool.from_function(coroutine=work, description="Works.")
    graph = graph_of([tool], door=door, policy=None, handler=handler)

    def calling(numbers: range) -> asyncio.Task[Any]:
        return asyncio.create_task(graph.ainvoke(asking(*(("work", {"number": number}) for number in numbers))))

    async def overtake() -> list[ToolMessage]:
        late = calling(range(10))
        while len(tried) < 10:
            await asyncio.sleep(0.01)
        outage = calling(range(10, 40))
        answers = answers_in(await late)
        is_over.set()
        return answers + answers_in(await outage)

    assert [each.content for each in asyncio.run(overtake())] == ["done"] * 40
    assert len(tried) == 80
    assert handler.health()["work"].state == "closed"


@pytest.mark.untraced
def test_dead_hosts_do_not_hold_back_calls_of_the_same_tool_to_others(flavor: Flavor) -> None:
    def browse(url: str) -> str:
        if "dead" in url:
            raise httpx.ConnectError("refused", request=httpx.Request("GET", url))
        return "a page"

    handler = ToolErrorHandler(policy=ONCE, circuit=IMPATIENT, clock=lambda: 100.0)
    graph = flavor.graph_of([flavor.tool(browse)], policy=None, handler=handler)
    for _ in range(6):
        flavor.run(graph, asking(*(("browse", {"url": f"http://dead{number}.example/"}) for number in range(6))))
    (answer,) = answers_in(flavor.run(graph, asking(("browse", {"url": "http://live.example/"}))))
    (refused,) = answers_in(flavor.run(graph, asking(("browse", {"url": "http://dead3.example/"}))))
    assert answer.content == "a page"
    assert refused.artifact["reason"] == "circuit"
    assert sorted(handler.health()) == [f"browse @ dead{number}.example" for number in range(6)]


@pytest.mark.untraced
def test_arguments_that_always_fail_do_not_hold_back_calls_with_others(flavor: Flavor) -> None:
    def get(customer: str) -> str:
        if customer == "bad":
            raise http_error(500)
        return "fine"

    handler = ToolErrorHandler(policy=ONCE, circuit=IMPATIENT, clock=lambda: 100.0)
    graph = flavor.graph_of([flavor.tool(get)], policy=None, handler=handler)
    for _ in range(4):
        bad = [answers_in(flavor.run(graph, asking(("get", {"customer": "bad"}))))[0] for _ in range(6)]
        (good,) = answers_in(flavor.run(graph, asking(("get", {"customer": "good"}))))
        assert bad[-1].artifact["reason"] == "circuit"
        assert good.content == "fine"


def test_what_a_server_asks_of_one_tool_holds_for_all_tools_that_use_it(flavor: Flavor) -> None:
    request = httpx.Request("GET", "https://api.example/")
    errors = [http_error(503), http_error(429, {"Retry-After": "30"})]
    for error in errors:
        error.request = request
    limited, other = Flaky([errors[1]]), Flaky([errors[0]])
    with no_waiting() as waits:
        handler = ToolErrorHandler(policy=ONCE, clock=Skipping(waits))
        tools = [flavor.tool(limited.__call__, name="limited"), flavor.tool(other.__call__, name="other")]
        graph = flavor.graph_of(tools, policy=None, handler=handler)
        answer(flavor, graph, "other")  # its failure tells which server it uses
        answer(flavor, graph, "limited")
        assert answer(flavor, graph, "other").content == "done"
    assert [29 < wait < 31 for wait in waits] == [True]
