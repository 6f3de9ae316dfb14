"""From the calls of the last message to the tasks that run them, one task each.

LangGraph records what a task has written when the task ends. Calls that share a task are recorded when the
last of them has ended: an interrupt or a crash of one loses the results of all, and all run again.
"""

from collections.abc import Callable, Sequence
from typing import Any

from langgraph.constants import END
from langgraph.types import Send

from agent_tools.routing._graph import last_message_in, leads_to

Route = Callable[..., Sequence[Send | str] | str]


def route_tool_calls_to(
    tools: str, *, invalid: str | None = None, otherwise: str = END, messages_key: str = "messages"
) -> Route:
    """Return `route_tool_calls` for a graph whose nodes have other names.

    Args:
        tools: The node that runs tools.
        invalid: The node that answers unreadable calls (`answer_invalid_tool_calls`). None
            leaves them alone, as `tools_condition` does.
        otherwise: Where to go when there is nothing to do.
        messages_key: Where the state has its messages.

    Example:
        >>> from langchain_core.messages import AIMessage
        >>> route = route_tool_calls_to("my_tools", otherwise="goodbye")
        >>> route({"messages": [AIMessage("That is all.")]})
        'goodbye'
    """
    default_key = messages_key

    def route_tool_calls(state: Any, messages_key: str = default_key) -> Sequence[Send | str] | str:
        last = last_message_in(state, messages_key)
        # A list with the call in it is what ToolNode takes; it reads the state from the graph.
        destinations: list[Send | str] = [Send(tools, [call]) for call in getattr(last, "tool_calls", None) or []]
        if invalid is not None and getattr(last, "invalid_tool_calls", None):
            destinations.append(invalid)
        return destinations or otherwise

    leads_to(route_tool_calls, tools, *([] if invalid is None else [invalid]), otherwise)
    return route_tool_calls


_route = route_tool_calls_to("tools")


def route_tool_calls(state: Any, messages_key: str = "messages") -> Sequence[Send | str] | str:
    """Return one task for the node `tools` per call of the last message, or `"__end__"` without calls.

    A drop-in for `langgraph.prebuilt.tools_condition`. Each call is a task of its own, so after an
    interrupt or a crash only the calls that had not ended run again. The answers have the order of the calls.

    The edge that leaves `tools` is followed once per task, before the answers of the other tasks can be
    seen: let it be a plain edge, or `escalation_edge`, which knows this.

    Args:
        state: A list of messages, or a mapping or object that has them under `messages_key`.
        messages_key: Where the state has its messages.

    Raises:
        ValueError: The state has no messages.

    Example:
        >>> from langchain_core.messages import AIMessage
        >>> calls = [{"name": "charge", "args": {}, "id": "1"}, {"name": "lookup", "args": {}, "id": "2"}]
        >>> [send.node for send in route_tool_calls({"messages": [AIMessage("", tool_calls=calls)]})]
        ['tools', 'tools']
        >>> route_tool_calls({"messages": [AIMessage("Done.")]})
        '__end__'
    """
    return _route(state, messages_key)


leads_to(route_tool_calls, "tools", END)
