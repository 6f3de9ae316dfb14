"""How each call is doing, read from the run's stream, as a user interface would keep it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from langchain_core.messages import ToolCall


class State(StrEnum):
    """Where a call stands."""

    RUNNING = "running"
    WAITING = "waiting"
    OK = "ok"
    RECOVERED = "recovered"
    FAILED = "failed"


@dataclass(slots=True)
class CallProgress:
    """One call so far.

    Attributes:
        tool: Name of the tool.
        subject: What it asks about: its first argument.
        state: Its current state.
        attempts: How often the tool was started.
        waits: Seconds of each wait between two attempts.
        waits_since: When the current wait began, by the clock of the run.
        category: Category of the last error; None without an error.
        status_code: HTTP status of the last error; None without one.
        reason: Why there was no further attempt.
    """

    tool: str
    subject: str
    state: State = State.RUNNING
    attempts: int = 0
    waits: list[float] = field(default_factory=list)
    waits_since: float = 0.0
    category: str | None = None
    status_code: int | None = None
    reason: str | None = None

    @property
    def title(self) -> str:
        """The call in two words."""
        return f"{self.tool} {self.subject}"

    @property
    def error(self) -> str:
        """The last error in a few words; empty when there was none."""
        if self.category is None:
            return ""
        return self.category if self.status_code is None else f"{self.category}, HTTP {self.status_code}"

    @property
    def story(self) -> str:
        """What happened last, in a few words."""
        if self.state is State.WAITING:
            return f"{self.error}: attempt {self.attempts + 1} follows in {self.waits[-1]:.1f} s"
        if self.state is State.FAILED:
            return f"{self.error}: {(self.reason or 'given up').replace('_', ' ')}"
        if self.state is State.RECOVERED:
            return (
                f"recovered with attempt {self.attempts}" if self.waits else f"{self.error}: found out that it happened"
            )
        return str(self.state)


STATE_BY_EVENT = {
    "tool_retry": State.WAITING,
    "tool_recovered": State.RECOVERED,
    "tool_failed": State.FAILED,
    "tool_short_circuited": State.FAILED,
}


class Board:
    """All calls of one message of the model, by id."""

    def __init__(self, calls: Iterable[ToolCall]) -> None:
        self.by_id = {call["id"] or "": CallProgress(call["name"], subject_of(call)) for call in calls}

    @property
    def calls(self) -> list[CallProgress]:
        """The calls, in the order the model made them."""
        return list(self.by_id.values())

    def on_tool_event(self, event: Mapping[str, Any], *, at: float) -> CallProgress | None:
        """Take in an event of the node (stream mode "custom"); return the call that it changed."""
        call = self.by_id.get(event.get("tool_call_id", ""))
        state = STATE_BY_EVENT.get(event.get("type", ""))
        if call is None or state is None:
            return None
        call.state = state
        call.category, call.status_code, call.reason = event["category"], event["status_code"], event["reason"]
        if call.state is State.WAITING:
            call.waits.append(event["after"])
            call.waits_since = at
        return call

    def on_run(self, part: Mapping[str, Any]) -> CallProgress | None:
        """Take in the start or end of an attempt (stream mode "tools"); return the call if it succeeded.

        A failed attempt brings the raw text of its error, secrets included; it is not shown.
        """
        call = self.by_id.get(part["tool_call_id"])
        if call is None:
            return None
        if part["event"] == "tool-started":
            call.attempts += 1
            call.state = State.RUNNING
        if part["event"] == "tool-finished" and call.attempts == 1:
            call.state = State.OK
            return call
        return None


def subject_of(call: ToolCall) -> str:
    """Return the subject of a call: its first argument."""
    return str(next(iter(call["args"].values()), ""))
