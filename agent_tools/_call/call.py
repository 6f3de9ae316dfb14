"""One tool call, from the request to the answer: the attempts, and what a call pays for when nothing fails.

What follows from a failure is in `_recovery`, what holds calls back in `_admission`.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from inspect import iscoroutine
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.admission import Admission
from agent_tools._call.batch import Batch
from agent_tools._call.observers import logger
from agent_tools._call.recovery import Recovery
from agent_tools._call.settings import OwnHandling, Result, ReturnedError, Settings
from agent_tools._core.idempotency import key_of_arguments, key_of_call
from agent_tools._core.loop_guard import LoopGuard, Stop
from agent_tools._flow.deadline_timer import DeadlineTimer
from agent_tools._flow.drivers import FAILURES, Answer, arun, run
from agent_tools._flow.time_limit import StillRunningError, TimeLimit, run_within, withdraw_cancellations
from agent_tools._gate.gate import Refusal
from agent_tools._langgraph.clean_errors import original_of
from agent_tools._langgraph.errors import (
    Origin,
    bubbled,
    is_control_flow,
    is_sync_refusal,
    names_no_tool,
    origin_of,
    underlying,
)
from agent_tools._langgraph.interrupts import is_resumed, with_approvals
from agent_tools._langgraph.returned_errors import error_in
from agent_tools._langgraph.run import message_of, runs_in_thread, stops_of, thread_of
from agent_tools._langgraph.tool_proxy import WatchedTool

Execute = Callable[[ToolCallRequest], Result]
AsyncExecute = Callable[[ToolCallRequest], Awaitable[Result]]


#: Seconds from which on an attempt's limit is left to the watch, which may end it up to a second early.
_WATCHED_FROM = 10.0


class Call:
    """One tool call in a node, from the request to the answer.

    What a call pays for when nothing fails is `__init__`, `_attempt` and the loop: no function more.

    Args:
        settings: Of the handler.
        request: The call.
        own: What an explicit `handle_tool_errors` says about errors.

    Attributes:
        batch: The calls that run beside this one; None where no node of ours runs them.
        task: What runs an async call in a node of ours.
        watch: Looks after the deadline of an async call where no node of ours runs it.
        policy: What the user wants for this tool.
    """

    __slots__ = (
        "_admission",
        "_canceled_before",
        "_cancels",
        "_earlier",
        "_is_watched",
        "_limit",
        "_own",
        "_recovery",
        "_renewals",
        "_request",
        "_settings",
        "_started",
        "_stop",
        "_watched",
        "batch",
        "policy",
        "task",
        "watch",
    )

    def __init__(self, settings: Settings, request: ToolCallRequest, own: OwnHandling | None = None) -> None:
        around = running.get()
        running.set(self)
        # Within a call it is another call that runs, not a batch: the calls of an agent inside a tool do not
        # belong to the batch around it. Waiting for each other, they would never end.
        self.batch = batch = around if isinstance(around, Batch) else None
        self.task: asyncio.Task[object] | None = None
        self.watch: DeadlineTimer | None = None
        self._settings = settings
        self._own = own
        self._stop: Stop | None = None
        self._earlier: tuple[Recovery, ...] = ()
        self._watched: Any = None  # a WatchedTool, which passes for a tool
        self._is_watched = False
        self._limit: TimeLimit | None = None
        self._cancels = self._canceled_before = 0
        self._begin(request)
        if batch is not None and batch.resumed and batch.questions is not None:
            batch.questions.show(self.id, request.runtime.config)
        if batch is None or batch.resumed:
            self._request = self._approved(request)
        # Nothing is in a turn's way as a rule, and then a look at what the first call of the batch has found is all.
        if settings.loop_guard is not None and (batch is None or batch.stops != {}):
            self._stop = self._found_stop(settings.loop_guard)

    def _begin(self, request: ToolCallRequest) -> None:
        """Start counting: once, or each time that a wrapper runs the tool anew."""
        settings = self._settings
        self.policy = settings.policy
        if settings.per_tool:
            self.policy = settings.per_tool.get(request.tool_call["name"], settings.policy)
        self._request = request
        self._recovery: Recovery | None = None
        self._admission: Admission | None = None
        self._started = settings.clock()
        if settings.gates.by_key:
            gate = settings.gates.by_key.get(settings.key_of(request))
            if gate is not None:
                self._admission = Admission(gate, settings, self.policy, began=self._started)
        self._renewals = 0
        if settings.credentials is not None:
            self._renewals = settings.credentials.renewals(request.tool_call["name"])

    def _found_stop(self, guard: LoopGuard) -> Stop | None:
        stops = None if self.batch is None else self.batch.stops
        if stops is None:
            stops = stops_of(self._request, guard)
        if self.batch is not None:
            self.batch.stops = stops
        return stops.get(self._request.tool_call["id"])

    def _approved(self, request: ToolCallRequest) -> ToolCallRequest:
        if self.batch is None and request.tool is not None:  # the node is another's, with texts of its own
            self._watched = WatchedTool(request.tool)
            request = request.override(tool=self._watched)
        return with_approvals(request) if is_resumed(getattr(request.runtime, "config", None)) else request

    @property
    def id(self) -> str:
        """The id that the model gave the call."""
        return self._request.tool_call["id"] or ""

    @property
    def request(self) -> ToolCallRequest:
        """The request as it was last run."""
        return self._request

    @property
    def is_resumed(self) -> bool:
        """Whether a human has answered an interrupt of the node that makes this call."""
        return self.batch is not None and self.batch.resumed

    def key(self) -> str:
        """Return the idempotency key of this call; see `agent_tools.idempotency`."""
        call, thread = self._request.tool_call, thread_of(self._request)
        if self.policy.key_by == "arguments":
            return key_of_arguments(thread=thread, tool=call["name"], arguments=call["args"])
        message = message_of(self._request)
        return key_of_call(thread=thread, message=message, call=self.id, tool=call["name"])

    # ---- from the request to the answer ----

    def run(self, execute: Execute) -> Result:
        """Return what the tool returned with the first attempt that worked, or the answer to its last error."""
        after: float | None = None
        if self._stop is not None or (self._admission is not None and not self._admission.gate.is_calm):
            hindrance = self._hindrance()
            if hindrance is not None:
                self._end()
                return self.answered(hindrance)
        else:
            try:
                return self._attempt(execute)
            except FAILURES as error:
                failed = error
            said: float | Answer[Result] | None = None
            try:
                said = self._ask(failed)
            finally:
                del failed  # it holds this frame, and this frame held it
                # Before a retry that is up to its wait, and a call that ends in it gives back what it took.
                if self._recovery is not None and not isinstance(said, float):
                    self._recovery.call_back()
            if isinstance(said, Answer):
                return said.result
            after = said
        try:
            return run(partial(self._attempt, execute), self._ask, self._wait, after=after)
        finally:
            self._end()

    async def arun(self, execute: AsyncExecute) -> Result:
        """Return the same as `run`; an attempt that meets its time limit is canceled and awaited."""
        after: float | None = None
        if self._stop is not None or (self._admission is not None and not self._admission.gate.is_calm):
            hindrance = await self._ahindrance()
            if hindrance is not None:
                await self._aend()
                return self.answered(hindrance)
        elif (
            (self.task is not None or self.watch is not None)
            and self.policy.longest_attempt >= _WATCHED_FROM
            and (self.batch is None or self.batch.aslots is None)
        ):
            self._is_watched = True  # batch or watch look after the deadline
            task = self.task or asyncio.current_task()
            if self.watch is not None:
                self.watch.add(self, task)
            self._canceled_before = 0 if task is None else task.cancelling()
            try:
                return self._accepted(await execute(self._request))
            except FAILURES as error:
                failed = error
            finally:
                self._is_watched = False
                if self.watch is not None:
                    self.watch.remove(self)
            said: float | Answer[Result] | None = None
            try:
                said = self._ask(await self._told(failed))
            finally:
                del failed
                if self._recovery is not None and not isinstance(said, float):
                    await self._recovery.acall_back()
            if isinstance(said, Answer):
                return said.result
            after = said
        try:
            return await arun(partial(self._aattempt, execute), self._ask, self._await, after=after)
        finally:
            await self._aend()

    def rerun(self, execute: Execute, request: ToolCallRequest) -> Result:
        """Return what the tool returned, or raise its last error: what a wrapper of the user's calls.

        It may come here more than once, even at the same time, and with other requests; each time the counting
        starts anew.
        """
        self._begin_anew(request)
        admission = self._admission
        try:
            _raise(self._hindrance())
            return run(partial(self._attempt, execute), self._ask_or_raise, self._wait_or_raise)
        finally:
            if admission is not None:
                admission.leave()  # which `_end` does not know when another has begun at the same time
            self._end()

    async def arerun(self, execute: AsyncExecute, request: ToolCallRequest) -> Result:
        """Return the same as `rerun`."""
        self._begin_anew(request)
        admission = self._admission
        try:
            _raise(await self._ahindrance())
            return await arun(partial(self._aattempt, execute), self._ask_or_raise, self._await_or_raise)
        finally:
            if admission is not None:
                admission.leave()
            await self._aend()

    def _begin_anew(self, request: ToolCallRequest) -> None:
        if request.tool_call["name"] != self._request.tool_call["name"]:
            self._stop = None  # not the call that the model has made
        if self._recovery is not None:
            self._earlier += (self._recovery,)  # whose error the wrapper may yet raise
        self._begin(request)
        self._request = self._approved(request)

    def answered(self, error: BaseException) -> Result:
        """Return what the model reads instead of a result.

        Raises:
            BaseException: `error` itself where the model is not to read of it: control flow, a mistake in
                the wiring, an error of the user's wrapper, or one that `handle_tool_errors` lets out.
        """
        for recovery in (self._recovery, *self._earlier):
            if recovery is not None and recovery.answers(error):
                return recovery.answer(error)
        if isinstance(error, GraphInterrupt) and self.batch is not None:
            self.batch.hold(self.id, error)
        raise error

    async def settled(self, error: BaseException) -> BaseException:
        """Return the error to stop the run with, once the other calls have ended."""
        if not isinstance(error, GraphBubbleUp) or self.batch is None or self.is_resumed:
            return error  # calls that take turns wait for this one instead
        return await self.batch.settled(self.id, error, by=self.task)

    def _end(self) -> None:
        """Give back what was taken in vain, and tell callbacks what they have not been told."""
        if self._recovery is not None:
            self._recovery.leave()
            self._recovery.call_back()
        elif self._admission is not None:
            self._admission.leave()

    async def _aend(self) -> None:
        """Do the same as `_end`."""
        if self._recovery is not None:
            self._recovery.leave()
            await self._recovery.acall_back()
        elif self._admission is not None:
            self._admission.leave()

    # ---- before and after an attempt ----

    def _hindrance(self) -> BaseException | None:
        """Wait until the first attempt may be made, and return what speaks against it after all."""
        if self._stop is not None:
            return self._not_run(self._stop)
        return None if self._admission is None else self._not_run(self._admission.enter())

    async def _ahindrance(self) -> BaseException | None:
        """Do the same as `_hindrance`."""
        if self._stop is not None:
            return self._not_run(self._stop)
        return None if self._admission is None else self._not_run(await self._admission.aenter())

    def _not_run(self, why: Refusal | Stop | None) -> BaseException | None:
        return None if why is None else self._recovering().not_run(why)

    def _recovering(self) -> Recovery:
        if self._recovery is None:
            self._recovery = Recovery(
                self._settings,
                self._request,
                self.policy,
                own=self._own,
                started=self._started,
                admission=self._admission,
                renewals=self._renewals,
            )
        return self._recovery

    def _ask(self, error: BaseException) -> float | Answer[Result]:
        """Return the seconds until the next attempt, or the answer to `error`."""
        if isinstance(error, ReturnedError):
            return self._ask_or_raise(error)
        error = bubbled(original_of(error))
        after = self._after(error)
        return Answer(self.answered(error)) if after is None else after

    def _ask_or_raise(self, error: BaseException) -> float | Answer[Result]:
        """Return the seconds until the next attempt, or raise `error`, for the user's wrapper to see.

        A result that counts as a failure is no error for it: it gets the result.
        """
        error = bubbled(original_of(error))
        after = self._after(error)
        if after is not None:
            return after
        if isinstance(error, ReturnedError):
            return Answer(self._recovering().marked(error.result))
        raise error

    def _after(self, error: BaseException) -> float | None:
        """Return the seconds until the next attempt, None to let `error` out."""
        if self._cancels:
            self._took_back()  # the tool did not mind, and failed in its own way
        if is_control_flow(error):
            return None
        cause = underlying(error)
        origin = origin_of(cause)
        if is_sync_refusal(error, self._request.tool):
            error.add_note(f"`{self._request.tool_call['name']}` is async: run the graph with ainvoke or astream.")
            return None
        if origin is Origin.WIRING:
            return None
        recovery = self._recovering()
        after = recovery.after(error, cause, origin)
        self._request = recovery.request
        return after

    def _wait(self, seconds: float) -> Answer[Result] | None:
        hindrance = self._recovering().hindrance(seconds)
        return None if hindrance is None else Answer(self.answered(hindrance))

    async def _await(self, seconds: float) -> Answer[Result] | None:
        hindrance = await self._recovering().ahindrance(seconds)
        return None if hindrance is None else Answer(self.answered(hindrance))

    def _wait_or_raise(self, seconds: float) -> None:
        _raise(self._recovering().hindrance(seconds))

    async def _await_or_raise(self, seconds: float) -> None:
        _raise(await self._recovering().ahindrance(seconds))

    # ---- one attempt ----

    def _attempt(self, execute: Execute) -> Result:
        slots = None if self.batch is None else self.batch.slots
        if slots is None:
            return self._timed_attempt(execute)
        with slots:
            self._restart_clock()
            return self._timed_attempt(execute)

    async def _aattempt(self, execute: AsyncExecute) -> Result:
        try:
            return await self._atimed_attempt(execute)
        except FAILURES as error:
            failed = error
        try:
            raise await self._told(failed)  # which may wait for other calls, and so holds no slot
        finally:
            del failed

    async def _atimed_attempt(self, execute: AsyncExecute) -> Result:
        slots = None if self.batch is None else self.batch.aslots
        if slots is None:
            self._limit = TimeLimit(self._time_left())
            with self._limit:
                return self._accepted(await execute(self._request))
        async with slots:
            self._restart_clock()
            self._limit = TimeLimit(self._time_left())
            with self._limit:
                return self._accepted(await execute(self._request))

    def _restart_clock(self) -> None:
        """Let the deadline begin with the first attempt, not with the wait for a slot before it."""
        if self._recovery is None:
            self._started = self._settings.clock()

    def _timed_attempt(self, execute: Execute) -> Result:
        if self.policy.attempt_timeout is None:
            return self._accepted(execute(self._request))
        return self._accepted(run_within(self._time_left(), partial(execute, self._request)))

    async def _told(self, error: BaseException) -> BaseException:
        """Return the error that an attempt which ended with `error` is to be judged by."""
        error = bubbled(original_of(error))
        if isinstance(error, GraphBubbleUp):
            return await self.settled(error)
        is_over = self._limit is not None and self._limit.is_over
        if isinstance(error, asyncio.CancelledError) and self._took_back():
            error, is_over = TimeoutError(), True
        if is_over and isinstance(error, TimeoutError) and runs_in_thread(self._request.tool):
            return StillRunningError()  # the thread goes on, canceled or not
        return error

    def _accepted(self, result: Result) -> Result:
        """Return `result`, or raise it when it counts as a failure."""
        if isinstance(result, ToolMessage):
            error = result if result.status == "error" else None
        else:
            error = error_in(result, self._request.tool_call["id"])
        if error is not None and self._watched is not None:
            _raise(self._watched.take_refused())
        if self.policy.failed_when is not None and _says_failed(self.policy.failed_when, result):
            raise ReturnedError(result, retry=True)
        if error is not None:
            raise ReturnedError(result, retry=False, acted=not names_no_tool(error, self._request))
        if self._cancels:
            self._took_back()  # the tool did not mind, and came to its end
        if self._settings.gates.by_key:
            self._note_success()
        if self._recovery is not None:
            self._recovery.recovered()
        return result

    def _note_success(self) -> None:
        recovery, admission = self._recovery, self._admission
        if recovery is not None:
            admission = recovery.admission
        if admission is None:  # the first failure of the tool came after this call had begun
            gate = self._settings.gates.by_key.get(self._settings.key_of(self._request))
            if gate is None:
                return
            admission = Admission(gate, self._settings, self.policy, began=self._started)
        admission.succeeded(repaid=None if recovery is None else recovery.paid)

    # ---- the time of an attempt ----

    def end_if_late(self, task: "asyncio.Task[object] | None", *, within: float) -> None:
        """Cancel the first attempt if its time is over `within` so many seconds; asked until it has ended."""
        ends = self._started + self.policy.longest_attempt
        if self._is_watched and task is not None and self._settings.clock() + within >= ends:
            self._cancels += 1
            task.cancel()

    def _took_back(self) -> bool:
        """Take back what `end_if_late` asked for; return whether nobody else has canceled."""
        cancels, self._cancels = self._cancels, 0
        task = asyncio.current_task() if cancels else None
        return task is not None and withdraw_cancellations(task, cancels, before=self._canceled_before)

    def _time_left(self) -> float | None:
        if self._recovery is not None:
            return self._recovery.time_left()
        return None if self.policy.longest_attempt == math.inf else self.policy.longest_attempt


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


#: In a node the batch that it has opened, in a tool the call that runs it.
running: ContextVar[Batch | Call | None] = ContextVar("agent_tools_running", default=None)


def running_call() -> Call | None:
    """Return the call whose tool is running."""
    call = running.get()
    return call if isinstance(call, Call) else None


def _says_failed(failed_when: Callable[[Any], bool], result: Result) -> bool:
    try:
        said: object = failed_when(result)
        if iscoroutine(said):  # a lambda around an async function: true, whatever it would say
            said.close()
            raise TypeError
        return bool(said)
    except Exception as error:  # noqa: BLE001  # the tool has acted: its result must not be lost
        logger.warning("failed_when raised %s; the result counts as a success", type(error).__name__)
        return False
