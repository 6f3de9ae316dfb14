"""`clean_errors`: tools whose errors show no secrets.

Tracers, callbacks, `astream_events` and `stream_mode="tools"` see the error of a tool before any handler does. They get
a `CleanError`, which has only its type and HTTP status. The handler gets the original, so that nothing else changes:
categories, waits, your own rules and `expose`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from types import new_class
from typing import Any

from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool, ToolException
from langchain_core.tools import tool as tool_of
from langgraph.errors import GraphBubbleUp, is_invalid_resume
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from agent_tools._classify import diagnose
from agent_tools._core.redaction import scrub
from agent_tools._flow.failed import FAILURES
from agent_tools._langgraph import private_names
from agent_tools._langgraph.signals import is_of_signal

#: The attribute with the original error; `agent_tools._classify` looks there, too.
_ORIGINAL = "original_error"


class CleanError(Exception):
    """Replaces an error while its tool runs.

    Attributes:
        original_error: The error that the tool raised, unchanged.
    """

    def __init__(self, *words: str, original_error: BaseException | None = None) -> None:
        super().__init__(*words)
        self.original_error = original_error


class CleanToolError(CleanError, ToolException):
    """Replaces a `ToolException`. Its text was written for the model, so it is kept, scrubbed."""


def clean_errors(tool: BaseTool | Callable[..., Any]) -> BaseTool:
    """Return `tool`, or a tool made of a function, so that its errors carry no secrets into traces.

    Name, schema, tags and results stay the same, and so do the retries and answers of `ResilientToolNode`,
    `ToolErrorHandler` and `ResilientToolMiddleware`. Anything between them and the tool sees a `CleanError`. An error
    that you let out of the node (`handle_tool_errors=False`) is raised unchanged.

    >>> from langgraph.prebuilt import ToolNode
    >>> def get_order(order_id: str) -> str:
    ...     '''Look up an order.'''
    >>> node = ToolNode([clean_errors(each) for each in [get_order]])

    Raises:
        TypeError: `tool` is neither a tool nor a function.
    """
    if not isinstance(tool, BaseTool):
        if not callable(tool) or isinstance(tool, Runnable):
            raise TypeError(f"clean_errors takes one tool or function at a time, not {type(tool).__name__}")
        tool = tool_of(tool)
    if isinstance(tool, _Cleaning):
        return tool
    handlers = {name: getattr(tool, name) for name in ("handle_tool_error", "handle_validation_error")}
    own = {name: _with_original(handler) for name, handler in handlers.items() if callable(handler)}
    clean = tool.model_copy(update=own)
    object.__setattr__(clean, "__class__", _cleaning(type(tool)))
    return clean


def original_of(error: BaseException) -> BaseException:
    """Return the error that the tool raised if `error` replaces it, else `error` itself."""
    if not isinstance(error, CleanError | ValidationError):
        return error
    original: BaseException | None = getattr(error, _ORIGINAL, None)
    return original or error


def is_clean(tool: BaseTool | None) -> bool:
    """Return whether this tool is from `clean_errors`."""
    return isinstance(tool, _Cleaning)


def clean_as(tool: BaseTool, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return `run`, which replaces the `_run` of `tool`, so that it raises clean errors if `tool` does."""
    return _clean(run) if isinstance(tool, _Cleaning) else run


def aclean_as(tool: BaseTool, arun: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the same as `clean_as`, for `_arun`."""
    return _aclean(arun) if isinstance(tool, _Cleaning) else arun


class _Cleaning:
    """Marks the classes that `clean_errors` creates."""

    __slots__ = ()


@cache
def _cleaning(cls: type[BaseTool]) -> type[BaseTool]:
    """Return a subclass of `cls` with the same name, whose runs raise clean errors."""
    # Overriding these documented hooks works whatever the tool runs, unlike replacing the functions in a copy.
    body: dict[str, Any] = {name: _clean(getattr(cls, name)) for name in (private_names.RUN, private_names.PARSE)}
    if cls._arun is not BaseTool._arun:  # noqa: SLF001  # which calls _run in a thread
        body[private_names.ARUN] = _aclean(cls._arun)
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    return new_class(cls.__name__, (_Cleaning, cls), exec_body=lambda space: space.update(names | body))


def _clean(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)  # LangChain reads the signature
    def clean(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except FAILURES as error:  # raised below, cleaned
            raised = stand_in_for(error)
        try:
            raise raised  # outside the except block, or the original would be its context
        finally:
            del raised

    return clean


def _aclean(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def clean(*args: Any, **kwargs: Any) -> Any:
        try:
            return await method(*args, **kwargs)
        except FAILURES as error:
            raised = stand_in_for(error)
        try:
            raise raised
        finally:
            del raised

    return clean


def stand_in_for(error: BaseException) -> BaseException:
    """Return what a tool raises in place of `error`, which may be itself."""
    if isinstance(error, GraphBubbleUp | asyncio.CancelledError) or is_invalid_resume(error):
        error.__cause__ = error.__context__ = None  # they would be printed with it
        return error
    if isinstance(error, CleanError) or (isinstance(error, SystemExit) and is_of_signal(error)):
        return error
    if isinstance(error, ValidationError):
        return _without_values(error)
    if isinstance(error, ToolException):
        return CleanToolError(*[scrub(str(each)) for each in error.args], original_error=error)
    return CleanError(_name_of(error), original_error=error)


def _name_of(error: BaseException) -> str:
    failure = diagnose(error)
    return failure.error_type if failure.status_code is None else f"{failure.error_type} (HTTP {failure.status_code})"


def _without_values(error: ValidationError) -> ValidationError:
    """Return a `ValidationError`, the type that LangChain handles, with the fields and rules but without the values."""
    problems = [
        InitErrorDetails(
            type=_problem(each["type"], scrub(each["msg"])),
            loc=each["loc"],
            input=each["input"],
        )
        for each in error.errors(include_url=False, include_context=False)
    ]
    clean = ValidationError.from_exception_data(error.title, problems, hide_input=True)
    setattr(clean, _ORIGINAL, error)
    return clean


def _problem(kind: Any, text: Any) -> PydanticCustomError:  # Any: its annotation demands literals
    return PydanticCustomError(kind, text)


def _with_original(handler: Callable[[Any], str]) -> Callable[[Any], str]:
    @wraps(handler)
    def handled(error: Exception) -> str:
        return handler(original_of(error))

    return handled
