"""Asking whether a call that may have acted did: `RetryPolicy.verify`.

It runs like an idempotent tool: within the deadline, with its errors classified, and again after errors that may
pass. It never makes anything worse: if it fails, the outcome of the call stays unknown.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from inspect import isawaitable
from itertools import count
from typing import Any  # what a tool may return

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from agent_tools._call.call import Call
from agent_tools._call.current import CurrentCall, Result
from agent_tools._call.diagnosing import diagnosis
from agent_tools._call.listeners import logger
from agent_tools._core.answer import HAPPENED
from agent_tools._core.decision import PASSING, Retry, Situation, decide
from agent_tools._core.effects import DoubtfulCall, Effect
from agent_tools._core.failure import Failure
from agent_tools._core.own_rules import is_async
from agent_tools._flow.failed import FAILURES, Failed
from agent_tools._flow.steps import Flow, Wait
from agent_tools._flow.time_limit import TimeLimit, in_thread, run_within
from agent_tools._langgraph.errors import Origin, is_control_flow
from agent_tools._langgraph.places import place_of_call
from agent_tools._langgraph.run import alarm_of_run, is_draining


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found out about a call.

    Attributes:
        found: Whether it happened.
        result: What the model reads if it happened.
    """

    found: Effect
    result: Result | None = None


def verification(call: Call, failure: Failure) -> Flow[Verified]:
    """Find out whether `call` happened, which ended with `failure`."""
    left, after = call.call_left(), call.policy.verify_after
    is_early = left is not None and after >= left  # ask anyway: its effect may be visible already
    if after and not is_early and not (yield Wait(after, alarm_of_run())):
        return Verified(Effect.UNKNOWN)
    found = yield from _answer(call, failure)
    if found is False and not is_early:
        return Verified(Effect.DID_NOT_HAPPEN)
    result = None if found is None or found is False else _result_of(found, call.request)
    return Verified(Effect.UNKNOWN if result is None else Effect.HAPPENED, result)


def _answer(call: Call, failure: Failure) -> Flow[Any]:
    """Return the result of `verify`, None when it does not know or cannot be called."""
    verify = call.policy.verify
    if verify is None:
        return None
    question = DoubtfulCall(
        tool=call.request.tool_call["name"],
        arguments=deepcopy(place_of_call(call.request).arguments),
        idempotency_key=CurrentCall(call.settings, call.request).key(),
        failure=failure,
    )
    for attempt in count(1):
        within = call.time_left()
        if within == 0:
            logger.warning("no time was left to verify %s; whether it took effect stays unknown", question.tool)
            return None
        found = yield Ask(verify, question, within=within)
        if not isinstance(found, Failed):
            return found
        if is_control_flow(found.error):
            raise found.error
        after = _wait_before_asking_again(call, found.error, attempt)
        found = None  # or the error would live on, with all its frames, while we wait
        if after is None or not (yield Wait(after, alarm_of_run())):
            return None
    raise AssertionError("unreachable")


def _wait_before_asking_again(call: Call, error: BaseException, attempt: int) -> float | None:
    """Return the seconds to wait after `verify` raised `error`, None to stop asking."""
    verdict = decide(
        diagnosis(call.settings, error, Origin.BODY, call.request),
        replace(call.policy, retry_on=PASSING, idempotent=True),
        Situation(attempt=attempt, elapsed=call.elapsed(), chance=call.settings.chance(), draining=is_draining()),
    )
    if isinstance(verdict, Retry):
        return verdict.after
    tool, error_type = call.request.tool_call["name"], type(error).__name__
    logger.warning("verify raised %s; whether %s took effect stays unknown", error_type, tool)
    return None


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask `verify`, a step of the flow.

    Attributes:
        verify: The user's function.
        question: The call that it is asked about.
        within: Seconds that it may take; None for no limit.
    """

    verify: Callable[[DoubtfulCall], Any]
    question: DoubtfulCall
    within: float | None

    def do(self) -> Any:
        """Return its result, or `Failed`. It can only be abandoned at its time limit if it has its own thread."""
        try:
            return run_within(self.within, self._asked)
        except FAILURES as error:
            return Failed(error)

    def _asked(self) -> Any:
        found = self.verify(self.question)
        return asyncio.run(_awaited(found)) if isawaitable(found) else found

    async def ado(self) -> Any:
        """Return the same as `do`."""
        try:
            with TimeLimit(self.within):
                if is_async(self.verify):
                    return await self.verify(self.question)
                found = await asyncio.wrap_future(in_thread(partial(self.verify, self.question)))
                return await found if isawaitable(found) else found
        except FAILURES as error:
            return Failed(error)


async def _awaited(found: Awaitable[Any]) -> Any:
    return await found


# ---- what the model reads of a call that happened ----


def _result_of(found: Any, request: ToolCallRequest) -> Result | None:
    """Return the result that ToolNode would make of this return value, None when it cannot."""
    try:
        return _result(found, request)
    except Exception as error:  # noqa: BLE001  # it is the user's, and may be anything
        failed = error
    logger.warning(
        "verify returned a %s, which cannot be a result (%s); whether %s took effect stays unknown",
        type(found).__name__,
        type(failed).__name__,
        request.tool_call["name"],
    )
    return None


def _result(found: Any, request: ToolCallRequest) -> Result:
    call, tool = request.tool_call, request.tool
    if isinstance(found, ToolMessage):
        return found.model_copy(update={"tool_call_id": call["id"], "name": found.name or call["name"]})
    if isinstance(found, Command) or (isinstance(found, list) and any(isinstance(each, Command) for each in found)):
        if all(message.tool_call_id != call["id"] for message in _answers_in(found)):
            raise LookupError(call["id"])
        return found  # type: ignore[return-value]  # a list of them is as good
    artifact = None
    if tool is not None and tool.response_format == "content_and_artifact":
        found, artifact = found
    content = HAPPENED.format(tool=call["name"]) if found is True else _content(found)
    return ToolMessage(content, artifact=artifact, name=call["name"], tool_call_id=call["id"])


def _answers_in(result: Any) -> Iterator[ToolMessage]:
    if isinstance(result, ToolMessage):
        yield result
    elif isinstance(result, list):
        for each in result:
            yield from _answers_in(each)
    elif isinstance(result, Command):
        updates = result.update.values() if isinstance(result.update, dict) else [result.update]
        yield from _answers_in(list(updates))


def _content(found: Any) -> Any:
    is_blocks = isinstance(found, list) and all(isinstance(each, dict) and "type" in each for each in found)
    return found if isinstance(found, str) or is_blocks else json.dumps(found, ensure_ascii=False, default=str)
