"""What operators and users see while a call runs."""

import asyncio
import logging
from io import StringIO
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import ToolException
from langgraph.checkpoint.memory import InMemorySaver

from agent_tools import CircuitPolicy, RetryPolicy, ToolErrorHandler, ToolEvent, clean_errors
from agent_tools.testing import no_waiting
from tests.support.toolbox import Flaky, Flavor, PassesOn, answers_in, asking, graph_of, http_error

pytestmark = pytest.mark.doors("node", "create_agent")


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
        graph = flavor.graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [Tracer()]})

    assert seen == ["start", "error", "start", "error", "start", "end"]


class Runs(BaseCallbackHandler):
    """Records the tag and the attempt number of each tool run, and of runs inside it."""

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
        graph = flavor.graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [runs], "tags": ["mine"], "metadata": {"user": "Ada"}})

    assert runs.tools == [(False, None), (True, 2), (True, 3)]


def test_what_runs_inside_an_attempt_is_not_taken_for_a_retry_itself(flavor: Flavor) -> None:
    runs, fn = Runs(), Flaky(RECOVERS)
    inner = RunnableLambda(lambda _: fn())

    def lookup() -> str:
        return str(inner.invoke(""))

    with no_waiting():
        flavor.run(flavor.graph_of([flavor.tool(lookup)], policy=EXACT), asking(("lookup", {})), {"callbacks": [runs]})

    assert runs.tools[-1] == (True, 3)
    assert set(runs.chains) == {(False, None)}


@pytest.mark.doors("node")  # outer middleware would run the calls again
def test_a_wrapper_that_runs_a_call_anew_begins_with_a_first_attempt(flavor: Flavor) -> None:
    def twice(request: Any, execute: Any) -> Any:
        execute(request)
        return execute(request)

    runs = Runs()
    with no_waiting():
        graph = flavor.graph_of([lookup_failing(flavor, http_error(503))], policy=EXACT, wrap_tool_call=twice)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [runs]})

    assert runs.tools == [(False, None), (True, 2), (False, None)]


def test_the_custom_stream_tells_of_a_retry_before_its_wait_and_of_the_recovery(flavor: Flavor) -> None:
    with no_waiting():
        graph = flavor.graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        parts = [part["agent_tools"] for part in flavor.stream(graph, asking(("lookup", {})), "custom")]

    facts = [(part["type"], part["attempt"], part["after"], part["status_code"]) for part in parts]
    assert facts == [("tool_retry", 1, 0.25, 503), ("tool_retry", 2, 0.5, 500), ("tool_recovered", 3, None, 500)]
    assert {(part["tool"], part["tool_call_id"], part["of"], part["category"]) for part in parts} == {
        ("lookup", "c1", 3, "retryable")
    }


def test_the_custom_stream_can_be_left_to_the_application(flavor: Flavor) -> None:
    with no_waiting():
        graph = flavor.graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT, stream_events=False)
        assert flavor.stream(graph, asking(("lookup", {})), "custom") == []

    with pytest.raises(TypeError, match="stream_events must be True or False, not 'no'"):
        ToolErrorHandler(stream_events="no")  # type: ignore[arg-type]


def test_the_event_comes_before_the_wait(flavor: Flavor) -> None:
    order: list[str] = []
    with no_waiting() as waits:

        def observer(event: ToolEvent) -> None:
            order.append(f"{event.type} after {len(waits)} waits")

        flavor.run(
            flavor.graph_of([lookup_failing(flavor, *FAILS)], policy=EXACT, observer=observer), asking(("lookup", {}))
        )

    assert order == ["tool_retry after 0 waits", "tool_retry after 1 waits", "tool_failed after 2 waits"]


# ---- the log ----


def lines(caplog: pytest.LogCaptureFixture, above: int = logging.DEBUG) -> list[tuple[str, str]]:
    """Return the level and message of each log record above a level."""
    ours = [record for record in caplog.records if record.name == "agent_tools" and record.levelno > above]
    return [(record.levelname, record.getMessage()) for record in ours]


