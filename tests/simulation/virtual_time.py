"""An event loop whose clock jumps to the next timer when nothing is ready: an hour passes in no time.

Whatever waits with `asyncio.sleep`, `asyncio.timeout` or `loop.call_later` runs in it unchanged. Sockets and threads
have a time of their own and are refused.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

ResultT = TypeVar("ResultT")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that begins at 0 and never waits for anything real."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jump(self._pass))

    def time(self) -> float:
        """Return the virtual seconds that have passed."""
        return self._now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]  # it is refused
        """Refuse: a thread would go on in real time.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"{func!r} wants a thread, but only the loop knows virtual time")

    def _pass(self, seconds: float) -> None:
        self._now += seconds

    def _write_to_self(self) -> None:
        """Wake nobody: what calls the loop is in its own thread, and the loop is awake."""


class _Jump(selectors.DefaultSelector):
    """Lets the time pass that the loop would have waited for events."""

    def __init__(self, let_pass: Callable[[float], None]) -> None:
        super().__init__()
        self._let_pass = let_pass

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return no event, later.

        Raises:
            RuntimeError: Everybody waits and no timer is set: it would be for ever.
        """
        if timeout is None:
            raise RuntimeError("everybody waits, and no timer is set to end that")
        self._let_pass(max(0.0, timeout))
        return []


def run_in_virtual_time(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return what `main` returns, in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
