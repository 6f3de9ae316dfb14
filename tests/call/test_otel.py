"""Metrics and span events, with the real OpenTelemetry SDK."""

import re
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest
from langchain_core.tools import BaseTool
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes

from agent_tools import CircuitPolicy, RedisHealth, RetryPolicy, ToolEvent
from agent_tools._core.events import EventType
from agent_tools._gate.gates import Gates
from agent_tools._gate.redis_link import RedisLink
from agent_tools.otel import OpenTelemetryObserver
from agent_tools.testing import FaultyServer, Reply, no_waiting
from tests.support.toolbox import Flavor, asking, graph_of

KEY = "SK-SECRET-123"
SPANS = InMemorySpanExporter()
TRACERS = TracerProvider()
TRACERS.add_span_processor(SimpleSpanProcessor(SPANS))
POLICY = RetryPolicy(base_delay=0.25, multiplier=2, jitter=0)


class Metrics:
    """An observer, and the metrics that it has recorded."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self._reader], shutdown_on_exit=False)
        self.observer = OpenTelemetryObserver(meter_provider=self.provider)

    def points(self, *, of_health: bool = False) -> Iterator[tuple[str, str, Any]]:
        """Yield the name, unit and data point of each time series, of tools or of the stores of this process."""
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name.startswith("agent_tools.health") == of_health:
                        yield from ((metric.name, metric.unit or "", point) for point in metric.data.data_points)

    def totals(self) -> dict[tuple[str, Any], Any]:
        """Return the value, or the count and sum, by the names of metric and tool."""
        return {(name, point.attributes["gen_ai.tool.name"]): total_of(point) for name, _, point in self.points()}


def total_of(point: Any) -> Any:
    return (point.count, point.sum) if isinstance(point, HistogramDataPoint) else point.value


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    routes: dict[str, Any] = {
        "/blips": [503, 503, {"status": "shipped"}],
        "/down": 503,
        "/throttles": [Reply(429, headers={"Retry-After": "1"}), {"status": "shipped"}],
        "/closed": 401,
        "/works": {"status": "shipped"},
    }
    with FaultyServer(routes) as server:
        yield server


def tools_of(flavor: Flavor, server: FaultyServer, *names: str) -> list[BaseTool]:
    def asking_for(name: str) -> BaseTool:
        def ask() -> str:
            return httpx.get(f"{server.url}/{name}?api_key={KEY}").raise_for_status().text

        return flavor.tool(ask, name=name)

    return [asking_for(name) for name in names]


def test_failures_of_a_shared_health_are_counted_once_however_many_observers_there_are(metrics: Metrics) -> None:
    OpenTelemetryObserver(meter_provider=metrics.provider)
    link = Gates(budget=None, circuit=None, clock=time.monotonic, store=RedisHealth("redis://127.0.0.1:1")).link
    assert isinstance(link, RedisLink)
    before = RedisLink.all_failures
    assert link.asking("lookup", lambda state, _: (state, "said")).do() == "said"
    (failures,) = metrics.points(of_health=True)
    assert failures[:2] == ("agent_tools.health.failures", "{failure}")
    assert total_of(failures[2]) == RedisLink.all_failures > before


def test_the_numbers_are_what_happened_at_a_real_server(flavor: Flavor, server: FaultyServer, metrics: Metrics) -> None:
    names = ["blips", "down", "throttles", "closed", "works"]
    with no_waiting() as waits:
        graph = graph_of(tools_of(flavor, server, *names), policy=POLICY, observer=metrics.observer)
        flavor.run(graph, asking(*[(name, {}) for name in names]))

    totals = metrics.totals()
    assert totals.pop(("agent_tools.wait", "throttles"))[0] == 1
    assert totals == {
        ("agent_tools.retries", "blips"): 2,
        ("agent_tools.wait", "blips"): (2, 0.75),
        ("agent_tools.recoveries", "blips"): 1,
        ("agent_tools.failing_call.attempts", "blips"): (1, server.count("/blips")),
        ("agent_tools.retries", "down"): 2,
        ("agent_tools.wait", "down"): (2, 0.75),
        ("agent_tools.give_ups", "down"): 1,
        ("agent_tools.failing_call.attempts", "down"): (1, server.count("/down")),
        ("agent_tools.retries", "throttles"): 1,
        ("agent_tools.recoveries", "throttles"): 1,
        ("agent_tools.failing_call.attempts", "throttles"): (1, server.count("/throttles")),
        ("agent_tools.give_ups", "closed"): 1,
        ("agent_tools.failing_call.attempts", "closed"): (1, server.count("/closed")),
    }
    waited = sum(total_of(point)[1] for name, _, point in metrics.points() if name == "agent_tools.wait")
    assert waited <= sum(waits)  # the other tools wait for the server, too


def test_a_call_that_is_not_run_is_counted_as_such(flavor: Flavor, server: FaultyServer, metrics: Metrics) -> None:
    graph = graph_of(
        tools_of(flavor, server, "down"),
        policy=RetryPolicy(max_attempts=1),
        circuit=CircuitPolicy(failures=1, patience=0),
        observer=metrics.observer,
    )
    for _ in range(2):
        flavor.run(graph, asking(("down", {})))

    assert metrics.totals() == {
        ("agent_tools.give_ups", "down"): 1,
        ("agent_tools.short_circuits", "down"): 1,
        ("agent_tools.failing_call.attempts", "down"): (1, 1),
    }


def test_series_have_few_values_units_and_the_names_of_the_conventions(
    flavor: Flavor, server: FaultyServer, metrics: Metrics
) -> None:
    with no_waiting():
        graph = graph_of(tools_of(flavor, server, "down"), policy=POLICY, observer=metrics.observer)
        flavor.run(graph, asking(("down", {})))

    series = {
        gen_ai_attributes.GEN_AI_OPERATION_NAME: gen_ai_attributes.GenAiOperationNameValues.EXECUTE_TOOL.value,
        gen_ai_attributes.GEN_AI_TOOL_NAME: "down",
        error_attributes.ERROR_TYPE: "retryable",
    }
    given_up = {**series, "agent_tools.reason": "attempts_used"}
    assert {name: (unit, dict(point.attributes)) for name, unit, point in metrics.points()} == {
        "agent_tools.retries": ("{retry}", series),
        "agent_tools.give_ups": ("{call}", given_up),
        "agent_tools.wait": ("s", series),
        "agent_tools.failing_call.attempts": ("{attempt}", given_up),
    }
    assert {type(value) for _, _, point in metrics.points() for value in point.attributes.values()} == {str}


def test_names_that_a_model_invents_without_end_are_one_series(metrics: Metrics) -> None:
    for number in range(600):
        metrics.observer(
            ToolEvent(type=EventType.FAILED, tool=f"t{number}", tool_call_id="c", attempt=1, of=3, elapsed=0.0)
        )

    totals = metrics.totals()
    assert len({tool for _, tool in totals}) == 501
    assert totals["agent_tools.give_ups", "_OTHER"] == 100


def test_events_are_on_the_span_that_is_current_and_no_span_is_added(
    flavor: Flavor, server: FaultyServer, metrics: Metrics
) -> None:
    SPANS.clear()
    with no_waiting(), TRACERS.get_tracer("test").start_as_current_span("agent"):
        graph = graph_of(tools_of(flavor, server, "blips"), policy=POLICY, observer=metrics.observer)
        flavor.run(graph, asking(("blips", {})))

    (span,) = SPANS.get_finished_spans()
    retry = {
        gen_ai_attributes.GEN_AI_OPERATION_NAME: "execute_tool",
        gen_ai_attributes.GEN_AI_TOOL_NAME: "blips",
        gen_ai_attributes.GEN_AI_TOOL_CALL_ID: "c1",
        error_attributes.ERROR_TYPE: "retryable",
        "exception.type": "HTTPStatusError",
        http_attributes.HTTP_RESPONSE_STATUS_CODE: 503,
        "agent_tools.max_attempts": 3,
    }
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [
        ("tool_retry", {**retry, "agent_tools.attempt": 1, "agent_tools.wait": 0.25}),
        ("tool_retry", {**retry, "agent_tools.attempt": 2, "agent_tools.wait": 0.5}),
        ("tool_recovered", {**retry, "agent_tools.attempt": 3}),
    ]


def test_no_attribute_has_a_secret_in_it(flavor: Flavor, server: FaultyServer, metrics: Metrics) -> None:
    SPANS.clear()
    names = ["blips", "down", "throttles", "closed"]
    with no_waiting(), TRACERS.get_tracer("test").start_as_current_span("agent"):
        graph = graph_of(tools_of(flavor, server, *names), policy=POLICY, observer=metrics.observer)
        flavor.run(graph, asking(*[(name, {}) for name in names]))

    told = [span.to_json() for span in SPANS.get_finished_spans()] + [repr(point) for point in metrics.points()]
    assert "tool_failed" in told[0]
    assert not [text for text in told if KEY in text or server.url in text or "127.0.0.1" in text]


def test_without_a_span_and_without_a_provider_it_does_nothing(flavor: Flavor, server: FaultyServer) -> None:
    assert not trace.get_current_span().is_recording()
    answer = flavor.answer(*tools_of(flavor, server, "closed"), observer=OpenTelemetryObserver())

    assert answer.artifact["category"] == "auth_failure"


def test_without_opentelemetry_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "agent_tools.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    needs = "agent_tools.otel needs OpenTelemetry: pip install 'langgraph-agent-tools[otel]'"
    with pytest.raises(ImportError, match=re.escape(needs)):
        import_module("agent_tools.otel")
