"""From one tool call to its one answer, whatever the tool does.

`ToolErrorHandler` has the two methods that both `ToolNode` and LangChain's `AgentMiddleware` call for
each tool call, so node and middleware are thin. The layers, from the inside out: the tool, the retries,
the wrapper of the user, and outermost the answer to the last error. An answer made further inside would
blind the user's wrapper.
"""

import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from agent_tools._attempts import Attempts
from agent_tools._classify import diagnose
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory, Failure, Veto
from agent_tools._core.messages import Outcome, facts, render, render_bad_arguments
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.redaction import scrub
from agent_tools._drivers import FAILURES, arun, run
from agent_tools._langgraph import Origin, argument_problems, is_control_flow, origin_of, underlying
from agent_tools._observers import Observer, logger, tell
from agent_tools._time_limit import TimeLimit

Rules = Any
Result = ToolMessage | Command[Any]
Execute = Callable[[ToolCallRequest], Result]
AsyncExecute = Callable[[ToolCallRequest], Awaitable[Result]]
Wrapper = Callable[[ToolCallRequest, Execute], Result]
AsyncWrapper = Callable[[ToolCallRequest, AsyncExecute], Awaitable[Result]]

#: Returns the developer's own text for an error, None for ours, or raises the error.
OwnText = Callable[[BaseException], str | None]


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
class Settings:
    """What is the same for all calls of a handler; `ToolErrorHandler` explains the fields."""

    policy: RetryPolicy
    per_tool: Mapping[str, RetryPolicy]
    rules: Rules
    expose: tuple[type[BaseException], ...]
    observer: Observer | None
    clock: Callable[[], float]
    chance: Callable[[], float]

    def attempts(self, tool: str) -> Attempts:
        """Start counting for a call of `tool`."""
        return Attempts(self.per_tool.get(tool, self.policy), clock=self.clock, chance=self.chance)

    def diagnose(self, error: BaseException, origin: Origin, request: ToolCallRequest) -> Failure:
        """Return what went wrong in this call; the only place where text of a tool gets through, scrubbed."""
        if isinstance(error, ReturnedError):
            return error.failure
        cause = underlying(error)
        if origin is Origin.ARGUMENTS:
            return _refused_arguments(cause, request)
        failure = diagnose(cause, rules=self.rules)
        if origin is Origin.RESULT:
            return replace(failure, veto=Veto.RESULT)
        if isinstance(cause, self.expose):
            return replace(failure, detail=scrub(_text_of(cause)) or None)
        return failure


class ToolErrorHandler:
    """Retries what is worth retrying and answers what is not; one for all calls of a node.

    `ResilientToolNode` makes its own. Make one yourself to share it between nodes (`handler=`).

    Args:
        policy: How often and how long a call is tried.
        per_tool: Other policies, by the name of the tool.
        classify: Asked before our own tables: a function from error to category (or None, when it has
            no opinion), or a mapping from error types to categories.
        expose: Error types whose text was written for the model. It is scrubbed and capped all the same.
        observer: Called with each `ToolEvent`.
        clock: Returns seconds that never run backwards.
        chance: Returns a number from 0 up to 1, for the jitter.
    """

    def __init__(
        self,
        *,
        policy: RetryPolicy | None = None,
        per_tool: Mapping[str, RetryPolicy] | None = None,
        classify: Rules = (),
        expose: tuple[type[BaseException], ...] = (ToolException,),
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = Settings(
            policy=_policy("policy", RetryPolicy() if policy is None else policy),
            per_tool={tool: _policy(f"per_tool[{tool!r}]", given) for tool, given in (per_tool or {}).items()},
            rules=classify,
            expose=_error_types(expose),
            observer=observer,
            clock=clock,
            chance=chance,
        )

    def require_tools(self, names: Iterable[str]) -> None:
        """Raise unless each tool that has a policy of its own is among `names`.

        Raises:
            ValueError: `per_tool` names a tool that does not exist.
        """
        known = sorted(names)
        for name in self._settings.per_tool:
            if name not in known:
                raise ValueError(f"per_tool names {name!r}, but the tools are {', '.join(known)}")

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        execute: Execute,
        *,
        around: Wrapper | None = None,
        own_text: OwnText | None = None,
    ) -> Result:
        """Return what the tool returned, or the answer to its last error.

        Args:
            request: The call.
            execute: Runs the tool once.
            around: The user's own wrapper, which goes around all attempts of the call.
            own_text: What an explicit `handle_tool_errors` says about an error.
        """
        call = _Call(self._settings, request)
        try:
            if around is None:
                return run(call.attempt(execute), call.ask)
            return around(request, partial(call.run, execute))
        except FAILURES as error:
            failed = error
        try:
            return call.answer(failed, own_text)
        finally:
            del failed  # it holds this frame, and this frame held it

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        execute: AsyncExecute,
        *,
        around: AsyncWrapper | None = None,
        own_text: OwnText | None = None,
    ) -> Result:
        """Return the same as `wrap_tool_call`, for a tool that is awaited."""
        call = _Call(self._settings, request)
        try:
            if around is None:
                return await arun(call.aattempt(execute), call.ask)
            return await around(request, partial(call.arun, execute))
        except FAILURES as error:
            failed = error
        try:
            return call.answer(failed, own_text)
        finally:
            del failed


