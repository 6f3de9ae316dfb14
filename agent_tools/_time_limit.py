"""A time limit on what a task awaits, at half the price of `asyncio.timeout`.

Each async attempt runs under one, so its price is paid by every call that works. The rules of
`asyncio.timeout` hold: the task is canceled and awaited, and only the cancellation of the limit itself
becomes a `TimeoutError`; one from outside stays what it is.
"""

import asyncio
from types import TracebackType


class TimeLimit:
    """`with TimeLimit(seconds):` around an `await`; None for no limit."""

    __slots__ = ("_canceled_before", "_expired", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._task: asyncio.Task[object] | None = None
        self._expired = False

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        loop = asyncio.get_running_loop()
        self._task = task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit needs a task that can be canceled")
        self._canceled_before = task.cancelling()
        self._timer = loop.call_later(self._seconds, self._expire, task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task is None:
            return
        self._timer.cancel()
        task, self._task = self._task, None
        if self._expired and task.uncancel() <= self._canceled_before and kind is asyncio.CancelledError:
            raise TimeoutError from None

    def _expire(self, task: asyncio.Task[object]) -> None:
        self._expired = True
        task.cancel()
