"""The tool nodes of an agent, however deep: in graphs, in chains, in functions and tools that call agents."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    nodes = list(_walk(agent, {}))
    if not nodes:
        raise TypeError(
            f"no tool node was found in {type(agent).__name__}: give the node itself, or the compiled graph"
        )
    return nodes


def _walk(thing: object, seen: dict[int, object]) -> Iterator[ToolNode]:
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # kept, since the id of what is gone may come back
    if isinstance(thing, ToolNode):
        yield thing
    for part in _parts_of(thing):
        yield from _walk(part, seen)


def _parts_of(thing: Any) -> Iterable[object]:  # whatever an agent is made of
    if isinstance(thing, ToolNode):
        return thing.tools_by_name.values()
    if isinstance(thing, Pregel):
        return [node.bound for node in thing.nodes.values()]
    if isinstance(thing, Runnable):
        parts = (part for name in _PARTS for part in _runnables_in(_attribute(thing, name)))
        return [*parts, *(_attribute(thing, name) for name in _FUNCTIONS)]
    if isinstance(thing, partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if inspect.ismethod(thing):
        return [thing.__self__, thing.__func__]
    return _named_in(thing) if inspect.isfunction(thing) else []


def _attribute(thing: Runnable[Any, Any], name: str) -> Any:  # whatever is kept there
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001  # `with_fallbacks` looks it up in what it wraps, and evaluates its annotations
        return None


def _named_in(function: Callable[..., Any]) -> list[object]:
    """Return what `function` works with that may be an agent, or lead to one.

    Functions are followed where they are its own. To follow those of its module would lead through the whole program.
    """
    try:
        found = inspect.getclosurevars(inspect.unwrap(function))
    except (TypeError, ValueError):  # a variable that is not set yet
        return []
    own, shared = found.nonlocals.values(), found.globals.values()
    return [*own, *(each for value in (*own, *shared) for each in _runnables_in(value))]


def _runnables_in(value: object) -> list[object]:
    """Return `value` if it is a runnable or a method of one, and the runnables in it if it holds several."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [each for each in value if isinstance(each, Runnable)]
    owner = getattr(value, "__self__", value)
    return [owner] if isinstance(owner, Runnable) else []
