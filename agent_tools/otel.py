"""OpenTelemetry metrics and span events for tool calls; needs the extra `otel`.

| metric | kind | unit | what |
| --- | --- | --- | --- |
| `agent_tools.retries` | counter | `{retry}` | retries |
| `agent_tools.wait` | histogram | `s` | waits before them |
| `agent_tools.recoveries` | counter | `{call}` | calls that worked after a failed attempt |
| `agent_tools.give_ups` | counter | `{call}` | calls that failed for good |
| `agent_tools.short_circuits` | counter | `{call}` | calls answered without running the tool |
| `agent_tools.verifications` | counter | `{call}` | verified calls; `agent_tools.found` says what was found |
| `agent_tools.failing_call.attempts` | histogram | `{attempt}` | attempts of a call in which at least one failed |
| `agent_tools.health.failures` | counter | `{failure}` | failures of the store of a shared health |

A call that works at once is not counted and costs nothing. Each event is also added to the span that is current where
the call runs, whoever started it; no span is added.

All other names come from the semantic conventions for generative AI. `error.type` is the category of the last failure:
`retryable`, `non_retryable`, `auth_failure`, `timeout` or `network`. The class of the error is on the span event, as
`exception.type`. No attribute contains the text of an error.
"""

from collections.abc import Iterable
from functools import lru_cache

from agent_tools._core.events import EventType, ToolEvent
from agent_tools._gate.redis_link import RedisLink

try:
    from opentelemetry import metrics, trace
except ModuleNotFoundError as error:
    raise ImportError("agent_tools.otel needs OpenTelemetry: pip install 'langgraph-agent-tools[otel]'") from error

__all__ = ["OpenTelemetryObserver"]

#: Models invent tool names, and each would become a time series. The conventions call the rest `_OTHER`.
_MOST_TOOLS = 500
_OTHER = "_OTHER"

_WAIT_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
_ATTEMPT_BOUNDS = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0)

#: Name, unit and description.
COUNTER_BY_TYPE = {
    EventType.RETRY: ("agent_tools.retries", "{retry}", "Retries."),
    EventType.RECOVERED: ("agent_tools.recoveries", "{call}", "Tool calls that worked after a failed attempt."),
    EventType.FAILED: ("agent_tools.give_ups", "{call}", "Tool calls that failed for good."),
    EventType.SHORT_CIRCUITED: ("agent_tools.short_circuits", "{call}", "Tool calls answered without a run."),
    EventType.VERIFIED: ("agent_tools.verifications", "{call}", "Tool calls whose effect was verified."),
}

Attributes = dict[str, str | int | float]


class OpenTelemetryObserver:
    """An `observer=` that counts what happens to tool calls and adds it to the current span.

    >>> from agent_tools import ResilientToolNode
    >>> from agent_tools.otel import OpenTelemetryObserver
    >>> node = ResilientToolNode([], observer=OpenTelemetryObserver())

    Args:
        meter_provider: None for the global one.
    """

    def __init__(self, *, meter_provider: metrics.MeterProvider | None = None) -> None:
        meter = metrics.get_meter("agent_tools", meter_provider=meter_provider)
        _observe_health(meter_provider)
        self._tools: set[str] = set()
        self._counters = {kind: meter.create_counter(*counter) for kind, counter in COUNTER_BY_TYPE.items()}
        self._wait = meter.create_histogram(
            "agent_tools.wait", "s", "Waits before retries.", explicit_bucket_boundaries_advisory=_WAIT_BOUNDS
        )
        self._attempts = meter.create_histogram(
            "agent_tools.failing_call.attempts",
            "{attempt}",
            "Attempts of a tool call of which at least one failed.",
            explicit_bucket_boundaries_advisory=_ATTEMPT_BOUNDS,
        )

    def __call__(self, event: ToolEvent) -> None:
        """Count `event` and put it on the current span."""
        series = _series(event, self._known(event.tool))
        self._counters[event.type].add(1, series)
        if event.after is not None:
            self._wait.record(event.after, series)
        if event.type in (EventType.RECOVERED, EventType.FAILED):
            self._attempts.record(event.attempt, series)
        span = trace.get_current_span()
        if span.is_recording():
            span.add_event(str(event.type), _details(event))

    def _known(self, tool: str) -> str:
        if tool not in self._tools and len(self._tools) >= _MOST_TOOLS:
            return _OTHER
        self._tools.add(tool)
        return tool


@lru_cache(maxsize=8)  # one for all observers: they would count the same failures
def _observe_health(meter_provider: metrics.MeterProvider | None) -> None:
    def failures(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        return [metrics.Observation(RedisLink.all_failures)] if RedisLink.all_failures else []

    metrics.get_meter("agent_tools", meter_provider=meter_provider).create_observable_counter(
        "agent_tools.health.failures", [failures], "{failure}", "Failures of the store of a shared health."
    )


def _series(event: ToolEvent, tool: str) -> Attributes:
    """Return the attributes of a time series: few values each, and no call id."""
    return _given(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "error.type": event.category,
            "agent_tools.reason": event.reason,
            "agent_tools.found": event.found,
        }
    )


def _details(event: ToolEvent) -> Attributes:
    return _series(event, event.tool) | _given(
        {
            "exception.type": event.error_type,
            "gen_ai.conversation.id": event.thread_id,
            "gen_ai.tool.call.id": event.tool_call_id,
            "http.response.status_code": event.status_code,
            "agent_tools.attempt": event.attempt,
            "agent_tools.max_attempts": event.of,
            "agent_tools.wait": event.after,
        }
    )


def _given(values: dict[str, str | int | float | None]) -> Attributes:
    # Exporters need not know our enums.
    return {
        name: str(value) if isinstance(value, str) else value for name, value in values.items() if value is not None
    }
