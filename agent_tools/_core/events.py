"""What happened to a call, as records for logs, streams and callbacks."""

from dataclasses import dataclass
from enum import StrEnum

from agent_tools._core.decision import Reason
from agent_tools._core.failure import ErrorCategory


class EventType(StrEnum):
    """The four things that are worth telling."""

    RETRY = "tool_retry"
    """An attempt failed; the next one follows after the wait. Sent before the wait."""
    RECOVERED = "tool_recovered"
    """An attempt after the first one succeeded."""
    FAILED = "tool_failed"
    """No further attempt; the model gets an answer, or the developer the error."""
    SHORT_CIRCUITED = "tool_short_circuited"
    """The call was answered without running the tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEvent:
    """One thing that happened to one tool call.

    >>> from agent_tools import ResilientToolNode, ToolEvent
    >>> def page_the_operator(event: ToolEvent) -> None:
    ...     if event.type == "tool_failed":
    ...         print(f"{event.tool}: {event.category} after {event.attempt} attempts")
    >>> node = ResilientToolNode([], observer=page_the_operator)

    Attributes:
        type: Which of the four.
        tool: Name of the tool.
        tool_call_id: Id of the call, as the model gave it.
        attempt: Attempts made so far.
        of: Attempts that the policy allows in total.
        elapsed: Seconds since the first attempt began.
        after: Seconds until the next attempt begins; None when there is none.
        category: Of the last failure.
        status_code: HTTP status of the last failure, None when it had none.
        reason: Why there is no further attempt; None while there is one.
    """

    type: EventType
    tool: str
    tool_call_id: str
    attempt: int
    of: int
    elapsed: float
    after: float | None = None
    category: ErrorCategory | None = None
    status_code: int | None = None
    reason: Reason | None = None

    def as_dict(self) -> dict[str, str | int | float | None]:
        """Return the event in plain JSON types, for streams and structured logs."""
        return {
            "type": str(self.type),
            "tool": self.tool,
            "tool_call_id": self.tool_call_id,
            "attempt": self.attempt,
            "of": self.of,
            "elapsed": round(self.elapsed, 3),
            "after": None if self.after is None else round(self.after, 3),
            "category": None if self.category is None else str(self.category),
            "status_code": self.status_code,
            "reason": None if self.reason is None else str(self.reason),
        }