class _Call:
    """One tool call, from the request to the answer."""

    __slots__ = ("_attempts", "_gave_up_on", "_request", "_settings")

    def __init__(self, settings: Settings, request: ToolCallRequest) -> None:
        self._settings = settings
        self._gave_up_on: BaseException | None = None
        self._begin(request)

    def _begin(self, request: ToolCallRequest) -> None:
        self._request = request
        self._attempts = self._settings.attempts(request.tool_call["name"])

    def run(self, execute: Execute, request: ToolCallRequest) -> Result:
        """Return what the tool returned, or raise its last error: what a wrapper of the user's calls.

        It may do so more than once, and with other requests; each time the counting starts anew.
        """
        self._begin(request)
        try:
            return run(self.attempt(execute), self.ask)
        except ReturnedError as error:
            returned = error
        return self._marked(returned.result)

    async def arun(self, execute: AsyncExecute, request: ToolCallRequest) -> Result:
        """Return the same as `run`."""
        self._begin(request)
        try:
            return await arun(self.aattempt(execute), self.ask)
        except ReturnedError as error:
            returned = error
        return self._marked(returned.result)

    def attempt(self, execute: Execute) -> Callable[[], Result]:
        """Return the function that runs the tool once."""
        return lambda: self._accepted(execute(self._request))

    def aattempt(self, execute: AsyncExecute) -> Callable[[], Awaitable[Result]]:
        """Return the function that runs the tool once, and cancels it when it meets the deadline."""

        async def attempt() -> Result:
            with TimeLimit(self._attempts.remaining()):
                return self._accepted(await execute(self._request))

        return attempt

    def answer(self, error: BaseException, own_text: OwnText | None) -> Result:
        """Return what the model reads instead of a result.

        Raises:
            BaseException: `error` itself when it is not the tool's: control flow, a mistake in the
                wiring, an error of the user's wrapper, or one that `own_text` lets out.
        """
        if error is not self._gave_up_on:
            raise error
        self._gave_up_on = None
        if isinstance(error, ReturnedError):
            return self._marked(error.result)
        text = None if own_text is None else own_text(error)
        outcome = self._outcome()
        call = self._request.tool_call
        return ToolMessage(
            content=text or render(outcome),
            name=call["name"],
            tool_call_id=call["id"],
            status="error",
            artifact=facts(outcome),
        )

    def ask(self, error: BaseException) -> float | None:
        """Return the seconds until the next attempt, None to let `error` out."""
        if is_control_flow(error):
            return None
        origin = origin_of(error)
        if origin is Origin.WIRING:
            return None
        after = self._attempts.wait_after(self._settings.diagnose(error, origin, self._request))
        if after is None:
            self._gave_up_on = error
            self._tell(EventType.FAILED)
            return None
        self._tell(EventType.RETRY, after)
        return after

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
        attempts, failure = self._attempts, self._attempts.failure
        event = ToolEvent(
            type=kind,
            tool=self._request.tool_call["name"],
            tool_call_id=self._request.tool_call["id"] or "",
            attempt=attempts.failures + (kind is EventType.RECOVERED),
            of=attempts.policy.max_attempts,
            elapsed=attempts.elapsed(),
            after=after,
            category=None if failure is None else failure.category,
            status_code=None if failure is None else failure.status_code,
            reason=attempts.reason,
        )
        writer = getattr(self._request.runtime, "stream_writer", None)  # there is no runtime outside a graph
        tell(event, observer=self._settings.observer, stream_writer=writer)


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


def _policy(name: str, given: RetryPolicy) -> RetryPolicy:
    if not isinstance(given, RetryPolicy):
        raise TypeError(f"{name} must be a RetryPolicy, not {given!r}")
    return given


def _error_types(given: object) -> tuple[type[BaseException], ...]:
    types = given if isinstance(given, tuple) else (given,)
    for each in types:
        if not isinstance(each, type) or not issubclass(each, BaseException):
            raise TypeError(f"expose must name error types, not {each!r}")
    return types
