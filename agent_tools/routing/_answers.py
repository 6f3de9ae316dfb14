"""The calls of a message, and what the model reads about those that no tool has answered."""

from collections.abc import Iterator
from dataclasses import dataclass

from langchain_core.messages import AIMessage, ToolMessage

from agent_tools._core.turn import NO_RESULT

#: In `ToolMessage.artifact["reason"]`, as `NO_RESULT` is.
INVALID_CALL = "invalid_tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an answer has to know of a call; `is_valid` tells whether its arguments could be read."""

    id: str
    tool: str | None
    is_valid: bool


def calls_of(message: AIMessage) -> Iterator[Call]:
    """Yield the calls of `message`, readable or not; one that has no id cannot be answered."""
    for call in message.tool_calls:
        if call["id"]:
            yield Call(id=call["id"], tool=call["name"], is_valid=True)
    for invalid in message.invalid_tool_calls:
        if invalid["id"]:
            yield Call(id=invalid["id"], tool=invalid["name"], is_valid=False)


def missing_answer(message: AIMessage, call: Call) -> ToolMessage:
    """Return the answer to a call of `message` that has none; the same each time."""
    answer = ToolMessage(
        content=_no_result_text(call) if call.is_valid else _invalid_text(call),
        name=call.tool,
        tool_call_id=call.id,
        status="error",
        artifact={"reason": NO_RESULT if call.is_valid else INVALID_CALL, "may_have_acted": call.is_valid},
    )
    return identified(answer, message)


def is_makeshift(answer: ToolMessage) -> bool:
    """Return whether `answer` only says that there was none."""
    return isinstance(answer.artifact, dict) and answer.artifact.get("reason") == NO_RESULT


def identified(answer: ToolMessage, message: AIMessage) -> ToolMessage:
    """Return `answer`, to a call of `message`, with an id that is the same each time."""
    if answer.id is not None or message.id is None:
        return answer
    return answer.model_copy(update={"id": f"{message.id}-{answer.tool_call_id}"})


def _no_result_text(call: Call) -> str:
    return f"No result was recorded for `{call.tool}`: it may or may not have run. Check before doing it again."


def _invalid_text(call: Call) -> str:
    tool = f"`{call.tool}`" if call.tool else "The tool"
    return f"{tool} was not run: its arguments are not valid JSON. Call it with arguments that are."
