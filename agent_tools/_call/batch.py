"""The calls of one message that run at the same time, as one node runs them."""

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig

from agent_tools._core.loop_guard import Stops
from agent_tools._flow.deadline_timer import deadline_timer_of

if TYPE_CHECKING:
    from agent_tools._langgraph.recorder import Recorder


class Batch:
    """The calls of one run of a node.

    Args:
        config: What LangGraph runs the node with; its `max_concurrency` limits the calls that run at the same time.
        loop: The event loop of an async run, whose deadlines are looked after; None for a sync run.
        recorder: Runs each call as a task; None where they are not recorded.
        may_be_resumed: Whether resume values may wait for a call.

    Attributes:
        limit: How many calls may run at the same time; None for all.
        slots: What an attempt of a sync call holds, and a call that waits does not; None for no limit.
        aslots: The same for async calls.
        tasks: Those that run the async calls; they add themselves.
        timer: Looks after the deadlines of async calls; None in a sync run.
        stops: The calls that are not to be run; None as long as nobody has looked.
        may_be_resumed: As above.
        recorder: As above.
    """

    __slots__ = ("_stopping", "aslots", "limit", "may_be_resumed", "recorder", "slots", "stops", "tasks", "timer")

    def __init__(
        self,
        config: RunnableConfig,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        recorder: "Recorder | None" = None,
        may_be_resumed: bool = True,
    ) -> None:
        limit = self.limit = config.get("max_concurrency")
        self.slots = None if limit is None else threading.Semaphore(limit)
        self.aslots = None if limit is None else asyncio.Semaphore(limit)
        self.tasks: list[asyncio.Task[Any]] = []
        self.timer = None if loop is None else deadline_timer_of(loop)
        self.stops: Stops | None = None
        self.recorder = recorder
        self.may_be_resumed = may_be_resumed
        self._stopping: dict[asyncio.Task[Any], BaseException] = {}

    def close(self) -> None:
        """Let go of the tasks, which hold this: the node has run."""
        self.tasks.clear()
        self._stopping.clear()

    def restore_limit(self, config: RunnableConfig) -> None:
        """Show a call of a sync run the limit of the user again, which the node has replaced for its threads."""
        if self.limit is not None:
            config["max_concurrency"] = self.limit
        else:
            config.pop("max_concurrency", None)

    async def stopped_with(self, error: BaseException, *, by: "asyncio.Task[Any] | None") -> BaseException:
        """Return the error to stop the run with, once the other calls have ended: `gather` would leave them as orphans.

        That is the one of the first call in the order of the message, whoever was faster.
        """
        if by is None:
            return error
        self._stopping[by] = error
        await asyncio.sleep(0)  # calls that have not even begun yet do so now
        while working := [task for task in self.tasks if not task.done() and task not in self._stopping]:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        return next(self._stopping[task] for task in self.tasks if task in self._stopping)
