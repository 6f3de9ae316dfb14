"""One tool call, from the request to the answer."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from agent_tools._approvals import ApprovedTool, with_approvals
from agent_tools._attempts import Attempts
from agent_tools._classify import Rules, diagnose
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory, Failure, Veto
from agent_tools._core.idempotency import key_of_arguments, key_of_call
from agent_tools._core.messages import Outcome, facts, render, render_bad_arguments
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.redaction import scrub
from agent_tools._credentials import Credentials
from agent_tools._drivers import arun, run
from agent_tools._langgraph import (
    Origin,
    alarm_of_run,
    argument_problems,
    is_control_flow,
    is_hinted_destructive,
    may_lose_approvals,
    message_of,
    origin_of,
    runs_in_thread,
    thread_of,
    underlying,
)
from agent_tools._observers import Observer, logger, tell
from agent_tools._time_limit import StillRunningError, TimeLimit, run_within
from agent_tools._waiting import apause, pause

Result = ToolMessage | Command[Any]
Execute = Callable[[ToolCallRequest], Result]
AsyncExecute = Callable[[ToolCallRequest], Awaitable[Result]]


class DrainingError(Exception):
    """The graph shuts down while a call waits for its next attempt."""


class ReturnedError(Exception):
    """A tool returned what counts as a failure; carries it through the loop like a raised error."""

    def __init__(self, result: Result, *, retry: bool) -> None:
        super().__init__()
        self.result = result
        self.failure = Failure(
            category=ErrorCategory.RETRYABLE if retry else ErrorCategory.NON_RETRYABLE,
            error_type=type(result).__name__,
            rule="failed_when" if retry else "returned status",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHandling:
    """An explicit `handle_tool_errors`: which errors are answered, and in whose words.

    Attributes:
        types: Errors of these types are answered, all others are raised.
        text: Makes the words; None for ours.
    """

    types: tuple[type[BaseException], ...]
    text: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is the same for all calls of a handler; `ToolErrorHandler` explains the fields."""

    policy: RetryPolicy
    per_tool: Mapping[str, RetryPolicy]
    rules: Rules
    expose: tuple[type[BaseException], ...]
    observer: Observer | None
    credentials: Credentials | None
    clock: Callable[[], float]
    chance: Callable[[], float]

    def policy_of(self, tool: str) -> RetryPolicy:
        """Return the policy for `tool`."""
        return self.per_tool.get(tool, self.policy)

    def diagnose(self, error: BaseException, origin: Origin, request: ToolCallRequest) -> Failure:
        """Return what went wrong in this call; the only place where text of a tool gets through, scrubbed."""
        if isinstance(error, ReturnedError):
            return error.failure
        cause = underlying(error)
        if origin is Origin.ARGUMENTS:
            return _refused_arguments(cause, request)
        failure = diagnose(cause, rules=self._rules_of(request.tool_call["name"]))
        if origin is Origin.RESULT:
            return replace(failure, veto=Veto.RESULT)
        if isinstance(cause, StillRunningError):
            return replace(failure, veto=Veto.RUNNING)
        words = _text_of(cause) if isinstance(cause, self.expose) else failure.detail
        return failure if words is None else replace(failure, detail=scrub(words) or None)

    def _rules_of(self, tool: str) -> Rules:
        own = self.policy_of(tool).classify
        return (own, self.rules) if own else self.rules


