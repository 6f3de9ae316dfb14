"""Twins of tools, which run in their place.

A twin shares all attributes of its tool and differs in two ways. LangChain awaits `_arun` in a task of its own, and a
task that ends with `SystemExit` ends the event loop with it, whoever awaits the task: the twin raises a `CleanError`
instead, unless a signal requests the exit. And LangChain reads the signature and the type hints of `_run` or `_arun` in
each call, which takes up to a fifth of its time: the twin's are worked out once for all tools of a class.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache, wraps
from inspect import signature
from types import new_class
from typing import Any, TypeVar, get_type_hints

from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph import private_names

Method = TypeVar("Method", bound=Callable[..., Any])

#: Where pydantic keeps what an object is made of.
_PARTS = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def twin_of(tool: BaseTool) -> BaseTool:
    """Return the twin of `tool`, or `tool` itself if it can have none."""
    kind = _twin_class(type(tool))
    return tool if kind is None else _sharing(tool, kind)


def with_twin(request: ToolCallRequest) -> ToolCallRequest:
    """Return the `request` with the twin of its tool."""
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

    return _described(exits_caught)


def _passed_on(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    def passed_on(*args: Any, **kwargs: Any) -> Any:
        return run(*args, **kwargs)

    return _described(passed_on)


def _described(function: Method) -> Method:
    """Return `function` with what LangChain asks about it worked out."""
    with suppress(Exception):
        described: Any = function  # any function: a signature can be set
        described.__signature__, described.__annotations__ = signature(function), get_type_hints(function)
    return function


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
        private_names.RUN: _passed_on(kind._run),  # noqa: SLF001  # the documented hooks
        private_names.ARUN: survived(kind._arun),  # noqa: SLF001  # the same
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
