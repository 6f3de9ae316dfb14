"""Answers of tasks that had finished when their step was abandoned.

A step ends when all its tasks have. Until then, what the finished ones wrote is stored with the checkpoint that the
step began with, and a resume restores it. New input, such as the user's next message, starts another step
without it: it is in no later state, but it is still stored with the old checkpoint, where this module finds it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import StateSnapshot

from agent_tools._langgraph.private_names import RETURN
from agent_tools._langgraph.recorder import is_record, place_of_record

#: How many checkpoints are searched. New input makes two or three, each node before the repair one more.
LOOK_BACK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStep:
    """The messages that a step began with, and what its finished tasks wrote to them.

    Attributes:
        messages: None where the checkpoint does not have them: a `DeltaChannel` keeps only what was written.
        written: Whatever the nodes returned for the messages.
        records: The results of recorded calls.
    """

    messages: list[BaseMessage] | None
    written: list[Any]
    records: list[dict[str, Any]]


def step_of_tuple(saved: CheckpointTuple, key: str) -> GraphStep:
    """Return the step that begins at a checkpoint."""
    messages, writes = saved.checkpoint["channel_values"].get(key), saved.pending_writes or ()
    return GraphStep(
        messages=messages if isinstance(messages, list) else None,
        written=[value for _, channel, value in writes if channel == key],
        records=[value for _, channel, value in writes if channel == RETURN and is_record(value)],
    )


def step_of_snapshot(snapshot: StateSnapshot, key: str) -> GraphStep:
    """Return the same from LangGraph's own view of a checkpoint."""
    return GraphStep(
        messages=_under(key, snapshot.values) or [],
        written=[_under(key, task.result) for task in snapshot.tasks],
        records=[],
    )


def _under(key: str, values: Any) -> Any:
    return values.get(key) if isinstance(values, Mapping) else values


def recorded_answers(steps: Iterable[GraphStep], key: str) -> dict[tuple[str, str | int], list[ToolMessage]]:
    """Return the answers that were written in `steps`, the newest first, by the message and the call's id or place.

    Call ids recur in later turns. An answer certainly belongs to a message only if that message was
    the model's last one when the step began.
    """
    recorded: dict[tuple[str, str | int], list[ToolMessage]] = {}
    steps = list(steps)
    for index, step in enumerate(steps):
        asking = _last_of_model(step, steps[index + 1 :])
        if asking is None or asking.id is None:
            continue
        found: dict[tuple[str, str | int], list[ToolMessage]] = {}
        for answer in _answers_among(step.written):
            found.setdefault((asking.id, answer.tool_call_id), []).append(answer)
        for record in step.records:
            for answer in _answers_among(record.get(key)):
                found[asking.id, place_of_record(record)] = [answer]
        for call, answers in found.items():
            recorded.setdefault(call, answers)
    return recorded


def _last_of_model(step: GraphStep, earlier: list[GraphStep]) -> AIMessage | None:
    """Return the model's last message as the step began, from what earlier steps wrote if the step lacks it."""
    known = step.messages
    for before in earlier if known is None else ():
        known = [*(before.messages or ()), *_messages_among(before.written)]
        if before.messages is not None or any(isinstance(message, AIMessage) for message in known):
            break
    return next((message for message in reversed(known or ()) if isinstance(message, AIMessage)), None)


def _messages_among(written: Any) -> Iterator[BaseMessage]:
    if isinstance(written, BaseMessage):
        yield written
    elif isinstance(written, list | tuple):
        for each in written:
            yield from _messages_among(each)


def _answers_among(written: Any) -> Iterator[ToolMessage]:
    if isinstance(written, ToolMessage):
        yield written
    elif isinstance(written, list | tuple):
        for each in written:
            yield from _answers_among(each)
    elif isinstance(written, dict) and "$writes" in written:  # a task that wrote to the messages more than once
        yield from _answers_among(written["$writes"])
