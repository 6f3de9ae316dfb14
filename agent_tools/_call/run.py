"""A tool call from the request to what the model reads.

A call that works is no object: the tool is run, its result is looked at, and that is all. A `Call` is made when it has
failed, is held back or resumed, or when a wrapper of the user's goes around it; `recovery` does the rest.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.answers import answer
from agent_tools._call.attempt import failed, fresh, has_own_thread, looked_at, stopped, timed_out
from agent_tools._call.batch import Batch
from agent_tools._call.call import AsyncExecute, Call, CurrentCall, Execute, current
from agent_tools._call.recovery import Ended, GivenUp, recovery
from agent_tools._call.returned import Result
from agent_tools._call.settings import OwnHandling, Settings
from agent_tools._core.loop_guard import Stop
from agent_tools._core.policy import RetryPolicy
from agent_tools._flow.deadline_timer import deadline_timer_of
from agent_tools._flow.steps import FAILURES, Failed, aperform, perform
from agent_tools._langgraph.errors import bubbled
from agent_tools._langgraph.interrupts import is_resumed, with_approvals
from agent_tools._langgraph.run import stops_of
from agent_tools._langgraph.tool_proxy import WatchedTool

Wrapper = Callable[[ToolCallRequest, Execute], Result]
AsyncWrapper = Callable[[ToolCallRequest, AsyncExecute], Awaitable[Result]]

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
    if not is_plain or policy.attempt_timeout is not None:
        return _run_all(Call(settings, request, execute, batch=batch, own=own, stop=stop), around)
    started = settings.clock()
    try:
        brought = looked_at(execute(fresh(request)), request, policy)
    except FAILURES as error:
        brought = failed(error)
    if not isinstance(brought, Failed) and (not settings.gates.by_key or settings.is_calm(request)):
        return brought
    call = Call(settings, request, execute, batch=batch, own=own, started=started)
    try:
        return _answered(call, perform(recovery(call, brought)))
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
        raise RuntimeError("an async tool call needs a task")
    if batch is not None:
        batch.tasks.append(task)
    policy = settings.policy_of(request) if settings.per_tool else settings.policy
    is_plain = stop is None and around is None and _is_plain(settings, request, batch, policy)
    is_limited = policy.longest_attempt < LONG or (policy.attempt_timeout and has_own_thread(request, policy))
    if not is_plain or is_limited or task.cancelling():
        return await _arun_all(Call(settings, request, execute, batch=batch, own=own, task=task, stop=stop), around)
    timer = deadline_timer_of(asyncio.get_running_loop()) if batch is None or batch.timer is None else batch.timer
    started, is_late = settings.clock(), False
    timer.watch(task, policy.longest_attempt)
    try:
        brought = looked_at(await execute(fresh(request)), request, policy)
    except FAILURES as error:
        brought = failed(error)
    finally:
        is_late = timer.release(task)
    if not isinstance(brought, Failed) and (not settings.gates.by_key or settings.is_calm(request)):
        return brought
    call = Call(settings, request, execute, batch=batch, own=own, task=task, started=started)
    try:
        if is_late and isinstance(brought, Failed) and isinstance(brought.error, asyncio.CancelledError):
            brought = timed_out(Failed(TimeoutError()), request, is_late=True)
        return _answered(call, await aperform(recovery(call, await stopped(call, brought))))
    finally:
        del brought


# ---- before the first attempt ----


def _begin(settings: Settings, request: ToolCallRequest) -> tuple[Batch | None, ToolCallRequest, Stop | None]:
    """Return the batch of a call, its request as the tool is to get it, and why it is not to be run."""
    link = settings.gates.link
    if link is not None and not link.is_listening:
        link.listen()
    around = current.get()
    batch = around if isinstance(around, Batch) else None
    current.set(CurrentCall(settings, request))
    call_id = request.tool_call["id"]
    if call_id is None:  # else no message could answer it
        request = request.override(tool_call={**request.tool_call, "id": ""})
    if batch is None or batch.may_be_resumed:
        request = _approved(request, batch)
    # Nothing is in the way as a rule, and then a look at what the first call of the batch has found is all.
    if settings.loop_guard is None or (batch is not None and batch.stops == {}):
        return batch, request, None
    if batch is None and is_resumed(getattr(request.runtime, "config", None)):
        return batch, request, None  # a human has approved this very call, or it was asking when the run paused
    stops = None if batch is None else batch.stops
    if stops is None:
        stops = stops_of(request, settings.loop_guard)
    if batch is not None:
        batch.stops = stops
    return batch, request, stops.get(call_id)


def _approved(request: ToolCallRequest, batch: Batch | None) -> ToolCallRequest:
    """Return the request so that the tool finds the answers of humans, and no other node hides its errors."""
    if batch is None and request.tool is not None:  # the node is another's, with texts of its own
        watched: Any = WatchedTool(request.tool)  # which passes for a tool
        request = request.override(tool=watched)
    return with_approvals(request) if is_resumed(getattr(request.runtime, "config", None)) else request


def _is_plain(settings: Settings, request: ToolCallRequest, batch: Batch | None, policy: RetryPolicy) -> bool:
    """Return whether there is nothing to know of a call before it has failed."""
    if settings.credentials is not None or policy.verify is not None:  # with which it begins, and that it has begun
        return False
    is_calm = not settings.gates.by_key or settings.is_calm(request)
    return is_calm and (batch is None or batch.limit is None)


# ---- all of a call ----


def _run_all(call: Call, around: Wrapper | None) -> Result:
    return _answered(call, perform(recovery(call))) if around is None else _wrapped(call, around)


async def _arun_all(call: Call, around: AsyncWrapper | None) -> Result:
    return _answered(call, await aperform(recovery(call))) if around is None else await _awrapped(call, around)


def _wrapped(call: Call, around: Wrapper) -> Result:
    """Let the user's wrapper run the call, as often as it likes, even at the same time."""
    given_up: list[GivenUp] = []

    def execute(request: ToolCallRequest) -> Result:
        return _raised(given_up, perform(recovery(_again(call, request))))

    try:
        return around(call.request, execute)
    except FAILURES as error:
        ended = _known(given_up, bubbled(error))
    finally:
        given_up.clear()  # errors hold the frames that hold it
    try:
        return _answered(call, ended)
    finally:
        del ended


