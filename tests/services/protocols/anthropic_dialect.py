"""POST /v1/messages. The refusals have the texts of the real API."""

import json
from collections.abc import Iterator, Sequence

from tests.services.protocols.provider import Call, Json, Seen, pieces, repeated

_USAGE = {"input_tokens": 1, "output_tokens": 1}


class AnthropicDialect:
    """The protocol of `ChatAnthropic`."""

    route = "POST /v1/messages"

    def refusal(self, body: Json) -> str | None:
        """Return why a history is refused: the message after calls must begin with the results of all of them."""
        waiting: list[str] = []
        known: set[str] = set()
        for number, message in enumerate(body["messages"]):
            blocks = _blocks(message["content"])
            why = _wrong_results(blocks, waiting) or _wrong_blocks(blocks)
            if why is not None:
                return f"messages.{number}: {why}"
            waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
            if repeated(waiting) or known & set(waiting):
                return f"messages.{number}: `tool_use` ids must be unique"
            known |= set(waiting)
        return _unanswered(waiting) if waiting else None

    def error(self, text: str) -> Json:
        """Return the body of a refusal."""
        return {"type": "error", "error": {"type": "invalid_request_error", "message": text}, "request_id": "req_1"}

    def answers(self, body: Json) -> list[Seen]:
        """Return the results in all messages."""
        blocks = [block for message in body["messages"] for block in _blocks(message["content"])]
        return [Seen(each["tool_use_id"], each["content"]) for each in blocks if each["type"] == "tool_result"]

    def whole(self, text: str, calls: Sequence[Call]) -> Json:
        """Return the body of an answer."""
        content = [{"type": "text", "text": text}] if text else []
        content += [_tool_use(call, json.loads(call.arguments)) for call in calls]
        return {**_head(), "content": content, "stop_reason": _stop(calls)}

    def events(self, text: str, calls: Sequence[Call]) -> Iterator[tuple[str, Json]]:
        """Yield the events of a message, block by block."""
        yield _event("message_start", message={**_head(), "content": [], "stop_reason": None})
        if text:
            texts = [{"type": "text_delta", "text": piece} for piece in pieces(text)]
            yield from _block(0, {"type": "text", "text": ""}, texts)
        for index, call in enumerate(calls):
            inputs = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(call.arguments)]
            yield from _block(index, _tool_use(call, {}), inputs)
        delta = {"stop_reason": _stop(calls), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage={"output_tokens": 1})
        yield _event("message_stop")


def _blocks(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _wrong_results(blocks: Sequence[Json], waiting: Sequence[str]) -> str | None:
    """Return what is wrong with the results at the start of a message, given the calls right before it."""
    results = [block for block in blocks if block["type"] == "tool_result"]
    ids = [block["tool_use_id"] for block in results]
    unexpected = [each for each in ids if each not in waiting]
    if unexpected:
        return (
            f"unexpected `tool_use_id` found in `tool_result` blocks: {unexpected[0]}. Each `tool_result` block must "
            "have a corresponding `tool_use` block in the previous message."
        )
    if repeated(ids):
        return (
            f"each tool_use must have a single result. Found multiple `tool_result` blocks with id: {repeated(ids)[0]}"
        )
    missing = [each for each in waiting if each not in ids]
    if missing or list(blocks[: len(results)]) != results:
        return _unanswered(missing or waiting)
    if any(block.get("is_error") and not block.get("content") for block in results):
        return "tool_result: content cannot be empty if `is_error` is true"
    return None


def _wrong_blocks(blocks: Sequence[Json]) -> str | None:
    if not blocks:
        return "all messages must have non-empty content except for the optional final assistant message"
    if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
        return "text content blocks must be non-empty"
    if any(block["type"] == "tool_use" and not isinstance(block["input"], dict) for block in blocks):
        return "tool_use.input: Input should be a valid dictionary"
    return None


def _unanswered(ids: Sequence[str]) -> str:
    return (
        f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(ids)}. Each `tool_use` "
        "block must have a corresponding `tool_result` block in the next message."
    )


def _tool_use(call: Call, arguments: Json) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.tool, "input": arguments}


def _stop(calls: Sequence[Call]) -> str:
    return "tool_use" if calls else "end_turn"


def _head() -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _block(index: int, start: Json, deltas: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    yield _event("content_block_start", index=index, content_block=start)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _event(name: str, **data: object) -> tuple[str, Json]:
    return name, {"type": name, **data}
