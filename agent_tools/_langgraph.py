"""All that LangGraph and LangChain do not export by name, in one place.

Where an error came from is read off its traceback: the first of the framework's own functions on the
way in says how far the call had got. That costs nothing as long as nothing fails.
"""

import asyncio
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph.errors import GraphBubbleUp, is_invalid_resume
from langgraph.prebuilt.tool_node import (
    INVALID_TOOL_NAME_ERROR_TEMPLATE,
    ToolCallRequest,
    ToolInvocationError,
    _infer_handled_types,
)
from langgraph.runtime import Runtime, get_runtime
from pydantic import ValidationError

from agent_tools._approvals import scratchpad_of
from agent_tools._clean_errors import original_of
from agent_tools._core.loop_guard import LoopGuard, Stops, place_of, stopped_calls
from agent_tools._waiting import Alarm

#: Stands for the thread where there is no graph: keys then hold within this process.
_THIS_PROCESS = f"process {uuid4()}"


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


def bubbled(error: BaseException) -> BaseException:
    """Return the message to the graph that a task group of the tool has wrapped, `error` itself if there is none."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    group: BaseException | None = error.subgroup(GraphBubbleUp)
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]  # one question at a time
    return error if group is None else group


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread, so nobody who could cancel
        return False
    return task is not None and task.cancelling() > 0


def origin_of(error: BaseException) -> Origin:
    """Return how far the call had got that raised `error`, as `underlying` gives it."""
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_name
        if name in ORIGIN_BY_FUNCTION:
            origin = ORIGIN_BY_FUNCTION[name]
            return Origin.BODY if origin is Origin.ARGUMENTS and not isinstance(error, ValidationError) else origin
        step = step.tb_next
    return Origin.BODY


def is_sync_refusal(error: BaseException, tool: BaseTool | None) -> bool:
    """Return whether a sync run has called a tool that only async runs can call, as those of MCP servers."""
    if not isinstance(error, NotImplementedError) or getattr(tool, "func", None) is not None:
        return False
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_code.co_name == "_run"


def names_no_tool(answer: ToolMessage, request: ToolCallRequest) -> bool:
    """Return whether `answer` is what ToolNode says to a call of a tool that does not exist."""
    says, _, _ = INVALID_TOOL_NAME_ERROR_TEMPLATE.partition("{available_tools}")
    return request.tool is None and answer.text.startswith(says.format(requested_tool=request.tool_call["name"]))


def underlying(error: BaseException) -> BaseException:
    """Return the tool's own error where ToolNode has wrapped it as bad arguments, or `clean_errors` hides it."""
    return original_of(error.source if isinstance(error, ToolInvocationError) else error)


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


def alarm_of_run() -> Alarm | None:
    """Return what to ask while a call waits: whether the graph is shutting down. None outside a run.

    Each time it is asked it also tells the run that we are still at it; a node with an idle timeout would
    otherwise end during the wait.
    """
    try:
        runtime: Runtime[Any] | None = get_runtime()  # None in a config that no graph has made
    except (RuntimeError, KeyError):
        return None
    if runtime is None:
        return None

    def alarm() -> bool:
        runtime.heartbeat()
        return runtime.drain_requested

    return alarm


def is_draining() -> bool:
    """Return whether the graph of this run is shutting down."""
    alarm = alarm_of_run()
    return alarm is not None and alarm()


def runs_in_thread(tool: BaseTool | None) -> bool:
    """Return whether an async run calls this tool in a thread, where nothing can stop it."""
    if isinstance(tool, StructuredTool | Tool):
        return tool.coroutine is None
    # Not type(tool): a stand-in says its tool's class only when it is asked.
    return tool is not None and tool.__class__._arun is BaseTool._arun  # noqa: SLF001  # the documented hook


def is_hinted_destructive(tool: BaseTool | None) -> bool:
    """Return whether an MCP server says that this tool destroys, and not that it may be called twice.

    Hints are not to be trusted with more than care (MCP specification, ToolAnnotations).
    """
    hints = getattr(tool, "metadata", None) or {}
    return hints.get("destructiveHint") is True and hints.get("idempotentHint") is not True


def may_lose_approvals(request: ToolCallRequest) -> bool:
    """Return whether a human might be asked again because of a retry: we do not know this LangGraph."""
    in_graph = getattr(request.runtime, "execution_info", None) is not None
    return in_graph and scratchpad_of(request) is None


def thread_of(request: ToolCallRequest) -> str:
    """Return the id of the conversation; of this run, where no checkpointer keeps a conversation."""
    info = getattr(request.runtime, "execution_info", None)
    if info is None:
        return _THIS_PROCESS
    return f"thread {info.thread_id}" if info.thread_id is not None else f"task {info.task_id}"


def node_attempt_of(request: ToolCallRequest) -> int:
    """Return for which time the node runs, which is more than 1 when its `retry_policy` has run it again."""
    return getattr(getattr(request.runtime, "execution_info", None), "node_attempt", 1)


def message_of(request: ToolCallRequest) -> str:
    """Return the id of the AI message that makes this call; its place in the history where it has no id."""
    for messages in _histories_in(request.state):
        for place in range(len(messages) - 1, -1, -1):
            if _makes_call(messages[place], request.tool_call["id"]):
                return messages[place].id or f"place {place}"
    return ""


def stops_of(request: ToolCallRequest, guard: LoopGuard) -> Stops:
    """Return which calls of the message that makes this one are not to be run."""
    for messages in _histories_in(request.state):
        place = place_of(messages, request.tool_call["id"])
        if place is not None:
            return stopped_calls(messages, place, guard)
    return {}


def _histories_in(state: Any) -> Iterator[list[Any]]:  # any state that ToolNode takes
    """Yield the lists of a state, since its messages may be under any key."""
    fields = state if isinstance(state, dict) else getattr(state, "__dict__", None) or _slots_of(state)
    for value in [state, *fields.values()]:
        if isinstance(value, list):
            yield value


def _slots_of(state: Any) -> dict[str, Any]:
    return {name: getattr(state, name, None) for name in getattr(type(state), "__slots__", ())}


def _makes_call(message: object, call_id: str | None) -> bool:
    return isinstance(message, AIMessage) and any(call["id"] == call_id for call in message.tool_calls)
