"""What is retried, when, and for how long."""

import asyncio
import time
from functools import partial
from typing import Any

import httpx
import pytest
from langchain_core.tools import StructuredTool

from agent_tools import ErrorCategory, Failure, ResilientToolNode, RetryPolicy, ToolErrorHandler
from agent_tools.middleware import ResilientToolMiddleware
from agent_tools.testing import FaultyServer, Reply, no_waiting
from tests.support.timing import assert_in_time, timed
from tests.support.toolbox import AT_ONCE, Door, Flaky, Flavor, Skipping, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")


def fetching(flavor: Flavor, server: FaultyServer) -> Any:
    """Return a tool that sends a request to `server`."""

    def fetch(path: str) -> str:
        return httpx.get(server.url + path).raise_for_status().text

    return flavor.tool(fetch)


NAMED = {"seconds": {"Retry-After": "1"}, "milliseconds": {"retry-after-ms": "1000", "Retry-After": "60"}}


def test_no_request_comes_before_the_time_the_server_named(flavor: Flavor) -> None:
    script = {
        f"/{status}/{unit}": [Reply(status, headers=headers), Reply(200, "fine")]
        for status in (429, 503)
        for unit, headers in NAMED.items()
    }
    with FaultyServer(script) as server:
        calls = [("fetch", {"path": path}) for path in script]
        answers = flavor.answers([fetching(flavor, server)], *calls, policy=RetryPolicy())

        assert [answer.content for answer in answers] == ["fine"] * 4
        for path in script:
            first, second = (request.at for request in server.requests if request.path == path)
            assert second - first >= 1.0


@pytest.mark.parametrize(
    "value", ["soon", "-5", "inf", "1e3", "nan", "", "\u00b2", "7, 7", "Mon, 99 Foo 2026 00:00:00 GMT", "9" * 400]
)
def test_garbage_in_retry_after_never_raises_and_never_waits_for_ever(flavor: Flavor, value: str) -> None:
    fn = Flaky([http_error(503, httpx.Headers([(b"Retry-After", value.encode("latin-1"))]))])

    def fetch() -> str:
        return str(fn())

    with no_waiting() as waits:
        answer = flavor.answer(flavor.tool(fetch), policy=RetryPolicy())

    assert waits == [] or max(waits) <= RetryPolicy().base_delay
    assert answer.content == "done" or "left alone" in answer.content


@pytest.mark.parametrize(("seconds", "words"), [("600", "600 s (about 10 min)"), ("90", "90 s")])
def test_a_wait_beyond_the_limit_or_the_deadline_is_told_instead_of_waited(
    flavor: Flavor, seconds: str, words: str
) -> None:
    with FaultyServer(Reply(429, headers={"Retry-After": seconds})) as server:
        started = time.monotonic()
        answer = flavor.answer(fetching(flavor, server), arguments={"path": "/"}, policy=RetryPolicy())

        assert time.monotonic() - started < 1
        assert len(server.requests) == 1
    assert words in answer.content
    assert answer.artifact["retry_after"] == float(seconds)


@pytest.mark.untraced
def test_calls_that_were_told_the_same_time_do_not_come_back_at_once(door: Door) -> None:
    fails, together = http_error(429, {"Retry-After": "2"}), asyncio.Barrier(200)

    async def fetch() -> str:
        await together.wait()  # else the last ones might wait before their 429
        raise fails

    handler = ToolErrorHandler(policy=RetryPolicy(max_attempts=2), budget=None, clock=lambda: 100.0)
    tool = StructuredTool.from_function(coroutine=fetch, name="fetch", description="Fetches.")
    with no_waiting() as waits:
        asyncio.run(graph_of([tool], door=door, policy=None, handler=handler).ainvoke(asking(*[("fetch", {})] * 200)))

    assert len(waits) == 200
    assert min(waits) >= 2.0
    assert max(waits) - min(waits) >= 1.5


@pytest.mark.untraced
def test_a_one_request_blip_costs_little_and_an_outage_of_a_second_and_a_half_is_survived() -> None:
    policy = RetryPolicy()

    def waits(number: int) -> list[float]:
        with no_waiting() as seen:
            for _ in range(number):
                tool = StructuredTool.from_function(Flaky([http_error(503)] * 2).__call__, name="f", description="f")
                graph_of([tool], policy=policy, circuit=None).invoke(asking(("f", {})))
        return list(seen)

    seen = waits(200)
    first, second = seen[::2], seen[1::2]
    survived = sum(one + two >= 1.5 * number / 200 for number, (one, two) in enumerate(zip(first, second, strict=True)))

    assert sum(first) / 200 <= 0.32
    assert survived >= 0.95 * 200


