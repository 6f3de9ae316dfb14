"""All that a call needs when it just works: its own arguments and a check of its result."""

from copy import deepcopy
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.batch import Batch
from agent_tools._call.current import Result
from agent_tools._core.policy import RetryPolicy
from agent_tools._flow.failed import Failed
from agent_tools._langgraph.interrupts import is_resumed, with_approvals
from agent_tools._langgraph.run import runs_in_thread
from agent_tools._langgraph.tool_proxy import WatchedTool
from agent_tools._langgraph.twins import with_twin

#: The result of an attempt, or its failure.
Brought = Result | Failed

#: Types of arguments that no tool can change.
_UNCHANGING = frozenset({str, int, float, bool, type(None)})


def fresh(request: ToolCallRequest) -> ToolCallRequest:
    """Return the request as the tool gets it, with the tool's twin.

    The arguments are its own: if the tool changes them, neither history nor retries change.
    """
    arguments = request.tool_call["args"]
    if not _UNCHANGING.issuperset(map(type, arguments.values())):
        request = request.override(tool_call={**request.tool_call, "args": _copied(arguments)})
    return with_twin(request)


def _copied(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return deepcopy(arguments)
    except Exception:  # noqa: BLE001  # a model writes JSON, but the application may have added anything
        return {name: _copied_or_same(value) for name, value in arguments.items()}


def _copied_or_same(value: Any) -> Any:
    try:
        return deepcopy(value)
    except Exception:  # noqa: BLE001
        return value


def looked_at(result: Result, request: ToolCallRequest, policy: RetryPolicy) -> Brought:
    """Return `result`, or `Failed` when it counts as a failure."""
    if isinstance(result, ToolMessage):
        if result.tool_call_id != request.tool_call["id"]:  # the tool wrote the message itself
            result = result.model_copy(update={"tool_call_id": request.tool_call["id"]})
        if result.status != "error" and policy.failed_when is None:
            return result
    from agent_tools._call.returned import returned_error  # noqa: PLC0415  # most results are plain successes

    error = returned_error(result, request, policy)
    return result if error is None else Failed(error)


def has_own_thread(request: ToolCallRequest, policy: RetryPolicy) -> bool:
    """Return whether an async run gives the tool a thread of its own, which goes on when its time is up."""
    return policy.attempt_timeout is not None and runs_in_thread(request.tool)


def approved(request: ToolCallRequest, batch: Batch | None) -> ToolCallRequest:
    """Return the request with resume values for its tool, and with a proxy that reports the tool's errors if needed."""
    if batch is None and request.tool is not None:  # a node of another class, which may answer the errors itself
        watched: Any = WatchedTool(request.tool)  # a stand-in for the tool
        request = request.override(tool=watched)
    return with_approvals(request) if is_resumed(getattr(request.runtime, "config", None)) else request
