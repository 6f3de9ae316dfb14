"""The same bot, built with LangChain's `create_agent`, with `ResilientToolMiddleware`. Needs the extra `langchain`."""

from collections.abc import Sequence
from typing import Any

from agent_tools.middleware import ResilientToolMiddleware  # first: without LangChain, its error says what to install

# isort: split
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent_tools import ToolErrorHandler
from agent_tools.demo.graph import INSTRUCTIONS, Graph


def build_agent(
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    handler: ToolErrorHandler | None = None,
) -> Graph:
    """Return the bot: `model` calls `tools` until it has an answer for the user."""
    return create_agent(
        model,
        tools,
        system_prompt=INSTRUCTIONS,
        middleware=[ResilientToolMiddleware(handler=handler)],
        checkpointer=checkpointer,
    )
