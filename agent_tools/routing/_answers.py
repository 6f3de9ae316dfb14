"""The calls of a message, and the answers to those that have no result."""

from collections.abc import Iterator
from dataclasses import dataclass

from langchain_core.messages import AIMessage, ToolMessage

from agent_tools._core.turn import NO_RESULT

#: In `ToolMessage.artifact["reason"]`, as `NO_RESULT` is.
INVALID_CALL = "invalid_tool_call"


#: Where content blocks that are calls have their ids: those of Anthropic, of OpenAI, and of LangChain.
_ID_BY_BLOCK = {"tool_use": "id", "function_call": "call_id", "tool_call": "id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an answer needs to know about a call; `is_valid` means that its arguments could be read."""

    id: str
    tool: str | None
    is_valid: bool


def calls_of(message: AIMessage) -> list[Call]:
    """Return the calls of `message` in order: those that can be read, those that cannot, those in its content alone."""
    calls = [Call(id=call["id"] or "", tool=call["name"], is_valid=True) for call in message.tool_calls]
    calls += [Call(id=call["id"] or "", tool=call["name"], is_valid=False) for call in message.invalid_tool_calls]
    known = {call.id for call in calls}
    return calls + [call for call in _calls_in_content(message) if call.id not in known]


def _calls_in_content(message: AIMessage) -> Iterator[Call]:
    for block in message.content:
        if isinstance(block, dict) and block.get("type") in _ID_BY_BLOCK:
            call_id = block.get(_ID_BY_BLOCK[block["type"]])
            if isinstance(call_id, str) and call_id:
                yield Call(id=call_id, tool=block.get("name"), is_valid=True)


def missing_answer(message: AIMessage, call: Call, twin: int = 0) -> ToolMessage:
    """Return the answer to a call of `message` that has none; the same each time.

    Args:
        message: The message that makes the call.
        call: The call, which must have an id.
        twin: How many calls before it have the same id.
    """
    answer = ToolMessage(
        content=_no_result_text(call) if call.is_valid else _invalid_text(call),
        name=call.tool,
        tool_call_id=call.id,
        status="error",
        artifact={"reason": NO_RESULT if call.is_valid else INVALID_CALL, "may_have_acted": call.is_valid},
    )
    return identified(answer, message, twin)


def is_makeshift(answer: ToolMessage) -> bool:
    """Return whether `answer` only says that no result was found."""
    return isinstance(answer.artifact, dict) and answer.artifact.get("reason") == NO_RESULT


def identified(answer: ToolMessage, message: AIMessage, twin: int = 0) -> ToolMessage:
    """Return `answer`, to a call of `message`, with an id that is the same each time."""
    if answer.id is not None or message.id is None:
        return answer
    return answer.model_copy(update={"id": f"{message.id}-{answer.tool_call_id}{f'-{twin}' if twin else ''}"})


def _no_result_text(call: Call) -> str:
    return f"No result was recorded for `{call.tool}`: it may or may not have run. Check before doing it again."


def _invalid_text(call: Call) -> str:
    tool = f"`{call.tool}`" if call.tool else "The tool"
    return f"{tool} was not run: its arguments are not valid JSON. Call it with arguments that are."
