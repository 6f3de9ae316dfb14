"""All that LangGraph and LangChain do not export by name, in one place.

Where an error came from is read off its traceback: the first of the framework's own functions on the
way in says how far the call had got. That costs nothing as long as nothing fails.
"""

import asyncio
from collections.abc import Callable, Iterator
from enum import Enum, auto
from types import TracebackType
from typing import Any

from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp, is_invalid_resume
from langgraph.prebuilt.tool_node import ToolInvocationError, _infer_handled_types
from pydantic import ValidationError


class Origin(Enum):
    """How far a call had got when its error was raised."""

    WIRING = auto()
    """State, store or runtime could not be handed to the tool: the developer's mistake."""
    ARGUMENTS = auto()
    """The arguments did not fit the tool's schema; its body was not reached."""
    BODY = auto()
    """The tool itself, or unknown."""
    RESULT = auto()
    """The tool had returned; ToolNode refused what it returned."""


ORIGIN_BY_FUNCTION = {
    "_inject_tool_args": Origin.WIRING,
    "_parse_input": Origin.ARGUMENTS,
    "_run": Origin.BODY,
    "_arun": Origin.BODY,
    "_normalize_tool_response": Origin.RESULT,
}


def is_control_flow(error: BaseException) -> bool:
    """Return whether `error` is a message to the graph and no failure of a tool.

    Interrupts, commands to a parent graph, draining, an answer to an interrupt that does not fit its
    schema, and a cancellation from outside. A `CancelledError` that the tool raised itself (MCP sessions do
    that) is a failure: no one has asked to cancel the task that runs it.
    """
    if isinstance(error, asyncio.CancelledError):
        return _is_being_cancelled()
    return isinstance(error, GraphBubbleUp) or is_invalid_resume(error)


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread, so nobody who could cancel
        return False
    return task is not None and task.cancelling() > 0


def origin_of(error: BaseException) -> Origin:
    """Return how far the call had got that raised `error`."""
    if isinstance(error, ToolInvocationError):  # raised by ToolNode around the tool's own error
        error = error.source
    for name in _functions_on_the_way(error.__traceback__):
        origin = ORIGIN_BY_FUNCTION.get(name)
        if origin is Origin.ARGUMENTS and not isinstance(error, ValidationError):
            return Origin.BODY
        if origin is not None:
            return origin
    return Origin.BODY


def _functions_on_the_way(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_name
        traceback = traceback.tb_next


def underlying(error: BaseException) -> BaseException:
    """Return the tool's own error where ToolNode has wrapped it as bad arguments."""
    return error.source if isinstance(error, ToolInvocationError) else error


def argument_problems(error: BaseException, tool: BaseTool | None) -> list[str]:
    """Return the field and its rule for each argument of the model's that did not fit.

    Arguments that the application injects are not named: the model neither sees nor sets them.
    """
    if not isinstance(error, ValidationError):
        return []
    visible = _visible_arguments(tool)
    problems = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        place, rule = detail["loc"], detail["msg"]
        if not place:
            problems.append(f"Together: {rule}")
        elif visible is None or place[0] in visible:
            problems.append(f"{'.'.join(map(str, place))}: {rule}")
    return problems


def _visible_arguments(tool: BaseTool | None) -> frozenset[str] | None:
    try:
        return None if tool is None else frozenset(tool.args)
    except Exception:  # noqa: BLE001  # a schema that pydantic cannot put into JSON
        return None


def handled_types(handler: Callable[..., str]) -> tuple[type[Exception], ...]:
    """Return the error types that `handler` is annotated for, as ToolNode reads them."""
    return _infer_handled_types(handler)


def stream_writer_of(runtime: Any) -> Callable[[Any], object] | None:  # ToolRuntime, a stand-in, or None
    """Return the function that writes to the run's custom stream, None outside a run."""
    return getattr(runtime, "stream_writer", None)
