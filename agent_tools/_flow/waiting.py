"""Every wait of this package: `pause` and `apause`, and the switch that makes them instant.

Nothing else here may sleep between two attempts, so that one switch reaches every wait. The switch is
process-wide on purpose: a context variable would not follow a call into the threads of a tool node.

A wait can be cut short: `alarm` is called about every tenth of a second, and when it returns True the wait ends.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

Alarm = Callable[[], bool]

#: Seconds between two checks of an alarm.
TICK = 0.1

_lock = threading.Lock()
_recorders: tuple[list[float], ...] = ()


def pause(seconds: float, alarm: Alarm | None = None) -> bool:
    """Wait `seconds`, or not at all while waits are skipped; return False when the alarm cut it short."""
    if _is_skipped(seconds):
        return True
    ends = time.monotonic() + seconds
    while alarm is not None and (left := ends - time.monotonic()) > TICK:
        if alarm():
            return False
        time.sleep(min(TICK, left))
    time.sleep(max(0.0, ends - time.monotonic()))
    return True


def apause(seconds: float, alarm: Alarm | None = None) -> Awaitable[bool]:
    """Return an awaitable that waits `seconds`, or one turn of the event loop while waits are skipped; see `pause`.

    It is not a coroutine: ten thousand waiting calls would keep ten thousand frames alive.
    """
    if _is_skipped(seconds):
        seconds = 0
    if alarm is None or seconds <= TICK:
        return asyncio.sleep(seconds, result=True)
    loop = asyncio.get_running_loop()
    ticker = _ticker_by_loop.get(loop)
    if ticker is None:
        ticker = _ticker_by_loop[loop] = _Ticker()
    return ticker.wait(loop, seconds, alarm)


class _Ticker:
    """Checks the alarms of all waits of an event loop with a single timer."""

    def __init__(self) -> None:
        self._is_ticking = False
        self._waits: dict[asyncio.Future[bool], tuple[Alarm, asyncio.TimerHandle]] = {}

    def wait(self, loop: asyncio.AbstractEventLoop, seconds: float, alarm: Alarm) -> asyncio.Future[bool]:
        ended: asyncio.Future[bool] = loop.create_future()
        ended.add_done_callback(self._forget)
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(TICK, self._tick, loop)
        self._waits[ended] = alarm, loop.call_later(seconds, _end, ended, True)  # noqa: FBT003  # the result
        return ended

    def _forget(self, ended: asyncio.Future[bool]) -> None:
        _, timer = self._waits.pop(ended)
        timer.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        for ended, (alarm, _) in list(self._waits.items()):
            if alarm():
                _end(ended, False)  # noqa: FBT003
        self._is_ticking = bool(self._waits)
        if self._is_ticking:
            loop.call_later(TICK, self._tick, loop)


_ticker_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Ticker] = WeakKeyDictionary()


def _end(ended: asyncio.Future[bool], result: bool) -> None:  # noqa: FBT001  # the result of the wait
    if not ended.done():
        ended.set_result(result)


def skip_waits() -> list[float]:
    """Return a list that collects the seconds of every wait, all skipped, until `resume_waits`.

    Waits stay skipped until each list has been returned to `resume_waits`, in any order and from any thread.
    """
    global _recorders  # noqa: PLW0603  # the process-wide switch itself
    recorder: list[float] = []
    with _lock:
        _recorders = (*_recorders, recorder)
    return recorder


def resume_waits(recorder: list[float]) -> None:
    """Stop collecting into `recorder`, a list that `skip_waits` returned."""
    global _recorders  # noqa: PLW0603  # see skip_waits
    with _lock:
        # By identity: two recorders that saw the same waits are equal lists.
        _recorders = tuple(other for other in _recorders if other is not recorder)


def _is_skipped(seconds: float) -> bool:
    """Return whether waits are skipped, and add this one to every recorder."""
    recorders = _recorders
    for recorder in recorders:
        recorder.append(seconds)
    return bool(recorders)