@pytest.mark.anyio
@timed
async def test_the_event_loop_is_never_blocked(door: Door) -> None:
    def slow_sync() -> str:
        time.sleep(0.3)
        return "fine"

    fails = Flaky([http_error(503)])

    async def fails_once() -> str:
        return str(fails())

    tools = [
        StructuredTool.from_function(slow_sync, description="Blocks its thread."),
        StructuredTool.from_function(coroutine=fails_once, name="fails_once", description="Fails once."),
    ]
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, time.monotonic() - before)

    ticker = asyncio.create_task(tick())
    graph = graph_of(tools, door=door, policy=RetryPolicy(base_delay=0.5, jitter=0))
    answers = answers_in(await graph.ainvoke(asking(("slow_sync", {}), ("fails_once", {}))))
    ticker.cancel()

    assert [answer.status for answer in answers] == ["success", "success"]
    assert_in_time(worst, 0.1)


@pytest.mark.anyio
async def test_a_sync_wrapper_of_the_users_does_not_block_the_event_loop_either() -> None:
    fails = Flaky([http_error(503)])

    async def fails_once() -> str:
        return str(fails())

    def slow_wrapper(request: Any, execute: Any) -> Any:
        time.sleep(0.3)
        return execute(request)

    tool = StructuredTool.from_function(coroutine=fails_once, name="fails_once", description="Fails once.")
    graph = graph_of([tool], wrap_tool_call=slow_wrapper)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticker = asyncio.create_task(tick())
    (answer,) = answers_in(await graph.ainvoke(asking(("fails_once", {}))))
    ticker.cancel()

    assert answer.status == "success"
    assert ticks > 10


def test_tools_have_policies_of_their_own_and_a_default(flavor: Flavor) -> None:
    a, b = Flaky([http_error(503)] * 9), Flaky([http_error(503)] * 9)

    def refund() -> str:
        return str(a())

    def lookup() -> str:
        return str(b())

    flavor.answers(
        [flavor.tool(refund), flavor.tool(lookup)],
        ("refund", {}),
        ("lookup", {}),
        per_tool={"refund": RetryPolicy(max_attempts=1)},
    )

    assert (a.runs, b.runs) == (1, 3)


def test_a_policy_for_a_tool_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="per_tool names 'refnd', but the tools are refund"):
        ResilientToolNode(
            [StructuredTool.from_function(lambda: "", name="refund", description="x")], per_tool={"refnd": AT_ONCE}
        )


async def asleep(error: BaseException) -> str:
    return "timeout"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": {"max_attempts": 3}}, "policy must be an agent_tools.RetryPolicy, not {'max_attempts': 3}"),
        ({"per_tool": {"x": 3}}, r"per_tool\['x'\] must be an agent_tools.RetryPolicy, not 3"),
        ({"per_tool": AT_ONCE}, r"per_tool must map tool names to RetryPolicy objects, not RetryPolicy\("),
        (
            {"classify": {ValueError: "flaky"}},
            "classify maps ValueError to 'flaky', but the categories are retryable, non_retryable",
        ),
        ({"classify": {"ValueError": "timeout"}}, "classify must map error types or functions of the error, not 'Val"),
        (
            {"classify": [{int: "timeout"}]},
            "classify must map error types or functions of the error, not <class 'int'>",
        ),
        ({"classify": "timeout"}, "classify must be a function, a mapping or a sequence of them, not 'timeout'"),
        ({"classify": asleep}, "classify must not be async, since nobody awaits it: <function asleep"),
        ({"classify": [{asleep: "timeout"}]}, "classify must not be async, since nobody awaits it: <function asleep"),
        ({"expose": "ValueError"}, "expose must name error types, not 'ValueError'"),
        ({"handler": 3}, "handler must be a ToolErrorHandler, not 3"),
        ({"observer": 3}, "observer must be a sync function, not 3"),
        ({"share_key": "host"}, "share_key must be a sync function, not 'host'"),
        ({"on_auth_failure": "renew"}, "on_auth_failure must be a function or None, not 'renew'"),
        ({"handler": ToolErrorHandler(), "policy": AT_ONCE}, "policy must be given to the ToolErrorHandler itself"),
    ],
)
def test_nonsense_is_refused_at_construction(door: Door, options: dict[str, Any], message: str) -> None:
    make = partial(ResilientToolNode, []) if door == "node" else ResilientToolMiddleware
    with pytest.raises((TypeError, ValueError), match=message):
        make(**options)


def test_no_wait_starts_that_cannot_end_before_the_deadline(flavor: Flavor) -> None:
    fn = Flaky([http_error(503)] * 9)

    def fetch() -> str:
        return str(fn())

    # Only skipped waits advance the clock, but an async attempt is limited by real time, to what the deadline leaves.
    policy = RetryPolicy(max_attempts=99, base_delay=100, max_delay=100, multiplier=1, jitter=0, deadline=350)
    with no_waiting() as waits:
        handler = ToolErrorHandler(policy=policy, circuit=None, clock=Skipping(waits))
        answer = flavor.answer(flavor.tool(fetch), handler=handler)

    assert waits == [100] * 3
    assert fn.runs == 4
    assert answer.artifact["reason"] == "deadline"


