"""Waits until the message that calls a tool is saved.

With durability "async", LangGraph saves a checkpoint while the next node already runs. If the tool acts and the process
ends before the checkpoint is saved, the resumed run asks the model again. Its new message has another id, so the
repeated calls have other idempotency keys, and services cannot recognize them.
"""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig

from agent_tools._langgraph.private_names import CALL, PUT_CHECKPOINT, SCHEDULE_TASK

#: Seconds between two checks.
_BETWEEN_LOOKS = 0.0005


def wait_until_saved(config: RunnableConfig | None) -> None:
    """Return once the checkpoints of a run are saved, or have failed to be."""
    while _is_saving(config):
        time.sleep(_BETWEEN_LOOKS)


async def await_until_saved(config: RunnableConfig | None) -> None:
    """Do the same as `wait_until_saved`."""
    while _is_saving(config):  # noqa: ASYNC110  # nothing sets an event
        await asyncio.sleep(_BETWEEN_LOOKS)


def _is_saving(config: RunnableConfig | None) -> bool:
    """Return whether the graph of this run, or one around it, is saving a checkpoint.

    Its future may be of a thread or of any event loop, so it is only asked whether it is done.
    """
    for graph_run in runs_around(config):
        saving = getattr(graph_run, PUT_CHECKPOINT, None)
        if saving is not None and not saving.done():
            return True
    return False


def runs_around(config: RunnableConfig | None) -> Iterator[Any]:  # of PregelLoop, which LangGraph does not export
    """Yield LangGraph's run of the graph of this config, then those of the graphs around it."""
    while isinstance(call := (config or {}).get("configurable", {}).get(CALL), partial):
        graph_run = getattr(call.keywords.get(SCHEDULE_TASK), "__self__", None)
        yield graph_run
        config = getattr(graph_run, "config", None)
