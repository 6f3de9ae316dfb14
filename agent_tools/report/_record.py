"""All that was recorded of one call, and the report that follows from it.

The order of trust: events tell each attempt and each wait; the runs of the tool tell attempts without the
waits; an answer of ours tells how many attempts there were and how long they took; a result tells nothing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from langchain_core.messages import ToolMessage

from agent_tools._core.decision import Reason
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.redaction import scrub
from agent_tools.report._calls import CallReport, Ending, Span, SpanKind
from agent_tools.report._text import LONGEST_TEXT

WordT = TypeVar("WordT", bound=StrEnum)

#: Seconds by which the clock of a run may differ from rounded events.
_TOLERANCE = 0.002

ENDING_BY_EVENT = {
    EventType.RETRY: Ending.UNANSWERED,
    EventType.RECOVERED: Ending.RECOVERED,
    EventType.FAILED: Ending.FAILED,
    EventType.SHORT_CIRCUITED: Ending.NOT_RUN,
}


@dataclass(slots=True, kw_only=True)
class Record:
    """What was recorded of one call.

    Attributes:
        tool: Name of the tool.
        id: Id of the call.
        answer: What the model read; None when it read nothing.
        events: What the node told of it.
        runs: The runs of the tool, by any clock; None when nobody was there to see them.
        is_paused: It ended with a question to a human.
        is_told: Whether its answer would be known if there were one.
    """

    tool: str
    id: str
    answer: ToolMessage | None = None
    events: list[ToolEvent] = field(default_factory=list)
    runs: list[Span] | None = None
    is_paused: bool = False
    is_told: bool = True

    def report(self) -> CallReport:
        """Return what people want to know."""
        facts = _facts_in(self.answer)
        spans = self._spans(facts)
        failed = [span for span in spans if span.kind is SpanKind.FAILED]
        known: list[ToolEvent | Span] = [*self.events[-1:], *failed[-1:]]
        return CallReport(
            tool=self.tool,
            id=self.id,
            ending=self._ending(facts, has_failed=bool(failed)),
            attempts=max(self._counts(facts)),
            is_exact=bool(self.events) or self.runs is not None or "attempts" in facts,
            spans=tuple(spans),
            category=known[0].category if known else facts.get("category"),
            status_code=known[0].status_code if known else facts.get("status_code"),
            reason=self.events[-1].reason if self.events else facts.get("reason"),
            text="" if self.answer is None else scrub(str(self.answer.text), limit=LONGEST_TEXT),
        )

    def _spans(self, facts: Mapping[str, Any]) -> list[Span]:
        if self.events:
            return list(spans_of_events(self.events))
        if self.runs:
            return list(_spaced(self.runs))
        return list(_spans_of_answer(self.answer, facts))

    def _counts(self, facts: Mapping[str, Any]) -> Iterator[int]:
        """Yield how many attempts each source knows of."""
        yield 0
        yield len(self.runs or ())
        yield from (event.attempt for event in self.events)
        if self.runs is None and not self.events and self.answer is not None:
            yield facts.get("attempts", 0 if facts else 1)

    def _ending(self, facts: Mapping[str, Any], *, has_failed: bool) -> Ending:
        if self.answer is not None:
            return _ending_of_answer(self.answer, facts, has_failed=has_failed)
        if self.is_paused:
            return Ending.PAUSED
        return Ending.UNANSWERED if self.is_told or not self.events else ENDING_BY_EVENT[self.events[-1].type]


def _ending_of_answer(answer: ToolMessage, facts: Mapping[str, Any], *, has_failed: bool) -> Ending:
    if answer.status == "error":
        return Ending.NOT_RUN if facts.get("attempts") == 0 else Ending.FAILED
    return Ending.RECOVERED if has_failed else Ending.OK


def spans_of_events(events: Sequence[ToolEvent]) -> Iterator[Span]:
    """Yield the attempts and waits that the events of one call tell of.

    An event says when an attempt ended and how long the wait after it is to be. Where the clock has not moved
    that far on before the next one, the wait was skipped, and the clock says only how long the attempt took.
    """
    at, before, owed, seen = 0.0, 0.0, 0.0, 0
    for event in events:
        if event.type is EventType.RETRY or event.attempt > seen:
            passed = max(0.0, event.elapsed - before)
            took = passed - owed if passed + _TOLERANCE >= owed else passed
            yield _attempt(event, started=at, seconds=max(0.0, took))
            at += max(0.0, took)
        if event.after:
            yield Span(kind=SpanKind.WAIT, started=at, ended=at + event.after)
            at += event.after
        before, owed, seen = event.elapsed, event.after or 0.0, event.attempt


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


def _spaced(runs: Sequence[Span]) -> Iterator[Span]:
    """Yield the runs, counted from the first one, and what is between them as waits."""
    began = ended = runs[0].started
    for run in runs:
        if run.started > ended:
            yield Span(kind=SpanKind.WAIT, started=ended - began, ended=run.started - began)
        ended = run.ended
        yield Span(
            kind=run.kind,
            started=run.started - began,
            ended=run.ended - began,
            category=run.category,
            status_code=run.status_code,
        )


def _spans_of_answer(answer: ToolMessage | None, facts: Mapping[str, Any]) -> Iterator[Span]:
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


def _facts_in(answer: ToolMessage | None) -> dict[str, Any]:
    """Return what our own answer says for programs; nothing for all others, whose artifacts may say anything."""
    artifact = None if answer is None or answer.status != "error" else answer.artifact
    if not isinstance(artifact, Mapping) or "may_have_acted" not in artifact:
        return {}
    facts: dict[str, Any] = {
        "category": word(ErrorCategory, artifact.get("category")),
        "reason": word(Reason, artifact.get("reason")),
        "status_code": number(artifact.get("status_code")),
    }
    attempts = number(artifact.get("attempts"))
    return facts if attempts is None else {**facts, "attempts": attempts, "elapsed": seconds(artifact.get("elapsed"))}


def word(words: type[WordT], value: object) -> WordT | None:
    """Return the one of `words` that `value` is; None for whatever is none of them."""
    return words(value) if isinstance(value, str) and value in list(words) else None


def number(value: object) -> int | None:
    """Return `value` if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds(value: object) -> float:
    """Return `value` if it is a finite number of seconds, else 0."""
    return float(value) if isinstance(value, int | float) and 0 <= value < math.inf else 0.0
