"""The calls of one message, which a node runs at the same time."""

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig

from agent_tools._flow.deadline_timer import deadline_timer_of

if TYPE_CHECKING:
    from agent_tools._core.stops import Stops
    from agent_tools._langgraph.recorder import Recorder


class Batch:
    """The calls of one run of a node.

    Args:
        config: The node's config; its `max_concurrency` limits how many calls run at the same time.
        loop: The event loop of an async run, on which deadlines are enforced; None for a sync run.
        recorder: Runs each call as a task; None where they are not recorded.
        may_be_resumed: Whether resume values may be waiting for a call.

    Attributes:
        limit: How many calls may run at the same time; None for all.
        slots: Held by each attempt of a sync call, but not by a call that waits; None for no limit.
        aslots: The same for async calls.
        tasks: The tasks that run the async calls; they add themselves.
        timer: Enforces the deadlines of async calls; None in a sync run.
        stops: The calls that must not be run; None until the first call has checked.
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
        """Release the tasks when the node has run: they refer to this batch."""
        self.tasks.clear()
        self._stopping.clear()

    def restore_limit(self, config: RunnableConfig) -> None:
        """Restore the user's limit in the config of a sync call: the node has replaced it by a limit on threads."""
        if self.limit is not None:
            config["max_concurrency"] = self.limit
        else:
            config.pop("max_concurrency", None)

    async def stopped_with(self, error: BaseException, *, by: "asyncio.Task[Any] | None") -> BaseException:
        """Return the error to stop the run with, once the other calls have ended: `gather` would leave them as orphans.

        It is the error of the first failed call in message order, not of the fastest.
        """
        if by is None:
            return error
        self._stopping[by] = error
        await asyncio.sleep(0)  # let calls that have not begun yet begin
        while working := [task for task in self.tasks if not task.done() and task not in self._stopping]:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        return next(self._stopping[task] for task in self.tasks if task in self._stopping)
