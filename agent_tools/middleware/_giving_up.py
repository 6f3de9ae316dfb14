"""The end of a run, or its way to somebody who can help, after too many failures in one turn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.types import Command

from agent_tools._call.observers import logger
from agent_tools._core.policy import require_count
from agent_tools.routing._escalation import is_failure, turn_of

END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyFailures:
    """What counts as too many, and what follows; `ResilientToolMiddleware` explains the fields."""

    after: int
    tools: Collection[str] | None
    jump_to: str
    last_words: str | None

    def __post_init__(self) -> None:
        require_count("give_up_after", self.after)

    def way_out(self, messages: Sequence[BaseMessage]) -> dict[str, Any] | Command[Any] | None:
        """Return what ends the run, or takes it elsewhere; None when it may go on."""
        failed = [answer.name or "a tool" for answer in turn_of(messages) if self._counts(answer)]
        if len(failed) < self.after:
            return None
        tools = sorted(set(failed))
        logger.warning("the agent gives up after %s failed calls in this turn, of %s", len(failed), ", ".join(tools))
        if self.jump_to == END:
            return {"jump_to": END, "messages": [AIMessage(self.last_words or _last_words(tools))]}
        return Command(graph=Command.PARENT, goto=self.jump_to, update={"messages": list(messages)})

    def _counts(self, message: BaseMessage) -> bool:
        if not isinstance(message, ToolMessage) or not is_failure(message):
            return False
        return self.tools is None or message.name in self.tools


class GivesUp(AgentMiddleware[Any, Any, Any]):
    """The hook for it. It comes where all calls have their answers, before the model is asked again."""

    _too_many: TooManyFailures

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: Any, runtime: Any) -> Any:  # Any: a dict, a Command or None, as nodes return
        """Return the way out of the run, if it is time for it."""
        return self._too_many.way_out(state["messages"]) or super().before_model(state, runtime)

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: Any, runtime: Any) -> Any:
        """Return the same as `before_model`."""
        return self._too_many.way_out(state["messages"]) or await super().abefore_model(state, runtime)


def _last_words(tools: Sequence[str]) -> str:
    """Return what a user is told; no model reads it any more."""
    listed = ", ".join(f"`{tool}`" for tool in tools)
    return f"I cannot finish this: {listed} did not work. Check what is not confirmed above before it is done again."
