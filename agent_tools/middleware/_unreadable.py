"""Answer calls with unreadable arguments under `create_agent`, which would end the run on them."""

from typing import Any

from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.messages import AIMessage

from agent_tools.routing._invalid import answers_to_unreadable, unreadable_in_a_row


class UnreadableCallMiddleware(AgentMiddleware[Any, Any, Any]):
    """Answers each unreadable call (`AIMessage.invalid_tool_calls`) with an error, and has the model asked again.

    What `agent_tools.routing.answer_invalid_tool_calls` does in a graph of your own. Not a part of
    `ResilientToolMiddleware`, since it concerns messages and no tools, and costs an agent one more node per turn of
    the model.

    >>> from langchain.agents import create_agent
    >>> from langchain_core.messages import AIMessage
    >>> from agent_tools.middleware import UnreadableCallMiddleware
    >>> from agent_tools.testing import ScriptedChatModel
    >>> broken = {"name": "get_order", "args": '{"order": ', "id": "c1", "error": "cut off"}
    >>> model = ScriptedChatModel([AIMessage("", invalid_tool_calls=[broken]), "Which order do you mean?"])
    >>> agent = create_agent(model, [], middleware=[UnreadableCallMiddleware()])
    >>> [message.type for message in agent.invoke({"messages": [("user", "Where is it?")]})["messages"]]
    ['human', 'ai', 'tool', 'ai']

    Args:
        max_in_a_row: How many messages in a row may have unreadable calls and still have the model asked again.
            The calls of one more are answered too; then the run ends.

    Raises:
        ValueError: `max_in_a_row` is negative.
    """

    def __init__(self, *, max_in_a_row: int = 2) -> None:
        super().__init__()
        if max_in_a_row < 0:
            raise ValueError(f"max_in_a_row must not be negative, not {max_in_a_row}")
        self.tools = []  # LangChain's name for tools that a middleware brings along
        self._max_in_a_row = max_in_a_row

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:  # noqa: ARG002  # as LangChain calls it
        """Return the answers to the unreadable calls of the last message, and the way back to the model."""
        messages = state["messages"]
        asking = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
        answers = [] if asking is None else answers_to_unreadable(asking)
        if asking is None or not answers:
            return None
        # With readable calls beside them, those run, and the model is asked after that.
        if asking.tool_calls or unreadable_in_a_row(messages) > self._max_in_a_row:
            return {"messages": answers}
        return {"messages": answers, "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Return the same as `after_model`."""
        return self.after_model(state, runtime)
