"""Time limits on one attempt: on what a task awaits, and on what a thread does."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import TypeVar

ResultT = TypeVar("ResultT")


#: Seconds that canceled work has to finish before it is canceled again.
AGAIN = 1.0


class StillRunningError(TimeoutError):
    """The time is up, but the work runs in a thread and cannot be stopped."""


class TimeLimit:
    """Cancels what the current task awaits in a `with` block when the time is up.

    Like `asyncio.timeout`, but it cancels more than once: during the first cancellation, a client may wait to close
    its connection to a server that no longer responds.

    Args:
        seconds: Until the first cancellation; None for no limit.

    Raises:
        TimeoutError: The time was up, and nobody else has canceled the task.
    """

    __slots__ = ("_before", "_cancels", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._cancels = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time was up before the end of the block."""
        return self._cancels > 0

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit must be set inside an asyncio task")
        self._before = task.cancelling()
        self._timer = loop.call_later(self._seconds, self._end, loop, task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        if not self._cancels:
            return
        is_ours = withdraw_cancellations(self._task, self._cancels, before=self._before)
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def _end(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Task[object]") -> None:
        self._task = task
        self._cancels += 1
        task.cancel()
        self._timer = loop.call_later(AGAIN, self._end, loop, task)


def withdraw_cancellations(task: "asyncio.Task[object]", cancels: int, *, before: int) -> bool:
    """Withdraw `cancels` cancellations of `task`; return whether no more are left than there were `before`."""
    left = task.cancelling()
    for _ in range(cancels):
        left = task.uncancel()
    return left <= before


def run_within(seconds: float | None, work: Callable[[], ResultT]) -> ResultT:
    """Run `work` in a thread of its own, and return or raise its result.

    Raises:
        StillRunningError: The time is up; the eventual result of `work` is dropped.
        NoThreadError: Too many threads are still running; `work` has not begun.
    """
    result = in_thread(work)
    if not wait([result], timeout=seconds).done:
        raise StillRunningError
    return result.result()


class NoThreadError(Exception):
    """A tool was not run: too many earlier tool runs are still going on."""


#: The most threads for attempts with a time limit; a hanging attempt keeps its thread.
MOST_THREADS = 128

_free_threads = threading.Semaphore(MOST_THREADS)


def in_thread(work: Callable[[], ResultT]) -> Future[ResultT]:
    """Run `work` in a thread of its own, which does not keep the process from ending.

    The event loop's own pool is not used: hanging work there would keep healthy calls from running.

    Raises:
        NoThreadError: Too many threads are still running.
    """
    if not _free_threads.acquire(blocking=False):
        raise NoThreadError
    result: Future[ResultT] = Future()
    result.set_running_or_notify_cancel()  # giving up on the future must not cancel it
    context = contextvars.copy_context()

    def deliver() -> None:
        try:
            result.set_result(context.run(work))
        except StopIteration as error:  # an asyncio future cannot hold it
            result.set_exception(RuntimeError(f"the tool raised {error!r}"))
        except BaseException as error:  # noqa: BLE001  # raised again for the waiting caller
            result.set_exception(error)
        finally:
            _free_threads.release()

    threading.Thread(target=deliver, daemon=True, name="agent_tools attempt").start()
    return result
