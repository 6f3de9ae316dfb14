"""Answers of tasks that had ended when their step was given up.

A step ends when all its tasks have. What the early ones wrote is kept beside the checkpoint that the step
began with, and a resume gives it back. New input, a user's next message for example, starts another step
without it: it is in no later state, but stays beside the old checkpoint, where it is found here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import StateSnapshot

#: Checkpoints that are looked through. New input makes two or three, each node before the repair one more.
LOOK_BACK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The messages that a step began with, and what its tasks that ended wrote to them."""

    messages: list[BaseMessage]
    written: list[Any]  # Any: whatever the nodes returned for the messages


def step_of_tuple(saved: CheckpointTuple, key: str) -> Step:
    """Return the step that begins at a checkpoint."""
    return Step(
        messages=saved.checkpoint["channel_values"].get(key) or [],
        written=[value for _, channel, value in saved.pending_writes or () if channel == key],
    )


def step_of_snapshot(snapshot: StateSnapshot, key: str) -> Step:
    """Return the same from LangGraph's own view of a checkpoint."""
    return Step(
        messages=_under(key, snapshot.values) or [],
        written=[_under(key, task.result) for task in snapshot.tasks],
    )


def _under(key: str, values: Any) -> Any:
    return values.get(key) if isinstance(values, Mapping) else values


def recorded_answers(steps: Iterable[Step]) -> dict[tuple[str, str], ToolMessage]:
    """Return the answers that were written in `steps`, by the id of the asking message and of the call.

    Call ids come back in later turns. An answer is known to belong to a message only when that message was
    the last one of the model when the step began.
    """
    recorded: dict[tuple[str, str], ToolMessage] = {}
    for step in steps:
        asking = next((message for message in reversed(step.messages) if isinstance(message, AIMessage)), None)
        if asking is None or asking.id is None:
            continue
        for answer in _answers_among(step.written):
            recorded.setdefault((asking.id, answer.tool_call_id), answer)
    return recorded


def _answers_among(written: Any) -> Iterator[ToolMessage]:
    if isinstance(written, ToolMessage):
        yield written
    elif isinstance(written, list | tuple):
        for each in written:
            yield from _answers_among(each)
    elif isinstance(written, dict) and "$writes" in written:  # a task that wrote to the messages more than once
        yield from _answers_among(written["$writes"])
