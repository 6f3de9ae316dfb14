"""The calls of one message that run at the same time, as one node runs them.

Two things go wrong with them when one interrupts the run to ask a human. `asyncio.gather` lets the others
go on as orphans, acting after the run has stopped, with nobody to take their results: so they come to
their end first. And after the answer LangGraph runs all of them again and hands the answers out to whoever asks
first: so, in a run that was resumed, they take turns in the order of the message, which is also the order in
which humans are asked.

One timer looks after the deadlines of all of them: a timer for each would cost more than all the rest that a
call pays for when nothing fails.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from itertools import takewhile
from typing import Protocol
from weakref import WeakKeyDictionary

from langgraph.errors import GraphBubbleUp

#: Seconds between two looks at the deadlines of the calls; none ends later than it may.
TICK = 1.0


class Member(Protocol):
    """What a batch wants to know of a call."""

    task: asyncio.Task[object] | None

    def end_if_late(self, *, within: float) -> None:
        """End the attempt if its time is over `within` so many seconds."""


class Batch:
    """The calls of one run of a node.

    Args:
        call_ids: Returns the ids of the calls in the order of the message; asked only when somebody interrupts.
        resumed: Whether a human has answered an interrupt of this run of the node.
        limit: Calls that may run at the same time, `max_concurrency` of the run's config; None for all.
        loop: The event loop of an async run, whose deadlines are looked after; None for a sync run.

    Attributes:
        limit: As given.
        slots: What an attempt of a sync call holds, and a call that waits does not; None for no limit.
        aslots: The same for async calls.
        members: The async calls of this batch; they add themselves.
    """

    __slots__ = (
        "_call_ids",
        "_ended_by_id",
        "_held",
        "_lock",
        "_settling",
        "_timer",
        "aslots",
        "limit",
        "loop",
        "members",
        "resumed",
        "slots",
    )

    def __init__(
        self,
        call_ids: Callable[[], Sequence[str]],
        *,
        resumed: bool,
        limit: int | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._call_ids = call_ids
        self.resumed = resumed
        self.loop = loop
        self.limit = limit
        self.slots = None if limit is None else threading.Semaphore(limit)
        self.aslots = None if limit is None else asyncio.Semaphore(limit)
        self.members: list[Member] = []
        self._settling: list[asyncio.Task[object] | None] = []
        self._held: dict[str, BaseException] = {}
        self._lock = threading.Lock()
        self._ended_by_id: dict[str, Future[bool]] | None = None
        self._timer = None if loop is None else loop.call_later(TICK, self._tick, loop)

    def close(self) -> None:
        """Let go of everything: the node has run. Calls, tasks and this hold each other, and would wait for the GC."""
        if self._timer is not None:
            self._timer.cancel()
        for member in self.members:
            member.task = None
        self.members.clear()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(TICK, self._tick, loop)
        for member in self.members:
            member.end_if_late(within=TICK)

    async def settled(self, call_id: str, error: BaseException) -> BaseException:
        """Wait until all other calls have ended, and return the error to stop the run with.

        That is the one of the first call in the order of the message, whoever was faster.
        """
        self._held[call_id] = error
        self._settling.append(asyncio.current_task())
        await asyncio.sleep(0)  # calls that have not even begun yet do so now
        while working := [task for task in self._tasks() if not task.done() and task not in self._settling]:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        return next((self._held[each] for each in self._call_ids() if each in self._held), error)

    def _tasks(self) -> list[asyncio.Task[object]]:
        return [member.task for member in self.members if member.task is not None]

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
        with self._lock:
            if self._ended_by_id is None:
                self._ended_by_id = {each: Future() for each in self._call_ids()}
            return self._ended_by_id


class Watch:
    """Looks after the deadlines of async calls that no node of ours runs: one timer for all of an event loop."""

    __slots__ = ("_is_ticking", "_task_by_member")

    def __init__(self) -> None:
        self._task_by_member: dict[Member, asyncio.Task[object] | None] = {}
        self._is_ticking = False

    def add(self, member: Member) -> None:
        """Look after `member`, which the current task runs."""
        loop = asyncio.get_running_loop()
        self._task_by_member[member] = asyncio.current_task(loop)
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(TICK, self._tick, loop)

    def remove(self, member: Member) -> None:
        """Let go of it."""
        del self._task_by_member[member]

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        for member, task in self._task_by_member.items():
            member.task = task  # not before it takes long: the two would hold each other, and wait for the GC
            member.end_if_late(within=TICK)
        self._is_ticking = bool(self._task_by_member)
        if self._is_ticking:
            loop.call_later(TICK, self._tick, loop)


_watch_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def running_watch() -> Watch:
    """Return the watch of the event loop that runs."""
    loop = asyncio.get_running_loop()
    watch = _watch_by_loop.get(loop)
    if watch is None:
        watch = _watch_by_loop[loop] = Watch()
    return watch


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
        if ended is not None:
            ended.set_result(finished)
