"""Ends a run, or hands it to another node, after too many failures in one turn."""

from collections.abc import Iterable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.messages import AIMessage
from langgraph.types import Command

from agent_tools._call.listeners import logger
from agent_tools._core.policy import require_count
from agent_tools.middleware._named_tools import NamedTool, name_for, names_of
from agent_tools.routing._escalation import failures_in

END = "end"


class GiveUpMiddleware(AgentMiddleware[Any, Any, Any]):
    """Ends the run before the model is asked again, once too many tool calls have failed in one turn of the user.

    The counterpart of `agent_tools.routing.escalation_edge`, for `create_agent`. It is separate from
    `ResilientToolMiddleware` because its hook adds a node to the agent.

    >>> from langchain.agents import create_agent
    >>> from agent_tools.middleware import GiveUpMiddleware, ResilientToolMiddleware
    >>> from agent_tools.testing import ScriptedChatModel, call
    >>> def get_order(order: str) -> str:
    ...     "Look up an order."
    ...     raise ConnectionRefusedError
    >>> model = ScriptedChatModel([call("get_order", order="A-1"), "not asked"])
    >>> agent = create_agent(model, [get_order], middleware=[ResilientToolMiddleware(), GiveUpMiddleware(after=1)])
    >>> state = agent.invoke({"messages": [("user", "Where is it?")]})
    >>> state["messages"][-1].text[:36]
    'I cannot finish this: `get_order` di'

    Args:
        after: How many failures are enough.
        tools: The tools whose failures count, or their names; None for all.
        jump_to: Where the run goes: "end" tells the user and ends, any other name is a node of the graph around the
            agent, which takes over with all messages.
        last_words: What the user reads when the run ends; None for a default text.

    Raises:
        TypeError: `after` is not a whole number, or `tools` is a single tool instead of a list.
        ValueError: `after` is less than 1, or `last_words` is given although `jump_to` does not end the run.
    """

    def __init__(
        self,
        *,
        after: int,
        tools: Iterable[NamedTool] | None = None,
        jump_to: str = END,
        last_words: str | None = None,
    ) -> None:
        super().__init__()
        require_count("after", after)
        if last_words is not None and jump_to != END:
            raise ValueError(f"last_words need jump_to={END!r}, which ends the run, not {jump_to!r}")
        self.tools = []  # LangChain's name for tools that a middleware brings along
        self._after = after
        self._names = names_of(tools)
        self._jump_to = jump_to
        self._last_words = last_words

    @property
    def name(self) -> str:
        """The name of the class, with the tools whose failures count."""
        return name_for(self, self._names)

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: Any, runtime: Any) -> Any:  # noqa: ARG002  # a dict, a Command or None, as nodes return
        """Return the update that ends the run or sends it elsewhere, or None to go on."""
        messages = state["messages"]
        failed = [answer.name or "a tool" for answer in failures_in(messages) if self._counts(answer.name)]
        if len(failed) < self._after:
            return None
        tools = sorted(set(failed))
        logger.warning("the agent gives up after %s failed calls in this turn, of %s", len(failed), ", ".join(tools))
        if self._jump_to == END:
            return {"jump_to": END, "messages": [AIMessage(self._last_words or _last_words(tools))]}
        return Command(graph=Command.PARENT, goto=self._jump_to, update={"messages": list(messages)})

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: Any, runtime: Any) -> Any:
        """Return the same as `before_model`."""
        return self.before_model(state, runtime)

    def _counts(self, tool: str | None) -> bool:
        return self._names is None or tool in self._names


def _last_words(tools: Sequence[str]) -> str:
    """Return the text that the user reads; no model reads it."""
    listed = ", ".join(f"`{tool}`" for tool in tools)
    return f"I cannot finish this: {listed} did not work. Check what is not confirmed above before it is done again."
