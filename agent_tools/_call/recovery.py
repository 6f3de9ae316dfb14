"""What becomes of a call that has failed, or that is not run at all: asked, waited for, told, and answered in the end.

A call that works never comes here.
"""

from collections.abc import Iterator
from dataclasses import replace

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.admission import Admission
from agent_tools._call.attempts import Attempts
from agent_tools._call.observers import acall_back, call_back, is_heard, tell
from agent_tools._call.settings import DrainingError, NotRunError, OwnHandling, Result, ReturnedError, Settings
from agent_tools._core.answer import Outcome, facts, is_correctable
from agent_tools._core.circuit import is_counted
from agent_tools._core.decision import Reason
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.loop_guard import Stop
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.redaction import scrub_content
from agent_tools._core.turn import marked
from agent_tools._flow.time_limit import TimeLimit
from agent_tools._flow.waiting import apause, pause
from agent_tools._gate.gate import Refusal
from agent_tools._langgraph.attempt_tags import as_retry
from agent_tools._langgraph.errors import Origin
from agent_tools._langgraph.returned_errors import with_errors
from agent_tools._langgraph.run import (
    alarm_of_run,
    is_draining,
    is_hinted_destructive,
    may_lose_approvals,
    node_attempt_of,
    thread_id_of,
)


class Recovery:
    """The second half of a call, made when there is anything to recover from.

    Args:
        settings: Of the handler.
        request: The call.
        policy: What the user wants for this tool.
        own: What an explicit `handle_tool_errors` says about errors.
        started: When the first attempt began, by the clock of the settings.
        admission: How the attempts meet those of other calls; None as long as nothing is shared.
        renewals: How often the credentials had been renewed when the call began.

    Attributes:
        request: The call, as the next attempt makes it.
        admission: As above; there is one from the first failure on that others are to know of.
    """

    __slots__ = (
        "_attempts",
        "_let_out",
        "_own",
        "_policy",
        "_refused",
        "_renewals",
        "_settings",
        "_started",
        "_stop",
        "admission",
        "request",
    )

    def __init__(
        self,
        settings: Settings,
        request: ToolCallRequest,
        policy: RetryPolicy,
        *,
        own: OwnHandling | None,
        started: float,
        admission: Admission | None,
        renewals: int,
    ) -> None:
        careful = policy.idempotent is None and is_hinted_destructive(request.tool)
        self._settings = settings
        self._own = own
        self._policy = replace(policy, idempotent=False) if careful else policy
        self._started = started
        self._renewals = renewals
        self._attempts = Attempts(self._policy, started=started, clock=settings.clock, chance=settings.chance)
        self._let_out: tuple[BaseException, ...] = ()  # more than one where a wrapper runs the tool twice at a time
        self._refused: BaseException | None = None
        self._stop: Stop | None = None
        self.request = request
        self.admission = admission

    # ---- what follows ----

    def after(self, error: BaseException, cause: BaseException, origin: Origin) -> float | None:
        """Return the seconds until the next attempt, None to let `error` out.

        Args:
            error: As it was raised.
            cause: The tool's own error in it.
            origin: How far the call had got.
        """
        settings, attempts, request = self._settings, self._attempts, self.request
        failure = settings.diagnose(cause, origin, request)
        if failure.category is not ErrorCategory.NON_RETRYABLE or isinstance(error, ReturnedError):
            settings.layers.note(error, tool=request.tool_call["name"], node_attempt=node_attempt_of(request))
        is_retried = failure.category in self._policy.retry_on
        if origin is Origin.ARGUMENTS:  # the tool was not run, so there is nothing that others are to know
            if self.admission is not None:
                self.admission.leave()
        elif is_retried or self.admission is not None or is_counted(failure):
            self._let_others_know(failure)
        renewable = settings.credentials is not None and not attempts.renewed
        if not is_retried and not renewable:  # settled, whatever else there is to know
            attempts.settled(failure)
            self._give_up(error)
            return None
        retry = attempts.failed(
            failure,
            None if self.admission is None else self.admission.gate,
            renewable=renewable,
            approval_lost=may_lose_approvals(request),
            draining=is_draining(),
        )
        if retry is None:
            self._give_up(error)
            return None
        if retry.renew:
            self._refused = error
        self.request = as_retry(request, attempts.failures + 1)
        self._tell(EventType.RETRY, retry.after)
        return retry.after

    def _let_others_know(self, failure: Failure) -> None:
        if self.admission is None:
            settings = self._settings
            gate = settings.gates.gate(settings.key_of(self.request))
            self.admission = Admission(gate, settings, self._policy, began=self._started)
        self.admission.failed(failure)

    def hindrance(self, seconds: float) -> BaseException | None:
        """Wait `seconds`, and return what speaks against another attempt after all."""
        self.call_back()
        if self._refused is not None:
            credentials, event = self._settings.credentials, self._event(EventType.RETRY, seconds)
            return self._not_renewed(renewed=credentials is not None and credentials.renew(event, seen=self._renewals))
        if not pause(seconds, alarm_of_run()):
            return self._drained()
        return self.begun() if self.admission is None else self.begun(self.admission.enter())

    async def ahindrance(self, seconds: float) -> BaseException | None:
        """Do the same as `hindrance`."""
        await self.acall_back()
        if self._refused is not None:
            return self._not_renewed(renewed=await self._arenewed(self._event(EventType.RETRY, seconds)))
        if not await apause(seconds, alarm_of_run()):
            return self._drained()
        return self.begun() if self.admission is None else self.begun(await self.admission.aenter())

    def begun(self, refusal: Refusal | None = None) -> BaseException | None:
        """Note that the next attempt begins, or return what a `refusal` comes to."""
        if refusal is not None:
            return self.not_run(refusal)
        self._attempts.begun()
        return None

    async def _arenewed(self, event: ToolEvent) -> bool:
        credentials = self._settings.credentials
        try:
            with TimeLimit(self._attempts.call_left()):
                return credentials is not None and await credentials.arenew(event, seen=self._renewals)
        except TimeoutError:
            return False

    def _not_renewed(self, *, renewed: bool) -> BaseException | None:
        """Return the refusal that came with the old credentials, None when there are new ones."""
        refused, self._refused = self._refused, None
        if renewed or refused is None:
            return None
        self._attempts.reason = Reason.NOT_RETRIED
        return self._give_up(refused)

    def _drained(self) -> BaseException:
        self._attempts.reason = Reason.DRAINING
        return self._give_up(DrainingError())

    def not_run(self, why: Refusal | Stop) -> BaseException:
        """Return what stands for an error of a call that is not run, or not run again."""
        if isinstance(why, Stop):
            self._stop = why
        self._attempts.refused(why)
        error = NotRunError(f"{self.request.tool_call['name']} was not run: {why.reason}")
        if self._attempts.failures:
            return self._give_up(error)
        self._let_out += (error,)
        self._tell(EventType.SHORT_CIRCUITED)
        return error

    def _give_up(self, error: BaseException) -> BaseException:
        self._let_out += (error,)
        self._tell(EventType.FAILED)
        return error

    def recovered(self) -> None:
        """Note that an attempt has worked after all."""
        self._tell(EventType.RECOVERED)

    @property
    def paid(self) -> int | None:
        """Tokens that the last retry has taken, None when there was none."""
        return self._attempts.paid

    def time_left(self) -> float | None:
        """Return the seconds that the next attempt may take, None for no limit."""
        return self._attempts.time_left()

    def leave(self) -> None:
        """Give back what was taken for an attempt that was never made, or came to no end."""
        if self.admission is not None:
            self.admission.leave()
            if self._attempts.owed:
                self.admission.gate.repaid(self._attempts.owed)

    # ---- the answer ----

    def answers(self, error: BaseException) -> bool:
        """Return whether the model is to read of `error`, once: else it is to be raised."""
        let_out, self._let_out = self._let_out, ()
        return any(error is each for each in let_out) and (self._own is None or self._own.answers(error))

    def answer(self, error: BaseException) -> ToolMessage:
        """Return what the model reads instead of a result."""
        text = None if self._own is None else self._own.words(error)
        outcome, call = self._outcome(), self.request.tool_call
        known = facts(outcome)
        return ToolMessage(
            content=text or self._settings.texts.text(outcome),
            name=call["name"],
            tool_call_id=call["id"],
            status="error",
            artifact=known,
            additional_kwargs=marked(known, outcome.failure.detail),
        )

    def marked(self, result: Result) -> Result:
        """Return a result that counts as a failure as what it is, without secrets."""
        self._let_out = ()
        if isinstance(result, ToolMessage):
            return self._marked(result)
        marked: Result = with_errors(result, self.request.tool_call["id"], self._marked)
        return marked

    def _marked(self, message: ToolMessage) -> ToolMessage:
        outcome = self._outcome()
        known, content = facts(outcome), scrub_content(message.content)
        told = {
            "content": content or self._settings.texts.text(outcome),
            "artifact": known if message.artifact is None else message.artifact,
            "additional_kwargs": message.additional_kwargs | marked(known, str(content)),
            "status": "error",
        }
        return message.model_copy(update=told)

    def _outcome(self) -> Outcome:
        attempts, tool, stop = self._attempts, self.request.tool, self._stop
        if attempts.failure is None or attempts.reason is None:
            raise AssertionError("an answer was asked for before the call was given up")
        return Outcome(
            tool=self.request.tool_call["name"],
            failure=attempts.failure,
            attempts=attempts.failures,
            elapsed=attempts.failed_at,
            reason=attempts.reason,
            idempotent=self._policy.idempotent,
            direct=tool is not None and tool.return_direct,
            failed_before=0 if stop is None else stop.times,
            same_call=stop is not None and stop.same_call,
        )

    # ---- events ----

    def _tell(self, kind: EventType, after: float | None = None) -> None:
        event, runtime = self._event(kind, after), self.request.runtime  # there is no runtime outside a graph
        tell(event, observer=self._settings.observer, stream_writer=getattr(runtime, "stream_writer", None))
        if is_heard(getattr(runtime, "config", None)):
            self._attempts.untold.append(event)

    def call_back(self) -> None:
        """Tell the callbacks of the run what they have not been told yet."""
        for event in self._untold():
            call_back(event, self.request.runtime.config)

    async def acall_back(self) -> None:
        """Do the same as `call_back`."""
        for event in self._untold():
            await acall_back(event, self.request.runtime.config)

    def _untold(self) -> Iterator[ToolEvent]:
        while self._attempts.untold:
            yield self._attempts.untold.pop(0)

    def _event(self, kind: EventType, after: float | None) -> ToolEvent:
        attempts, call = self._attempts, self.request.tool_call
        failure, works = attempts.failure, kind is EventType.RECOVERED
        return ToolEvent(
            type=kind,
            tool=call["name"],
            tool_call_id=call["id"] or "",
            attempt=attempts.failures + works,
            of=self._policy.max_attempts,
            elapsed=attempts.elapsed() if works else attempts.failed_at,
            after=after,
            category=None if failure is None else failure.category,
            error_type=None if failure is None else failure.error_type,
            status_code=None if failure is None else failure.status_code,
            correctable=failure is not None and is_correctable(failure),
            reason=attempts.reason,
            thread_id=thread_id_of(self.request),
        )
