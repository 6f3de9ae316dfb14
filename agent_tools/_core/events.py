"""What happened to a call, as a record for logs, streams, callbacks and observers."""

from dataclasses import dataclass
from enum import StrEnum

from agent_tools._core.effects import Effect
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.reason import Reason
from agent_tools._core.records import ShortRepr

#: The custom stream of a run belongs to the application. Events come there as `{"agent_tools": facts}`, so that
#: whoever reads the stream can tell them from the application's own parts, and skip them.
ENVELOPE = "agent_tools"


class EventType(StrEnum):
    """The five kinds of event."""

    RETRY = "tool_retry"
    """An attempt failed; the next one follows after the wait. Sent before the wait."""
    RECOVERED = "tool_recovered"
    """The call has a result after a failed attempt: from a later attempt, or from `verify`."""
    FAILED = "tool_failed"
    """No further attempt; the model gets an answer, or the developer the error."""
    SHORT_CIRCUITED = "tool_short_circuited"
    """The call was answered without running the tool."""
    VERIFIED = "tool_verified"
    """`RetryPolicy.verify` was asked whether the call happened. What follows comes as another event."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ToolEvent(ShortRepr):
    """One thing that happened to one tool call.

    >>> from agent_tools import ResilientToolNode, ToolEvent
    >>> def page_the_operator(event: ToolEvent) -> None:
    ...     if event.type == "tool_failed" and not event.correctable:
    ...         print(f"{event.tool}: {event.error_type} ({event.category}) after {event.attempt} attempts")
    >>> node = ResilientToolNode([], observer=page_the_operator)

    Attributes:
        type: Which of the five.
        tool: Name of the tool.
        tool_call_id: Id of the call, as the model gave it.
        thread_id: Thread of the conversation; None without a checkpointer.
        attempt: Attempts made so far.
        of: Attempts that the policy allows in total.
        elapsed: Seconds since the first attempt began.
        took: Seconds that the latest attempt ran, 0.0 when the tool was not run since the event before; None when
            nobody measured it. The rest of `elapsed` was waiting.
        after: Seconds until the next attempt begins; None when there is none.
        category: Of the last failure.
        error_type: Class name of the error behind the last failure, `KeyError` for example.
        status_code: HTTP status of the last failure, None when it had none.
        correctable: Whether the model can correct the call: its arguments were refused, or the tool wrote to it
            what is wrong (`ToolException`). Nobody else has to act on such a failure.
        reason: Why there is no further attempt; None while there is one.
        found: What `verify` found out; None for all other events.
    """

    type: EventType
    tool: str
    tool_call_id: str
    attempt: int
    of: int
    elapsed: float
    took: float | None = None
    after: float | None = None
    category: ErrorCategory | None = None
    error_type: str | None = None
    status_code: int | None = None
    correctable: bool = False
    reason: Reason | None = None
    found: Effect | None = None
    thread_id: str | None = None

    def as_dict(self) -> dict[str, str | int | float | None]:
        """Return the event in plain JSON types, for streams and structured logs."""
        return {
            "type": str(self.type),
            "tool": self.tool,
            "tool_call_id": self.tool_call_id,
            "thread_id": self.thread_id,
            "attempt": self.attempt,
            "of": self.of,
            "elapsed": round(self.elapsed, 3),
            "took": None if self.took is None else round(self.took, 3),
            "after": None if self.after is None else round(self.after, 3),
            "category": None if self.category is None else str(self.category),
            "error_type": self.error_type,
            "status_code": self.status_code,
            "correctable": self.correctable,
            "reason": None if self.reason is None else str(self.reason),
            "found": None if self.found is None else str(self.found),
        }
