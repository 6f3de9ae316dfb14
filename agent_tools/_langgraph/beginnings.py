"""Which calls had begun when a run was cut off: marks beside the checkpoint from which the run is resumed.

A mark is a pending write of a task that LangGraph does not know, so it changes nothing. One is saved before a call
begins, another when it pauses to ask a human. A call with more beginnings than pauses was cut off: its process ended
before a result was recorded.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from agent_tools._flow.steps import Flow
from agent_tools._langgraph.private_names import (
    CHECKPOINT_MAP,
    CHECKPOINTER,
    DURABILITY,
    NAMESPACE,
    NAMESPACE_SEPARATOR,
)

#: A channel that no graph has.
CHANNEL = "__agent_tools_calls"


class Mark(StrEnum):
    """What happens to a call."""

    BEGINS = "begins"
    PAUSES = "pauses"


@dataclass(frozen=True, slots=True)
class MarkedCheckpoint:
    """The checkpoint beside which the marks of a run are saved.

    Attributes:
        saver: The checkpointer.
        config: Identifies the checkpoint.
    """

    saver: BaseCheckpointSaver[Any]
    config: RunnableConfig


@dataclass(frozen=True, slots=True)
class Look:
    """Read a checkpoint and its marks, a step of a flow."""

    checkpoint: MarkedCheckpoint

    def do(self) -> CheckpointTuple | None:
        """Return the checkpoint, None if there is none."""
        return self.checkpoint.saver.get_tuple(self.checkpoint.config)

    async def ado(self) -> CheckpointTuple | None:
        """Return the same as `do`."""
        return await self.checkpoint.saver.aget_tuple(self.checkpoint.config)


@dataclass(frozen=True, slots=True)
class Save:
    """Save a mark, a step of a flow; its `task_id` is unique."""

    checkpoint: MarkedCheckpoint
    facts: list[str]
    task_id: str

    def do(self) -> None:
        """Save it."""
        self.checkpoint.saver.put_writes(self.checkpoint.config, [(CHANNEL, self.facts)], self.task_id)

    async def ado(self) -> None:
        """Do the same as `do`."""
        await self.checkpoint.saver.aput_writes(self.checkpoint.config, [(CHANNEL, self.facts)], self.task_id)


def marked(mark: Mark, *, key: str, config: RunnableConfig | None) -> Flow[bool]:
    """Save a mark of the call `key`; return whether it had begun before and was cut off.

    Without a checkpointer, or with durability "exit", nothing is saved, and the result is False.
    """
    checkpoint = checkpoint_of(config)
    if checkpoint is None:
        return False
    marks = list(_marks_in((yield Look(checkpoint)), key))
    yield Save(checkpoint, [key, str(mark)], str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key} {len(marks)}")))
    return marks.count(Mark.BEGINS) > marks.count(Mark.PAUSES)


def _marks_in(saved: CheckpointTuple | None, key: str) -> Iterator[str]:
    for _, channel, facts in (saved and saved.pending_writes) or ():
        if channel == CHANNEL and facts[0] == key:
            yield facts[1]


def _parent_of(namespace: str) -> str:
    return namespace.rpartition(NAMESPACE_SEPARATOR)[0]


def checkpoint_of(config: RunnableConfig | None) -> MarkedCheckpoint | None:
    keys = {} if config is None else config.get("configurable", {})
    saver = keys.get(CHECKPOINTER)
    if not isinstance(saver, BaseCheckpointSaver) or keys.get(DURABILITY) == "exit":
        return None
    checkpoints = keys.get(CHECKPOINT_MAP, {})
    namespace = _parent_of(keys.get(NAMESPACE, ""))  # that of the graph, without the task
    checkpoint_id = checkpoints.get(namespace)
    if checkpoint_id is None:
        return None
    while namespace and checkpoints.get(_parent_of(namespace)) == checkpoint_id:
        namespace = _parent_of(namespace)  # a task inside a node has no checkpoints of its own
    where = {"thread_id": keys["thread_id"], NAMESPACE: namespace, "checkpoint_id": checkpoint_id}
    return MarkedCheckpoint(saver, {"configurable": where})
