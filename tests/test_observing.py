"""What operators and users see while it happens."""

import logging
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda

from agent_tools import RetryPolicy, ToolEvent
from agent_tools.testing import no_waiting
from tests.toolbox import Flaky, Flavor, asking, graph_of, http_error


def lookup_failing(flavor: Flavor, *errors: Exception) -> Any:
    fn = Flaky(errors)

    def lookup() -> str:
        return str(fn())

    return flavor.tool(lookup)


EXACT = RetryPolicy(base_delay=0.25, multiplier=2, jitter=0)
RECOVERS = [http_error(503), http_error(500)]
FAILS = [http_error(503), http_error(503), http_error(503)]


def test_each_failing_attempt_ends_its_tool_run_as_failed(flavor: Flavor) -> None:
    seen: list[str] = []

    class Tracer(BaseCallbackHandler):
        def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
            seen.append("start")

        def on_tool_error(self, *args: Any, **kwargs: Any) -> None:
            seen.append("error")

        def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
            seen.append("end")

    with no_waiting():
        graph = graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [Tracer()]})

    assert seen == ["start", "error", "start", "error", "start", "end"]


class Runs(BaseCallbackHandler):
    """Notes tag and number of each tool run, and of what runs inside it."""

    def __init__(self) -> None:
        self.tools: list[tuple[bool, int | None]] = []
        self.chains: list[tuple[bool, int | None]] = []

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self.tools.append(mark_of(kwargs))

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
        self.chains.append(mark_of(kwargs))


def mark_of(run: dict[str, Any]) -> tuple[bool, int | None]:
    return "agent_tools:retry" in (run["tags"] or []), (run["metadata"] or {}).get("agent_tools_attempt")


def test_attempts_after_the_first_have_a_tag_and_their_number(flavor: Flavor) -> None:
    runs = Runs()
    with no_waiting():
        graph = graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [runs], "tags": ["mine"], "metadata": {"user": "Ada"}})

    assert runs.tools == [(False, None), (True, 2), (True, 3)]


def test_what_runs_inside_an_attempt_is_not_taken_for_a_retry_itself(flavor: Flavor) -> None:
    runs, fn = Runs(), Flaky(RECOVERS)
    inner = RunnableLambda(lambda _: fn())

    def lookup() -> str:
        return str(inner.invoke(""))

    with no_waiting():
        flavor.run(graph_of([flavor.tool(lookup)], policy=EXACT), asking(("lookup", {})), {"callbacks": [runs]})

    assert runs.tools[-1] == (True, 3)
    assert set(runs.chains) == {(False, None)}


def test_a_wrapper_that_runs_a_call_anew_begins_with_a_first_attempt(flavor: Flavor) -> None:
    def twice(request: Any, execute: Any) -> Any:
        execute(request)
        return execute(request)

    runs = Runs()
    with no_waiting():
        graph = graph_of([lookup_failing(flavor, http_error(503))], policy=EXACT, wrap_tool_call=twice)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [runs]})

    assert runs.tools == [(False, None), (True, 2), (False, None)]


def test_the_custom_stream_tells_of_a_retry_before_its_wait_and_of_the_recovery(flavor: Flavor) -> None:
    with no_waiting():
        graph = graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        parts = flavor.stream(graph, asking(("lookup", {})), "custom")

    facts = [(part["type"], part["attempt"], part["after"], part["status_code"]) for part in parts]
    assert facts == [("tool_retry", 1, 0.25, 503), ("tool_retry", 2, 0.5, 500), ("tool_recovered", 3, None, 500)]
    assert {(part["tool"], part["tool_call_id"], part["of"], part["category"]) for part in parts} == {
        ("lookup", "c1", 3, "retryable")
    }


def test_the_event_comes_before_the_wait(flavor: Flavor) -> None:
    order: list[str] = []
    with no_waiting() as waits:

        def observer(event: ToolEvent) -> None:
            order.append(f"{event.type} after {len(waits)} waits")

        flavor.run(graph_of([lookup_failing(flavor, *FAILS)], policy=EXACT, observer=observer), asking(("lookup", {})))

    assert order == ["tool_retry after 0 waits", "tool_retry after 1 waits", "tool_failed after 2 waits"]


def test_the_log_has_one_warning_per_retry_and_one_error_per_give_up(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    with no_waiting(), caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.run(graph_of([lookup_failing(flavor, *FAILS)], policy=EXACT), asking(("lookup", {})))

    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "agent_tools"] == [
        ("WARNING", "lookup failed (retryable), attempt 1 of 3, next in 0.25 s"),
        ("WARNING", "lookup failed (retryable), attempt 2 of 3, next in 0.5 s"),
        ("ERROR", "lookup failed (retryable), given up after attempt 3 of 3: attempts_used"),
    ]


def test_an_observer_that_raises_breaks_nothing(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    def observer(event: ToolEvent) -> None:
        raise KeyError("SK-SECRET-123")

    with no_waiting(), caplog.at_level(logging.DEBUG, logger="agent_tools"):
        answer = flavor.answer(lookup_failing(flavor, *RECOVERS), policy=EXACT, observer=observer)

    assert answer.content == "done"
    assert "a observer raised KeyError" in caplog.text
    assert "SK-SECRET" not in caplog.text


def test_nothing_is_told_when_nothing_fails(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    events: list[ToolEvent] = []
    with caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.answer(lookup_failing(flavor), observer=events.append)

    assert events == []
    assert [record for record in caplog.records if record.name == "agent_tools"] == []
