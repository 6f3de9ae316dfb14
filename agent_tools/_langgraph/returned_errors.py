"""The answer to a call in what its tool returned: as a message, in a list, or in the update of a `Command`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.types import Command


def answer_in(result: Any, call_id: str | None) -> ToolMessage | None:  # Any: whatever a tool node accepts
    """Return the answer to the call, one that says "error" before others; None where there is none."""
    if isinstance(result, ToolMessage):
        return result
    found: list[ToolMessage] = []

    def keep(message: ToolMessage) -> ToolMessage:
        found.append(message)
        return message

    with_answer(result, call_id, keep)
    return next((message for message in found if message.status == "error"), found[0] if found else None)


def with_answer(result: Any, call_id: str | None, told: Callable[[ToolMessage], ToolMessage]) -> Any:
    """Return `result` with what `told` makes of the answers to the call; everything else is as it was."""
    return with_answers(result, lambda answer: told(answer) if answer.tool_call_id == call_id else answer)


def with_answers(result: Any, change: Callable[[ToolMessage], ToolMessage]) -> Any:
    """Return `result` with what `change` makes of its tool messages; everything else is as it was."""
    if isinstance(result, ToolMessage):
        return change(result)
    if isinstance(result, list):
        return [with_answers(each, change) for each in result]
    if isinstance(result, Command) and isinstance(result.update, dict):
        return replace(result, update={name: with_answers(each, change) for name, each in result.update.items()})
    return result
