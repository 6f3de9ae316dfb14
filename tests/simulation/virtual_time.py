"""An event loop whose clock jumps to the next timer when nothing is ready, so that an hour passes at once.

Whatever waits with `asyncio.sleep`, `asyncio.timeout` or `loop.call_later` runs in it unchanged. Sockets and threads
live in real time, and are refused.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

ResultT = TypeVar("ResultT")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose time begins at 0, and which never waits in real time."""

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
        """Do nothing: only the loop's own thread calls this, while the loop is awake."""


class _Jump(selectors.DefaultSelector):
    """Advances the clock by the time that the loop would wait for events."""

    def __init__(self, let_pass: Callable[[float], None]) -> None:
        super().__init__()
        self._let_pass = let_pass

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Advance the clock, and return no events.

        Raises:
            RuntimeError: Everything waits and no timer is set, so it would wait forever.
        """
        if timeout is None:
            raise RuntimeError("everybody waits, and no timer is set to end that")
        self._let_pass(max(0.0, timeout))
        return []


def run_in_virtual_time(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run `main` in a new loop and return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
