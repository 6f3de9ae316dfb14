"""Handoffs to another agent, with the answers of the other calls of the message.

A `Command(graph=Command.PARENT)` ends the agent's graph, and the results of the message's other calls are lost with it:
the next agent would read a message with unanswered calls.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command, Send

from agent_tools._langgraph.returned_errors import with_answers


def with_siblings(brought: Any, messages_key: str) -> Any:
    """Return the output of a tool node, with the answers of all calls in the messages that its handoffs pass on."""
    if not isinstance(brought, list) or not any(map(_is_handoff, brought)):
        return brought
    answers = answers_in([each for each in brought if not _is_handoff(each)])
    return [_handed_on(each, answers, messages_key) if _is_handoff(each) else each for each in brought]


def beside(command: Command[Any], answers: Sequence[ToolMessage], messages_key: str | None) -> Command[Any]:
    """Return a command that replaces the node's own update, with `answers` in its update."""
    update = command.update
    if messages_key is None or not isinstance(update, dict | None):
        return replace(command, update=[*answers, *(update if isinstance(update, list) else ())])
    return replace(command, update={**(update or {}), messages_key: [*answers, *(update or {}).get(messages_key, ())]})


def _handed_on(command: Command[Any], answers: Sequence[ToolMessage], messages_key: str) -> Command[Any]:
    """Return a handoff with `answers` in the messages that it passes on."""
    goto = command.goto if isinstance(command.goto, list | tuple) else [command.goto]
    sends = [
        Send(each.node, _completed_in(each.arg, answers, messages_key)) if isinstance(each, Send) else each
        for each in goto
    ]
    return replace(
        command,
        update=_completed_in(command.update, answers, messages_key),
        goto=sends if isinstance(command.goto, list | tuple) else sends[0],
    )


def answers_in(brought: Any) -> list[ToolMessage]:
    """Return the tool messages in the results of calls."""
    found: list[ToolMessage] = []

    def keep(answer: ToolMessage) -> ToolMessage:
        found.append(answer)
        return answer

    for each in brought:
        with_answers(list(each.values()) if isinstance(each, dict) else each, keep)
    return found


def _is_handoff(each: object) -> bool:
    return isinstance(each, Command) and each.graph == Command.PARENT


def _completed_in(state: Any, answers: Sequence[ToolMessage], messages_key: str) -> Any:
    if isinstance(state, dict) and isinstance(state.get(messages_key), list):
        return {**state, messages_key: _completed(state[messages_key], answers)}
    return _completed(state, answers) if isinstance(state, list) else state


def _completed(messages: list[Any], answers: Sequence[ToolMessage]) -> list[Any]:
    """Return `messages` with the `answers` to the last AI message that are missing."""
    places = [place for place, message in enumerate(messages) if isinstance(message, AIMessage)]
    if not places:
        return messages
    asked = [call["id"] for call in messages[places[-1]].tool_calls]
    behind = places[-1] + 1
    given = {message.tool_call_id for message in messages[behind:] if isinstance(message, ToolMessage)}
    missing = [each for each in answers if each.tool_call_id in asked and each.tool_call_id not in given]
    return [*messages[:behind], *missing, *messages[behind:]]
