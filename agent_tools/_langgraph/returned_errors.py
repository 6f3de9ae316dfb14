"""Errors that a tool returns instead of raising them: as a message, in a list, or in the update of a `Command`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.types import Command


def error_in(result: Any, call_id: str | None) -> ToolMessage | None:  # Any: whatever a tool node accepts
    """Return the answer to the call that says "error" in its status, None where it does not."""
    found: list[ToolMessage] = []

    def keep(message: ToolMessage) -> ToolMessage:
        found.append(message)
        return message

    with_errors(result, call_id, keep)
    return found[0] if found else None


def with_errors(result: Any, call_id: str | None, told: Callable[[ToolMessage], ToolMessage]) -> Any:
    """Return `result` with what `told` makes of its errors; everything else is as it was."""
    if isinstance(result, ToolMessage):
        return told(result) if result.status == "error" and result.tool_call_id == call_id else result
    if isinstance(result, list):
        return [with_errors(each, call_id, told) for each in result]
    if isinstance(result, Command) and isinstance(result.update, dict):
        return replace(result, update={name: with_errors(each, call_id, told) for name, each in result.update.items()})
    return result