async def _awrapped(call: Call, around: AsyncWrapper) -> Result:
    given_up: list[GivenUp] = []

    async def execute(request: ToolCallRequest) -> Result:
        return _raised(given_up, await aperform(recovery(_again(call, request))))

    try:
        return await around(call.request, execute)
    except FAILURES as error:
        ended = _known(given_up, bubbled(error))
    finally:
        given_up.clear()
    try:
        return _answered(call, replace(ended, error=await call.stopping(ended.error)))
    finally:
        del ended


def _again(call: Call, request: ToolCallRequest) -> Call:
    current.set(CurrentCall(call.settings, request))
    return call.again(_approved(request, call.batch))


def _raised(given_up: list[GivenUp], ended: Ended) -> Result:
    """Return a result; raise an error for the user's wrapper to see, and keep what is known of it."""
    if not isinstance(ended, GivenUp):
        return ended
    given_up.append(ended)
    try:
        raise ended.error
    finally:
        del ended


def _known(given_up: list[GivenUp], error: BaseException) -> GivenUp:
    """Return what is known of the error that came out of the user's wrapper; its own errors are raised as they came."""
    return next((each for each in given_up if each.error is error), GivenUp(error))


def _answered(call: Call, ended: Ended) -> Result:
    """Return what the model reads.

    Raises:
        BaseException: The model is not to read of it: control flow, a mistake in the wiring, an error of the user's
            wrapper, or one that `handle_tool_errors` lets out.
    """
    if not isinstance(ended, GivenUp):
        return ended
    if ended.outcome is not None and (call.own is None or call.own.answers(ended.error)):
        return answer(call, ended.error, ended.outcome)
    try:
        raise ended.error
    finally:
        del ended
