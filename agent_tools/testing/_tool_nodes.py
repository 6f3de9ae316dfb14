"""The tool nodes of an agent, however deep: in graphs, in chains, in functions and tools that call agents."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

#: Where runnables keep what they run: bindings, sequences, parallels, fallbacks.
_PARTS = ("bound", "steps", "steps__", "runnable", "fallbacks")

#: Where nodes and tools keep the function they are made of.
_FUNCTIONS = ("func", "afunc", "coroutine")


def tool_nodes_in(agent: object) -> list[ToolNode]:
    """Return the tool nodes that `agent` runs, each once.

    Raises:
        TypeError: There is none to be found.
    """
    nodes = [node for each in _runnables_in(agent) for node in _walk(each, set())]
    if not nodes:
        raise TypeError(
            f"no tool node was found in {type(agent).__name__}: give the node itself, or the compiled graph"
        )
    return nodes


def _walk(runnable: Runnable[Any, Any], seen: set[int]) -> Iterator[ToolNode]:
    if id(runnable) in seen:
        return
    seen.add(id(runnable))
    if isinstance(runnable, ToolNode):
        yield runnable
    for part in _parts_of(runnable):
        yield from _walk(part, seen)


def _parts_of(runnable: Runnable[Any, Any]) -> Iterator[Runnable[Any, Any]]:
    if isinstance(runnable, ToolNode):
        yield from runnable.tools_by_name.values()
        return
    if isinstance(runnable, Pregel):
        yield from (node.bound for node in runnable.nodes.values())
        return
    for name in _PARTS:
        yield from _runnables_in(getattr(runnable, name, None))
    for name in _FUNCTIONS:
        yield from _used_by(getattr(runnable, name, None))


def _runnables_in(value: object) -> list[Runnable[Any, Any]]:
    """Return `value` if it is a runnable, those in it if it holds several."""
    if isinstance(value, Runnable):
        return [value]
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [each for each in values if isinstance(each, Runnable)]


def _used_by(function: Any) -> Iterator[Runnable[Any, Any]]:  # whatever a node was made of
    """Yield the runnables that `function` calls: by their names, as a method, or held by name in a mapping."""
    if isinstance(function, partial):
        for given in (*function.args, *function.keywords.values()):
            yield from _runnables_in(given)
        yield from _used_by(function.func)
    elif inspect.ismethod(function):
        yield from _runnables_in(function.__self__)
        yield from _used_by(function.__func__)
    elif inspect.isfunction(function):
        for value in _values_named_in(function):
            yield from _runnables_in(getattr(value, "__self__", value))


def _values_named_in(function: Callable[..., Any]) -> list[object]:
    try:
        found = inspect.getclosurevars(inspect.unwrap(function))
    except (TypeError, ValueError):  # nothing of Python, or a variable that is not set yet
        return []
    return [*found.nonlocals.values(), *found.globals.values()]
