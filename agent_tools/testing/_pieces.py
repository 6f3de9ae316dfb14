"""Splits a message into chunks as a provider would stream it."""

import json
import re
from collections.abc import Iterator

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

#: Arguments are cut into pieces of this many characters, so that none of them is whole JSON.
_PIECE = 8


def pieces_of(message: AIMessage) -> Iterator[AIMessageChunk]:
    """Yield chunks that add up to `message`: the text word by word, then call after call."""
    for text in _texts(message):
        yield AIMessageChunk(content=text, id=message.id)
    for index, (name, call_id, args) in enumerate(_calls(message)):
        yield _call_piece(message, index, "", name=name, call_id=call_id)
        for piece in re.findall(f".{{1,{_PIECE}}}", args, re.DOTALL):
            yield _call_piece(message, index, piece)
    yield AIMessageChunk(
        content=_nothing(message),
        id=message.id,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )


def _texts(message: AIMessage) -> list[str] | list[list[str | dict[str, object]]]:
    if isinstance(message.content, str):
        return re.findall(r"\S+\s*|\s+", message.content)
    return [message.content] if message.content else []


def _calls(message: AIMessage) -> Iterator[tuple[str | None, str | None, str]]:
    for tool_call in message.tool_calls:
        yield tool_call["name"], tool_call["id"], json.dumps(tool_call["args"])
    for invalid in message.invalid_tool_calls:
        yield invalid["name"], invalid["id"], invalid["args"] or ""


def _call_piece(
    message: AIMessage, index: int, args: str, *, name: str | None = None, call_id: str | None = None
) -> AIMessageChunk:
    piece = tool_call_chunk(name=name, args=args, id=call_id, index=index)
    return AIMessageChunk(content=_nothing(message), id=message.id, tool_call_chunks=[piece])


def _nothing(message: AIMessage) -> str | list[str | dict[str, object]]:
    return "" if isinstance(message.content, str) else []
