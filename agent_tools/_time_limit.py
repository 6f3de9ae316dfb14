"""Time limits on one attempt: on what a task awaits, and on what a thread does."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

ResultT = TypeVar("ResultT")


class StillRunningError(TimeoutError):
    """The time is over, but what ran in a thread cannot be stopped."""


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
