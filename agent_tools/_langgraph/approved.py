"""Whether a human has approved a call after the model made it.

An approval by LangChain's `HumanInTheLoopMiddleware`, or by a node of the application that asks before the tools run,
leaves nothing in the messages. The checkpoints between the model's message and the run of the tool show the question.
"""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple

from agent_tools._core.turn import is_of_model
from agent_tools._flow.steps import Flow
from agent_tools._langgraph.beginnings import Look, MarkedCheckpoint, checkpoint_of
from agent_tools._langgraph.private_names import INTERRUPT

#: Graph steps between the model and its tools that are looked at.
_STEPS = 10


def is_approved(call: ToolCall, config: RunnableConfig | None) -> Flow[bool]:
    """Return whether the run paused for a human between the message that makes `call` and now."""
    checkpoint = checkpoint_of(config)
    if checkpoint is None:
        return False
    saved: CheckpointTuple | None = yield Look(checkpoint)
    for _ in range(_STEPS):
        if saved is None or saved.parent_config is None:
            return False
        saved = yield Look(MarkedCheckpoint(checkpoint.saver, saved.parent_config))
        writes = [(channel, value) for _, channel, value in (saved and saved.pending_writes) or ()]
        if any(channel == INTERRUPT and _may_be_about(call, value) for channel, value in writes):
            return True  # the graph went on after that step, so it was answered
        if any(_makes(call, value) for _, value in writes):
            return False
    return False


def _may_be_about(call: ToolCall, interrupts: Any) -> bool:  # Any: what a task has written
    """Return whether one of the `interrupts` asks about `call`; one that lists its calls may not."""
    for interrupt in interrupts if isinstance(interrupts, list | tuple) else ():
        value = getattr(interrupt, "value", None)
        requests = value.get("action_requests") if isinstance(value, Mapping) else None
        if not isinstance(requests, list) or any(each.get("name") == call["name"] for each in requests):
            return True
    return False


def _makes(call: ToolCall, written: Any) -> bool:  # the same
    """Return whether the model's message with `call` is among what was `written`."""
    messages = written if isinstance(written, list) else [written]
    return any(
        is_of_model(each) and any(made["id"] == call["id"] for made in getattr(each, "tool_calls", ()))
        for each in messages
    )
