"""From too many failures in one turn to somebody who can help."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, takewhile
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent_tools._core.loop_guard import LOOK_BACK
from agent_tools._core.policy import require_count
from agent_tools.routing._graph import leads_to, messages_in


def escalation_edge(
    *, after: int = 3, to: str = "human", otherwise: str = "model", messages_key: str = "messages"
) -> Callable[..., str]:
    """Return a condition that leads to the node `to` once `after` tool calls of this turn have failed.

    What counts are the error answers since the last human message. The edge belongs behind the tools, where
    no call is open: `builder.add_conditional_edges("tools", escalation_edge(to="human"))`.

    With one task per call (`route_tool_calls`) the edge is followed once per task, and no task sees the
    others' answers. So that all go the same way, calls made in parallel then count only from the next
    round on. To count them at once, let the tools lead to a node that all tasks meet in, `repair_node` for
    example, and put the edge behind that.

    Args:
        after: How many failures are enough.
        to: The node that takes over.
        otherwise: The node that goes on as usual: the one that asks the model.
        messages_key: Where the state has its messages.

    Raises:
        ValueError: `after` is less than 1.

    Example:
        >>> from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
        >>> failed = [
        ...     AIMessage("", tool_calls=[{"name": "lookup", "args": {}, "id": "1"}]),
        ...     ToolMessage("`lookup` is down.", tool_call_id="1", status="error"),
        ... ]
        >>> edge = escalation_edge(after=2)
        >>> edge({"messages": [HumanMessage("Where is it?"), *failed]})
        'model'
        >>> edge({"messages": [HumanMessage("Where is it?"), *failed, *failed]})
        'human'
    """
    require_count("after", after)

    def escalation(state: Any) -> str:
        return to if _failures(messages_in(state, messages_key)) >= after else otherwise

    leads_to(escalation, to, otherwise)
    return escalation


def _failures(messages: Sequence[BaseMessage]) -> int:
    turn = list(turn_of(messages))
    latest = list(takewhile(lambda message: not isinstance(message, AIMessage), turn))
    earlier = turn[len(latest) :]
    if earlier and not _are_answered(earlier[0], latest):
        return sum(map(is_failure, earlier))  # the other tasks of this step do not see the latest
    return sum(map(is_failure, turn))


def _are_answered(asking: BaseMessage, answers: Sequence[BaseMessage]) -> bool:
    answered = {answer.tool_call_id for answer in answers if isinstance(answer, ToolMessage)}
    return isinstance(asking, AIMessage) and all(call["id"] in answered for call in asking.tool_calls)


def turn_of(messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Yield the messages since the last human one, the newest first."""
    for message in islice(reversed(messages), LOOK_BACK):
        if isinstance(message, HumanMessage):
            return
        yield message


def is_failure(message: BaseMessage) -> bool:
    return isinstance(message, ToolMessage) and message.status == "error"
