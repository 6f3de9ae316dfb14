"""Resume values, kept for the next attempt of the same call.

`interrupt()` finds its resume value by a counter that all calls of a node share. An attempt that fails after a
human has approved it has moved the counter on: a plain retry would ask the human again, and a counter set
back to zero would give one call's approval to another. So each call remembers the indexes that its
attempts used, and the next attempt uses the same ones.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph.private_names import SCRATCHPAD
from agent_tools._langgraph.tool_proxy import ToolProxy

Execute = Callable[[ToolCallRequest], Any]  # Any: whatever a tool returns
AsyncExecute = Callable[[ToolCallRequest], Awaitable[Any]]


def is_resumed(config: Any) -> bool:  # a RunnableConfig, or None outside a graph
    """Return whether a human has answered an interrupt of this task."""
    scratchpad = _scratchpad_in(config)
    return scratchpad is not None and (bool(scratchpad.resume) or scratchpad.get_null_resume() is not None)


class UsedIndexes:
    """The indexes of the resume values that one call used, in order."""

    __slots__ = ("_next", "_position", "_used")

    def __init__(self, counter: Callable[[], int]) -> None:
        self._next = counter
        self._used: list[int] = []
        self._position = 0

    def rewind(self) -> None:
        """Begin an attempt: it gets the same indexes as the one before it."""
        self._position = 0

    def count(self) -> int:
        """Return the index of the next resume value; LangGraph calls this instead of its own counter."""
        if self._position == len(self._used):
            self._used.append(self._next())
        self._position += 1
        return self._used[self._position - 1]


class ReplayingTool(ToolProxy):
    """Gives all attempts of a call in a resumed run the same resume values."""

    __slots__ = ("_indexes",)

    def __init__(self, tool: BaseTool, indexes: UsedIndexes) -> None:
        super().__init__(tool)
        self._indexes = indexes

    def invoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.invoke` does."""
        return super().invoke(call, self._with_indexes(config), **options)

    async def ainvoke(self, call: Any, config: Any = None, **options: Any) -> Any:
        """Run the tool as `BaseTool.ainvoke` does."""
        return await super().ainvoke(call, self._with_indexes(config), **options)

    def _with_indexes(self, config: Any) -> Any:
        if _scratchpad_in(config) is None:  # middleware runs the tool itself
            return config
        self._indexes.rewind()
        return _counting(config, self._indexes)


def with_approvals(request: ToolCallRequest) -> ToolCallRequest:
    """Return the `request` of a resumed run, changed so that all its attempts see the same resume values."""
    scratchpad = scratchpad_of(request)
    if scratchpad is None or request.tool is None:
        return request
    stand_in: Any = ReplayingTool(request.tool, UsedIndexes(scratchpad.interrupt_counter))
    return request.override(tool=stand_in)


def asking_once(request: ToolCallRequest, execute: Execute) -> Execute:
    """Return `execute` for inner middleware: in a resumed run, its interrupts are raised once, not once an attempt."""
    if not is_resumed(getattr(request.runtime, "config", None)):
        return execute
    indexes = _indexes_around(request)

    def executed(request: ToolCallRequest) -> Any:
        with _shown(indexes, request):
            return execute(request)

    return executed


def aasking_once(request: ToolCallRequest, execute: AsyncExecute) -> AsyncExecute:
    """Return the same as `asking_once`."""
    if not is_resumed(getattr(request.runtime, "config", None)):
        return execute
    indexes = _indexes_around(request)

    async def executed(request: ToolCallRequest) -> Any:
        with _shown(indexes, request):
            return await execute(request)

    return executed


def _indexes_around(request: ToolCallRequest) -> UsedIndexes:
    return UsedIndexes(scratchpad_of(request).interrupt_counter)


@contextmanager
def _shown(indexes: UsedIndexes, request: ToolCallRequest) -> Iterator[None]:
    """Begin an attempt, in which code around the tool sees the same resume values as in the one before it."""
    indexes.rewind()
    token = var_child_runnable_config.set(_counting(request.runtime.config, indexes))
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)


def _counting(config: Any, indexes: UsedIndexes) -> Any:
    own = replace(config["configurable"][SCRATCHPAD], interrupt_counter=indexes.count)
    return {**config, "configurable": {**config["configurable"], SCRATCHPAD: own}}


def scratchpad_of(request: ToolCallRequest) -> Any:
    """Return LangGraph's record of the resume values for the task of this call, None outside a graph."""
    return _scratchpad_in(getattr(request.runtime, "config", None))


def _scratchpad_in(config: Any) -> Any:  # a PregelScratchpad, which LangGraph does not export
    return None if config is None else config.get("configurable", {}).get(SCRATCHPAD)
