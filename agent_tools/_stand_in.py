"""Stand-ins for a tool, which see what goes into its runs and what comes out of them."""

from typing import Any

from langchain_core.tools import BaseTool


class StandIn:
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
