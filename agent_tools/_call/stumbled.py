"""Runs a call that does not just work: it failed, is held back, or the user's wrapper is around it."""

import asyncio
from dataclasses import replace

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.answers import answer
from agent_tools._call.attempt import stopped, timed_out
from agent_tools._call.call import Call
from agent_tools._call.current import AsyncWrapper, CurrentCall, Result, Wrapper, current
from agent_tools._call.plain import Brought, approved
from agent_tools._call.recovery import Ended, GivenUp, recovery
from agent_tools._flow.failed import FAILURES, Failed
from agent_tools._flow.steps import aperform, perform
from agent_tools._langgraph.errors import bubbled


def ended(call: Call, brought: Brought | None, around: Wrapper | None) -> Result:
    """Return what the model reads; `brought` is None if the first attempt has not been made yet."""
    if around is not None:
        return _wrapped(call, around)
    try:
        return _answered(call, perform(recovery(call, brought)))
    finally:
        del brought  # its error holds this frame


async def aended(call: Call, brought: Brought | None, around: AsyncWrapper | None, *, is_late: bool) -> Result:
    """Return the same as `ended`; the first attempt `is_late` when its time limit has canceled it."""
    if around is not None:
        return await _awrapped(call, around)
    try:
        if is_late and isinstance(brought, Failed) and isinstance(brought.error, asyncio.CancelledError):
            brought = timed_out(Failed(TimeoutError()), call.request, is_late=True)
        if brought is not None:
            brought = await stopped(call, brought)
        return _answered(call, await aperform(recovery(call, brought)))
    finally:
        del brought


def _wrapped(call: Call, around: Wrapper) -> Result:
    """Let the user's wrapper run the call, as often as it likes, even at the same time."""
    given_up: list[GivenUp] = []

    def execute(request: ToolCallRequest) -> Result:
        return _raised(given_up, perform(recovery(_again(call, request))))

    try:
        return around(call.request, execute)
    except FAILURES as error:
        end = _known(given_up, bubbled(error))
    finally:
        given_up.clear()  # errors hold the frames that hold it
    try:
        return _answered(call, end)
    finally:
        del end


async def _awrapped(call: Call, around: AsyncWrapper) -> Result:
    given_up: list[GivenUp] = []

    async def execute(request: ToolCallRequest) -> Result:
        return _raised(given_up, await aperform(recovery(_again(call, request))))

    try:
        return await around(call.request, execute)
    except FAILURES as error:
        end = _known(given_up, bubbled(error))
    finally:
        given_up.clear()
    try:
        return _answered(call, replace(end, error=await call.stopping(end.error)))
    finally:
        del end


def _again(call: Call, request: ToolCallRequest) -> Call:
    current.set(CurrentCall(call.settings, request))
    return call.again(approved(request, call.batch))


def _raised(given_up: list[GivenUp], end: Ended) -> Result:
    """Return a result, or raise the error for the user's wrapper and remember how the call was given up."""
    if not isinstance(end, GivenUp):
        return end
    given_up.append(end)
    try:
        raise end.error
    finally:
        del end


def _known(given_up: list[GivenUp], error: BaseException) -> GivenUp:
    """Return how the call was given up with this error; the wrapper's own errors are raised unchanged."""
    return next((each for each in given_up if each.error is error), GivenUp(error))


def _answered(call: Call, end: Ended) -> Result:
    """Return what the model reads.

    Raises:
        BaseException: The model must not see it: control flow, a mistake in the wiring, an error of the user's
            wrapper, or one that `handle_tool_errors` lets out.
    """
    if not isinstance(end, GivenUp):
        return end
    if end.outcome is not None and (call.own is None or call.own.answers(end.error)):
        return answer(call, end.error, end.outcome)
    try:
        raise end.error
    finally:
        del end