def test_the_log_has_one_warning_per_retry_and_one_error_per_give_up(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    graph = flavor.graph_of([lookup_failing(flavor, *FAILS)], policy=EXACT, checkpointer=InMemorySaver())
    with no_waiting(), caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.run(graph, asking(("lookup", {})), {"configurable": {"thread_id": "ada"}})

    error, call = "lookup failed (retryable, HTTP 503, HTTPStatusError)", "[call c1, thread ada]"
    assert lines(caplog) == [
        ("WARNING", f"{error}, attempt 1 of 3, next in 0.25 s {call}"),
        ("WARNING", f"{error}, attempt 2 of 3, next in 0.5 s {call}"),
        ("ERROR", f"{error}, gave up after attempt 3 of 3: attempts_used {call}"),
    ]


def test_a_structured_log_gets_the_facts_as_a_field_of_the_record(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    with no_waiting(), caplog.at_level(logging.INFO, logger="agent_tools"):
        flavor.answer(lookup_failing(flavor, *RECOVERS), policy=EXACT)

    facts: Any = [vars(record)["tool_event"] for record in caplog.records if record.name == "agent_tools"]
    assert [(each["type"], each["status_code"], each["after"]) for each in facts] == [
        ("tool_retry", 503, 0.25),
        ("tool_retry", 500, 0.5),
        ("tool_recovered", 500, None),
    ]


def bug(flavor: Flavor) -> Any:
    def get_points() -> str:
        """Look up the points of a customer."""
        points: dict[str, str] = {}
        return points["C-7"]

    return flavor.tool(get_points)


def test_a_bug_in_a_tool_is_logged_with_its_type_and_at_debug_with_its_traceback(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[ToolEvent] = []
    with caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.answer(bug(flavor), observer=events.append)

    failed = "get_points failed (non_retryable, KeyError), gave up after attempt 1 of 3: not_retried [call c1]"
    assert lines(caplog) == [("ERROR", failed)]
    (raised,) = [record for record in caplog.records if record.exc_info]
    assert (raised.levelno, raised.getMessage()) == (logging.DEBUG, "get_points raised [call c1]")
    assert 'return points["C-7"]' in caplog.text
    assert "KeyError: 'C-7'" in caplog.text
    assert [(event.error_type, event.correctable) for event in events] == [("KeyError", False)]


def test_a_program_without_logging_sees_what_it_has_to_mend_and_nothing_else(
    flavor: Flavor, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, printed = logging.getLogger("agent_tools"), StringIO()
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(printed))  # as Python's own, to stderr
    service = Flaky([http_error(503), KeyError("points")])

    def get_points() -> Any:
        return service()

    flavor.answer(flavor.tool(get_points))

    assert printed.getvalue().splitlines() == [
        "get_points failed (non_retryable, KeyError), gave up after attempt 2 of 3: not_retried [call c1]"
    ]


def test_no_traceback_is_made_above_debug(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="agent_tools"):
        flavor.answer(bug(flavor))

    assert [record for record in caplog.records if record.exc_info] == []


def test_a_traceback_shows_causes_and_groups_without_their_secrets(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    key, address = "api_key=SK-SECRET-123", "https://ada:hunter2@api.shop.example"  # not in shown source lines

    def lookup() -> str:
        try:
            raise ExceptionGroup("two of them", [http_error(503), ValueError(key)])
        except ExceptionGroup as group:
            raise RuntimeError(f"order A-1 via {address}") from group

    with caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.answer(flavor.tool(lookup), policy=RetryPolicy(max_attempts=1))

    for piece in ("RuntimeError: order A-1", "two of them", "HTTPStatusError: 503", "ValueError"):
        assert piece in caplog.text
    for piece in ("SK-SECRET-123", "hunter2"):
        assert piece not in caplog.text


def test_a_clean_tool_shows_frames_and_types_in_its_traceback_and_no_text(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    def lookup() -> str:
        raise ValueError("of no interest " + "to others")

    with caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.answer(clean_errors(flavor.tool(lookup)))

    assert "in lookup" in caplog.text
    assert "ValueError" in caplog.text
    assert "of no interest to others" not in caplog.text


def refusing(flavor: Flavor, error: Exception) -> Any:
    def book(guests: int) -> str:
        raise error

    return flavor.tool(book)


@pytest.mark.parametrize(
    ("called", "arguments", "error"),
    [
        ("book", {"guests": "two"}, KeyError()),
        ("book", {"guests": 2}, ToolException("Rooms have one guest.")),
        ("book", {"guests": 2}, http_error(404)),
        ("book", {"guests": 2}, http_error(422)),
        ("boook", {"guests": 2}, KeyError()),
    ],
    ids=["arguments", "ToolException", "404", "422", "unknown tool"],
)
def test_what_the_model_can_correct_is_of_no_interest_to_operators(
    flavor: Flavor, caplog: pytest.LogCaptureFixture, called: str, arguments: Any, error: Exception
) -> None:
    events: list[ToolEvent] = []
    with caplog.at_level(logging.INFO, logger="agent_tools"):
        flavor.answers([refusing(flavor, error)], (called, arguments), observer=events.append)

    assert [level for level, _ in lines(caplog)] == ["INFO"]
    assert [event.correctable for event in events] == [True]


@pytest.mark.parametrize("error", [http_error(401), http_error(503), TypeError()], ids=["401", "503", "bug"])
def test_what_an_operator_or_developer_has_to_mend_is_an_error(
    flavor: Flavor, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with caplog.at_level(logging.INFO, logger="agent_tools"):
        flavor.answer(refusing(flavor, error), arguments={"guests": 2}, policy=RetryPolicy(max_attempts=1))

    assert [level for level, _ in lines(caplog)] == ["ERROR"]


def test_a_name_that_the_model_made_up_forges_no_line_and_shows_no_secret(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    name = "book\nCRITICAL forged\x1b[31m api_key=sk-live-1234567890abcdef"
    with caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.answers([bug(flavor)], (name, {}))

    ((_, line),) = lines(caplog)
    assert line.startswith("book CRITICAL forged")
    assert line.isprintable()
    assert "sk-live" not in line


def test_an_observer_that_raises_breaks_nothing(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    def observer(event: ToolEvent) -> None:
        raise KeyError("SK-SECRET-123")

    with no_waiting(), caplog.at_level(logging.WARNING, logger="agent_tools"):
        answer = flavor.answer(lookup_failing(flavor, *RECOVERS), policy=EXACT, observer=observer)

    assert answer.content == "done"
    assert "the observer raised KeyError" in caplog.text
    assert "SK-SECRET" not in caplog.text


class HearsLater:
    async def __call__(self, event: ToolEvent) -> None: ...


@pytest.mark.parametrize("observer", [HearsLater(), HearsLater().__call__, 42], ids=["object", "function", "number"])
def test_an_observer_that_is_async_or_no_function_is_refused_since_it_would_hear_of_nothing(observer: Any) -> None:
    with pytest.raises(TypeError, match="observer must be a sync function, not"):
        ToolErrorHandler(observer=observer)


def test_nothing_is_told_when_nothing_fails(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    events: list[ToolEvent] = []
    with caplog.at_level(logging.DEBUG, logger="agent_tools"):
        flavor.answer(lookup_failing(flavor), observer=events.append)

    assert events == []
    assert [record for record in caplog.records if record.name == "agent_tools"] == []


# ---- LangChain's callbacks ----


class Listener(AsyncCallbackHandler):
    """A slow handler that records custom events and the starts of tool runs."""

    def __init__(self, *, deaf: bool = False, raises: bool = False) -> None:
        self.told: list[str] = []
        self.facts: list[dict[str, Any]] = []
        self.deaf = deaf
        self.raise_error = self._raises = raises

    @property
    def ignore_custom_event(self) -> bool:
        return self.deaf

    async def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self.told.append("runs")

    async def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        if self._raises:
            raise KeyError("SK-SECRET-123")
        await asyncio.sleep(0.01)
        self.told.append(name)
        self.facts.append(data)


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "wrapped"])
def test_callbacks_hear_of_a_retry_before_the_next_attempt_and_of_the_end_before_the_answer(
    flavor: Flavor, wrapped: bool
) -> None:
    recovers, fails = Listener(), Listener()
    options: dict[str, Any] = {"policy": EXACT}
    if wrapped and flavor.door == "node":
        options["wrap_tool_call"] = lambda request, execute: execute(request)
    if wrapped and flavor.door == "create_agent":
        options["around"] = [PassesOn()]
    with no_waiting():
        for errors, listener in ((RECOVERS, recovers), (FAILS, fails)):
            graph = flavor.graph_of([lookup_failing(flavor, *errors)], **options)
            flavor.run(graph, asking(("lookup", {})), {"callbacks": [listener]})

    assert recovers.told == ["runs", "tool_retry", "runs", "tool_retry", "runs", "tool_recovered"]
    assert fails.told == ["runs", "tool_retry", "runs", "tool_retry", "runs", "tool_failed"]
    assert [(part["type"], part["attempt"], part["after"]) for part in recovers.facts] == [
        ("tool_retry", 1, 0.25),
        ("tool_retry", 2, 0.5),
        ("tool_recovered", 3, None),
    ]


def test_callbacks_hear_of_what_is_given_up_at_once_or_never_run(flavor: Flavor) -> None:
    listener = Listener()
    circuit = CircuitPolicy(failures=1, patience=0)
    graph = flavor.graph_of([lookup_failing(flavor, *FAILS)], policy=RetryPolicy(max_attempts=1), circuit=circuit)
    for _ in range(2):
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [listener]})

    assert listener.told == ["runs", "tool_failed", "tool_short_circuited"]


@pytest.mark.doors("node")  # only the node takes handle_tool_errors
def test_callbacks_hear_of_an_error_that_is_let_out(flavor: Flavor) -> None:
    listener = Listener()
    graph = flavor.graph_of([lookup_failing(flavor, http_error(403))], handle_tool_errors=False)
    with pytest.raises(httpx.HTTPStatusError):
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [listener]})

    assert listener.told == ["runs", "tool_failed"]


def test_a_callback_that_raises_breaks_nothing(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    with no_waiting(), caplog.at_level(logging.DEBUG, logger="agent_tools"):
        graph = flavor.graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        state = flavor.run(graph, asking(("lookup", {})), {"callbacks": [Listener(raises=True)]})

    assert answers_in(state)[0].content == "done"
    ours = [record.getMessage() for record in caplog.records if record.name == "agent_tools"]
    assert "SK-SECRET" not in "".join(ours)


def test_a_callback_that_does_not_want_custom_events_gets_none(flavor: Flavor) -> None:
    listener = Listener(deaf=True)
    with no_waiting():
        graph = flavor.graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
        flavor.run(graph, asking(("lookup", {})), {"callbacks": [listener]})

    assert listener.told == ["runs"] * 3


@pytest.mark.anyio
async def test_astream_events_shows_failed_runs_marks_and_events_in_their_order() -> None:
    flavor = Flavor(is_async=True)
    graph = graph_of([lookup_failing(flavor, *RECOVERS)], policy=EXACT)
    with no_waiting():
        parts = [part async for part in graph.astream_events(asking(("lookup", {})), version="v2")]

    assert [
        (part["event"], part["name"], part["metadata"].get("agent_tools_attempt"))
        for part in parts
        if part["event"].startswith(("on_tool", "on_custom"))
    ] == [
        ("on_tool_start", "lookup", None),
        ("on_tool_error", "lookup", None),
        ("on_custom_event", "tool_retry", None),
        ("on_tool_start", "lookup", 2),
        ("on_tool_error", "lookup", 2),
        ("on_custom_event", "tool_retry", None),
        ("on_tool_start", "lookup", 3),
        ("on_tool_end", "lookup", 3),
        ("on_custom_event", "tool_recovered", None),
    ]
    (first, _, _) = (part for part in parts if part["event"] == "on_custom_event")
    assert (first["data"]["tool_call_id"], first["data"]["after"]) == ("c1", 0.25)
    assert first["metadata"]["langgraph_node"] == "tools"


@pytest.mark.anyio
async def test_the_custom_stream_has_each_event_once_whoever_else_listens() -> None:
    graph = graph_of([lookup_failing(Flavor(is_async=True), *RECOVERS)], policy=EXACT)
    config: Any = {"callbacks": [Listener()]}
    with no_waiting():
        parts = [part async for part in graph.astream(asking(("lookup", {})), config, stream_mode="custom")]

    assert [part["agent_tools"]["type"] for part in parts] == ["tool_retry", "tool_retry", "tool_recovered"]