@pytest.mark.anyio
@timed
async def test_an_async_attempt_ends_with_the_deadline_and_its_siblings_keep_their_results(door: Door) -> None:
    ended = []

    async def hangs() -> str:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("hangs")
        return "never"

    async def works() -> str:
        return "fine"

    tools = [
        StructuredTool.from_function(coroutine=body, name=body.__name__, description="x") for body in (hangs, works)
    ]
    started = time.monotonic()
    hung, fine = answers_in(
        await graph_of(tools, door=door, policy=RetryPolicy(deadline=0.2)).ainvoke(asking(("hangs", {}), ("works", {})))
    )

    assert_in_time(time.monotonic() - started, 0.5)
    assert (hung.artifact["category"], fine.content) == ("timeout", "fine")
    assert ended == ["hangs"]


def test_a_handler_may_be_shared(flavor: Flavor) -> None:
    events: list[Any] = []
    handler = ToolErrorHandler(policy=AT_ONCE, observer=events.append)

    def breaks() -> str:
        raise http_error(404)

    for _ in range(2):
        flavor.answer(flavor.tool(breaks), handler=handler)

    assert [event.type for event in events] == ["tool_failed", "tool_failed"]


def test_a_shared_handler_may_have_policies_and_texts_for_the_tools_of_other_nodes(flavor: Flavor) -> None:
    def lookup() -> str:
        raise http_error(503)

    def refund() -> str:
        raise http_error(503)

    policies = {"lookup": AT_ONCE, "refund": RetryPolicy(max_attempts=1)}
    handler = ToolErrorHandler(per_tool=policies, texts={"refund": "No refunds."})
    one, two = (flavor.answer(flavor.tool(body), policy=None, handler=handler) for body in (lookup, refund))

    assert [one.artifact["attempts"], two.artifact["attempts"]] == [3, 1]
    assert two.content == "No refunds."


def test_rules_of_a_tool_come_before_those_of_the_node_and_both_before_ours(flavor: Flavor) -> None:
    a, b = Flaky([KeyError("x")] * 9), Flaky([KeyError("x")] * 9)

    def refund() -> str:
        return str(a())

    def lookup() -> str:
        return str(b())

    one, two = flavor.answers(
        [flavor.tool(refund), flavor.tool(lookup)],
        ("refund", {}),
        ("lookup", {}),
        classify={KeyError: "retryable"},
        per_tool={"refund": RetryPolicy(classify={LookupError: "auth_failure"})},
    )

    assert (a.runs, b.runs) == (1, 3)
    assert [each.artifact["category"] for each in (one, two)] == ["auth_failure", "retryable"]


def test_text_that_a_rule_gives_is_scrubbed_like_any_other(flavor: Flavor) -> None:
    def lookup() -> str:
        raise KeyError("x")

    def rule(error: BaseException) -> Failure:
        return Failure(category=ErrorCategory.NON_RETRYABLE, detail="Sold out, says password=hunter2-and-more.")

    text = flavor.answer(flavor.tool(lookup), classify=rule).content

    assert text.startswith("Sold out, says")
    assert "hunter2" not in text


def test_failed_when_makes_a_result_a_failure_that_is_tried_again(flavor: Flavor) -> None:
    fn = Flaky(result="pending")

    def poll() -> str:
        return str(fn())

    policy = RetryPolicy(base_delay=0, failed_when=lambda result: result.content == "pending")
    answer = flavor.answer(flavor.tool(poll), policy=policy)

    assert fn.runs == 3
    assert (answer.content, answer.status) == ("pending", "error")


def test_a_failed_when_around_an_async_function_says_nothing(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    async def pending(result: Any) -> bool:
        return False

    body = Flaky(result="done")
    policy = RetryPolicy(base_delay=0, failed_when=partial(lambda check, result: check(result), pending))
    assert flavor.answer(flavor.tool(body.__call__, name="works"), policy=policy).content == "done"
    assert body.runs == 1
    assert "failed_when raised TypeError; the result counts as a success" in caplog.text


def test_a_failed_when_that_raises_loses_no_result(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    def works() -> str:
        return "fine"

    def raises(result: Any) -> bool:
        raise KeyError("SK-SECRET-123")

    answer = flavor.answer(flavor.tool(works), policy=RetryPolicy(failed_when=raises))

    assert (answer.content, answer.status) == ("fine", "success")
    assert "failed_when raised KeyError" in caplog.text
    assert "SK-SECRET" not in caplog.text
