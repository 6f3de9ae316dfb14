"""The calls of one message that run at the same time, as one node runs them.

Two things go wrong with them when one interrupts the run to ask a human. `asyncio.gather` lets the others
go on as orphans, acting after the run has stopped, with nobody to take their results: so they come to
their end first. And after the answer LangGraph runs all of them again: so, in a run that was resumed, they take
turns in the order of the message, which is the order in which humans are asked. None acts after the one that stops
the run.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from itertools import takewhile
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp, GraphInterrupt

from agent_tools._core.loop_guard import Stops
from agent_tools._flow.deadline_timer import deadline_timer_of
from agent_tools._langgraph.questions import first_questions, recorded_questions

#: One for all batches: a lock for each would cost those that never take turns.
_taking_turns = threading.Lock()


class Batch:
    """The calls of one run of a node.

    Args:
        call_ids: Returns the ids of the calls in the order of the message; asked only when somebody interrupts.
        config: What LangGraph runs the node with; its `max_concurrency` limits the calls that run at the same time.
        resumed: Whether a human has answered an interrupt of this run of the node.
        loop: The event loop of an async run, whose deadlines are looked after; None for a sync run.

    Attributes:
        limit: How many calls may run at the same time; None for all.
        slots: What an attempt of a sync call holds, and a call that waits does not; None for no limit.
        aslots: The same for async calls.
        tasks: Those that run the async calls; they add themselves.
        timer: Looks after the deadlines of async calls; None in a sync run.
        stops: The calls that are not to be run; None as long as nobody has looked.
        questions: Whose questions were answered, in a run that was resumed; None where that is not known.
    """

    __slots__ = (
        "_call_ids",
        "_config",
        "_ended_by_id",
        "_held",
        "_settling",
        "aslots",
        "limit",
        "questions",
        "resumed",
        "slots",
        "stops",
        "tasks",
        "timer",
    )

    def __init__(
        self,
        call_ids: Callable[[], Sequence[str]],
        *,
        config: RunnableConfig | None,
        resumed: bool,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._call_ids = call_ids
        self._config = config
        self.resumed = resumed
        self.questions = recorded_questions(config) if resumed else None
        limit = self.limit = None if config is None else config.get("max_concurrency")
        self.slots = None if limit is None else threading.Semaphore(limit)
        self.aslots = None if limit is None else asyncio.Semaphore(limit)
        self.tasks: list[asyncio.Task[Any]] = []
        self.stops: Stops | None = None
        self._settling: list[asyncio.Task[object] | None] = []
        self._held: dict[str, BaseException] = {}
        self._ended_by_id: dict[str, Future[bool]] | None = None
        self.timer = None if loop is None else deadline_timer_of(loop)

    @property
    def is_plain(self) -> bool:
        """Whether its calls may run as they come."""
        return self.limit is None and not self.resumed

    def close(self) -> None:
        """Let go of the tasks, which hold this: the node has run."""
        self.tasks.clear()

    def restore_limit(self, config: RunnableConfig) -> None:
        """Show a call of a sync run the limit of the user again, which the node has replaced for its threads."""
        if self.limit is not None:
            config["max_concurrency"] = self.limit
        else:
            config.pop("max_concurrency", None)

    def hold(self, call_id: str, error: BaseException) -> None:
        """Remember with which error of its own a call ended."""
        self._held.setdefault(call_id, error)

    def interrupted(self, error: GraphInterrupt) -> None:
        """Keep whose question stops the run, where the answer might go to another call."""
        questions = self.questions if self.resumed else first_questions(self._config)
        asking = [call for call, held in self._held.items() if held is error]
        self._held.clear()  # errors hold their frames, and these hold this
        if questions is not None and asking and len(self._call_ids()) > 1:
            questions.asked(asking[0], error)

    async def settled(self, call_id: str, error: BaseException, *, by: "asyncio.Task[object] | None") -> BaseException:
        """Wait until all other calls than that of task `by` have ended, and return the error to stop the run with.

        That is the one of the first call in the order of the message, whoever was faster.
        """
        self.hold(call_id, error)
        self._settling.append(by)
        await asyncio.sleep(0)  # calls that have not even begun yet do so now
        while working := [task for task in self.tasks if not task.done() and task not in self._settling]:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        return next((self._held[each] for each in self._call_ids() if each in self._held), error)

    @contextmanager
    def turn(self, call_id: str) -> Iterator[None]:
        """Hold a call back until the calls before it have ended."""
        ended_by_id = self._turns()
        for earlier in takewhile(lambda each: each != call_id, ended_by_id):
            _go_on(ended_by_id[earlier].result())
        with _ending(ended_by_id.get(call_id)):
            yield

    @asynccontextmanager
    async def aturn(self, call_id: str) -> AsyncIterator[None]:
        """Do the same as `turn`."""
        ended_by_id = self._turns()
        for earlier in takewhile(lambda each: each != call_id, ended_by_id):
            # Shielded: a wait that is canceled would cancel the turn that it waits for.
            _go_on(await asyncio.shield(asyncio.wrap_future(ended_by_id[earlier])))
        with _ending(ended_by_id.get(call_id)):
            yield

    def _turns(self) -> dict[str, Future[bool]]:
        with _taking_turns:
            if self._ended_by_id is None:
                self._ended_by_id = {each: Future() for each in self._call_ids()}
            return self._ended_by_id


def _go_on(finished: bool) -> None:  # noqa: FBT001  # what the call before has said
    if not finished:  # it has stopped the run, so this call is not to act: it gets its turn after the answer
        raise GraphBubbleUp


@contextmanager
def _ending(ended: "Future[bool] | None") -> Iterator[None]:
    finished = False
    try:
        yield
        finished = True
    finally:
        if ended is not None and not ended.done():  # calls of one message may have one id
            ended.set_result(finished)
