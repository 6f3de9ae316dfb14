"""What the model reads instead of a result."""

from langchain_core.messages import ToolMessage

from agent_tools._call.call import Call
from agent_tools._call.current import Result
from agent_tools._call.returned import ReturnedError, text_in
from agent_tools._core.answer import render
from agent_tools._core.outcome import Outcome, facts
from agent_tools._core.redacted_content import scrub_content
from agent_tools._core.turn import marked
from agent_tools._langgraph.returned_errors import with_answer


def answer(call: Call, error: BaseException, outcome: Outcome) -> ToolMessage:
    """Return the answer to a call that was given up with `error`."""
    text = (None if call.own is None else call.own.words(error)) or _text(call, outcome)
    known = facts(outcome)
    return ToolMessage(
        content=text,
        name=outcome.tool,
        tool_call_id=call.request.tool_call["id"],
        status="error",
        artifact=known,
        additional_kwargs=marked(known, outcome.failure.detail),
    )


def as_error(call: Call, error: ReturnedError) -> Result:
    """Return a result that counts as a failure, marked as an error and without secrets."""
    outcome = call.outcome()
    known = facts(outcome)

    def marked_answer(message: ToolMessage) -> ToolMessage:
        content = error.words or scrub_content(message.content)
        own = call.settings.texts.own(outcome, result=text_in(content))
        changes = {
            "content": own or content or _text(call, outcome),
            "artifact": known if message.artifact is None else message.artifact,
            "additional_kwargs": message.additional_kwargs | marked(known, text_in(content)),
            "status": "error",
        }
        return message.model_copy(update=changes)

    result = error.result
    if isinstance(result, ToolMessage):
        return marked_answer(result)
    changed: Result = with_answer(result, call.request.tool_call["id"], marked_answer)
    return changed


def _text(call: Call, outcome: Outcome) -> str:
    return call.settings.texts.own(outcome) or render(outcome)
