"""Facts about a run of a graph: whether it is draining, its calls, its message history."""

from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.messages import ToolCall
from langchain_core.runnables.config import RunnableConfig, ensure_config, merge_configs
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime, get_runtime

from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.turn import index_of_call, is_first_of_turn
from agent_tools._flow.waiting import Alarm
from agent_tools._langgraph import private_names as names
from agent_tools._langgraph.interrupts import scratchpad_of

if TYPE_CHECKING:
    from agent_tools._core.stops import Stops
    from agent_tools._langgraph.recorder import Recorder


def config_of_run(given: RunnableConfig | None) -> RunnableConfig:
    """Return the config that a node is `given`, completed by that of the current run.

    A graph passes its nodes a complete one. Your own code may call a node with none, or with a partial one.
    """
    if given is not None and names.RUNTIME in given.get("configurable", ()):
        return given
    return merge_configs(ensure_config(), given)


def can_record(config: RunnableConfig) -> bool:
    """Return whether there is a checkpointer and this version of LangGraph is supported."""
    keys = config.get("configurable", {})
    call = keys.get(names.CALL)
    if not keys.get(names.CHECKPOINTER) or not isinstance(call, partial):
        return False
    return {names.SUBMIT, names.SCHEDULE_TASK} <= {*call.keywords}


def has_checkpointer(request: ToolCallRequest) -> bool:
    """Return whether the run of a call can be resumed after a crash."""
    config = getattr(request.runtime, "config", None) or {}
    return bool(config.get("configurable", {}).get(names.CHECKPOINTER))


def alarm_of_run() -> Alarm | None:
    """Return an alarm that ends a call's wait when the run is about to end, None outside a run.

    A run is about to end when the graph shuts down, or when its sync stream is closed. Each check also sends the run a
    heartbeat: without it, a node with an idle timeout would end during the wait.
    """
    try:
        runtime: Runtime[Any] | None = get_runtime()  # None in a config that does not come from a graph
    except (RuntimeError, KeyError):
        return None
    if runtime is None:
        return None

    keys = ensure_config().get("configurable", {})
    futures = getattr(keys.get(names.CALL), "keywords", {}).get(names.FUTURES)

    def alarm() -> bool:
        runtime.heartbeat()
        return runtime.drain_requested or (futures is not None and _are_left(futures() or ()))

    return alarm


def _are_left(futures: Iterable[Any]) -> bool:  # Any: futures of threads or of the event loop
    """Return whether a sync stream is being closed: the run only waits for its tasks. An async run cancels them."""
    left = list(futures)
    if not left or not isinstance(left[0], Future):
        return False
    return any(type(each).__name__ == names.CLOSING for future in left for each in getattr(future, names.WAITERS, ()))


def is_draining() -> bool:
    """Return whether the graph of this run is shutting down."""
    alarm = alarm_of_run()
    return alarm is not None and alarm()


def calls_in(node: ToolNode, node_input: Any) -> tuple[list[ToolCall], str]:  # any input that ToolNode takes
    """Return the calls in the input of `node`, and its type as ToolNode names it: list, dict or tool_calls."""
    parsed: tuple[list[ToolCall], str] = getattr(node, names.PARSE_STATE)(node_input)
    return parsed


def recorder_of(
    node: ToolNode, node_input: Any, config: RunnableConfig, *, record: bool | None, key: str, is_async: bool
) -> "Recorder | None":
    """Return the recorder that runs each call of `node` as a task, None when the calls are not recorded.

    Args:
        node: The node.
        node_input: What it was given.
        config: That of the run.
        record: The node's option.
        key: Where a state has its messages.
        is_async: Whether the run is.
    """
    if record is False or not can_record(config):
        return None
    calls, input_type = calls_in(node, node_input)
    if record is None and len(calls) == 1:
        return None
    from agent_tools._langgraph.recorder import Recorder  # noqa: PLC0415  # without a checkpointer there is none

    messages_key = None if input_type == "list" else key
    return Recorder(config, calls, name=node.get_name(), messages_key=messages_key, is_async=is_async)


def runs_in_thread(tool: BaseTool | None) -> bool:
    """Return whether an async run calls this tool in a thread, which cannot be stopped."""
    if isinstance(tool, StructuredTool | Tool):
        return tool.coroutine is None
    # Not type(tool), which for a proxy is the class of the proxy.
    return tool is not None and tool.__class__._arun is BaseTool._arun  # noqa: SLF001  # the documented hook


def may_lose_approvals(request: ToolCallRequest) -> bool:
    """Return whether a retry might ask a human again: this version of LangGraph keeps its resume values elsewhere."""
    in_graph = getattr(request.runtime, "execution_info", None) is not None
    return in_graph and scratchpad_of(request) is None


def node_attempt_of(request: ToolCallRequest) -> int:
    """Return the attempt number of the node; above 1 when its `retry_policy` has run it again."""
    return getattr(getattr(request.runtime, "execution_info", None), "node_attempt", 1)


def stops_of(request: ToolCallRequest, guard: LoopGuard) -> "Stops":
    """Return which calls of this call's message must not be run."""
    for messages in histories_in(request.state):
        index = index_of_call(messages, request.tool_call["id"])
        if index is not None:
            return {} if is_first_of_turn(messages, index) else _stopped(messages, index, guard)
    return {}


def _stopped(messages: list[Any], index: int, guard: LoopGuard) -> "Stops":
    from agent_tools._core.stops import stopped_calls  # noqa: PLC0415  # nothing before it can have failed until then

    return stopped_calls(messages, index, guard)


def histories_in(state: Any) -> list[list[Any]]:  # any state that ToolNode takes
    """Return all lists in a state, since its messages may be under any key."""
    fields = state if isinstance(state, dict) else getattr(state, "__dict__", None) or _slots_of(state)
    return [value for value in [state, *fields.values()] if isinstance(value, list)]


def _slots_of(state: Any) -> dict[str, Any]:
    return {name: getattr(state, name, None) for name in getattr(type(state), "__slots__", ())}
