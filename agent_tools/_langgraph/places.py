"""Where a call stands in its conversation, which makes it itself: an id is the model's word, and may come twice."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolCall
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph.run import histories_in

#: Stands for the thread where there is no graph: keys then hold within this process.
_THIS_PROCESS = f"process {uuid4()}"


def thread_of(request: ToolCallRequest) -> str:
    """Return the id of the conversation; of this run, where no checkpointer keeps a conversation."""
    info = getattr(request.runtime, "execution_info", None)
    if info is None:
        return _THIS_PROCESS
    return f"thread {info.thread_id}" if info.thread_id is not None else f"task {info.task_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call stands, which tells it from all others of its thread.

    Attributes:
        message: The id of the AI message that makes the call; the message's index where it has no id.
        index: Which of its calls it is.
        arguments: As the model gave them.
    """

    message: str
    index: str
    arguments: dict[str, Any]


def place_of_call(request: ToolCallRequest) -> Place:
    """Return where the newest message that makes this call has it."""
    call = request.tool_call
    for messages in histories_in(request.state):
        for at in range(len(messages) - 1, -1, -1):
            calls = messages[at].tool_calls if isinstance(messages[at], AIMessage) else []
            matching = _matching(call, calls)
            if matching:
                index = str(matching[0])
                if len(matching) > 1:  # twins, which are told apart by the tasks that run them
                    index += f" of task {_number_of_task(request)}"
                return Place(
                    message=messages[at].id or f"place {at}", index=index, arguments=calls[matching[0]]["args"]
                )
    return Place(message="", index="", arguments=call["args"])


def _matching(call: ToolCall, calls: Sequence[ToolCall]) -> list[int]:
    """Return the indexes in `calls` of the call itself, else of its equals, else of those with its id."""
    for is_match in (operator.is_, operator.eq, _have_same_id):
        found = [index for index, each in enumerate(calls) if is_match(each, call)]
        if found:
            return found
    return []


def _have_same_id(one: ToolCall, other: ToolCall) -> bool:
    return one["id"] == other["id"]


def _number_of_task(request: ToolCallRequest) -> object:
    """Return which task of its step runs the call (`Send`), the same whenever the step is run again."""
    config = getattr(request.runtime, "config", None) or {}
    path = config.get("metadata", {}).get("langgraph_path", ())
    return path[1] if len(path) > 1 else ""
