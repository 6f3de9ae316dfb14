"""The calls of one message that run at the same time, as one node runs them.

When one of them interrupts the run, the others must come to their end first: `asyncio.gather` would let
them go on as orphans, acting after the run has stopped, with nobody to take their results.
"""

import asyncio
from contextvars import ContextVar
from typing import Self


class Batch:
    """`with batch:` around a call counts it among those that are at work."""

    __slots__ = ("_settled", "_working")

    def __init__(self) -> None:
        self._working = 0
        self._settled: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._working += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._working -= 1
        if self._working == 0 and self._settled is not None:
            self._settled.set()

    async def settle(self) -> None:
        """Wait until no call works; one that waits here does not."""
        await asyncio.sleep(0)  # calls that have not even begun yet do so now
        if self._settled is None:
            self._settled = asyncio.Event()
        self.__exit__()
        try:
            while self._working > 0:
                self._settled.clear()
                await self._settled.wait()
        finally:
            self.__enter__()


#: The batch that the running node opened; None where the handler is used without our node.
current_batch: ContextVar[Batch | None] = ContextVar("agent_tools_batch", default=None)