class Call:
    """One tool call in a node; `run` or `arun` it, and `answer` what they raise."""

    __slots__ = ("_attempts", "_gave_up_on", "_refused", "_renewals", "_request", "_settings")

    def __init__(self, settings: Settings, request: ToolCallRequest) -> None:
        self._settings = settings
        self._gave_up_on: BaseException | None = None
        self._begin(request)

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
        return isinstance(self._request.tool, ApprovedTool)

    @property
    def policy(self) -> RetryPolicy:
        """The policy that holds for this call."""
        return self._attempts.policy

    def _begin(self, request: ToolCallRequest) -> None:
        settings, tool = self._settings, request.tool_call["name"]
        self._request = with_approvals(request)
        self._attempts = Attempts(settings.policy_of(tool), clock=settings.clock, chance=settings.chance)
        self._renewals = None if settings.credentials is None else settings.credentials.renewals(tool)
        self._refused: BaseException | None = None
        current_call.set(self)

    def run(self, execute: Execute) -> Result:
        """Return what the tool returned with the first attempt that worked, or raise its last error."""

        def attempt() -> Result:
            if self.policy.attempt_timeout is None:
                return self._accepted(execute(self._request))
            return self._accepted(run_within(self._attempts.time_left(), lambda: execute(self._request)))

        return run(attempt, self._ask, self._wait)

    def arun(self, execute: AsyncExecute) -> Awaitable[Result]:
        """Return the same as `run`; an attempt that meets its time limit is canceled and awaited."""

        async def attempt() -> Result:
            limit = TimeLimit(self._attempts.time_left())
            try:
                with limit:
                    return self._accepted(await execute(self._request))
            except TimeoutError:
                if not (limit.expired and runs_in_thread(self._request.tool)):
                    raise
            raise StillRunningError  # the thread goes on, canceled or not

        return arun(attempt, self._ask, self._await)

    def rerun(self, execute: Execute, request: ToolCallRequest) -> Result:
        """Return the same as `run`, for a wrapper of the user's.

        It may come here more than once, and with other requests; each time the counting starts anew.
        """
        self._begin(request)
        try:
            return self.run(execute)
        except ReturnedError as error:
            returned = error
        return self._marked(returned.result)

    async def arerun(self, execute: AsyncExecute, request: ToolCallRequest) -> Result:
        """Return the same as `rerun`."""
        self._begin(request)
        try:
            return await self.arun(execute)
        except ReturnedError as error:
            returned = error
        return self._marked(returned.result)

    def is_answered(self, error: BaseException, own: OwnHandling | None) -> bool:
        """Return whether the model is to read of `error`.

        If not, it is raised: control flow, a mistake in the wiring, an error of the user's wrapper, or one
        that an explicit `handle_tool_errors` lets out.
        """
        return error is self._gave_up_on and (own is None or isinstance(error, own.types))

    def answer(self, error: BaseException, own: OwnHandling | None) -> Result:
        """Return what the model reads instead of a result."""
        self._gave_up_on = None
        if isinstance(error, ReturnedError):
            return self._marked(error.result)
        text = None if own is None or own.text is None else own.text(error)
        outcome = self._outcome()
        call = self._request.tool_call
        return ToolMessage(
            content=text or render(outcome),
            name=call["name"],
            tool_call_id=call["id"],
            status="error",
            artifact=facts(outcome),
        )

    def key(self) -> str:
        """Return the idempotency key of this call; see `agent_tools.idempotency`."""
        call, thread = self._request.tool_call, thread_of(self._request)
        if self.policy.key_by == "arguments":
            return key_of_arguments(thread=thread, tool=call["name"], arguments=call["args"])
        message = message_of(self._request)
        return key_of_call(thread=thread, message=message, call=self.id, tool=call["name"])

    def _ask(self, error: BaseException) -> float | None:
        """Return the seconds until the next attempt, None to let `error` out."""
        if is_control_flow(error):
            return None
        origin = origin_of(error)
        if origin is Origin.WIRING:
            return None
        attempts, request = self._attempts, self._request
        if attempts.policy.idempotent is None and is_hinted_destructive(request.tool):
            attempts.policy = replace(attempts.policy, idempotent=False)
        alarm = alarm_of_run()
        retry = attempts.failed(
            self._settings.diagnose(error, origin, request),
            renewable=self._renewals is not None,
            approval_lost=may_lose_approvals(request),
            draining=alarm is not None and alarm(),
        )
        if retry is None:
            self._give_up(error)
            return None
        if retry.renew:
            self._refused = error
        self._tell(EventType.RETRY, retry.after)
        return retry.after

    def _wait(self, seconds: float) -> None:
        if self._refused is not None:
            self._renewed(self._credentials.renew(self._event(EventType.RETRY), seen=self._renewals or 0))
        elif not pause(seconds, alarm_of_run()):
            self._drained()

    async def _await(self, seconds: float) -> None:
        if self._refused is not None:
            self._renewed(await self._credentials.arenew(self._event(EventType.RETRY), seen=self._renewals or 0))
        elif not await apause(seconds, alarm_of_run()):
            self._drained()

    @property
    def _credentials(self) -> Credentials:
        if self._settings.credentials is None:
            raise AssertionError("credentials are renewed that nobody can renew")
        return self._settings.credentials

    def _renewed(self, renewed: bool) -> None:  # noqa: FBT001  # what was just said
        """Go on with new credentials, once; or let the refusal out that came with the old ones."""
        refused, self._refused, self._renewals = self._refused, None, None
        if renewed or refused is None:
            return
        self._attempts.end()
        self._give_up(refused)
        raise refused

    def _drained(self) -> None:
        error = DrainingError()
        self._attempts.end(draining=True)
        self._give_up(error)
        raise error

    def _give_up(self, error: BaseException) -> None:
        self._gave_up_on = error
        self._tell(EventType.FAILED)

    def _accepted(self, result: Result) -> Result:
        """Return `result`, or raise it when it counts as a failure."""
        failed_when = self._attempts.policy.failed_when
        if failed_when is not None and _says_failed(failed_when, result):
            raise ReturnedError(result, retry=True)
        if isinstance(result, ToolMessage) and result.status == "error":
            raise ReturnedError(result, retry=False)
        if self._attempts.failures:
            self._tell(EventType.RECOVERED)
        return result

    def _marked(self, result: Result) -> Result:
        """Return a result that counts as a failure as what it is, without secrets."""
        self._gave_up_on = None
        if not isinstance(result, ToolMessage):
            return result
        content = _scrubbed(result.content) or render(self._outcome())
        return result.model_copy(update={"content": content, "status": "error"})

    def _outcome(self) -> Outcome:
        attempts, tool = self._attempts, self._request.tool
        if attempts.failure is None or attempts.reason is None:
            raise AssertionError("an answer was asked for before the call was given up")
        return Outcome(
            tool=self._request.tool_call["name"],
            failure=attempts.failure,
            attempts=attempts.failures,
            elapsed=attempts.elapsed(),
            reason=attempts.reason,
            idempotent=attempts.policy.idempotent,
            direct=tool is not None and tool.return_direct,
        )

    def _tell(self, kind: EventType, after: float | None = None) -> None:
        writer = getattr(self._request.runtime, "stream_writer", None)  # there is no runtime outside a graph
        tell(self._event(kind, after), observer=self._settings.observer, stream_writer=writer)

    def _event(self, kind: EventType, after: float | None = None) -> ToolEvent:
        attempts, failure = self._attempts, self._attempts.failure
        return ToolEvent(
            type=kind,
            tool=self._request.tool_call["name"],
            tool_call_id=self.id,
            attempt=attempts.failures + (kind is EventType.RECOVERED),
            of=attempts.policy.max_attempts,
            elapsed=attempts.elapsed(),
            after=after,
            category=None if failure is None else failure.category,
            status_code=None if failure is None else failure.status_code,
            reason=attempts.reason,
        )


#: The call whose tool is running; see `agent_tools.idempotency`.
current_call: ContextVar[Call | None] = ContextVar("agent_tools_call", default=None)


def _refused_arguments(error: BaseException, request: ToolCallRequest) -> Failure:
    problems = [scrub(problem) for problem in argument_problems(error, request.tool)]
    return Failure(
        category=ErrorCategory.NON_RETRYABLE,
        error_type=type(error).__name__,
        rule="arguments",
        may_have_acted=False,
        detail=render_bad_arguments(request.tool_call["name"], problems),
    )


def _says_failed(failed_when: Callable[[Any], bool], result: Result) -> bool:
    try:
        return bool(failed_when(result))
    except Exception as error:  # noqa: BLE001  # the tool has acted: its result must not be lost
        logger.warning("failed_when raised %s; the result counts as a success", type(error).__name__)
        return False


def _scrubbed(content: str | list[str | dict[Any, Any]]) -> str | list[str | dict[Any, Any]]:
    if isinstance(content, str):
        return scrub(content)
    return [
        {**block, "text": scrub(block["text"])} if isinstance(block, dict) and "text" in block else block
        for block in content
    ]


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # an error that cannot even be printed has nothing to tell
        return ""
