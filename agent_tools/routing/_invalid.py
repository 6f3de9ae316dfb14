"""Calls whose arguments are unreadable (`AIMessage.invalid_tool_calls`), so that no tool can run."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.constants import END
from langgraph.types import Command

from agent_tools.routing._answers import calls_of, missing_answer
from agent_tools.routing._graph import jumps_to, last_message_in, messages_in, update_of


def answer_invalid_tool_calls(
    *, model: str = "model", max_in_a_row: int = 2, otherwise: str = END, messages_key: str = "messages"
) -> Callable[..., Command[Any]]:
    """Return a node that answers each unreadable call with an error and sends the run back to the model.

    `tools_condition` ends the run on such a message and leaves its calls unanswered, which providers reject. Reach
    the node by `route_tool_calls_to("tools", invalid="invalid")`. It needs no edge: it chooses the next node itself.

    Args:
        model: The node that calls the model.
        max_in_a_row: How many messages in a row may have unreadable calls before the run stops going to the model.
        otherwise: Where to go after one more; its calls are answered too.
        messages_key: Where the state has its messages.

    Raises:
        ValueError: `max_in_a_row` is negative.

    Example:
        >>> from langchain_core.messages import AIMessage, HumanMessage, InvalidToolCall
        >>> half = InvalidToolCall(name="charge", args='{"sum": ', id="1", error=None, type="invalid_tool_call")
        >>> node = answer_invalid_tool_calls()
        >>> command = node({"messages": [HumanMessage("Pay"), AIMessage("", invalid_tool_calls=[half])]})
        >>> command.goto
        'model'
        >>> command.update["messages"][0].content
        '`charge` was not run: its arguments are not valid JSON. Call it with arguments that are.'
    """
    if max_in_a_row < 0:
        raise ValueError(f"max_in_a_row must not be negative, not {max_in_a_row}")

    def answer_invalid(state: Any) -> Command[Any]:
        messages = messages_in(state, messages_key)
        answers = answers_to_unreadable(last_message_in(state, messages_key))
        return Command(
            update=update_of(state, messages_key, answers),
            goto=model if unreadable_in_a_row(messages) <= max_in_a_row else otherwise,
        )

    jumps_to(answer_invalid, model, otherwise)
    return answer_invalid


def answers_to_unreadable(message: BaseMessage) -> list[ToolMessage]:
    """Return an error answer to each call of `message` whose arguments could not be read."""
    if not isinstance(message, AIMessage):
        return []
    return [missing_answer(message, call) for call in calls_of(message) if call.id and not call.is_valid]


def unreadable_in_a_row(messages: Sequence[BaseMessage]) -> int:
    """Return how many of the model's last messages in a row had unreadable calls."""
    count = 0
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            continue
        if not isinstance(message, AIMessage) or not message.invalid_tool_calls:
            return count
        count += 1
    return count
