"""Waiting until the message that calls a tool is saved.

With durability "async" LangGraph saves a checkpoint while the next node runs. A tool that acts before it is saved, in a
process that ends then, has done what no checkpoint knows of: the resumed run asks the model anew, whose message has
another id, and so its calls have other idempotency keys.
"""

import asyncio
import time
from functools import partial

from langchain_core.runnables import RunnableConfig

from agent_tools._langgraph.private_names import CALL, PUT_CHECKPOINT, SCHEDULE_TASK

#: Seconds between two looks.
_BETWEEN_LOOKS = 0.0005


def wait_until_saved(config: RunnableConfig | None) -> None:
    """Return once the checkpoints that a run goes on from are saved, or cannot be."""
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
    while isinstance(call := (config or {}).get("configurable", {}).get(CALL), partial):
        graph_run = getattr(call.keywords.get(SCHEDULE_TASK), "__self__", None)
        saving = getattr(graph_run, PUT_CHECKPOINT, None)
        if saving is not None and not saving.done():
            return True
        config = getattr(graph_run, "config", None)
    return False
