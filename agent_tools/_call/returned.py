"""Results that count as failures: they are classified, retried and reported like raised errors.

The category comes from the first of these that has one: `failed_when`, if it returns a category or a `Failure`; the
user's rules, which get the `ToolMessage`; `failed_when`, if it returns True; a status in the text in an anchored form
(`HTTP 503`). The model reads the text of the tool, without secrets.
"""

from collections.abc import Callable
from dataclasses import replace
from inspect import iscoroutine
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.current import Result
from agent_tools._call.listeners import logger
from agent_tools._classify import Rules, ask, diagnose_text
from agent_tools._core.answer import render_bad_arguments
from agent_tools._core.failure import ErrorCategory, Failure, Veto
from agent_tools._core.made_up import word
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.turn import SOURCE, source_of
from agent_tools._langgraph.arguments import names_no_tool, problems_in, problems_in_text, refused_by_tool
from agent_tools._langgraph.returned_errors import answer_in

#: What `failed_when` returns: False or None for a success; True, a category or a `Failure` for a failure.
Declared = bool | ErrorCategory | Failure | None

#: Texts with more lines are output, in which a status may mean anything.
_MOST_LINES = 5


class ReturnedError(Exception):
    """Carries a result that counts as a failure through the flow.

    Attributes:
        result: What the tool returned.
        was_run: Whether the tool ran; it did not if it refused its arguments.
        words: What the model reads; None for the text that the tool returned, scrubbed.
    """

    def __init__(
        self,
        result: Result,
        message: ToolMessage | None,
        declared: Declared,
        *,
        was_run: bool = True,
        words: str | None = None,
    ) -> None:
        super().__init__()
        self.result = result
        self.was_run = was_run
        self.words = words
        self._message = message
        self._declared = declared

    def failure(self, rules: Rules) -> Failure:
        """Return the facts about the failure; `rules` are the user's."""
        if isinstance(self._declared, Failure):
            return self._declared
        category = self._declared if isinstance(self._declared, ErrorCategory) else None
        found = None if category is not None or self._message is None else ask(rules, self._message)
        if found is None:
            return self._plain(category)
        rule, answer = found
        return answer if isinstance(answer, Failure) else replace(self._plain(answer), rule=rule)

    def _plain(self, category: ErrorCategory | None) -> Failure:
        """Return the failure that the result shows; a `category` was given by `failed_when` or a rule."""
        if category is None and self._declared:
            category = ErrorCategory.RETRYABLE
        rule, text = (
            "failed_when" if self._declared else "returned status",
            text_in([] if self._message is None else self._message.content),
        )
        known = diagnose_text(text) if text.count("\n") < _MOST_LINES else None
        plain = Failure(category=ErrorCategory.NON_RETRYABLE, error_type=type(self.result).__name__, rule=rule)
        if known is None:
            return replace(plain, category=category or plain.category)
        known = replace(known, error_type=plain.error_type)
        return (
            known if category is None else replace(known, category=category, rule=rule, veto=_without_doubt(known.veto))
        )


def returned_error(result: Result, request: ToolCallRequest, policy: RetryPolicy) -> BaseException | None:
    """Return an error for a result that counts as a failure, else None."""
    message = answer_in(result, request.tool_call["id"])
    is_error = message is not None and message.status == "error"
    if message is not None and is_error:
        refused = _refused_arguments(result, message, request)
        if refused is not None:
            return refused
        if is_of_others(result, request):
            return None
    declared = None if policy.failed_when is None else _declared_by(policy.failed_when, result)
    return ReturnedError(result, message, declared) if declared or is_error else None


def is_of_others(result: Result, request: ToolCallRequest) -> bool:
    """Return whether other software has answered instead of the tool, for example because a human rejected the call."""
    if not isinstance(result, ToolMessage) or result.status != "error":
        return False
    was_run = getattr(request.tool, "was_run", True)  # an attribute of `WatchedTool`
    return was_run is False or source_of(result) not in (None, SOURCE)


def text_in(content: str | list[Any]) -> str:
    """Return the text in the content of a message, one block after another."""
    return content if isinstance(content, str) else "\n".join(filter(None, map(_text_of, content)))


def failure_of_arguments(problems: list[str], error_type: str, tool: str) -> Failure:
    """Return the failure of a call whose arguments the tool refused; without problems, they were injected ones."""
    return Failure(
        category=ErrorCategory.NON_RETRYABLE,
        error_type=error_type,
        rule="arguments" if problems else "injected arguments",
        may_have_acted=False,
        detail=render_bad_arguments(tool, problems),
    )


def _refused_arguments(result: Result, message: ToolMessage, request: ToolCallRequest) -> BaseException | None:
    """Return what was wrong with a call that the node or the tool has refused and answered itself, else None."""
    hidden: Callable[[], BaseException | None] | None = getattr(request.tool, "take_refused", None)  # a `WatchedTool`
    error = None if hidden is None else hidden()
    if error is not None:
        return error
    name = word(request.tool_call["name"])
    if names_no_tool(message, request):
        unknown = Failure(category=ErrorCategory.NON_RETRYABLE, rule="unknown tool", may_have_acted=False)
        words = message.text.replace(request.tool_call["name"], name)
        return ReturnedError(result, message, unknown, was_run=False, words=words)
    problems = problems_in_text(message, request)
    if problems is not None:
        failure = failure_of_arguments(problems, "ValidationError", name)
        return ReturnedError(result, message, failure, was_run=False, words=failure.detail)
    error = refused_by_tool(request)
    if error is None:
        return None
    failure = failure_of_arguments(problems_in(error, request), type(error).__name__, name)
    is_blank = getattr(request.tool, "handle_validation_error", None) is True  # then its text says nothing else
    return ReturnedError(result, message, failure, was_run=False, words=failure.detail if is_blank else None)


def _declared_by(failed_when: Callable[[Any], object], result: Result) -> Declared:
    try:
        declared = failed_when(result)
        if iscoroutine(declared):  # a lambda around an async function: always true
            declared.close()
            raise TypeError
        if isinstance(declared, str) and declared in set(ErrorCategory):
            return ErrorCategory(declared)
        return declared if isinstance(declared, Failure) else bool(declared)
    except Exception as error:  # noqa: BLE001  # the tool has acted: its result must not be lost
        logger.warning("failed_when raised %s; the result counts as a success", type(error).__name__)
        return None


def _text_of(block: Any) -> str | None:
    text = block.get("text") if isinstance(block, dict) else block
    return text if isinstance(text, str) else None


def _without_doubt(veto: Veto | None) -> Veto | None:
    return None if veto is Veto.TEXT else veto
