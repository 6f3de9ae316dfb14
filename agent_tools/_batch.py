"""The calls of one message that run at the same time, as one node runs them.

Two things go wrong with them when one interrupts the run to ask a human. `asyncio.gather` lets the others
go on as orphans, acting after the run has stopped, with nobody to take their results: so they come to
their end first. And after the answer LangGraph runs all of them again and hands the answers out to whoever asks
first: so, in a run that was resumed, they take turns in the order of the message, which is also the order in
which humans are asked.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from itertools import takewhile

from langgraph.errors import GraphBubbleUp


class Batch:
    """The calls of one run of a node.

    Args:
        call_ids: Returns the ids of the calls in the order of the message; asked only when somebody interrupts.
    """

    __slots__ = ("_call_ids", "_ended_by_id", "_held", "_lock", "_settling", "_tasks")

    def __init__(self, call_ids: Callable[[], Sequence[str]]) -> None:
        self._call_ids = call_ids
        self._tasks: list[asyncio.Task[object] | None] = []
        self._settling: list[asyncio.Task[object] | None] = []
        self._held: dict[str, BaseException] = {}
        self._lock = threading.Lock()
        self._ended_by_id: dict[str, Future[bool]] | None = None

    def join(self) -> None:
        """Count the running task, which is one call, as one of the batch."""
        self._tasks.append(asyncio.current_task())

    async def settled(self, call_id: str, error: BaseException) -> BaseException:
        """Wait until all other calls have ended, and return the error to stop the run with.

        That is the one of the first call in the order of the message, whoever was faster.
        """
        self._held[call_id] = error
        self._settling.append(asyncio.current_task())
        await asyncio.sleep(0)  # calls that have not even begun yet do so now
        while working := [task for task in self._tasks if task and not task.done() and task not in self._settling]:
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
            _go_on(await asyncio.wrap_future(ended_by_id[earlier]))
        with _ending(ended_by_id.get(call_id)):
            yield

    def _turns(self) -> dict[str, Future[bool]]:
        with self._lock:
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
        if ended is not None:
            ended.set_result(finished)


_opened: ContextVar[Batch | None] = ContextVar("agent_tools_batch", default=None)


def open_batch(call_ids: Callable[[], Sequence[str]]) -> None:
    """Begin the batch of the calls that a node is about to run in this context."""
    _opened.set(Batch(call_ids))


def enter_batch() -> Batch | None:
    """Return the batch that a call of this context belongs to, None where no node of ours runs it.

    What its tool runs, other agents included, does not belong to it: waiting for each other, the call and
    the ones inside it would never end.
    """
    batch = _opened.get()
    if batch is not None:
        _opened.set(None)
    return batch
