"""What providers require of a history with tool calls.

1. Each call of a message has its own id.
2. Each call is answered before the next message that is not an answer, and before the model is asked.
3. Each answer belongs to a call of the message right before the answers.
4. No call is answered twice.
5. The answer of a tool that failed is not empty.

An id may come back in a later turn: some providers start counting from one each time. Calls that arrived
unreadable (`invalid_tool_calls`) count too: providers get them back with the history.
"""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall, ToolMessage


def check_history(messages: Sequence[BaseMessage]) -> None:
    """Raise an error with the call's id and the broken rule if a provider would reject this history.

    >>> from langchain_core.messages import AIMessage
    >>> from agent_tools.testing import check_history
    >>> check_history([AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "c1"}])])
    Traceback (most recent call last):
        ...
    ValueError: every tool call must be answered before the model is asked again: no answer to 'c1'

    Raises:
        ValueError: A tool call without an answer, an answer without a call, a second answer, two calls with one
            id, or an empty answer of a tool that failed.
    """
    open_ids: set[str] = set()
    answered_ids: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            _check_answer(message, open_ids, answered_ids)
            open_ids.remove(message.tool_call_id)
            answered_ids.add(message.tool_call_id)
            continue
        _check_all_answered(open_ids, before=f"the next {message.type} message")
        open_ids, answered_ids = _call_ids(message), set()
    _check_all_answered(open_ids, before="the model is asked again")


def calls_of(message: BaseMessage) -> list[ToolCall | InvalidToolCall]:
    """Return all calls in `message`, readable or not."""
    if not isinstance(message, AIMessage):
        return []
    return [*message.tool_calls, *message.invalid_tool_calls]


def _check_answer(answer: ToolMessage, open_ids: set[str], answered_ids: set[str]) -> None:
    call_id = answer.tool_call_id
    if call_id in answered_ids:
        raise ValueError(f"tool call {call_id!r} must be answered once, not twice")
    if call_id not in open_ids:
        raise ValueError(f"an answer must follow the message with its call, but no call there has the id {call_id!r}")
    if answer.status == "error" and not answer.content:
        raise ValueError(f"the error answer to tool call {call_id!r} must have content")


def _check_all_answered(open_ids: set[str], *, before: str) -> None:
    if open_ids:
        ids = ", ".join(map(repr, sorted(open_ids)))
        raise ValueError(f"every tool call must be answered before {before}: no answer to {ids}")


def _call_ids(message: BaseMessage) -> set[str]:
    ids = [call["id"] or "" for call in calls_of(message)]
    for call_id in ids:
        if not call_id or ids.count(call_id) > 1:
            raise ValueError(f"each tool call of a message must have an id of its own, not {call_id!r}")
    return set(ids)
