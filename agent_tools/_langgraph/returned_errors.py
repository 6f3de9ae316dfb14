"""Finds the answer to a call in its tool's result: a message, a list, or the update of a `Command`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.types import Command


def answer_in(result: Any, call_id: str | None) -> ToolMessage | None:  # Any: whatever a tool node accepts
    """Return the answer to the call, the first with status "error" if there is one; None if there is no answer."""
    if isinstance(result, ToolMessage):
        return result
    found: list[ToolMessage] = []

    def keep(message: ToolMessage) -> ToolMessage:
        found.append(message)
        return message

    with_answer(result, call_id, keep)
    return next((message for message in found if message.status == "error"), found[0] if found else None)


def with_answer(result: Any, call_id: str | None, change: Callable[[ToolMessage], ToolMessage]) -> Any:
    """Return `result` with `change` applied to each answer to the call; everything else stays."""
    return with_answers(result, lambda answer: change(answer) if answer.tool_call_id == call_id else answer)


def with_answers(result: Any, change: Callable[[ToolMessage], ToolMessage]) -> Any:
    """Return `result` with `change` applied to each tool message; everything else stays."""
    if isinstance(result, ToolMessage):
        return change(result)
    if isinstance(result, list):
        return [with_answers(each, change) for each in result]
    if isinstance(result, Command) and isinstance(result.update, dict):
        return replace(result, update={name: with_answers(each, change) for name, each in result.update.items()})
    return result
