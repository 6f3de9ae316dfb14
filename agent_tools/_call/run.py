"""A tool call from the request to what the model reads.

A call that works needs no `Call`: the tool runs, and its result is checked. A `Call` is created when it fails, is held
back or is wrapped by the user's own wrapper; `stumbled`, loaded only then, does the rest.
"""

import asyncio
from typing import TYPE_CHECKING

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.batch import Batch
from agent_tools._call.current import AsyncExecute, AsyncWrapper, CurrentCall, Execute, Result, Wrapper, current
from agent_tools._call.own_handling import OwnHandling
from agent_tools._call.plain import Brought, approved, fresh, has_own_thread, looked_at
from agent_tools._call.settings import Settings
from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.policy import RetryPolicy
from agent_tools._flow.deadline_timer import deadline_timer_of
from agent_tools._flow.failed import FAILURES, Failed
from agent_tools._langgraph.interrupts import is_resumed
from agent_tools._langgraph.run import has_checkpointer, stops_of

if TYPE_CHECKING:
    from agent_tools._core.stops import Stop, Stops

#: Limits this long or longer are enforced by the timer of the event loop, which costs less.
LONG = 10.0


def run(
    settings: Settings,
    request: ToolCallRequest,
    execute: Execute,
    *,
    around: Wrapper | None = None,
    own: OwnHandling | None = None,
) -> Result:
    """Return what the tool returned, or the answer to its last error; see `ToolErrorHandler.wrap_tool_call`."""
    batch, request, stop = _begin(settings, request)
    if batch is not None:
        batch.restore_limit(request.runtime.config)
    policy = settings.policy_of(request) if settings.per_tool else settings.policy
    is_plain = stop is None and around is None and _is_plain(settings, request, batch, policy)
    brought: Brought | None = None
    started: float | None = None
    if is_plain and policy.attempt_timeout is None:
        started = settings.clock()
        try:
            brought = looked_at(execute(fresh(request)), request, policy)
        except FAILURES as error:
            from agent_tools._call.attempt import failed  # noqa: PLC0415  # loaded when a call does not just work

            brought = failed(error)
        if not isinstance(brought, Failed) and (not settings.gates.by_key or settings.is_calm(request)):
            return brought
    from agent_tools._call.call import Call  # noqa: PLC0415  # as above
    from agent_tools._call.stumbled import ended  # noqa: PLC0415  # as above

    call = Call(settings, request, execute, batch=batch, own=own, stop=stop, started=started)
    try:
        return ended(call, brought, around)
    finally:
        del brought  # its error holds this frame


async def arun(
    settings: Settings,
    request: ToolCallRequest,
    execute: AsyncExecute,
    *,
    around: AsyncWrapper | None = None,
    own: OwnHandling | None = None,
) -> Result:
    """Return the same as `run`; an attempt that meets its time limit is canceled and awaited."""
    batch, request, stop = _begin(settings, request)
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("an async tool call must run inside an asyncio task")
    if batch is not None:
        batch.tasks.append(task)
    policy = settings.policy_of(request) if settings.per_tool else settings.policy
    is_plain = stop is None and around is None and _is_plain(settings, request, batch, policy)
    is_limited = policy.longest_attempt < LONG or (policy.attempt_timeout and has_own_thread(request, policy))
    brought: Brought | None = None
    started, is_late = None, False
    if is_plain and not is_limited and not task.cancelling():
        timer = deadline_timer_of(asyncio.get_running_loop()) if batch is None or batch.timer is None else batch.timer
        started = settings.clock()
        timer.watch(task, policy.longest_attempt)
        try:
            brought = looked_at(await execute(fresh(request)), request, policy)
        except FAILURES as error:
            from agent_tools._call.attempt import failed  # noqa: PLC0415  # loaded when a call does not just work

            brought = failed(error)
        finally:
            is_late = timer.release(task)
        if not isinstance(brought, Failed) and (not settings.gates.by_key or settings.is_calm(request)):
            return brought
    from agent_tools._call.call import Call  # noqa: PLC0415  # as above
    from agent_tools._call.stumbled import aended  # noqa: PLC0415  # as above

    call = Call(settings, request, execute, batch=batch, own=own, task=task, stop=stop, started=started)
    try:
        return await aended(call, brought, around, is_late=is_late)
    finally:
        del brought


# ---- before the first attempt ----


def _begin(settings: Settings, request: ToolCallRequest) -> tuple[Batch | None, ToolCallRequest, "Stop | None"]:
    """Return the batch of a call, the request for its tool, and why it must not be run, None if it may."""
    link, around = settings.gates.link, current.get()
    if link is not None and not link.is_listening:
        link.listen()
    batch = around if isinstance(around, Batch) else None
    current.set(CurrentCall(settings, request))
    call_id = request.tool_call["id"]
    if call_id is None:  # no ToolMessage could answer it
        request = request.override(tool_call={**request.tool_call, "id": ""})
    if batch is None or batch.may_be_resumed:
        request = approved(request, batch)
    elif batch.stops is not None and not batch.stops:  # the usual case: the first call of the batch found none
        return batch, request, None
    stops = {} if settings.loop_guard is None else _stops(settings.loop_guard, request, batch)
    return batch, request, stops.get(call_id)


def _stops(guard: LoopGuard, request: ToolCallRequest, batch: Batch | None) -> "Stops":
    """Return which calls must not be run; the first call of a batch determines it for all."""
    if batch is None:
        # Resume values are there because a human approved this call, or because it was asking when the run paused.
        return {} if is_resumed(getattr(request.runtime, "config", None)) else stops_of(request, guard)
    if batch.stops is None:
        batch.stops = stops_of(request, guard)
    return batch.stops


def _is_plain(settings: Settings, request: ToolCallRequest, batch: Batch | None, policy: RetryPolicy) -> bool:
    """Return whether a call needs no state before it fails."""
    if settings.credentials is not None or policy.verify is not None:  # both note the state before the first attempt
        return False
    if policy.idempotent is False and has_checkpointer(request):  # the same
        return False
    is_calm = not settings.gates.by_key or settings.is_calm(request)
    return is_calm and (batch is None or batch.limit is None)
