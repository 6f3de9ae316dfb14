"""The messages of one turn of the user, and which answers in it report failures.

What counts, and what does not:

    1. A turn begins after the last human message. Two kinds do not count: one that the application put after a tool's
       answer, with no message of the model between, and one that says who added it (`lc_source`).
    2. No more than the `LOOK_BACK` newest messages are looked at.
    3. Only answers of this library count as failures. They are marked (`additional_kwargs["lc_source"]`) and carry
       their facts (`lc_data`), since the artifact of a returned error belongs to the tool. What a human rejects, a
       limit blocks or other software writes says nothing about the tool.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Messages that are looked at, so that a long history costs no more than a short one.
LOOK_BACK = 200

#: The reason in an answer that stands for a missing one; whether the tool ran is unknown.
NO_RESULT = "no_result"

#: Who wrote an answer, in the format of LangChain's middleware (`langchain_core.messages.add_notification_metadata`).
SOURCE_KEY, DATA_KEY = "lc_source", "lc_data"
SOURCE = "agent_tools"
HUMAN_DECISION = "hitl_interrupt_decision"

_HUMAN = frozenset({"human", "HumanMessageChunk"})
_AI = frozenset({"ai", "AIMessageChunk"})
_TOOL = frozenset({"tool", "ToolMessageChunk"})

#: What differs from run to run of the same command: clock times, `in 0.12s`, UUIDs and digests.
_PASSING = r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?|\bin \d+\.\d+ ?m?s|\b(?=[a-f-]*\d)[0-9a-f-]{12,}\b"


def marked(facts: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """Return the `additional_kwargs` of an answer: the mark of this library, its facts, and `text` as a fingerprint.

    Args:
        facts: As in `ToolMessage.artifact`.
        text: The tool's own text about this failure; None when the answer has only the facts.
    """
    return {SOURCE_KEY: SOURCE, DATA_KEY: {**facts, "text": None if text is None else _fingerprint(text)}}


def fact(answer: Any, name: str) -> Any:  # Any: a ToolMessage, a type that this floor does not know
    """Return the fact called `name` in `answer`, or None."""
    facts = answer.additional_kwargs.get(DATA_KEY) if source_of(answer) == SOURCE else getattr(answer, "artifact", None)
    return facts.get(name) if isinstance(facts, dict) else None


def source_of(message: Any) -> str | None:
    """Return who added the message, or None when it does not say."""
    kwargs = getattr(message, "additional_kwargs", None)
    source = kwargs.get(SOURCE_KEY) if isinstance(kwargs, dict) else None
    return source if isinstance(source, str) else None


def is_failure(message: Any) -> bool:
    """Return whether `message` is an answer of this library that reports a failure."""
    if not is_answer(message) or getattr(message, "status", None) != "error":
        return False
    source = source_of(message)  # version 0.1.0 left no mark, only its facts
    return source == SOURCE or (source is None and None not in (fact(message, "category"), fact(message, "attempts")))


def is_answer(message: Any) -> bool:
    """Return whether `message` answers a call of a tool."""
    return getattr(message, "type", None) in _TOOL


def is_of_model(message: Any) -> bool:
    """Return whether `message` comes from the model."""
    return getattr(message, "type", None) in _AI


def index_of_call(messages: Sequence[Any], call_id: str | None) -> int | None:
    """Return the index of the newest message that makes the call, or None when it is not near the end."""
    newest = len(messages) - 1
    for index in range(newest, max(-1, newest - LOOK_BACK), -1):
        message = messages[index]
        if is_of_model(message):
            for call in getattr(message, "tool_calls", ()):
                if call["id"] == call_id:
                    return index
    return None


def is_first_of_turn(messages: Sequence[Any], index: int) -> bool:
    """Return whether the message at `index` is the first of its turn."""
    return index == 0 or begins_turn(messages, index - 1)


def begins_turn(messages: Sequence[Any], index: int) -> bool:
    """Return whether a turn begins after the message at `index`."""
    message = messages[index]
    if not _is_human(message) or source_of(message) is not None:
        return False
    for earlier in range(index - 1, max(-1, index - LOOK_BACK), -1):
        before = messages[earlier]
        if not _is_human(before):
            return not is_answer(before)
    return True


def backwards(messages: Sequence[Any], start: int) -> Iterator[Any]:
    """Yield the messages of the turn from the one at `start` back, the newest first."""
    for index in range(start, max(-1, len(messages) - 1 - LOOK_BACK), -1):
        if begins_turn(messages, index):
            return
        yield messages[index]


def _is_human(message: Any) -> bool:
    return getattr(message, "type", None) in _HUMAN


def _fingerprint(text: str) -> str:
    return hashlib.sha256(re.sub(_PASSING, "", text).encode(errors="replace")).hexdigest()[:16]
