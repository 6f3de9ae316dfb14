"""Where a call stands in its conversation. This identifies it; its id comes from the model and may occur twice."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolCall
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph.run import histories_in

#: Used instead of a thread id outside a graph: keys are then valid within this process.
_THIS_PROCESS = f"process {uuid4()}"


def thread_of(request: ToolCallRequest) -> str:
    """Return the id of the conversation, or of this run when no checkpointer keeps a conversation."""
    info = getattr(request.runtime, "execution_info", None)
    if info is None:
        return _THIS_PROCESS
    return f"thread {info.thread_id}" if info.thread_id is not None else f"task {info.task_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call stands, which identifies it within its thread.

    Attributes:
        message: The id of the call's AI message, or the index of that message if it has no id.
        index: The index of the call in the message; twins also have the number of their task.
        arguments: The arguments that the model gave.
    """

    message: str
    index: str
    arguments: dict[str, Any]


def place_of_call(request: ToolCallRequest) -> Place:
    """Return the place of this call in the newest message that has it."""
    call = request.tool_call
    for messages in histories_in(request.state):
        for at in range(len(messages) - 1, -1, -1):
            calls = messages[at].tool_calls if isinstance(messages[at], AIMessage) else []
            matching = _matching(call, calls)
            if matching:
                index = str(matching[0])
                if len(matching) > 1:  # twins: only the tasks that run them differ
                    index += f" of task {_number_of_task(request)}"
                return Place(
                    message=messages[at].id or f"place {at}", index=index, arguments=calls[matching[0]]["args"]
                )
    return Place(message="", index="", arguments=call["args"])


def _matching(call: ToolCall, calls: Sequence[ToolCall]) -> list[int]:
    """Return the indexes in `calls` of the call itself, else of equal calls, else of calls with its id."""
    for is_match in (operator.is_, operator.eq, _have_same_id):
        found = [index for index, each in enumerate(calls) if is_match(each, call)]
        if found:
            return found
    return []


def _have_same_id(one: ToolCall, other: ToolCall) -> bool:
    return one["id"] == other["id"]


def _number_of_task(request: ToolCallRequest) -> object:
    """Return the number, in its step, of the task that runs the call (`Send`); it stays when the step runs again."""
    config = getattr(request.runtime, "config", None) or {}
    path = config.get("metadata", {}).get("langgraph_path", ())
    return path[1] if len(path) > 1 else ""
