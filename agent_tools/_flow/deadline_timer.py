"""One timer that looks after the deadlines of all async calls of an event loop.

A timer for each would cost more than all the rest that a call pays for when nothing fails.
"""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

#: Seconds between two looks; what is watched may end up to so much early, never late.
TICK = 1.0


class HasDeadline(Protocol):
    """What has a deadline: a call, or the calls of a batch."""

    def end_if_late(self, task: "asyncio.Task[object] | None", *, within: float) -> None:
        """End what `task` runs if its time is over `within` so many seconds."""


class DeadlineTimer:
    """Looks after what was added, until it is removed."""

    __slots__ = ("_is_ticking", "_task_by_watched")

    def __init__(self) -> None:
        self._is_ticking = False
        # Not kept in what is watched: a task and what it runs would hold each other, and wait for the GC.
        self._task_by_watched: dict[HasDeadline, asyncio.Task[object] | None] = {}

    def add(self, watched: HasDeadline, task: "asyncio.Task[object] | None" = None) -> None:
        """Look after `watched`, which `task` runs."""
        self._task_by_watched[watched] = task
        if not self._is_ticking:
            self._is_ticking = True
            loop = asyncio.get_running_loop()
            loop.call_later(TICK, self._tick, loop)

    def remove(self, watched: HasDeadline) -> None:
        """Let go of it."""
        del self._task_by_watched[watched]

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        for watched, task in list(self._task_by_watched.items()):
            watched.end_if_late(task, within=TICK)
        self._is_ticking = bool(self._task_by_watched)
        if self._is_ticking:
            loop.call_later(TICK, self._tick, loop)


_watch_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, DeadlineTimer] = WeakKeyDictionary()


def deadline_timer_of(loop: asyncio.AbstractEventLoop) -> DeadlineTimer:
    """Return the watch of an event loop."""
    watch = _watch_by_loop.get(loop)
    if watch is None:
        watch = _watch_by_loop[loop] = DeadlineTimer()
    return watch
