"""Renewing credentials, once for all calls that were refused with the old ones."""

import asyncio
import inspect
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from langchain_core.runnables.config import run_in_executor

from agent_tools._call.listeners import OnAuthFailure, logger
from agent_tools._core.events import ToolEvent
from agent_tools._flow.failed import FAILURES
from agent_tools._flow.time_limit import TimeLimit
from agent_tools._langgraph.errors import is_control_flow


class Credentials:
    """Calls `on_auth_failure` for one call of a tool at a time; the calls that waited share its success.

    Raises:
        TypeError: It is not a function.
    """

    def __init__(self, on_auth_failure: OnAuthFailure) -> None:
        if not callable(on_auth_failure):
            raise TypeError(f"on_auth_failure must be a function or None, not {on_auth_failure!r}")
        self._on_auth_failure = on_auth_failure
        self._renewals: Counter[str] = Counter()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._async_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[str, asyncio.Lock]]
        self._async_locks = WeakKeyDictionary()

    def renewals(self, tool: str) -> int:
        """Return how often the credentials of `tool` were renewed, to identify those an attempt begins with."""
        return self._renewals[tool]

    def renew(self, event: ToolEvent, *, seen: int) -> bool:
        """Return whether there are newer credentials than the ones `seen` by the refused attempt."""
        with self._locks[event.tool]:
            return self._renewals[event.tool] != seen or self._noted(event, self._asked(event))

    async def arenew(self, event: ToolEvent, *, seen: int) -> bool:
        """Return the same as `renew`; a function that is not async runs in a thread."""
        locks = self._async_locks.setdefault(asyncio.get_running_loop(), defaultdict(asyncio.Lock))
        async with locks[event.tool]:
            return self._renewals[event.tool] != seen or self._noted(event, await self._aasked(event))

    def _asked(self, event: ToolEvent) -> bool:
        try:
            returned = self._on_auth_failure(event)
        except FAILURES as error:
            return _not_renewed(error)
        if not inspect.isawaitable(returned):
            return bool(returned)
        if inspect.iscoroutine(returned):
            returned.close()  # it never started
        raise TypeError("on_auth_failure must be a sync function in a sync run, not an async one")

    async def _aasked(self, event: ToolEvent) -> bool:
        try:
            if inspect.iscoroutinefunction(self._on_auth_failure):
                return bool(await self._on_auth_failure(event))
            returned = await run_in_executor(None, self._on_auth_failure, event)
            return bool(await returned if inspect.isawaitable(returned) else returned)  # an async object or lambda
        except FAILURES as error:
            if is_control_flow(error):
                raise
            return _not_renewed(error)

    def _noted(self, event: ToolEvent, renewed: bool) -> bool:  # noqa: FBT001  # the result of the renewal
        self._renewals[event.tool] += renewed
        return renewed


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Renew the credentials of a call that was refused, a step of its flow.

    Attributes:
        credentials: The tool's.
        event: The refusal.
        seen: How often they had been renewed when the refused attempt began.
        within: Seconds that an async renewal may take; None for no limit.
    """

    credentials: Credentials
    event: ToolEvent
    seen: int
    within: float | None

    def do(self) -> bool:
        """Return whether there are newer ones."""
        return self.credentials.renew(self.event, seen=self.seen)

    async def ado(self) -> bool:
        """Return the same as `do`; a renewal that is late counts as failed."""
        try:
            with TimeLimit(self.within):
                return await self.credentials.arenew(self.event, seen=self.seen)
        except TimeoutError:
            return False


def _not_renewed(error: BaseException) -> bool:
    logger.warning("on_auth_failure raised %s; the credentials count as not renewed", type(error).__name__)
    return False
