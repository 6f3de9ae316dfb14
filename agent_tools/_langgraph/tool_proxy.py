"""Stand-ins for a tool, which see what goes into its runs and what comes out of them."""

from asyncio import wrap_future
from functools import partial
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import ValidationError

from agent_tools._flow.time_limit import in_thread


class ToolProxy:
    """Runs a tool and passes for it: its attributes are the tool's, `isinstance` says that it is one."""

    __slots__ = ("_tool",)

    def __init__(self, tool: BaseTool) -> None:
        self._tool = tool

    @property  # type: ignore[misc]  # others read it, nobody sets it
    def __class__(self) -> Any:
        return self._tool.__class__

    def __getattr__(self, name: str) -> Any:  # whatever attribute the tool has
        return getattr(self._tool, name)

    def invoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.invoke` does."""
        return self._tool.invoke(call, config, **options)

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.ainvoke` does."""
        return await self._tool.ainvoke(call, config, **options)


class WatchedTool(ToolProxy):
    """Keeps the error that a `ToolNode` which is not ours makes a text of its own of.

    Such a node, that of `create_agent` for one, answers a `ValidationError` before any wrapper sees it. What it
    says is blank where a rule over several fields is broken, repeats the arguments with all secrets in them, and
    calls errors from inside the tool bad arguments.

    Attributes:
        was_run: Whether the tool has been run at all: middleware may answer in its place.
    """

    __slots__ = ("_refused", "was_run")

    def __init__(self, tool: BaseTool) -> None:
        super().__init__(tool)
        self.was_run = False
        self._refused: ValidationError | None = None

    def invoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.invoke` does."""
        self.was_run, self._refused = True, None
        try:
            return self._tool.invoke(call, config, **options)
        except ValidationError as error:
            self._refused = error
            raise

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.ainvoke` does."""
        self.was_run, self._refused = True, None
        try:
            return await self._tool.ainvoke(call, config, **options)
        except ValidationError as error:
            self._refused = error
            raise

    def take_refused(self) -> ValidationError | None:
        """Return the error that the last run ended with, once: it holds the frames that hold this."""
        refused, self._refused = self._refused, None
        return refused


class ThreadedTool(ToolProxy):
    """Runs a sync tool in a thread of its own, not in one of the few that the event loop has for all."""

    __slots__ = ()

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `StructuredTool.ainvoke` does."""
        return await wrap_future(in_thread(partial(self._tool.invoke, call, config, **options)))
