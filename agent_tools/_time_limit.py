"""Time limits on one attempt: on what a task awaits, and on what a thread does."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import TypeVar

ResultT = TypeVar("ResultT")

#: Seconds from which on a limit counts as long, and seconds between two looks at the long ones.
_LONG, _TICK = 10.0, 1.0


class StillRunningError(TimeoutError):
    """The time is over, but what ran in a thread cannot be stopped."""


class TimeLimit:
    """`with TimeLimit(seconds):` around an `await`, at a fraction of the price of `asyncio.timeout`.

    Each async attempt runs under one, so its price is paid by every call that works. The rules of
    `asyncio.timeout` hold: the task is canceled and awaited, and only the cancellation of the limit
    itself becomes a `TimeoutError`; one from outside stays what it is. A long limit may end the block up to
    a second early, and never late.
    """

    __slots__ = ("_canceled_before", "_expired", "_seconds", "_task", "_timer", "_watch")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    @property
    def expired(self) -> bool:
        """Whether the time was over before the block ended."""
        return self._expired

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        loop = asyncio.get_running_loop()
        self._task = task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit needs a task that can be canceled")
        self._canceled_before = task.cancelling()
        if self._seconds < _LONG:
            self._timer = loop.call_later(self._seconds, self.expire)
        else:
            self._watch = _watch_of(loop)
            self._watch.add(self, loop.time() + self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task = self._task
        if task is None:
            return
        if self._timer is None:
            self._watch.remove(self)
        else:
            self._timer.cancel()
        self._task = None
        if self._expired and task.uncancel() <= self._canceled_before and kind is asyncio.CancelledError:
            raise TimeoutError from None

    def expire(self) -> None:
        """End the block: its time is over."""
        if self._task is not None and not self._expired:
            self._expired = True
            self._task.cancel()


class _Watch:
    """Looks after the long limits of an event loop with one timer for all of them.

    A timer for each would cost more than all the rest that a call pays for when nothing fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ends_by_limit: dict[TimeLimit, float] = {}
        self._is_ticking = False

    def add(self, limit: TimeLimit, ends: float) -> None:
        self._ends_by_limit[limit] = ends
        if not self._is_ticking:
            self._is_ticking = True
            self.loop.call_later(_TICK, self._tick)

    def remove(self, limit: TimeLimit) -> None:
        self._ends_by_limit.pop(limit, None)

    def _tick(self) -> None:
        soon = self.loop.time() + _TICK
        for limit in [limit for limit, ends in self._ends_by_limit.items() if ends < soon]:
            limit.expire()
        self._is_ticking = bool(self._ends_by_limit)
        if self._is_ticking:
            self.loop.call_later(_TICK, self._tick)


class _Local(threading.local):
    """The watch of the event loop that runs in this thread: looked up twice for each call."""

    watch: _Watch | None = None


_local = _Local()


def _watch_of(loop: asyncio.AbstractEventLoop) -> _Watch:
    watch = _local.watch
    if watch is None or watch.loop is not loop:
        watch = _local.watch = _Watch(loop)
    return watch


def run_within(seconds: float | None, work: Callable[[], ResultT]) -> ResultT:
    """Return what `work` returns or raises in a thread of its own.

    Raises:
        StillRunningError: The time is over; whatever `work` still brings is dropped.
    """
    result: Future[ResultT] = Future()
    context = contextvars.copy_context()

    def deliver() -> None:
        try:
            result.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            result.set_exception(error)

    threading.Thread(target=deliver, daemon=True, name="agent_tools attempt").start()
    if not wait([result], timeout=seconds).done:
        raise StillRunningError
    return result.result()
