"""Control flow or failure, and how far the call had got.

The traceback of an error shows where it was raised: its first frame of a known framework function tells how far the
call had got. This costs nothing while nothing fails.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp, is_invalid_resume
from langgraph.prebuilt import tool_node
from langgraph.prebuilt.tool_node import ToolInvocationError

from agent_tools._langgraph import private_names as names
from agent_tools._langgraph.arguments import is_not_taken, is_rejection
from agent_tools._langgraph.clean_errors import original_of
from agent_tools._langgraph.signals import is_of_signal


class Origin(Enum):
    """How far a call had got when its error was raised."""

    WIRING = auto()
    """State, store or runtime could not be passed to the tool: the developer's mistake."""
    ARGUMENTS = auto()
    """The arguments did not fit the tool's schema; its body was not reached."""
    BODY = auto()
    """The tool itself, or unknown."""
    RESULT = auto()
    """The tool had returned; ToolNode refused what it returned."""


ORIGIN_BY_FUNCTION = {
    names.INJECT: Origin.WIRING,
    names.PARSE: Origin.ARGUMENTS,
    names.RUN: Origin.BODY,
    names.ARUN: Origin.BODY,
    names.NORMALIZE: Origin.RESULT,
}


def is_control_flow(error: BaseException) -> bool:
    """Return whether `error` is a message to the graph rather than a failure of a tool.

    Such are interrupts, commands to a parent graph, draining, a resume value that does not fit its schema, a
    cancellation from outside, and an exit by a signal. A `CancelledError` that the tool raised itself (MCP sessions do
    that) is a failure: nobody has asked to cancel the task that runs it.
    """
    if isinstance(error, asyncio.CancelledError):
        return _is_being_cancelled()
    if isinstance(error, SystemExit):
        return is_of_signal(error)
    return isinstance(error, GraphBubbleUp) or is_invalid_resume(error)


def bubbled(error: BaseException) -> BaseException:
    """Return the first message to the graph in an error group, or `error` itself if there is none."""
    left = [error]
    while left:
        found = left.pop()
        if isinstance(found, GraphBubbleUp):
            return found  # one interrupt at a time
        if isinstance(found, BaseExceptionGroup):
            left.extend(reversed(found.exceptions))  # not `subgroup`, which recurses and fails a thousand deep
    return error


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread, so nothing to cancel
        return False
    return task is not None and task.cancelling() > 0


def origin_of(error: BaseException) -> Origin:
    """Return how far the call had got when it raised `error`, a result of `underlying`."""
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_name
        if name in ORIGIN_BY_FUNCTION:
            return _checked(ORIGIN_BY_FUNCTION[name], error)
        step = step.tb_next
    return Origin.BODY


def _checked(origin: Origin, error: BaseException) -> Origin:
    """Return the origin that the function suggests, unless the error itself contradicts it."""
    if origin is Origin.ARGUMENTS and not is_rejection(error):
        return Origin.BODY
    return Origin.ARGUMENTS if origin is Origin.BODY and is_not_taken(error) else origin


def is_sync_refusal(error: BaseException, tool: BaseTool | None) -> bool:
    """Return whether a sync run has called a tool that works only in async runs, such as an MCP server's."""
    if not isinstance(error, NotImplementedError) or getattr(tool, "func", None) is not None:
        return False
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_code.co_name == names.RUN


def underlying(error: BaseException) -> BaseException:
    """Return the tool's own error if ToolNode has wrapped it as bad arguments or `clean_errors` hides it."""
    return original_of(error.source if isinstance(error, ToolInvocationError) else error)


def handled_types(handler: Callable[..., str]) -> tuple[type[Exception], ...]:
    """Return the error types that `handler` is annotated for, as ToolNode reads them."""
    types: tuple[type[Exception], ...] = getattr(tool_node, names.HANDLED_TYPES)(handler)
    return types
