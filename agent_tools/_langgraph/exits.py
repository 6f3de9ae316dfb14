"""Async tools that call `sys.exit`.

LangChain awaits `_arun` in a task of its own, and a task that ends with `SystemExit` ends the event loop with it,
whoever awaits the task. So the error must not leave `_arun`: what runs is a twin of the tool, which shares all its
attributes and raises a `CleanError` instead. An exit that a signal requests passes.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache, wraps
from inspect import signature
from types import new_class
from typing import Any, get_type_hints

from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph import private_names

#: Where pydantic keeps what an object is made of.
_PARTS = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def twin_of(tool: BaseTool) -> BaseTool:
    """Return the twin of `tool`, or `tool` itself if its exits do not end the event loop, or cannot be caught."""
    kind = None if vars(tool).get("coroutine", tool) is None else _twin_class(type(tool))  # None runs in a thread
    return tool if kind is None else _sharing(tool, kind)


def survivable(request: ToolCallRequest) -> ToolCallRequest:
    """Return the `request` so that the event loop outlives an exit of its tool."""
    tool = request.tool
    if tool is None or (twin := twin_of(tool)) is tool:
        return request
    return request.override(tool=twin)


def survived(arun: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return `arun`, the method of a tool, so that an exit becomes a `CleanError`."""

    @wraps(arun)
    async def exits_caught(*args: Any, **kwargs: Any) -> Any:
        try:
            return await arun(*args, **kwargs)
        except SystemExit as error:
            from agent_tools._langgraph.clean_errors import stand_in_for  # noqa: PLC0415  # loaded when one exits

            raised = stand_in_for(error)
        try:
            raise raised  # not above, or the original would be its context
        finally:
            del raised

    with suppress(Exception):  # LangChain reads both in each call; worked out once, the call takes a third less time
        exits_caught.__signature__, exits_caught.__annotations__ = signature(arun), get_type_hints(arun)  # type: ignore[attr-defined]  # of any function
    return exits_caught


@lru_cache(maxsize=512)
def _twin_class(kind: type[BaseTool]) -> type[BaseTool] | None:
    """Return a class that passes for `kind`, None for one that is no tool or cannot be shared."""
    if not issubclass(kind, BaseTool) or any(vars(each).get("__slots__") for each in _own_classes(kind)):
        return None
    body = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__class__": property(lambda _self: kind),
        "__reduce_ex__": lambda self, protocol: _sharing(self, kind).__reduce_ex__(protocol),
        private_names.ARUN: survived(kind._arun),  # noqa: SLF001  # the documented hook
    }
    with suppress(Exception):  # the class may refuse to have others below it
        return new_class(kind.__name__, (kind,), exec_body=lambda space: space.update(body))
    return None


def _own_classes(kind: type[BaseTool]) -> list[type]:
    return [each for each in kind.__mro__ if each not in BaseTool.__mro__]


def _sharing(tool: BaseTool, kind: type[BaseTool]) -> BaseTool:
    """Return an object of `kind` whose attributes are those of `tool`."""
    twin = kind.__new__(kind)
    for part in _PARTS:
        object.__setattr__(twin, part, getattr(tool, part))
    return twin
