"""A report shows the outcome of each call, from a history, from events, or from both."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.prebuilt import ToolNode

from agent_tools import CircuitPolicy, ResilientToolNode, RetryPolicy, RunReport, ToolErrorHandler, ToolEvent
from agent_tools.report import Ending, SpanKind
from agent_tools.routing import repair_unanswered_tool_calls
from agent_tools.testing import inject_faults, no_waiting, ok
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, Skipping, asking, graph_of, graph_with, http_error

EXACT = RetryPolicy(base_delay=0.25, multiplier=2, jitter=0)


def failing(flavor: Flavor, name: str, *errors: Exception) -> Any:
    fn = Flaky(errors)

    def body() -> str:
        return str(fn())

    return flavor.tool(body, name=name)


def bot(flavor: Flavor, **options: Any) -> Any:
    tools = [
        failing(flavor, "works"),
        failing(flavor, "recovers", http_error(503), http_error(500)),
        failing(flavor, "refused", http_error(401)),
        failing(flavor, "down", *[http_error(503)] * 3),
    ]
    return graph_of(tools, handler=ToolErrorHandler(**{"policy": EXACT, "clock": lambda: 100.0, **options}))


ALL = asking(("works", {}), ("recovers", {}), ("refused", {}), ("down", {}))


def seen(report: RunReport) -> list[tuple[str, str, int, bool, str]]:
    return [(call.tool, str(call.ending), call.attempts, call.is_exact, call.error) for call in report.calls]


def kinds(report: RunReport) -> list[str]:
    return [" ".join(span.kind for span in call.spans) for call in report.calls]


def test_a_history_alone_tells_all_but_the_attempts_of_what_worked(flavor: Flavor) -> None:
    with no_waiting():
        report = RunReport.from_messages(flavor.run(bot(flavor), ALL)["messages"])

    assert seen(report) == [
        ("works", "ok", 1, False, ""),
        ("recovers", "ok", 1, False, ""),
        ("refused", "failed", 1, True, "auth_failure, HTTP 401"),
        ("down", "failed", 3, True, "retryable, HTTP 503"),
    ]
    assert kinds(report) == ["ok", "ok", "failed", "unseen failed"]
    assert [call.reason for call in report.calls] == [None, None, "not_retried", "attempts_used"]
    assert report.calls[0].text == "done"
    assert report.calls[2].text.startswith("`refused` was refused")


def test_what_a_history_alone_does_not_tell_is_said(flavor: Flavor) -> None:
    with no_waiting():
        report = RunReport.from_messages(flavor.run(bot(flavor), ALL)["messages"])

    assert (report.totals.is_exact, report.totals.is_timed) == (False, False)
    assert str(report).splitlines()[1] == (
        "at least 6 attempts, 2 of them retries; waits are not recorded in messages, see events"
    )


def test_events_alone_tell_of_all_calls_that_met_a_failure(flavor: Flavor) -> None:
    events: list[ToolEvent] = []
    with no_waiting():
        flavor.run(bot(flavor, observer=events.append), ALL)
    report = RunReport.from_events(events)

    assert sorted(seen(report)) == [
        ("down", "failed", 3, True, "retryable, HTTP 503"),
        ("recovers", "recovered", 3, True, "retryable, HTTP 500"),
        ("refused", "failed", 1, True, "auth_failure, HTTP 401"),
    ]
    assert {call.tool: round(call.waited, 2) for call in report.calls} == {"recovers": 0.75, "down": 0.75, "refused": 0}


def test_both_together_tell_all(flavor: Flavor) -> None:
    events: list[ToolEvent] = []
    with no_waiting():
        state = flavor.run(bot(flavor, observer=events.append), ALL)
    report = RunReport.from_messages(state["messages"], events=events)

    assert [call.attempts for call in report.calls] == [1, 3, 1, 3]
    assert kinds(report) == ["ok", "failed wait failed wait ok", "failed", "failed wait failed wait failed"]
    totals = report.totals
    assert (totals.calls, totals.attempts, totals.retries, totals.ok, totals.recovered) == (4, 8, 4, 1, 1)
    assert dict(totals.given_up) == {"auth_failure": 1, "retryable": 1}
    assert (totals.unanswered, round(totals.waited, 2)) == (0, 1.5)


def test_the_dicts_of_a_custom_stream_say_the_same_as_the_events(flavor: Flavor) -> None:
    events: list[ToolEvent] = []
    with no_waiting():
        parts = flavor.stream(bot(flavor, observer=events.append), ALL, "custom")

    assert seen(RunReport.from_events(parts)) == seen(RunReport.from_events(events))


def test_what_is_no_event_of_ours_is_passed_over() -> None:
    assert RunReport.from_events([{"type": "progress"}, {}, "text", None, {"type": "tool_failed"}]).calls == ()  # type: ignore[list-item]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1, "soon", None])
def test_times_that_make_no_sense_are_none(value: Any) -> None:
    event = {"type": "tool_retry", "tool": "down", "tool_call_id": "c1", "attempt": 1, "elapsed": value, "after": value}
    assert RunReport.from_events([event]).calls[0].seconds == 0


def test_messages_may_be_dicts() -> None:
    messages = [
        AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}]),
        ToolMessage("paid", tool_call_id="c1"),
    ]
    report = RunReport.from_messages([{"role": "user", "content": "hi"}, *messages])

    assert seen(report) == [("charge", "ok", 1, False, "")]


@pytest.mark.parametrize("state", [{"messages": []}, "hi"])
def test_a_state_in_the_place_of_its_messages_is_refused(state: Any) -> None:
    with pytest.raises(TypeError, match=r"messages must be a list of messages, not (dict|str)"):
        RunReport.from_messages(state)


def test_a_call_without_an_answer_is_lost_until_it_is_repaired() -> None:
    history = [AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}]), HumanMessage("hello?")]
    lost = RunReport.from_messages(history)
    repaired = RunReport.from_messages(repair_unanswered_tool_calls(history))

    assert seen(lost) == [("charge", "unanswered", 0, False, "")]
    assert lost.lost == lost.calls
    assert seen(repaired) == [("charge", "failed", 0, False, "")]
    assert repaired.lost == ()


def test_a_call_whose_arguments_nobody_could_read_is_a_call_too() -> None:
    broken = {"name": "charge", "args": "{", "id": "c1", "error": None, "type": "invalid_tool_call"}
    report = RunReport.from_messages([AIMessage("", invalid_tool_calls=[broken])])
    assert [call.tool for call in report.lost] == ["charge"]


def test_an_id_that_comes_back_in_a_later_turn_is_another_call() -> None:
    first = [
        AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}]),
        ToolMessage("paid", tool_call_id="c1"),
    ]
    failed = ToolMessage("no", tool_call_id="c1", status="error")
    second = [AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}]), failed]
    event = {"type": "tool_failed", "tool": "charge", "tool_call_id": "c1", "attempt": 2, "of": 2, "elapsed": 1.0}
    report = RunReport.from_messages([*first, *second], events=[event])

    assert [(call.ending, call.attempts, call.is_exact) for call in report.calls] == [
        (Ending.OK, 1, False),
        (Ending.FAILED, 2, True),
    ]


def test_two_calls_of_a_message_with_one_id_are_two_calls() -> None:
    charge = {"name": "charge", "args": {}, "id": ""}
    answers = [ToolMessage(text, tool_call_id="") for text in ("first", "second")]
    report = RunReport.from_messages([AIMessage("", tool_calls=[charge, charge]), *answers])  # type: ignore[list-item]

    assert [call.text for call in report.calls] == ["first", "second"]


def test_answers_of_a_plain_tool_node_are_reported_without_facts(flavor: Flavor) -> None:
    node = ToolNode([failing(flavor, "down", http_error(503))], handle_tool_errors=True)
    report = RunReport.from_messages(flavor.run(graph_with(node), asking(("down", {})))["messages"])

    assert seen(report) == [("down", "failed", 1, False, "")]
    assert dict(report.totals.given_up) == {"unknown": 1}


def test_a_call_that_was_not_run_says_so(flavor: Flavor) -> None:
    down = failing(flavor, "down", *[http_error(503)] * 9)
    circuit = CircuitPolicy(failures=1, probe_after=60, max_probe_after=60, patience=0)
    node = ResilientToolNode([down], policy=AT_ONCE, circuit=circuit)
    with inject_faults(node, {}) as report:
        states = [flavor.run(graph_with(node), asking(("down", {}))) for _ in range(2)]

    assert [(call.ending, call.attempts) for call in report.calls] == [("failed", 1), ("not run", 0)]
    assert [call.ending for call in RunReport.from_messages(states[1]["messages"]).calls] == ["not run"]
    assert report.totals.given_up == {"retryable": 2}


def test_an_artifact_that_is_not_ours_says_nothing() -> None:
    asked = AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}])
    for artifact in ({"attempts": 7}, {"may_have_acted": 1, "category": "<b>", "attempts": "many"}, "text"):
        answer = ToolMessage("no", tool_call_id="c1", status="error", artifact=artifact)
        (call,) = RunReport.from_messages([asked, answer]).calls
        assert (call.category, call.reason, call.is_exact) == (None, None, False)


def retries(*times: tuple[float, float], last: float | None = None) -> list[dict[str, Any]]:
    shared = {"tool": "down", "tool_call_id": "c1", "of": 9, "category": "retryable", "status_code": 503}
    told: list[dict[str, Any]] = [
        {**shared, "type": "tool_retry", "attempt": number, "elapsed": elapsed, "after": after}
        for number, (elapsed, after) in enumerate(times, start=1)
    ]
    if last is not None:
        told.append({**shared, "type": "tool_recovered", "attempt": len(times) + 1, "elapsed": last, "after": None})
    return told


@pytest.mark.parametrize(
    ("events", "spans"),
    [
        (retries((0.1, 0.4), last=0.7), [("failed", 0, 0.1), ("wait", 0.1, 0.5), ("ok", 0.5, 0.7)]),
        (retries((0.1, 60.0), last=0.3), [("failed", 0, 0.1), ("wait", 0.1, 60.1), ("ok", 60.1, 60.3)]),
        (retries((0.0, 0.4), last=0.399), [("failed", 0, 0), ("wait", 0, 0.4), ("ok", 0.4, 0.4)]),
        (retries((0.2, 0.0), last=0.3), [("failed", 0, 0.2), ("ok", 0.2, 0.3)]),
        (retries((0.2, 1.0)), [("failed", 0, 0.2), ("wait", 0.2, 1.2)]),
    ],
    ids=["waited", "skipped", "rounded", "at once", "still waiting"],
)
def test_times_are_told_by_the_events_whether_the_waits_were_made_or_skipped(
    events: list[dict[str, Any]], spans: list[tuple[str, float, float]]
) -> None:
    (call,) = RunReport.from_events(events).calls
    assert [(str(span.kind), round(span.started, 3), round(span.ended, 3)) for span in call.spans] == spans


FAILED = {"tool": "down", "tool_call_id": "c1", "of": 3, "category": "retryable", "status_code": 503}


@pytest.mark.parametrize(
    ("events", "spans"),
    [
        (
            [
                {**FAILED, "type": "tool_retry", "attempt": 1, "elapsed": 0.2, "took": 0.2, "after": 0.4},
                {**FAILED, "type": "tool_recovered", "attempt": 2, "elapsed": 3.0, "took": 0.1, "after": None},
            ],
            [("failed", 0, 0.2), ("wait", 0.2, 2.9), ("ok", 2.9, 3.0)],
        ),
        (
            [{**FAILED, "type": "tool_failed", "attempt": 1, "elapsed": 2.5, "took": 0.5, "after": None}],
            [("wait", 0, 2.0), ("failed", 2.0, 2.5)],
        ),
        (
            [{**FAILED, "type": "tool_short_circuited", "attempt": 0, "elapsed": 5.0, "took": 0.0, "after": None}],
            [("wait", 0, 5.0)],
        ),
        (
            [
                {**FAILED, "type": "tool_retry", "attempt": 1, "elapsed": 0.2, "took": 0.2, "after": 60.0},
                {**FAILED, "type": "tool_recovered", "attempt": 2, "elapsed": 0.3, "took": 0.1, "after": None},
            ],
            [("failed", 0, 0.2), ("wait", 0.2, 60.2), ("ok", 60.2, 60.3)],
        ),
    ],
    ids=["before a retry", "before the first attempt", "in vain", "skipped"],
)
def test_a_wait_for_the_probe_of_a_tool_that_is_down_is_a_wait(
    events: list[dict[str, Any]], spans: list[tuple[str, float, float]]
) -> None:
    (call,) = RunReport.from_events(events).calls
    assert [(str(span.kind), round(span.started, 3), round(span.ended, 3)) for span in call.spans] == spans


def test_a_call_that_ends_in_its_wait_has_no_further_attempt() -> None:
    events = retries((0.2, 1.0))
    events.append({**events[0], "type": "tool_failed", "after": None, "reason": "draining"})
    (call,) = RunReport.from_events(events).calls
    assert (call.attempts, call.reason, [span.kind for span in call.spans]) == (1, "draining", ["failed", "wait"])


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=5), st.floats(0, 200))
def test_spans_follow_each_other_without_gap_or_overlap(times: list[tuple[float, float]], last: float) -> None:
    at = 0.0
    for call in RunReport.from_events(retries(*times, last=last)).calls:
        for span in call.spans:
            assert span.started == at
            assert span.ended >= span.started
            at = span.ended


def test_what_is_recorded_while_faults_are_injected_agrees_with_history_and_events(flavor: Flavor) -> None:
    events: list[ToolEvent] = []
    node = ResilientToolNode([failing(flavor, "down")], policy=EXACT, observer=events.append)
    with inject_faults(node, {"down": [503, 429, ok]}, waits=False) as report:
        state = flavor.run(graph_with(node), asking(("down", {})))

    told = RunReport.from_messages(state["messages"], events=events)
    assert report.calls == told.calls
    assert SpanKind.UNSEEN not in [span.kind for call in report.calls for span in call.spans]


def test_a_call_that_waits_for_the_probe_of_its_tool_is_shown_as_waiting(flavor: Flavor) -> None:
    circuit = CircuitPolicy(failures=1, probe_after=0.2, patience=30)
    with no_waiting() as waits:
        handler = ToolErrorHandler(policy=RetryPolicy(max_attempts=1), circuit=circuit, clock=Skipping(waits))
        node = ResilientToolNode([failing(flavor, "down")], handler=handler)
        with inject_faults(node, {"down": 503}) as report:
            for _ in range(2):
                flavor.run(graph_with(node), asking(("down", {})))

    assert kinds(report) == ["failed", "wait failed"]
    assert report.calls[1].waited > 0
