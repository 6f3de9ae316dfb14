"""POST /v1/chat/completions. The refusals have the texts of the real API."""

from collections.abc import Iterator, Sequence

from tests.services.protocols.provider import Call, Json, Seen, pieces, repeated

_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


class OpenAIDialect:
    """The protocol of `ChatOpenAI`."""

    route = "POST /v1/chat/completions"

    def refusal(self, body: Json) -> str | None:
        """Return why a history is refused: each call needs one answer right after its message."""
        waiting: list[str] = []
        for number, message in enumerate(body["messages"]):
            if message["role"] != "tool":
                if waiting:
                    return _unanswered(waiting)
                waiting = [call["id"] for call in message.get("tool_calls") or ()]
                if repeated(waiting):
                    return f"Duplicate value for 'tool_call_id' of '{repeated(waiting)[0]}' in message[{number}]."
                continue
            if message["tool_call_id"] not in waiting:
                return "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
            if not isinstance(message["content"], str | list):
                return f"Invalid value for 'messages[{number}].content': expected a string."
            waiting.remove(message["tool_call_id"])
        return _unanswered(waiting) if waiting else None

    def error(self, text: str) -> Json:
        """Return the body of a refusal."""
        return {"error": {"message": text, "type": "invalid_request_error", "param": "messages", "code": None}}

    def answers(self, body: Json) -> list[Seen]:
        """Return the tool messages in a request."""
        return [Seen(each["tool_call_id"], each["content"]) for each in body["messages"] if each["role"] == "tool"]

    def whole(self, text: str, calls: Sequence[Call]) -> Json:
        """Return the body of an answer."""
        message: Json = {"role": "assistant", "content": text or None}
        if calls:
            message["tool_calls"] = [_as_json(call) for call in calls]
        choice = {"index": 0, "message": message, "finish_reason": _finish(calls)}
        return {**_head("chat.completion"), "choices": [choice], "usage": _USAGE}

    def events(self, text: str, calls: Sequence[Call]) -> Iterator[tuple[str, Json]]:
        """Yield the events of a message, which have no names."""
        yield _chunk({"role": "assistant", "content": ""})
        for piece in pieces(text):
            yield _chunk({"content": piece})
        for index, call in enumerate(calls):
            yield _chunk({"tool_calls": [{"index": index, **_as_json(Call(call.id, call.tool, ""))}]})
            for piece in pieces(call.arguments):
                yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield _chunk({}, finish=_finish(calls))
        yield "", {**_head("chat.completion.chunk"), "choices": [], "usage": _USAGE}


def _unanswered(ids: Sequence[str]) -> str:
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(ids)}"
    )


def _as_json(call: Call) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": call.arguments}}


def _finish(calls: Sequence[Call]) -> str:
    return "tool_calls" if calls else "stop"


def _head(kind: str) -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "scripted"}


def _chunk(delta: Json, *, finish: str | None = None) -> tuple[str, Json]:
    return "", {**_head("chat.completion.chunk"), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
