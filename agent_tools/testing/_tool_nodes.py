"""Finds the tool nodes of an agent at any depth: in graphs, chains, and functions and tools that call agents."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

from agent_tools._handler import ToolErrorHandler

#: Where runnables keep what they run: bindings, sequences, parallels, fallbacks.
_PARTS = ("bound", "steps", "steps__", "runnable", "fallbacks")

#: Where nodes and tools keep their function.
_FUNCTIONS = ("func", "afunc", "coroutine")


def tool_nodes_in(agent: object) -> list[ToolNode]:
    """Return the tool nodes that `agent` runs, each once.

    Raises:
        TypeError: No tool node was found.
    """
    nodes = list(_walk(agent, {}))
    if not nodes:
        raise TypeError(f"no tool node was found in {type(agent).__name__}: pass the node itself or the compiled graph")
    return nodes


def _walk(thing: object, seen: dict[int, object]) -> Iterator[ToolNode]:
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # kept alive, since the id of a freed object may be reused
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


def handlers_of(node: ToolNode) -> list[ToolErrorHandler]:
    """Return the handlers behind a tool node: its own, and those of the middleware that wraps its calls."""
    return list(_handlers_in(vars(node), {}))


def _handlers_in(thing: object, seen: dict[int, object]) -> Iterator[ToolErrorHandler]:
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, ToolErrorHandler):
        yield thing
    for part in _wrapped_in(thing):
        yield from _handlers_in(part, seen)


def _wrapped_in(thing: Any) -> Iterable[object]:  # whatever wraps a tool call
    if isinstance(thing, Mapping):
        return thing.values()
    if isinstance(thing, list | tuple):
        return thing
    if isinstance(thing, partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if inspect.ismethod(thing):
        owner = thing.__self__
        return [thing.__func__, owner if isinstance(owner, ToolErrorHandler) else getattr(owner, "handler", None)]
    if inspect.isfunction(thing):
        return [cell.cell_contents for cell in thing.__closure__ or () if _is_set(cell)]
    return []


def _is_set(cell: Any) -> bool:  # types.CellType, whose contents are untyped
    try:
        cell.cell_contents  # noqa: B018  # asks whether it is set
    except ValueError:
        return False
    return True


def _attribute(thing: Runnable[Any, Any], name: str) -> Any:  # whatever is kept there
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001  # `with_fallbacks` looks it up in what it wraps, and evaluates its annotations
        return None


def _named_in(function: Callable[..., Any]) -> list[object]:
    """Return what `function` uses that may be an agent or lead to one.

    Only its own functions are followed: those of its module would lead through the whole program.
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
