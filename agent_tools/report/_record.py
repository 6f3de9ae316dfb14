"""Everything recorded about one call, and the report made of it.

The most precise source wins: events know each attempt and each wait, runs of the tool know the attempts, an error
answer of this library knows the number of attempts and their total time, a result knows nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import ToolMessage

from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.reason import Reason
from agent_tools._core.redaction import scrub
from agent_tools.report._calls import LONGEST_TEXT, CallReport, Ending, Span, SpanKind
from agent_tools.report._spans import spans_of_answer, spans_of_events, spans_of_runs
from agent_tools.report._values import name, number, seconds, word

ENDING_BY_EVENT = {
    EventType.RETRY: Ending.UNANSWERED,
    EventType.RECOVERED: Ending.RECOVERED,
    EventType.FAILED: Ending.FAILED,
    EventType.SHORT_CIRCUITED: Ending.NOT_RUN,
    EventType.VERIFIED: Ending.UNANSWERED,
}


@dataclass(slots=True, kw_only=True)
class Record:
    """Everything recorded about one call.

    Attributes:
        tool: Name of the tool.
        id: Id of the call.
        answer: What the model read; None when it read nothing.
        events: Its events.
        began: When its node began, by the clock of `runs`; None when it was not watched.
        runs: The runs of the tool, by any clock; None when it was not watched.
        is_paused: It ended with a question to a human.
        has_messages: Whether its answer would be known if there were one.
    """

    tool: str
    id: str
    answer: ToolMessage | None = None
    events: list[ToolEvent] = field(default_factory=list)
    began: float | None = None
    runs: list[Span] | None = None
    is_paused: bool = False
    has_messages: bool = True

    def report(self) -> CallReport:
        """Return what is known about the call."""
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
            error_type=self.events[-1].error_type if self.events else facts.get("error_type"),
            status_code=known[0].status_code if known else facts.get("status_code"),
            reason=self.events[-1].reason if self.events else facts.get("reason"),
            found=next((event.found for event in reversed(self.events) if event.found is not None), None),
            text="" if self.answer is None else scrub(str(self.answer.text), limit=LONGEST_TEXT),
        )

    def _spans(self, facts: Mapping[str, Any]) -> list[Span]:
        if self.events:
            return list(spans_of_events(self.events))
        if self.runs:
            return list(spans_of_runs(self.runs, began=self.began))
        return list(spans_of_answer(self.answer, facts))

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
        return Ending.UNANSWERED if self.has_messages or not self.events else ENDING_BY_EVENT[self.events[-1].type]


def _ending_of_answer(answer: ToolMessage, facts: Mapping[str, Any], *, has_failed: bool) -> Ending:
    if answer.status == "error":
        return Ending.NOT_RUN if facts.get("attempts") == 0 else Ending.FAILED
    return Ending.RECOVERED if has_failed else Ending.OK


def _facts_in(answer: ToolMessage | None) -> dict[str, Any]:
    """Return the facts in an error answer of this library; nothing for other answers."""
    artifact = None if answer is None or answer.status != "error" else answer.artifact
    if not isinstance(artifact, Mapping) or "may_have_acted" not in artifact:
        return {}
    facts: dict[str, Any] = {
        "category": word(ErrorCategory, artifact.get("category")),
        "reason": word(Reason, artifact.get("reason")),
        "error_type": name(artifact.get("error_type")),
        "status_code": number(artifact.get("status_code")),
    }
    attempts = number(artifact.get("attempts"))
    return facts if attempts is None else {**facts, "attempts": attempts, "elapsed": seconds(artifact.get("elapsed"))}
