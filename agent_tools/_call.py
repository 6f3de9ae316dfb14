"""One tool call, from the request to the answer."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._approvals import is_resumed, with_approvals
from agent_tools._attempts import Attempts
from agent_tools._batch import Batch, Watch
from agent_tools._clean_errors import original_of
from agent_tools._core.circuit import is_counted
from agent_tools._core.decision import Reason
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.idempotency import key_of_arguments, key_of_call
from agent_tools._core.loop_guard import LoopGuard, Stop
from agent_tools._core.messages import Outcome, facts
from agent_tools._core.redaction import scrub
from agent_tools._drivers import FAILURES, Answer, arun, run
from agent_tools._langgraph import (
    Origin,
    alarm_of_run,
    is_control_flow,
    is_draining,
    is_hinted_destructive,
    is_sync_refusal,
    may_lose_approvals,
    message_of,
    names_no_tool,
    node_attempt_of,
    origin_of,
    runs_in_thread,
    stops_of,
    thread_of,
)
from agent_tools._ledger import Entering, Entry, Hold, Refusal, Share
from agent_tools._observers import acall_back, call_back, is_heard, logger, tell
from agent_tools._retried import as_retry
from agent_tools._settings import DrainingError, NotRunError, OwnHandling, Result, ReturnedError, Settings
from agent_tools._stand_in import WatchedTool
from agent_tools._time_limit import StillRunningError, TimeLimit, run_within, took_back
from agent_tools._waiting import Alarm, apause, pause

Execute = Callable[[ToolCallRequest], Result]
AsyncExecute = Callable[[ToolCallRequest], Awaitable[Result]]


#: Seconds from which on an attempt's limit is left to its batch, which may end it up to a second early.
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
        "_attempts",
        "_canceled_before",
        "_cancels",
        "_is_probe",
        "_is_watched",
        "_let_out",
        "_own",
        "_refused",
        "_renewals",
        "_request",
        "_settings",
        "_share",
        "_started",
        "_stop",
        "_watched",
        "batch",
        "policy",
        "task",
        "watch",
    )

    def __init__(self, settings: Settings, request: ToolCallRequest, own: OwnHandling | None = None) -> None:
        running = _running.get()
        _running.set(self)
        # Within a call it is another call that runs, not a batch: the calls of an agent inside a tool do not
        # belong to the batch around it. Waiting for each other, they would never end.
        self.batch = running if isinstance(running, Batch) else None
        self.task: asyncio.Task[object] | None = None
        self.watch: Watch | None = None
        self.policy = settings.policy
        if settings.per_tool:
            self.policy = settings.per_tool.get(request.tool_call["name"], settings.policy)
        self._settings = settings
        self._own = own
        self._request = request
        self._attempts: Attempts | None = None
        self._let_out: BaseException | None = None
        self._refused: BaseException | None = None
        self._watched: Any = None  # a WatchedTool, which passes for a tool
        self._is_watched = self._is_probe = False
        self._cancels = self._canceled_before = 0
        self._started = settings.clock()
        self._share = settings.ledger.shares.get(settings.key_of(request)) if settings.ledger.shares else None
        if settings.credentials is not None:
            self._renewals = settings.credentials.renewals(request.tool_call["name"])
        if self.batch is None or self.batch.resumed:
            if self.batch is not None and self.batch.questions is not None:
                self.batch.questions.show(self.id, request.runtime.config)
            self._request = self._approved(request)
        self._stop: Stop | None = None
        # Nothing is in a turn's way as a rule, and then a look at what the first call of the batch has found is all.
        if settings.loop_guard is not None and (self.batch is None or self.batch.stops != {}):
            self._stop = self._found_stop(settings.loop_guard)

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

    def _begin(self, request: ToolCallRequest) -> None:
        """Start anew, for a wrapper that may run the tool more than once, or with other requests."""
        tool = request.tool_call["name"]
        if tool != self._request.tool_call["name"]:
            self._stop = None  # not the call that the model has made
        self.policy = self._settings.per_tool.get(tool, self._settings.policy)
        self._request = self._approved(request)
        self._attempts = None
        self._share = self._settings.ledger.shares.get(self._settings.key_of(request))
        self._started = self._settings.clock()
        if self._settings.credentials is not None:
            self._renewals = self._settings.credentials.renewals(tool)

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

    def run(self, execute: Execute) -> Result:
        """Return what the tool returned with the first attempt that worked, or the answer to its last error."""
        after: float | None = None
        if self._stop is not None or (self._share is not None and not self._share.is_calm):
            hindrance = self._entered()
            if hindrance is not None:
                self._call_back()
                return self.answered(hindrance)
        else:
            try:
                return self._attempt(execute)
            except FAILURES as error:
                failed = error
            try:
                said = self._ask(failed)
            finally:
                del failed  # it holds this frame, and this frame held it
                self._call_back()
            if isinstance(said, Answer):
                return said.result
            after = said
        try:
            return run(partial(self._attempt, execute), self._ask, self._wait, after=after)
        finally:
            self._leave()
            self._call_back()

    async def arun(self, execute: AsyncExecute) -> Result:
        """Return the same as `run`; an attempt that meets its time limit is canceled and awaited."""
        after: float | None = None
        if self._stop is not None or (self._share is not None and not self._share.is_calm):
            hindrance = await self._aentered()
            if hindrance is not None:
                await self._acall_back()
                return self.answered(hindrance)
        elif (
            (self.task is not None or self.watch is not None)
            and self.policy.longest_attempt >= _WATCHED_FROM
            and self._aslots is None
        ):
            self._is_watched = True  # batch or watch look after the deadline
            if self.watch is not None:
                self._canceled_before = self.watch.add(self)
            elif self.task is not None:
                self._canceled_before = self.task.cancelling()
            try:
                return self._accepted(await execute(self._request))
            except FAILURES as error:
                failed = error
            finally:
                self._is_watched = False
                if self.watch is not None:
                    self.watch.remove(self)
            try:
                said = self._ask(await self._told(failed))
            finally:
                del failed
                await self._acall_back()
            if isinstance(said, Answer):
                return said.result
            after = said
        try:
            return await arun(partial(self._aattempt, execute), self._ask, self._await, after=after)
        finally:
            self._leave()
            await self._acall_back()

    def rerun(self, execute: Execute, request: ToolCallRequest) -> Result:
        """Return what the tool returned, or raise its last error: what a wrapper of the user's calls.

        It may come here more than once, and with other requests; each time the counting starts anew.
        """
        self._begin(request)
        try:
            _raise(self._entered())
            return run(partial(self._attempt, execute), self._ask_or_raise, self._wait_or_raise)
        finally:
            self._leave()
            self._call_back()

    async def arerun(self, execute: AsyncExecute, request: ToolCallRequest) -> Result:
        """Return the same as `rerun`."""
        self._begin(request)
        try:
            _raise(await self._aentered())
            return await arun(partial(self._aattempt, execute), self._ask_or_raise, self._await_or_raise)
        finally:
            self._leave()
            await self._acall_back()

    def _entered(self) -> BaseException | None:
        """Wait until an attempt may be made, and return what speaks against it after all."""
        if self._stop is not None:
            return self._not_run(self._stop)
        if self._share is None:
            return None
        alarm, whole = alarm_of_run(), None
        with closing(self._entering(self._share)) as steps:  # or a call that is canceled would count as held back
            while isinstance(step := _step(steps, whole), Hold):
                whole = pause(step.seconds, _either(alarm, step.changed))
                if not whole and alarm is not None and alarm():
                    return self._drained()
        return self._admitted(step)

    async def _aentered(self) -> BaseException | None:
        """Do the same as `_entered`."""
        if self._stop is not None:
            return self._not_run(self._stop)
        if self._share is None:
            return None
        alarm, whole = alarm_of_run(), None
        with closing(self._entering(self._share)) as steps:  # or a call that is canceled would count as held back
            while isinstance(step := _step(steps, whole), Hold):
                whole = await apause(step.seconds, _either(alarm, step.changed))
                if not whole and alarm is not None and alarm():
                    return self._drained()
        return self._admitted(step)

    def _entering(self, share: Share) -> Entering:
        settings = self._settings
        return share.entering(self.policy, clock=settings.clock, draw=settings.chance, began=self._started)

    def _admitted(self, said: Refusal | Entry) -> BaseException | None:
        if isinstance(said, Refusal):
            return self._not_run(said)
        self._is_probe = said is Entry.PROBE
        if self._attempts is not None:
            self._attempts.begun()
        return None

    def _not_run(self, refusal: Refusal | Stop) -> BaseException:
        if self._attempts is None:
            self._attempts = self._new_attempts()
        self._attempts.refused(refusal)
        error = NotRunError(f"{self._request.tool_call['name']} was not run: {refusal.reason}")
        if self._attempts.failures:
            return self._give_up(error)
        self._let_out = error
        self._tell(EventType.SHORT_CIRCUITED)
        return error

    def _leave(self) -> None:
        """Give back what was taken for an attempt that came to no end, or was never made."""
        if self._share is None:
            return
        if self._is_probe:
            self._is_probe = False
            self._share.given_back(now=self._settings.clock())
        if self._attempts is not None and self._attempts.owed:
            self._share.repaid(self._attempts.owed)

    def answered(self, error: BaseException) -> Result:
        """Return what the model reads instead of a result.

        Raises:
            BaseException: `error` itself where the model is not to read of it: control flow, a mistake in
                the wiring, an error of the user's wrapper, or one that `handle_tool_errors` lets out.
        """
        let_out, self._let_out = self._let_out, None
        if error is not let_out or (self._own is not None and not self._own.answers(error)):
            if isinstance(error, GraphInterrupt) and self.batch is not None:
                self.batch.hold(self.id, error)
            raise error
        text = None if self._own is None else self._own.words(error)
        outcome = self._outcome()
        call = self._request.tool_call
        return ToolMessage(
            content=text or self._settings.texts.text(outcome),
            name=call["name"],
            tool_call_id=call["id"],
            status="error",
            artifact=facts(outcome),
        )

    def _attempt(self, execute: Execute) -> Result:
        slots = None if self.batch is None else self.batch.slots
        if slots is None:
            return self._timed_attempt(execute)
        with slots:
            self._restart_clock()
            return self._timed_attempt(execute)

    async def _aattempt(self, execute: AsyncExecute) -> Result:
        if self._aslots is None:
            return await self._atimed_attempt(execute)
        async with self._aslots:
            self._restart_clock()
            return await self._atimed_attempt(execute)

    @property
    def _aslots(self) -> asyncio.Semaphore | None:
        return None if self.batch is None else self.batch.aslots

    def _restart_clock(self) -> None:
        """Let the deadline begin with the first attempt, not with the wait for a slot before it."""
        if self._attempts is None:
            self._started = self._settings.clock()

    def _timed_attempt(self, execute: Execute) -> Result:
        if self.policy.attempt_timeout is None:
            return self._accepted(execute(self._request))
        return self._accepted(run_within(self._time_left(), partial(execute, self._request)))

    async def _atimed_attempt(self, execute: AsyncExecute) -> Result:
        try:
            with TimeLimit(self._time_left()):
                return self._accepted(await execute(self._request))
        except FAILURES as error:
            failed = error
        try:
            raise await self._told(failed)
        finally:
            del failed

    async def _told(self, error: BaseException) -> BaseException:
        """Return the error that an attempt which ended with `error` is to be judged by."""
        error = original_of(error)
        if not isinstance(error, GraphBubbleUp | asyncio.CancelledError | TimeoutError):
            return error
        if isinstance(error, GraphBubbleUp):
            return await self.settled(error)
        if isinstance(error, asyncio.CancelledError) and self._took_back():
            error = TimeoutError()
        if isinstance(error, TimeoutError) and self._is_over() and runs_in_thread(self._request.tool):
            return StillRunningError()  # the thread goes on, canceled or not
        return error

    async def settled(self, error: BaseException) -> BaseException:
        """Return the error to stop the run with, once the other calls have ended."""
        if not isinstance(error, GraphBubbleUp) or self.batch is None or self.is_resumed:
            return error  # calls that take turns wait for this one instead
        return await self.batch.settled(self.id, error)

    def end_if_late(self, *, within: float) -> None:
        """Cancel the first attempt if its time is over `within` so many seconds; its batch asks until it has ended."""
        if self._is_watched and self.task is not None and self._is_over(within=within):
            self._cancels += 1
            self.task.cancel()

    def _took_back(self) -> bool:
        """Take back what `end_if_late` asked for; return whether nobody else has canceled."""
        cancels, self._cancels = self._cancels, 0
        return cancels > 0 and self.task is not None and took_back(self.task, cancels, before=self._canceled_before)

    def _is_over(self, *, within: float = 0.0) -> bool:
        left = self._time_left()
        return left is not None and self._settings.clock() + within >= self._started + self.policy.longest_attempt

    def _time_left(self) -> float | None:
        if self._attempts is not None:
            return self._attempts.time_left()
        return None if self.policy.longest_attempt == math.inf else self.policy.longest_attempt

    def _ask(self, error: BaseException) -> float | Answer[Result]:
        """Return the seconds until the next attempt, or the answer to `error`."""
        if isinstance(error, ReturnedError):
            return self._ask_or_raise(error)
        error = original_of(error)
        after = self._next(error)
        return Answer(self.answered(error)) if after is None else after

    def _ask_or_raise(self, error: BaseException) -> float | Answer[Result]:
        """Return the seconds until the next attempt, or raise `error`, for the user's wrapper to see.

        A result that counts as a failure is no error for it: it gets the result.
        """
        error = original_of(error)
        after = self._next(error)
        if after is not None:
            return after
        if isinstance(error, ReturnedError):
            return Answer(self._marked(error.result))
        raise error

    def key(self) -> str:
        """Return the idempotency key of this call; see `agent_tools.idempotency`."""
        call, thread = self._request.tool_call, thread_of(self._request)
        if self.policy.key_by == "arguments":
            return key_of_arguments(thread=thread, tool=call["name"], arguments=call["args"])
        message = message_of(self._request)
        return key_of_call(thread=thread, message=message, call=self.id, tool=call["name"])

    def _next(self, error: BaseException) -> float | None:
        """Return the seconds until the next attempt, None to let `error` out."""
        if self._cancels:
            self._took_back()  # the tool did not mind, and failed in its own way
        if is_control_flow(error):
            return None
        origin = origin_of(error)
        if origin is Origin.WIRING or is_sync_refusal(error, self._request.tool):
            return None
        settings, request = self._settings, self._request
        if self._attempts is None:
            self._attempts = self._new_attempts()
        attempts, failure = self._attempts, settings.diagnose(error, origin, request)
        if failure.category is not ErrorCategory.NON_RETRYABLE or isinstance(error, ReturnedError):
            settings.layers.note(error, tool=request.tool_call["name"], node_attempt=node_attempt_of(request))
        is_retried = failure.category in attempts.policy.retry_on
        if is_retried or self._share is not None or is_counted(failure):
            self._note(failure)
        renewable = settings.credentials is not None and not attempts.renewed
        if not is_retried and not renewable:  # settled, whatever else there is to know
            attempts.settled(failure)
            self._give_up(error)
            return None
        retry = attempts.failed(
            failure,
            self._share,
            renewable=renewable,
            approval_lost=may_lose_approvals(request),
            draining=is_draining(),
        )
        if retry is None:
            self._give_up(error)
            return None
        if retry.renew:
            self._refused = error
        self._request = as_retry(request, attempts.failures + 1)
        self._tell(EventType.RETRY, retry.after)
        return retry.after

    def _new_attempts(self) -> Attempts:
        settings = self._settings
        careful = self.policy.idempotent is None and is_hinted_destructive(self._request.tool)
        policy = replace(self.policy, idempotent=False) if careful else self.policy
        return Attempts(policy, started=self._started, clock=settings.clock, chance=settings.chance)

    def _note(self, failure: Failure) -> None:
        """Let the other calls of the tool know of `failure`."""
        settings = self._settings
        if self._share is None:
            self._share = settings.ledger.share(settings.key_of(self._request))
        self._share.failed(
            failure,
            now=settings.clock(),
            chance=settings.chance(),
            is_probe=self._is_probe,
            share_wait=self.policy.share_waits,
        )
        self._is_probe = False

    def _wait(self, seconds: float) -> Answer[Result] | None:
        return self._answer_to(self._hindrance(seconds))

    async def _await(self, seconds: float) -> Answer[Result] | None:
        return self._answer_to(await self._ahindrance(seconds))

    def _wait_or_raise(self, seconds: float) -> None:
        _raise(self._hindrance(seconds))

    async def _await_or_raise(self, seconds: float) -> None:
        _raise(await self._ahindrance(seconds))

    def _answer_to(self, hindrance: BaseException | None) -> Answer[Result] | None:
        return None if hindrance is None else Answer(self.answered(hindrance))

    def _hindrance(self, seconds: float) -> BaseException | None:
        """Wait, and return what speaks against another attempt after all."""
        self._call_back()
        if self._refused is None:
            return self._entered() if pause(seconds, alarm_of_run()) else self._drained()
        credentials = self._settings.credentials
        event = self._event(EventType.RETRY, seconds)
        return self._refusal(renewed=credentials is not None and credentials.renew(event, seen=self._renewals))

    async def _ahindrance(self, seconds: float) -> BaseException | None:
        await self._acall_back()
        if self._refused is None:
            return await self._aentered() if await apause(seconds, alarm_of_run()) else self._drained()
        credentials = self._settings.credentials
        event = self._event(EventType.RETRY, seconds)
        return self._refusal(renewed=credentials is not None and await credentials.arenew(event, seen=self._renewals))

    def _refusal(self, *, renewed: bool) -> BaseException | None:
        """Return the refusal that came with the old credentials, None when there are new ones."""
        refused, self._refused = self._refused, None
        if renewed or refused is None:
            return None
        self._ended(Reason.NOT_RETRIED)
        return self._give_up(refused)

    def _drained(self) -> BaseException:
        if self._attempts is None:  # it was held back before its first attempt
            nothing_ran = Failure(category=ErrorCategory.RETRYABLE, rule="draining", may_have_acted=False)
            return self._not_run(Refusal(Reason.DRAINING, nothing_ran))
        self._ended(Reason.DRAINING)
        return self._give_up(DrainingError())

    def _ended(self, reason: Reason) -> None:
        self._known_attempts.reason = reason

    def _give_up(self, error: BaseException) -> BaseException:
        self._let_out = error
        self._tell(EventType.FAILED)
        return error

    @property
    def _known_attempts(self) -> Attempts:
        if self._attempts is None:
            raise AssertionError("nothing has failed")
        return self._attempts

    def _accepted(self, result: Result) -> Result:
        """Return `result`, or raise it when it counts as a failure."""
        if self._watched is not None and isinstance(result, ToolMessage) and result.status == "error":
            _raise(self._watched.take_refused())
        if self.policy.failed_when is not None and _says_failed(self.policy.failed_when, result):
            raise ReturnedError(result, retry=True)
        if isinstance(result, ToolMessage) and result.status == "error":
            raise ReturnedError(result, retry=False, acted=not names_no_tool(result, self._request))
        if self._cancels:
            self._took_back()  # the tool did not mind, and came to its end
        if self._settings.ledger.shares:
            self._note_success()
        if self._attempts is not None:
            self._tell(EventType.RECOVERED)
        return result

    def _note_success(self) -> None:
        settings = self._settings
        share = self._share or settings.ledger.shares.get(settings.key_of(self._request))
        if share is not None and not share.is_calm:
            share.succeeded(repaid=None if self._attempts is None else self._attempts.paid)
        self._is_probe = False

    def _marked(self, result: Result) -> Result:
        """Return a result that counts as a failure as what it is, without secrets."""
        self._let_out = None
        if not isinstance(result, ToolMessage):
            return result
        outcome = self._outcome()
        told = {
            "content": _scrubbed(result.content) or self._settings.texts.text(outcome),
            "artifact": facts(outcome) if result.artifact is None else result.artifact,
            "status": "error",
        }
        return result.model_copy(update=told)

    def _outcome(self) -> Outcome:
        attempts, tool = self._known_attempts, self._request.tool
        if attempts.failure is None or attempts.reason is None:
            raise AssertionError("an answer was asked for before the call was given up")
        return Outcome(
            tool=self._request.tool_call["name"],
            failure=attempts.failure,
            attempts=attempts.failures,
            elapsed=attempts.failed_at,
            reason=attempts.reason,
            idempotent=attempts.policy.idempotent,
            direct=tool is not None and tool.return_direct,
            failed_before=0 if self._stop is None else self._stop.times,
            same_call=self._stop is not None and self._stop.same_call,
        )

    def _tell(self, kind: EventType, after: float | None = None) -> None:
        event, runtime = self._event(kind, after), self._request.runtime  # there is no runtime outside a graph
        tell(event, observer=self._settings.observer, stream_writer=getattr(runtime, "stream_writer", None))
        if is_heard(getattr(runtime, "config", None)):
            self._known_attempts.untold.append(event)

    def _call_back(self) -> None:
        """Tell the callbacks of the run what they have not been told yet."""
        for event in self._untold():
            call_back(event, self._request.runtime.config)

    async def _acall_back(self) -> None:
        """Do the same as `_call_back`."""
        for event in self._untold():
            await acall_back(event, self._request.runtime.config)

    def _untold(self) -> Iterator[ToolEvent]:
        while self._attempts is not None and self._attempts.untold:
            yield self._attempts.untold.pop(0)

    def _event(self, kind: EventType, after: float | None) -> ToolEvent:
        attempts = self._known_attempts
        failure = attempts.failure
        return ToolEvent(
            type=kind,
            tool=self._request.tool_call["name"],
            tool_call_id=self.id,
            attempt=attempts.failures + (kind is EventType.RECOVERED),
            of=attempts.policy.max_attempts,
            elapsed=attempts.elapsed() if kind is EventType.RECOVERED else attempts.failed_at,
            after=after,
            category=None if failure is None else failure.category,
            status_code=None if failure is None else failure.status_code,
            reason=attempts.reason,
        )


def _step(steps: Entering, whole: bool | None) -> Hold | Refusal | Entry:  # noqa: FBT001  # what is sent
    """Return what comes next: a wait, or in the end what became of it."""
    try:
        return steps.send(whole)
    except StopIteration as ended:
        said: Refusal | Entry = ended.value
        return said


def _either(one: Alarm | None, other: Alarm | None) -> Alarm | None:
    if one is None or other is None:
        return one or other
    return lambda: one() or other()


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


#: In a node the batch that it has opened, in a tool the call that runs it.
_running: ContextVar[Batch | Call | None] = ContextVar("agent_tools_running", default=None)


def open_batch(batch: Batch) -> None:
    """Let the calls that begin in this context belong to `batch`."""
    _running.set(batch)


def running_call() -> Call | None:
    """Return the call whose tool is running."""
    running = _running.get()
    return running if isinstance(running, Call) else None


def _says_failed(failed_when: Callable[[Any], bool], result: Result) -> bool:
    try:
        return bool(failed_when(result))
    except Exception as error:  # noqa: BLE001  # the tool has acted: its result must not be lost
        logger.warning("failed_when raised %s; the result counts as a success", type(error).__name__)
        return False


def _scrubbed(content: str | list[str | dict[Any, Any]]) -> str | list[str | dict[Any, Any]]:
    """Return `content` without secrets, and without blocks that say nothing, which providers refuse."""
    if isinstance(content, str):
        return scrub(content)
    blocks = [
        {**block, "text": scrub(block["text"])} if isinstance(block, dict) and "text" in block else block
        for block in content
    ]
    return [block for block in blocks if not (isinstance(block, dict) and block.get("text") == "")]
