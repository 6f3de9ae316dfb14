"""The state of a tool call that does not just work: it failed, is held back, was resumed, or the user wraps it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.batch import Batch
from agent_tools._call.current import current_call
from agent_tools._call.own_handling import OwnHandling
from agent_tools._call.settings import Settings
from agent_tools._core.effects import Effect
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import Failure
from agent_tools._core.gate_state import Entry
from agent_tools._core.idempotency import key_of_arguments
from agent_tools._core.made_up import word
from agent_tools._core.outcome import Outcome, is_correctable
from agent_tools._core.reason import Reason
from agent_tools._core.stops import Stop
from agent_tools._flow.steps import Flow
from agent_tools._gate.admission import Admission
from agent_tools._gate.gate import Refusal, Standing


class Call:
    """The state and the counters of one tool call.

    Args:
        settings: The handler's.
        request: The call.
        execute: Runs the tool once; async code awaits its return value.
        batch: The calls that run beside this one; None when another node runs them.
        own: The meaning of an explicit `handle_tool_errors`.
        task: The task of an async call; the user's wrapper may make the attempts in other tasks.
        stop: Why the call must not be run; None lets it run.
        started: When the first attempt began, by the clock of the settings; None for now.

    Attributes:
        request: The call as the next attempt will make it.
        policy: The user's policy for this tool, with the hints of its server.
        admission: This call's passage through the gate of the tool; None until something has failed there.
        credentials_seen: Number of times the credentials had been renewed when the call began; None if they cannot be,
            or have been for this call, which happens once.
        failures: Number of attempts that failed.
        failure: The last failure, None before the first.
        effect: What its attempts have changed so far.
        failed_at: When it failed, in seconds since the first attempt began.
        skipped: Seconds of its waits that `no_waiting` has skipped. Reports count them, deadlines do not.
        attempt_began: When the latest attempt began, by the clock, or was refused.
        reason: Why no attempt follows, None while one does.
    """

    __slots__ = (
        "admission",
        "attempt_began",
        "batch",
        "credentials_seen",
        "effect",
        "execute",
        "failed_at",
        "failure",
        "failures",
        "own",
        "policy",
        "reason",
        "request",
        "settings",
        "skipped",
        "started",
        "stop",
        "task",
    )

    def __init__(
        self,
        settings: Settings,
        request: ToolCallRequest,
        execute: Callable[[ToolCallRequest], Any],  # Any: a Result, or an awaitable of one
        *,
        batch: Batch | None,
        own: OwnHandling | None = None,
        task: "asyncio.Task[Any] | None" = None,
        stop: Stop | None = None,
        started: float | None = None,
    ) -> None:
        self.settings = settings
        self.request = request
        self.execute = execute
        self.batch = batch
        self.own = own
        self.task = task
        self.stop = stop
        self.policy = settings.policy_of(request)
        self.started = self.attempt_began = settings.clock() if started is None else started
        self.admission: Admission | None = None
        if not settings.is_calm(request):
            self.admission = self._admission()
        self.credentials_seen: int | None = None
        if settings.credentials is not None:
            self.credentials_seen = settings.credentials.renewals(request.tool_call["name"])
        self.failures = 0
        self.effect = Effect.NONE
        self.failure: Failure | None = None
        self.failed_at = 0.0
        self.skipped = 0.0
        self.reason: Reason | None = None

    def again(self, request: ToolCallRequest) -> "Call":
        """Return a fresh copy of the call, with nothing counted, for when the user's wrapper makes it again."""
        is_same = request.tool_call["name"] == self.request.tool_call["name"]
        stop = self.stop if is_same else None  # else it is not the call that the model made
        return Call(self.settings, request, self.execute, batch=self.batch, own=self.own, task=self.task, stop=stop)

    @property
    def id(self) -> str:
        """The id that the model gave the call."""
        return self.request.tool_call["id"] or ""

    @property
    def tool(self) -> str:
        """The name of the tool, cleaned up if the model made it up."""
        name: str = self.request.tool_call["name"]
        return name if self.request.tool is not None else word(name)

    # ---- time ----

    def elapsed(self) -> float:
        """Return the seconds since the first attempt began."""
        return self.settings.clock() - self.started

    def call_left(self) -> float | None:
        """Return the seconds until the deadline of the call, None without one."""
        return None if self.policy.deadline is None else max(0.0, self.policy.deadline - self.elapsed())

    def time_left(self) -> float | None:
        """Return the seconds that the next attempt may take, None for no limit."""
        limit, left = self.policy.attempt_timeout, self.call_left()
        return min((each for each in (limit, left) if each is not None), default=None)

    def begin_attempt(self) -> None:
        """Note when an attempt begins; the time of the call begins with the first, not with the wait for a slot."""
        running = current_call()
        if running is not None:
            running.begin_attempt()
        self.attempt_began = self.settings.clock()
        if self.batch is not None and self.batch.limit is not None and not self.failures:
            self.started = self.attempt_began

    # ---- what is counted ----

    def count(self, failure: Failure) -> None:
        """Note that an attempt has failed."""
        self.failures += 1
        self.failure = failure
        self.failed_at = self.elapsed()

    def refuse(self, why: Refusal | Stop) -> None:
        """Note why there is no attempt. A failure of the call's own attempts is kept."""
        self.reason = why.reason
        self.attempt_began = self.settings.clock()
        if self.failure is None:
            self.failure, self.failed_at = why.failure, self.elapsed()
        else:
            self.failure = replace(self.failure, retry_after=why.failure.retry_after)

    # ---- the gate of the tool ----

    def pay(self) -> None:
        """Note that a retry begins, which spends its tokens."""
        if self.admission is not None:
            self.admission.paid, self.admission.owed = self.admission.owed, 0

    def failed_at_gate(self, failure: Failure, cause: BaseException, *, retries: bool) -> Flow[Standing]:
        """Report a failed attempt to the gate of the tool; the call `retries` if the gate allows it.

        Tokens for a retry are taken from the budget of the tool, if it has them.
        """
        if self.admission is None:
            self.admission = self._admission(cause)
        else:
            self.admission.gate = self.settings.gate_of(self.request, cause)
        return (yield from self.admission.failed(failure, began=self.attempt_began, retries=retries))

    def worked_at_gate(self) -> None:
        """Report an attempt that worked to the gate of the tool; its first failure may have come meanwhile."""
        if self.admission is None and not self.settings.is_calm(self.request):
            self.admission = self._admission()
        if self.admission is not None:
            self.admission.succeeded()

    def leave(self) -> None:
        """Release what was taken for an attempt that never started or never finished."""
        admission = self.admission
        if admission is not None and (admission.owed or admission.entry is not Entry.PLAIN):
            admission.end()

    def _admission(self, cause: BaseException | None = None) -> Admission:
        settings = self.settings
        call = self.request.tool_call
        arguments = key_of_arguments(thread="", tool=call["name"], arguments=call["args"])[:16]
        gate, clock, draw = settings.gate_of(self.request, cause), settings.clock, settings.chance
        return Admission(gate, self.policy, began=self.started, clock=clock, draw=draw, arguments=arguments)

    # ---- the batch ----

    async def stopping(self, error: BaseException) -> BaseException:
        """Return the error to stop the run with, once the other calls have ended."""
        if self.batch is None or self.batch.recorder is not None or not isinstance(error, GraphBubbleUp):
            return error
        return await self.batch.stopped_with(error, by=self.task)

    # ---- reports ----

    def outcome(self) -> Outcome:
        """Return what became of a call that was given up."""
        if self.failure is None or self.reason is None:
            raise AssertionError("the outcome was requested before the call was given up")
        tool, stop = self.request.tool, self.stop
        return Outcome(
            tool=self.tool,
            failure=self.failure,
            attempts=self.failures,
            elapsed=self.failed_at + self.skipped,
            reason=self.reason,
            idempotent=self.policy.idempotent,
            direct=tool is not None and tool.return_direct,
            failed_before=0 if stop is None else stop.times,
            same_call=stop is not None and stop.same_call,
            effect=self.effect,
        )

    def event(self, kind: EventType, after: float | None = None) -> ToolEvent:
        """Return the event for what has just happened; the next attempt follows `after` that many seconds."""
        failure = self.failure
        # Verifying belongs to the failed attempt, however long it takes.
        now = self.started + self.failed_at if kind is EventType.VERIFIED else self.settings.clock()
        info = getattr(self.request.runtime, "execution_info", None)  # None outside a graph
        return ToolEvent(
            type=kind,
            tool=self.tool,
            tool_call_id=self.id,
            attempt=self.failures + (kind is EventType.RECOVERED and self.effect is not Effect.HAPPENED),
            of=self.policy.max_attempts,
            elapsed=now - self.started + self.skipped,
            took=now - self.attempt_began,
            after=after,
            category=None if failure is None else failure.category,
            error_type=None if failure is None else failure.error_type,
            status_code=None if failure is None else failure.status_code,
            correctable=self.reason is not None and failure is not None and is_correctable(failure),
            reason=self.reason,
            found=self.effect if kind is EventType.VERIFIED else None,
            thread_id=getattr(info, "thread_id", None),
        )
