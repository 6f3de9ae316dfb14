"""What the function of a tool uses: the objects that it can reach, and its source."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any  # a tool works with whatever it likes

from langchain_core.tools import BaseTool

#: How deep to follow calls, from the tool's function to those of its module and to the parts of objects.
_DEEPEST = 4

_METHODS = frozenset({"_run", "_arun", "func", "coroutine"})


@dataclass(frozen=True, slots=True)
class Reach:
    """What a tool uses.

    Attributes:
        things: The objects other than functions.
        functions: The functions, the tool's own first.
    """

    things: tuple[Any, ...]
    functions: tuple[Callable[..., Any], ...]

    def calls(self) -> Iterator[tuple[ast.Call, dict[str, str]]]:
        """Yield the calls in the source of the functions, where it is available, and the texts that it names."""
        for function in self.functions:
            texts = {name: value for name, value in _variables_of(function).items() if isinstance(value, str)}
            for node in ast.walk(_tree_of(function)):
                if isinstance(node, ast.Call):
                    yield node, texts


def reach_of(tool: BaseTool) -> Reach:
    """Return what `tool` uses."""
    seen: dict[int, Any] = {}
    for name in _METHODS:
        start = vars(tool).get(name) or vars(type(tool)).get(name)
        if start is not None:
            _follow(start, getattr(start, "__module__", ""), 0, seen)
    for value in vars(tool).values():
        if not callable(value):
            _follow(value, type(tool).__module__, 1, seen)
    functions = tuple(each for each in seen.values() if inspect.isfunction(each))
    return Reach(tuple(each for each in seen.values() if not inspect.isfunction(each)), functions)


def _follow(thing: Any, module: str, depth: int, seen: dict[int, Any]) -> None:
    if id(thing) in seen or depth > _DEEPEST or isinstance(thing, str | bytes | int | float | type | None):
        return
    seen[id(thing)] = thing
    for part in _parts_of(thing, module):
        _follow(part, module, depth + 1, seen)


def _parts_of(thing: Any, module: str) -> list[Any]:
    if isinstance(thing, partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if inspect.ismethod(thing):
        return [thing.__self__, thing.__func__]
    if inspect.isfunction(thing):
        return _named_in(thing, module)
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, list | tuple | set):
        return list(thing)
    # Look into objects of the application; those of libraries are what the search is for.
    return list(_attributes(thing).values()) if type(thing).__module__ == module else []


def _named_in(function: Callable[..., Any], module: str) -> list[Any]:
    # Functions of other modules would lead through whole libraries.
    named = _variables_of(function).values()
    own = [each for each in named if not inspect.isfunction(each) or each.__module__ == module]
    return [*own, getattr(function, "__wrapped__", None)]


def _variables_of(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        found = inspect.getclosurevars(function)
    except (TypeError, ValueError):  # a variable that is not set yet
        return {}
    return {**found.globals, **found.nonlocals}


def _attributes(thing: Any) -> dict[str, Any]:
    slots = [name for cls in type(thing).__mro__ for name in vars(cls).get("__slots__", ())]
    held = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    return {**held, **getattr(thing, "__dict__", {})}


def _tree_of(function: Callable[..., Any]) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # a lambda in the middle of a line, or no file
        return ast.Module(body=[], type_ignores=[])
