"""One attempt of a call: its slot, its time limit and its result."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.tools import StructuredTool, Tool
from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.call import Call
from agent_tools._call.current import Result
from agent_tools._call.plain import Brought, fresh, has_own_thread, looked_at
from agent_tools._flow.failed import FAILURES, Failed
from agent_tools._flow.time_limit import StillRunningError, TimeLimit, run_within
from agent_tools._langgraph.clean_errors import original_of
from agent_tools._langgraph.errors import bubbled
from agent_tools._langgraph.run import runs_in_thread
from agent_tools._langgraph.tool_proxy import ThreadedTool


@dataclass(frozen=True, slots=True)
class ToolAttempt:
    """Run the tool of `call` once, a step of its flow."""

    call: Call

    def do(self) -> Brought:
        """Return the result, or `Failed`."""
        call, batch = self.call, self.call.batch
        try:
            with nullcontext() if batch is None or batch.slots is None else batch.slots:
                call.begin_attempt()
                result = self._within_time()
        except FAILURES as error:
            return failed(error)
        return looked_at(result, call.request, call.policy)

    def _within_time(self) -> Result:
        call = self.call
        work: Callable[[], Result] = partial(call.execute, fresh(call.request))
        return work() if call.policy.attempt_timeout is None else run_within(call.time_left(), work)

    async def ado(self) -> Brought:
        """Return the same as `do`; an attempt that meets its time limit is canceled and awaited."""
        # Two steps, so that a call that waits for others to end holds no slot.
        return await stopped(self.call, await self._ado())

    async def _ado(self) -> Brought:
        call, batch, limit = self.call, self.call.batch, None
        try:
            async with nullcontext() if batch is None or batch.aslots is None else batch.aslots:
                call.begin_attempt()
                limit = TimeLimit(call.time_left())
                with limit:
                    result = await call.execute(fresh(_in_own_thread(call)))
        except FAILURES as error:
            return timed_out(failed(error), call.request, is_late=limit is not None and limit.is_over)
        return looked_at(result, call.request, call.policy)


def _in_own_thread(call: Call) -> ToolCallRequest:
    if not has_own_thread(call.request, call.policy) or not isinstance(call.request.tool, StructuredTool | Tool):
        return call.request
    threaded: Any = ThreadedTool(call.request.tool)  # a proxy of the tool
    return call.request.override(tool=threaded)


def failed(error: BaseException) -> Failed:
    """Return the record of an attempt that ended with `error`."""
    return Failed(bubbled(original_of(error)))


def timed_out(brought: Failed, request: ToolCallRequest, *, is_late: bool) -> Failed:
    """Return the record of an attempt that was too late; a thread goes on, canceled or not."""
    if is_late and isinstance(brought.error, TimeoutError) and runs_in_thread(request.tool):
        return Failed(StillRunningError())
    return brought


async def stopped(call: Call, brought: Brought) -> Brought:
    """Return what an attempt `brought`. If that stops the run, wait for the other calls of the batch first."""
    if isinstance(brought, Failed) and isinstance(brought.error, GraphBubbleUp):
        return Failed(await call.stopping(brought.error))
    return brought
