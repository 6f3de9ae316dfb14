"""An edge that leads to a human, or another node, after too many failures in one turn."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent_tools._core.policy import require_count
from agent_tools._core.turn import backwards, is_failure
from agent_tools.routing._graph import leads_to, messages_in


def escalation_edge(
    *, after: int = 3, to: str = "human", otherwise: str = "model", messages_key: str = "messages"
) -> Callable[..., str]:
    """Return a condition that leads to the node `to` once `after` tool calls of this turn have failed.

    Only answers of this library that report a failure since the last human message count. What a human
    rejected, other middleware blocked or other software wrote does not. The edge belongs after the tools,
    where no call is open: `builder.add_conditional_edges("tools", escalation_edge(to="human"))`.

    With one task per call (`route_tool_calls`) the edge is followed once per task, and no task sees the
    others' answers. So that all go the same way, calls made in parallel then count only from the next
    round on. To count them at once, let the tools lead to a node where all tasks meet, `repair_node` for
    example, and put the edge after that.

    Args:
        after: How many failures are enough.
        to: The node that takes over.
        otherwise: The node that normally comes next, which calls the model.
        messages_key: Where the state has its messages.

    Raises:
        ValueError: `after` is less than 1.

    Example:
        >>> from agent_tools import ResilientToolNode
        >>> from langgraph.graph import START, MessagesState, StateGraph
        >>> def get_order(order: str) -> str:
        ...     "Look up an order."
        ...     raise ConnectionRefusedError
        >>> builder = StateGraph(MessagesState).add_node("tools", ResilientToolNode([get_order]))
        >>> builder = builder.add_edge(START, "tools").add_node("model", len).add_node("human", len)
        >>> builder = builder.add_conditional_edges("tools", escalation_edge(after=2))
    """
    require_count("after", after)

    def escalation(state: Any) -> str:
        return to if len(failures_in(messages_in(state, messages_key))) >= after else otherwise

    leads_to(escalation, to, otherwise)
    return escalation


def failures_in(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """Return the answers of this turn that report a failure, leaving out those that other tasks cannot see."""
    turn = list(backwards(messages, len(messages) - 1))
    latest = list(takewhile(lambda message: not isinstance(message, AIMessage), turn))
    asking = next(iter(turn[len(latest) :]), None)
    if asking is not None and not _are_answered(asking, latest):
        turn = turn[len(latest) :]  # the other tasks of this step do not see the latest
    return [message for message in turn if isinstance(message, ToolMessage) and is_failure(message)]


def _are_answered(asking: BaseMessage, answers: Sequence[BaseMessage]) -> bool:
    answered = {answer.tool_call_id for answer in answers if isinstance(answer, ToolMessage)}
    return isinstance(asking, AIMessage) and all(call["id"] in answered for call in asking.tool_calls)
