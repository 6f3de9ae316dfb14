"""Every wait of this package: `pause` and `apause`, and the switch that makes them instant.

Nothing else here may sleep between two attempts, so that one switch reaches every wait. The switch is
process-wide on purpose: a context variable would not follow a call into the threads of a tool node.
"""

import asyncio
import threading
import time

_lock = threading.Lock()
_recorders: tuple[list[float], ...] = ()


def pause(seconds: float) -> None:
    """Wait `seconds`, or not at all while waits are skipped."""
    if not _is_skipped(seconds):
        time.sleep(seconds)


async def apause(seconds: float) -> None:
    """Wait `seconds` on the event loop, or for one turn of it while waits are skipped."""
    await asyncio.sleep(0 if _is_skipped(seconds) else seconds)


def skip_waits() -> list[float]:
    """Return a list that collects the seconds of every wait, all skipped, until `resume_waits`.

    Waits stay skipped until each list was handed back, in any order and from any thread.
    """
    global _recorders  # noqa: PLW0603 - the process-wide switch itself
    recorder: list[float] = []
    with _lock:
        _recorders = (*_recorders, recorder)
    return recorder


def resume_waits(recorder: list[float]) -> None:
    """Stop collecting into `recorder`, a list that `skip_waits` returned."""
    global _recorders  # noqa: PLW0603 - see skip_waits
    with _lock:
        # By identity: two recorders that saw the same waits are equal lists.
        _recorders = tuple(other for other in _recorders if other is not recorder)


def _is_skipped(seconds: float) -> bool:
    """Tell whether waits are skipped, and let every recorder know of this one."""
    recorders = _recorders
    for recorder in recorders:
        recorder.append(seconds)
    return bool(recorders)
