"""Proxies for a tool, which see what goes into its runs and what comes out of them."""

import copy
from asyncio import wrap_future
from functools import partial
from types import MemberDescriptorType
from typing import Any, Self

from langchain_core.tools import BaseTool
from pydantic import ValidationError

from agent_tools._flow.time_limit import in_thread
from agent_tools._langgraph.twins import twin_of


class ToolProxy:
    """Runs a tool and passes for it: reads, writes and comparisons go to the tool."""

    __slots__ = ("_tool",)

    def __init__(self, tool: BaseTool) -> None:
        self._tool = tool

    @property  # type: ignore[misc]  # it is only read
    def __class__(self) -> Any:
        return self._tool.__class__

    def __getattr__(self, name: str) -> Any:  # whatever attribute the tool has
        return getattr(self._tool, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), MemberDescriptorType):  # one of the slots
            object.__setattr__(self, name, value)
        else:
            setattr(self._tool, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._tool, name)

    def __eq__(self, other: object) -> bool:
        is_one = issubclass(type(other), ToolProxy)  # not isinstance, which sees the class of the tool
        return bool(self._tool == (other.__getattribute__("_tool") if is_one else other))

    __hash__ = None  # type: ignore[assignment]  # a tool has none, either

    def __or__(self, other: Any) -> Any:
        return self._tool | other

    def __ror__(self, other: Any) -> Any:
        return other | self._tool

    def __repr__(self) -> str:
        return repr(self._tool)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._tool.__reduce_ex__(protocol)

    def __copy__(self) -> Self:
        return self._passing_for(copy.copy(self._tool))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._passing_for(copy.deepcopy(self._tool, memo))

    def model_copy(self, **options: Any) -> Self:
        """Return a proxy for a copy of the tool."""
        return self._passing_for(self._tool.model_copy(**options))

    def _passing_for(self, tool: BaseTool) -> Self:
        kind = type(self)
        other = kind.__new__(kind)
        for each in kind.__mro__:
            for slot in getattr(each, "__slots__", ()):
                object.__setattr__(other, slot, getattr(self, slot))
        object.__setattr__(other, "_tool", tool)
        return other

    def invoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.invoke` does."""
        return twin_of(self._tool).invoke(call, config, **options)

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.ainvoke` does."""
        return await twin_of(self._tool).ainvoke(call, config, **options)


class WatchedTool(ToolProxy):
    """Keeps the error that a plain `ToolNode` turns into a text of its own.

    Such a node, for example that of `create_agent`, answers a `ValidationError` before any wrapper sees it. Its text
    names no rule if one over several fields is broken, repeats the arguments with all their secrets, and reports
    errors from inside the tool as bad arguments.

    Attributes:
        was_run: Whether the tool was run; middleware may have answered instead.
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
            return twin_of(self._tool).invoke(call, config, **options)
        except ValidationError as error:
            self._refused = error
            raise

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.ainvoke` does."""
        self.was_run, self._refused = True, None
        try:
            return await twin_of(self._tool).ainvoke(call, config, **options)
        except ValidationError as error:
            self._refused = error
            raise

    def take_refused(self) -> ValidationError | None:
        """Return the error of the last run, and forget it: its frames refer to this object."""
        refused, self._refused = self._refused, None
        return refused


class ThreadedTool(ToolProxy):
    """Runs a sync tool in a thread of its own, not in the small pool of the event loop."""

    __slots__ = ()

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `StructuredTool.ainvoke` does."""
        return await wrap_future(in_thread(partial(self._tool.invoke, call, config, **options)))
