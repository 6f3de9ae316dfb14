"""How traces show the attempts after the first: by a tag, and by the number of the attempt in the metadata.

Only the tool's own run has them: runs inside it, for example of an agent, have attempts of their own.
"""

from typing import Any

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph.tool_proxy import ToolProxy

TAG = "agent_tools:retry"
ATTEMPT = "agent_tools_attempt"


class RetriedTool(ToolProxy):
    """Marks the runs of a tool as a later attempt."""

    __slots__ = ("_attempt",)

    def __init__(self, tool: BaseTool, attempt: int) -> None:
        super().__init__(tool)
        self._attempt = attempt

    def again(self, attempt: int) -> "RetriedTool":
        """Return the same tool for a later attempt."""
        return RetriedTool(self._tool, attempt)

    def invoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.invoke` does."""
        return super().invoke(call, self._marked(config), **options)

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.ainvoke` does."""
        return await super().ainvoke(call, self._marked(config), **options)

    def _marked(self, config: Any) -> Any:
        callbacks = None if config is None else config.get("callbacks")
        if not isinstance(callbacks, BaseCallbackManager):  # outside a run, where nothing is traced
            return config
        callbacks = callbacks.copy()
        callbacks.add_tags([TAG], inherit=False)
        callbacks.add_metadata({ATTEMPT: self._attempt}, inherit=False)
        return {**config, "callbacks": callbacks}


def as_retry(request: ToolCallRequest, attempt: int) -> ToolCallRequest:
    """Return the `request`, changed so that traces show the number of its attempt."""
    tool: Any = request.tool  # or its proxy
    if tool is None:
        return request
    retried: Any = tool.again(attempt) if isinstance(tool, RetriedTool) else RetriedTool(tool, attempt)
    return request.override(tool=retried)
