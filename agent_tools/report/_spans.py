"""The attempts and waits of a call, from each source that knows them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage

from agent_tools._core.events import EventType, ToolEvent
from agent_tools.report._calls import Span, SpanKind

#: Seconds by which the clock of a run may differ from rounded events.
_TOLERANCE = 0.002

#: A call whose first attempt began this many seconds after its node was held back.
_SHORTEST_HOLD = 0.05


def spans_of_events(events: Sequence[ToolEvent]) -> Iterator[Span]:
    """Yield the attempts and waits of one call, from its events.

    An event is sent when an attempt has failed, and names the wait that follows. What passed until the next event is
    that wait and the next attempt. If less has passed than the wait should take, it was skipped (`no_waiting`).
    """
    at, before, owed, seen = 0.0, 0.0, 0.0, 0
    for event in events:
        passed = max(0.0, event.elapsed - before)
        took = _took(event, passed, owed)
        waited = max(owed, passed - took)
        if waited > _TOLERANCE:
            yield Span(kind=SpanKind.WAIT, started=at, ended=at + waited)
            at += waited
        if event.attempt > seen:
            yield _attempt(event, started=at, seconds=took)
            at += took
        before, owed, seen = event.elapsed, event.after or 0.0, event.attempt
    if owed:
        yield Span(kind=SpanKind.WAIT, started=at, ended=at + owed)


def _took(event: ToolEvent, passed: float, owed: float) -> float:
    """Return the seconds that the attempt before `event` ran."""
    if event.took is not None:
        return min(event.took, passed)
    return max(0.0, passed - owed if passed + _TOLERANCE >= owed else passed)


def _attempt(event: ToolEvent, *, started: float, seconds: float) -> Span:
    if event.type is EventType.RECOVERED:
        return Span(kind=SpanKind.OK, started=started, ended=started + seconds)
    return Span(
        kind=SpanKind.FAILED,
        started=started,
        ended=started + seconds,
        category=event.category,
        status_code=event.status_code,
    )


def spans_of_runs(runs: Sequence[Span], *, began: float | None = None) -> Iterator[Span]:
    """Yield the runs, and the gaps before and between them as waits; times are counted from `began`, if it is given."""
    first = runs[0].started
    is_held = began is not None and first - began >= _SHORTEST_HOLD
    start = ended = began if began is not None and is_held else first
    for run in runs:
        if run.started > ended:
            yield Span(kind=SpanKind.WAIT, started=ended - start, ended=run.started - start)
        ended = run.ended
        yield replace(run, started=run.started - start, ended=run.ended - start)


def spans_of_answer(answer: ToolMessage | None, facts: Mapping[str, Any]) -> Iterator[Span]:
    if answer is not None and answer.status != "error":
        yield Span(kind=SpanKind.OK, started=0.0, ended=0.0)
    if not facts.get("attempts"):
        return
    elapsed = facts["elapsed"]
    is_one = facts["attempts"] == 1
    if not is_one:
        yield Span(kind=SpanKind.UNSEEN, started=0.0, ended=elapsed)
    yield Span(
        kind=SpanKind.FAILED,
        started=0.0 if is_one else elapsed,
        ended=elapsed,
        category=facts.get("category"),
        status_code=facts.get("status_code"),
    )
