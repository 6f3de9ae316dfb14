"""One timer for the deadlines of all first attempts of an event loop.

One timer per attempt would cost more than everything else a call pays for while nothing fails. The alarms of waiting
calls have another one (`waiting`), which ticks ten times as often, and only while a call waits. If both shared it, each
running call would be checked ten times as often, at 800 instructions a check, to save one wake-up a second.
"""

import asyncio
from weakref import WeakKeyDictionary

from agent_tools._flow.time_limit import withdraw_cancellations

#: Seconds between two checks of all tasks; a task that is due before the next check gets its own timer.
TICK = 1.0


class DeadlineTimer:
    """Cancels each watched task when its time is up, and again every second until it is released."""

    __slots__ = ("_cancels_by_task", "_ends_by_task", "_is_ticking", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_ticking = False
        self._ends_by_task: dict[asyncio.Task[object], float] = {}
        self._cancels_by_task: dict[asyncio.Task[object], int] = {}

    def watch(self, task: "asyncio.Task[object]", seconds: float) -> None:
        """Watch `task`, which nobody has canceled, for this many seconds."""
        self._ends_by_task[task] = self._loop.time() + seconds
        if not self._is_ticking:
            self._is_ticking = True
            self._loop.call_later(TICK, self._tick)

    def release(self, task: "asyncio.Task[object]") -> bool:
        """Stop watching `task`; return whether it was canceled by this timer alone.

        The cancellations of this timer are withdrawn: the task may have swallowed them and finished.
        """
        del self._ends_by_task[task]
        if not self._cancels_by_task:
            return False
        cancels = self._cancels_by_task.pop(task, 0)
        return cancels > 0 and withdraw_cancellations(task, cancels, before=0)

    def _tick(self) -> None:
        now = self._loop.time()
        for task, ends in self._ends_by_task.items():
            if now + TICK > ends:
                self._loop.call_later(ends - now, self._end, task, ends)
        self._is_ticking = bool(self._ends_by_task)
        if self._is_ticking:
            self._loop.call_later(TICK, self._tick)

    def _end(self, task: "asyncio.Task[object]", ends: float) -> None:
        if self._ends_by_task.get(task) == ends:  # else it was released meanwhile
            self._cancels_by_task[task] = self._cancels_by_task.get(task, 0) + 1
            task.cancel()


_timer_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, DeadlineTimer] = WeakKeyDictionary()


def deadline_timer_of(loop: asyncio.AbstractEventLoop) -> DeadlineTimer:
    """Return the timer of an event loop."""
    timer = _timer_by_loop.get(loop)
    if timer is None:
        timer = _timer_by_loop[loop] = DeadlineTimer(loop)
    return timer
